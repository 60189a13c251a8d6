import pytest
import torch
from transformers.modeling_outputs import Seq2SeqSequenceClassifierOutput, TokenClassifierOutput

from hf_multiteacher.models.outputs import hidden_states_of, logits_of

LOGITS = torch.zeros(2, 3, 4)
STATES = (torch.zeros(2, 3, 8), torch.ones(2, 3, 8))
ATTENTIONS = (torch.zeros(2, 1, 3, 3),)


@pytest.mark.parametrize(
    "outputs",
    [
        TokenClassifierOutput(logits=LOGITS, hidden_states=STATES, attentions=ATTENTIONS),
        {"logits": LOGITS, "hidden_states": STATES},
        (LOGITS, STATES, ATTENTIONS),
        (LOGITS, ATTENTIONS, list(STATES)),
        [LOGITS, STATES],
    ],
    ids=["object", "dictionary", "tuple", "tuple in another order", "list"],
)
def test_logits_and_hidden_states_are_found_in_every_form(outputs):
    assert logits_of(outputs, "it") is LOGITS
    assert [state is expected for state, expected in zip(hidden_states_of(outputs), STATES, strict=True)] == [True] * 2


@pytest.mark.parametrize(
    "outputs",
    [(LOGITS,), {"logits": LOGITS}, Seq2SeqSequenceClassifierOutput(logits=LOGITS, encoder_hidden_states=STATES)],
    ids=["tuple", "dictionary", "encoder and decoder"],
)
def test_hidden_states_may_be_missing(outputs):
    assert hidden_states_of(outputs) is None


@pytest.mark.parametrize(
    ("outputs", "described"),
    [
        ((), r"a tuple of \[\]"),
        ((None, LOGITS), r"a tuple of \['NoneType', 'Tensor'\]"),
        ({"scores": LOGITS}, r"a dict of \['scores'\]"),
        (LOGITS, "a Tensor"),
        (None, "a NoneType"),
    ],
)
def test_what_holds_no_logits_is_described(outputs, described):
    with pytest.raises(ValueError, match=f"the student answers with {described}, where none can be found"):
        logits_of(outputs, "the student")
