import hashlib
import struct
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from peft import LoraConfig, get_peft_model
from torch import nn
from torch.ao import quantization

from helpers.models import tiny_bert
from hf_multiteacher.teachers import weight_fingerprint


class Holding(nn.Module):
    """A module whose state dict holds what it is given."""

    def __init__(self, **entries):
        super().__init__()
        self.entries = entries

    def state_dict(self, *args, **kwargs):
        return self.entries


def test_it_is_the_one_that_checkpoints_hold():
    entries = {"weight": torch.arange(6.0).reshape(2, 3), "bias": torch.tensor(1, dtype=torch.int64)}
    hashed = b"bias ();" + struct.pack("<q", 1) + b"weight (2, 3);" + struct.pack("<6f", *range(6))
    assert weight_fingerprint(Holding(**entries)) == f"sha256:{hashlib.sha256(hashed).hexdigest()}"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (None, 0),
        (torch.qint8, torch.quint8),
        ((torch.zeros(2), None), (torch.zeros(2), torch.zeros(0))),
        ({"absmax": torch.zeros(2)}, {"absmax": torch.ones(2)}),
        (torch.tensor(1.0), torch.tensor(2.0)),
        (torch.eye(3).to_sparse(), (2 * torch.eye(3)).to_sparse()),
        (torch.eye(3).to_sparse_csr(), (2 * torch.eye(3)).to_sparse_csr()),
        (
            torch.quantize_per_tensor(torch.ones(3), 0.1, 0, torch.qint8),
            torch.quantize_per_tensor(torch.ones(3), 0.2, 0, torch.qint8),
        ),
        (
            torch.quantize_per_channel(torch.ones(2, 2), torch.tensor([0.1, 0.2]), torch.zeros(2), 0, torch.qint8),
            torch.quantize_per_channel(torch.ones(2, 2), torch.tensor([0.1, 0.3]), torch.zeros(2), 0, torch.qint8),
        ),
        ("nf4", "fp4"),
    ],
    ids="none types tuple mapping scalar sparse csr quantised channels string".split(),
)
def test_every_entry_of_a_state_dict_counts(one, other):
    first, again, second = (weight_fingerprint(Holding(entry=entry)) for entry in (one, one, other))
    assert first == again
    assert first != second


def test_strides_do_not_count():
    weight = torch.arange(6.0).reshape(2, 3)
    assert weight_fingerprint(Holding(w=weight.T)) == weight_fingerprint(Holding(w=weight.T.contiguous()))


def test_an_unknown_object_is_told_by_its_type_and_not_by_its_address():
    assert weight_fingerprint(Holding(entry=object())) == weight_fingerprint(Holding(entry=object()))
    assert weight_fingerprint(Holding(entry=object())) != weight_fingerprint(Holding(entry=Holding()))


QUANTISED = """
import torch
from torch.ao import quantization
from helpers.models import tiny_bert
from hf_multiteacher.teachers import weight_fingerprint
print(weight_fingerprint(quantization.quantize_dynamic(tiny_bert("TokenClassification"), {torch.nn.Linear})))
"""


def test_a_quantised_model_has_the_same_one_in_every_process():
    model = tiny_bert("TokenClassification")
    quantised = weight_fingerprint(quantization.quantize_dynamic(model, {nn.Linear}))
    command = [sys.executable, "-W", "ignore", "-c", QUANTISED]
    done = subprocess.run(command, cwd=Path(__file__).parents[1], capture_output=True, text=True, check=True)
    assert done.stdout.strip().splitlines()[-1] == quantised
    model.classifier.weight.data[0] += 1
    assert weight_fingerprint(quantization.quantize_dynamic(model, {nn.Linear})) != quantised


def test_a_compiled_model_is_the_model_that_was_compiled():
    model = tiny_bert("TokenClassification")
    assert weight_fingerprint(torch.compile(model, backend="eager")) == weight_fingerprint(model)
    adapted = get_peft_model(model, LoraConfig(task_type="TOKEN_CLS", r=2, target_modules=["query"]))
    expected = weight_fingerprint(adapted)
    adapted.base_model.model = torch.compile(adapted.base_model.model, backend="eager")
    assert weight_fingerprint(adapted) == expected
