import itertools

import pytest
import torch

from helpers.toys import make_toy, make_trainer
from hf_multiteacher.models.row_forward import RowForward


@pytest.mark.parametrize("task", ["masked-lm", "tagging", "regression"])
def test_logits_of_the_rows_are_those_of_a_plain_forward(task, pair, tmp_path):
    trainer = make_trainer(make_toy(task, pair), tmp_path)
    batch = next(iter(trainer.get_train_dataloader()))
    rows, model = trainer.distillation_objective.rows(batch), trainer.model.eval()
    forward = RowForward(model, "the student")
    full = model(**{name: batch[name] for name in ("input_ids", "attention_mask", "token_type_ids")}).logits
    expected = full if rows.tokens is None else full[rows.tokens]
    index = None if rows.tokens is None else rows.tokens.flatten().nonzero().squeeze(1)
    for whole, known in itertools.product((False, True), (None, index)):
        outputs, logits, _ = forward(model, batch, rows.tokens, index=known, full=whole)
        torch.testing.assert_close(logits, expected, atol=1e-6, rtol=1e-5)
        assert outputs.loss is None
        assert (outputs.logits.shape == full.shape) == (whole or task != "masked-lm")


def test_the_model_given_is_called_and_not_the_one_inside(pair, tmp_path):
    trainer = make_trainer(make_toy("tagging", pair), tmp_path)
    batch = next(iter(trainer.get_train_dataloader()))

    class Wrapped(torch.nn.Module):
        calls = 0

        def forward(self, **inputs):
            self.calls += 1
            return trainer.model(**inputs)

    wrapped = Wrapped()
    trainer.compute_loss(wrapped, batch)
    assert wrapped.calls == 1


def test_a_student_that_gives_no_hidden_states_is_refused(pair, tmp_path, monkeypatch):
    trainer = make_trainer(make_toy("tagging", pair), tmp_path, hidden_state_weight=0.5)
    forward = trainer.model.forward
    monkeypatch.setattr(trainer.model, "forward", lambda **inputs: forward(**inputs | {"output_hidden_states": False}))
    with pytest.raises(ValueError, match="the student gives none"):
        trainer.train()
