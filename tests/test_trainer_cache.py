"""A run whose teachers' outputs are kept on disk is the same run, and asks them once."""

import contextlib

import pytest
import torch

from helpers.toys import TASKS, largest_difference, make_toy, make_trainer, weights_of
from hf_multiteacher import Teacher

WEIGHTED = ("fixed", "confidence", "entropy")


@contextlib.contextmanager
def counted(toy):
    """Count the forwards of the toy's teachers, whose encoders say that they run."""
    calls = []
    encoders = [teacher.model.base_model.embeddings for teacher in toy.teachers]
    hooks = [each.register_forward_hook(lambda *_: calls.append(1)) for each in encoders]
    try:
        yield calls
    finally:
        for hook in hooks:
            hook.remove()


def trained(toy, folder, **changes):
    trainer = make_trainer(toy, folder, **changes)
    trainer.train()
    return weights_of(trainer), trainer


def evaluated(trainer):
    return {name: value for name, value in trainer.evaluate().items() if "loss" in name or "loyalty" in name}


@pytest.mark.parametrize("hidden", [0.0, 0.5])
@pytest.mark.parametrize("task", TASKS)
def test_it_is_the_run_that_the_live_teachers_give(task, hidden, tmp_path):
    arguments = {"hidden_state_weight": hidden, "mask_rounds": 2, "max_steps": 13}
    live, first = trained(make_toy(task), tmp_path, **arguments)

    for dtype, tolerance in (("float32", 1e-6), ("float16", 1e-3)):
        cache = {"teacher_cache": str(tmp_path / dtype), "teacher_cache_dtype": dtype}
        kept, trainer = trained(make_toy(task), tmp_path, **arguments, **cache)

        assert largest_difference(live, kept) < tolerance
        assert evaluated(trainer) == pytest.approx(evaluated(first), abs=5e-2)


@pytest.mark.parametrize("task", TASKS)
def test_a_second_run_asks_nobody_and_gives_the_very_same(task, tmp_path):
    toy, arguments = make_toy(task), {"teacher_cache": str(tmp_path), "max_steps": 13, "hidden_state_weight": 0.5}
    trainer = make_trainer(toy, tmp_path, **arguments)
    trainer.train()
    scores = trainer.evaluate()

    with counted(toy) as calls:
        again = make_trainer(toy, tmp_path, **arguments)
        before = len(calls)
        again.train()
        scores_again = again.evaluate()

    assert len(calls) == before
    assert largest_difference(weights_of(trainer), weights_of(again)) == 0
    assert {name: value for name, value in scores.items() if "loyalty" in name} == {
        name: value for name, value in scores_again.items() if "loyalty" in name
    }


def test_another_seed_and_another_student_read_the_same_outputs(tmp_path):
    toy = make_toy("single-label")
    make_trainer(toy, tmp_path, teacher_cache=str(tmp_path), max_steps=12).train()

    with counted(toy) as calls:
        other = make_trainer(toy, tmp_path, teacher_cache=str(tmp_path), max_steps=12, seed=5, temperature=4.0)
        before = len(calls)
        other.train()

    assert len(calls) == before


def test_masks_repeat_after_their_rounds(tmp_path):
    toy = make_toy("masked-lm", examples=32)
    arguments = {"teacher_cache": str(tmp_path), "max_steps": 10, "report_loyalty": False}  # two steps an epoch

    with counted(toy) as calls:
        trainer = make_trainer(toy, tmp_path, mask_rounds=2, **arguments)
        before = len(calls)
        trainer.train()

    assert len(calls) - before == 2 * 2 * 2  # rounds, steps, teachers


@pytest.mark.parametrize("weighting", WEIGHTED)
def test_weights_of_teachers_see_what_is_read(weighting, tmp_path):
    seen = {}

    for name in ("cold", "warm"):
        toy = make_toy("tagging", same_tokenizer=True, teacher_weighting=weighting)
        trainer = make_trainer(toy, tmp_path, teacher_cache=str(tmp_path / "cache"), max_steps=7)
        trainer.train()
        seen[name] = weights_of(trainer)

    assert largest_difference(seen["cold"], seen["warm"]) == 0


def saved(toy, folder):
    """Teachers as folders, which a run loads itself."""
    for teacher in toy.teachers:
        teacher.model.save_pretrained(folder / teacher.name)
        teacher.tokenizer.save_pretrained(folder / teacher.name)
    return [Teacher(folder / teacher.name, name=teacher.name) for teacher in toy.teachers]


@pytest.mark.parametrize("task", TASKS)
def test_teachers_that_have_said_all_are_not_loaded(task, tmp_path):
    toy = make_toy(task)
    teachers, arguments = saved(toy, tmp_path), {"teacher_cache": str(tmp_path / "cache"), "max_steps": 6}
    first = make_trainer(toy, tmp_path, teachers=teachers, **arguments)
    first.train()

    again = make_trainer(toy, tmp_path, teachers=teachers, **arguments)
    again.train()

    assert all(teacher.asleep for teacher in again.teachers)
    assert largest_difference(weights_of(first), weights_of(again)) == 0
    assert first.teachers.manifest() == again.teachers.manifest()


def test_a_teacher_wakes_up_where_something_is_missing(tmp_path):
    toy = make_toy("masked-lm")
    teachers, cache = saved(toy, tmp_path), {"teacher_cache": str(tmp_path / "cache")}
    make_trainer(toy, tmp_path, teachers=teachers, max_steps=1, **cache).train()

    trainer = make_trainer(toy, tmp_path, teachers=teachers, max_steps=3, seed=9, **cache)
    trainer.train()
    fresh = make_trainer(toy, tmp_path, teachers=teachers, max_steps=3, seed=9, teacher_cache=str(tmp_path / "other"))
    fresh.train()

    assert not any(teacher.asleep for teacher in trainer.teachers)
    assert largest_difference(weights_of(trainer), weights_of(fresh)) < 1e-6


def test_another_teacher_in_the_same_folder_is_another_teacher(tmp_path):
    toy = make_toy("single-label")
    teachers, cache = saved(toy, tmp_path), {"teacher_cache": str(tmp_path / "cache"), "max_steps": 6}
    make_trainer(toy, tmp_path, teachers=teachers, **cache).train()

    with torch.no_grad():
        toy.teachers[1].model.classifier.bias[0] += 1
    saved(toy, tmp_path)
    trainer = make_trainer(toy, tmp_path, teachers=teachers, **cache)

    assert [teacher.asleep for teacher in trainer.teachers] == [True, False]
