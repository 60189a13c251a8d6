"""What a tagger that teaches is asked, and the labels of a student and of a teacher with another order."""

import torch

from helpers.models import tiny_inputs

ROWS = torch.zeros(3, 12, dtype=torch.bool)
ROWS[0, 1] = ROWS[2, 7] = True
NAMES = {"id2label": {0: "O", 1: "B", 2: "I"}, "label2id": {"O": 0, "B": 1, "I": 2}}
PERMUTED = {"id2label": {0: "I", 1: "O", 2: "b"}, "label2id": {"I": 0, "O": 1, "b": 2}}


def inputs():
    """Inputs for models that read `cased_tokenizer`."""
    return tiny_inputs(vocab_size=300)
