import pytest
import torch

from helpers.toys import make_toy, make_trainer
from hf_multiteacher.objective.aligned_teachers import AlignedTeachers


@pytest.fixture(params=["masked-lm", "tagging", "single-label"])
def asked(request, pair, tmp_path):
    """The teachers of a trainer, a batch and its rows."""
    trainer = make_trainer(make_toy(request.param, pair), tmp_path)
    batch = next(iter(trainer.get_train_dataloader()))
    objective = trainer.distillation_objective
    return trainer, objective.teachers, batch, objective.rows(batch)


def test_every_teacher_answers_on_the_students_rows(asked):
    trainer, teachers, batch, rows = asked
    if rows.tokens is not None:  # two counterparts change places: the teacher's order is not the student's
        example, place = (rows.available[1].sum(dim=1) > 1).nonzero()[0, 0], batch["teacher_1_positions"]
        places = rows.available[1][example].nonzero()[:, 0]
        place[example, places] = place[example, places].flip(0)
        rows = trainer.distillation_objective.rows(batch)
    outputs = teachers.forward(batch, rows, False)
    assert outputs.hidden_states == [None, None]
    for teacher, (source, logits) in enumerate(zip(teachers.sources, outputs.logits, strict=True)):
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
    _, teachers, batch, rows = asked
    outputs = teachers.forward(batch, rows, True)
    assert not any(logits.requires_grad for logits in outputs.logits)
    assert [len(states) for states in outputs.hidden_states] == [3, 3]


def test_weights_are_scaled_to_1_and_a_teacher_of_weight_0_takes_no_part(asked):
    trainer, teachers, batch, rows = asked
    teachers = AlignedTeachers(trainer.model, trainer.teachers, trainer.multi_tokenizer, [0, 5], torch.device("cpu"))
    assert (teachers.weights, teachers.followed) == ([0.0, 1.0], [False, True])
    logits = teachers.forward(batch, rows, False).logits
    student_logits = torch.zeros(int(rows.mask.sum()), logits[0].shape[-1])
    targets = teachers.align(rows, student_logits, logits, lambda teacher_logits, labels, followed: followed.float())
    assert targets.available[0].all()
    assert not targets.followed[0].any()
    assert torch.equal(targets.followed[1], targets.available[1])
    assert torch.equal(targets.weights, targets.followed.float())


def test_a_model_that_gives_no_hidden_states_is_refused(pair, tmp_path, monkeypatch):
    trainer = make_trainer(make_toy("tagging", pair), tmp_path, hidden_state_weight=0.5)
    model = trainer.teachers[0].model
    forward = model.forward
    monkeypatch.setattr(model, "forward", lambda **inputs: forward(**inputs | {"output_hidden_states": False}))
    with pytest.raises(ValueError, match="teacher 'first' gives none"):
        trainer.train()
