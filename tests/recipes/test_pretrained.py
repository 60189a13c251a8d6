"""Pretrained models that a user names: found or refused, and how long a text they read."""

import pytest
import torch

from helpers.models import ARCHITECTURES, tiny_bert, tiny_model
from helpers.saved_encoders import save_encoder
from hf_multiteacher.models.limits import position_limit
from hf_multiteacher.recipes.pretrained import Pretrained, load_tokenizer, shared_limit


@pytest.mark.parametrize(
    "architecture", sorted(set(ARCHITECTURES) - {"modernbert", "deberta-v2", "deberta-v2-new-head"})
)
def test_a_text_of_the_limit_runs_and_a_longer_one_does_not(architecture):
    model = tiny_model(architecture, "MaskedLM")
    limit = position_limit(model.config)
    assert model(torch.full((1, limit), 7)).logits.shape[1] == limit
    with pytest.raises((IndexError, RuntimeError)):
        model(torch.full((1, limit + 1), 7))


def test_a_model_that_says_nothing_of_positions_has_no_limit():
    config = tiny_model("bert", "MaskedLM").config
    config.max_position_embeddings = -1
    assert position_limit(config) > 10**6


@pytest.fixture
def folder(tmp_path, cased_tokenizer):
    save_encoder(tmp_path / "model", cased_tokenizer)
    return tmp_path / "model"


def test_the_smaller_limit_of_tokenizer_and_model_counts(folder):
    model = Pretrained.find(str(folder), "Student")
    assert model.tokenizer.model_max_length == 512
    assert (model.max_length, model.name) == (128, "model")


def test_models_that_read_the_same_texts_share_the_smallest_limit(folder):
    long = Pretrained.find(str(folder), "Student")
    short = Pretrained("short", long.tokenizer, 64)
    assert shared_limit([long, short], None) == 64
    assert shared_limit([long, short], 32) == 32
    with pytest.raises(ValueError, match="max_length is 100, but 'short' reads 64 tokens"):
        shared_limit([long, short], 100)


@pytest.mark.parametrize("length", [3, 0, -5])
def test_a_length_without_room_for_text_is_refused(folder, length):
    model = Pretrained.find(str(folder), "Student")
    assert shared_limit([model], 4) == 4
    with pytest.raises(ValueError, match=f"max_length is {length}, but up to 3 tokens .* no text. Give more"):
        shared_limit([model], length)


def test_what_is_no_model_is_refused_by_its_role(tmp_path, folder):
    with pytest.raises(
        ValueError, match="Student 'no/model' cannot be loaded: .* Correct the path or the id .*auth login"
    ):
        Pretrained.find("no/model", "Student")
    (folder / "config.json").unlink()
    with pytest.raises(ValueError, match="Teacher .* cannot be loaded"):
        Pretrained.find(str(folder), "Teacher")


def test_an_adapter_alone_is_refused_and_one_with_the_configuration_of_its_model_is_not(folder):
    (folder / "adapter_config.json").write_text("{}")
    assert Pretrained.find(str(folder), "Teacher").max_length == 128
    (folder / "config.json").unlink()
    with pytest.raises(ValueError, match="Teacher .* is a PEFT adapter .* merge it into the model"):
        Pretrained.find(str(folder), "Teacher")


def test_a_model_without_a_tokenizer_is_refused(tmp_path):
    tiny_bert("MaskedLM").save_pretrained(tmp_path)
    with pytest.raises(ValueError, match="has no tokenizer beside it|cannot be loaded"):
        load_tokenizer(str(tmp_path))
