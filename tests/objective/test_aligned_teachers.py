import pytest
import torch

from helpers.toys import make_toy, make_trainer, tokenizers
from hf_multiteacher.objective.aligned_teachers import TeacherPanel, expect_hidden_states


@pytest.fixture(scope="module")
def pair():
    return tokenizers()


@pytest.fixture(params=["masked-lm", "tagging", "single-label"])
def asked(request, pair, tmp_path):
    """A panel, a batch and its rows."""
    trainer = make_trainer(make_toy(request.param, pair), tmp_path)
    batch = next(iter(trainer.get_train_dataloader()))
    objective = trainer.distillation_objective
    return trainer, objective.panel, batch, objective.rows(batch)


def test_every_teacher_answers_on_the_students_rows(asked):
    trainer, panel, batch, rows = asked
    if rows.tokens is not None:  # two counterparts change places: the teacher's order is not the student's
        example, place = (rows.has[1].sum(dim=1) > 1).nonzero()[0, 0], batch["teacher_1_positions"]
        places = rows.has[1][example].nonzero()[:, 0]
        place[example, places] = place[example, places].flip(0)
    answers = panel.ask(batch, rows, False)
    assert answers.hidden_states == [None, None]
    for teacher, (source, logits) in enumerate(zip(panel.sources, answers.logits, strict=True)):
        prefix = "" if source is None else f"teacher_{source}_"
        inputs = {name: batch[prefix + name] for name in ("input_ids", "attention_mask", "token_type_ids")}
        with torch.no_grad():
            full = trainer.teachers[teacher].model(**inputs).logits
        if rows.tokens is None:
            torch.testing.assert_close(logits, full)
            continue
        places = rows.tokens.nonzero().tolist()
        assert len(logits) == len(places)
        for row, (example, position) in zip(logits, places, strict=True):
            there = position if source is None else int(batch[f"teacher_{source}_positions"][example, position])
            expected = torch.zeros_like(row) if there < 0 else full[example, there]
            torch.testing.assert_close(row, expected, atol=1e-5, rtol=1e-5)


def test_answers_carry_no_gradient_and_hidden_states_come_on_demand(asked):
    _, panel, batch, rows = asked
    answers = panel.ask(batch, rows, True)
    assert not any(logits.requires_grad for logits in answers.logits)
    assert [len(states) for states in answers.hidden_states] == [3, 3]


def test_weights_are_scaled_to_1_and_a_teacher_of_weight_0_takes_no_part(asked):
    trainer, panel, batch, rows = asked
    panel = TeacherPanel(trainer.model, trainer.teachers, trainer.multi_tokenizer, [0, 5], torch.device("cpu"))
    assert (panel.weights, panel.speaking) == ([0.0, 1.0], [False, True])
    width = panel.ask(batch, rows, False).logits[0].shape[-1]
    targets = panel.compare(rows, torch.zeros(int(rows.mask.sum()), width), panel.ask(batch, rows, False).logits)
    assert targets.has[0].all()
    assert not targets.takes_part[0].any()
    assert torch.equal(targets.takes_part[1], targets.has[1])


def test_a_model_that_gives_no_hidden_states_is_refused(pair, tmp_path, monkeypatch):
    with pytest.raises(ValueError, match="the student gives none"):
        expect_hidden_states("the student", None)
    trainer = make_trainer(make_toy("tagging", pair), tmp_path, hidden_state_weight=0.5)
    forward = trainer.teachers.forward
    monkeypatch.setattr(trainer.teachers, "forward", lambda *args: (forward(*args)[0], None))
    with pytest.raises(ValueError, match="teacher 'first' gives none"):
        trainer.train()
