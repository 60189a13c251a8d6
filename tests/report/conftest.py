import pytest

from helpers.card_figures import measured_student
from hf_multiteacher.report.card import write_model_card


@pytest.fixture
def data():
    return measured_student()


@pytest.fixture
def card(data, tmp_path):
    return write_model_card(data, tmp_path).read_text()
