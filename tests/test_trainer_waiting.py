"""A training step waits for no device: who waits for a GPU leaves it idle until the next operation has been sent."""

import pytest
import torch

from helpers.toys import TASKS, make_toy, make_trainer
from helpers.waiting import waits
from hf_multiteacher.losses.joint import _Chunk

WEIGHTED = ("fixed", "confidence", "entropy")


def weightings(task):
    return [each for each in WEIGHTED if (task, each) != ("regression", "entropy")]


def batches_of(trainer, number=1):
    trainer.model.train()
    return trainer.get_batch_samples(iter(trainer.get_train_dataloader()), number, trainer.args.device)[0]


def step_of(trainer, inputs):
    """Do what `Trainer.train` does with a batch before the optimizer's step."""
    trainer.current_gradient_accumulation_steps = 1
    count = trainer._get_num_items_in_batch([inputs], trainer.args.device)
    trainer.training_step(trainer.model, inputs, count)


@pytest.fixture
def as_on_a_gpu(monkeypatch):
    monkeypatch.setattr(_Chunk, "_has_impossible", lambda chunk: True)  # what it looks at on a CPU alone


@pytest.mark.parametrize("hidden", [0.0, 0.5])
@pytest.mark.parametrize("same_tokenizer", [True, False])
@pytest.mark.parametrize("task", TASKS)
def test_nothing_waits_in_a_step(task, same_tokenizer, hidden, tmp_path, as_on_a_gpu):
    for weighting in weightings(task):
        toy = make_toy(task, same_tokenizer=same_tokenizer)
        trainer = make_trainer(toy, tmp_path, hidden_state_weight=hidden, teacher_weighting=weighting)
        inputs = batches_of(trainer)[0]
        with waits() as noted:
            step_of(trainer, inputs)

        assert noted.found == []
        assert noted.of_transformers == 3  # once for the student and for each teacher


@pytest.mark.parametrize("positions", ["labelled", "all"])
def test_nothing_waits_where_a_teacher_is_only_measured(positions, tmp_path, as_on_a_gpu):
    toy = make_toy("tagging")
    trainer = make_trainer(toy, tmp_path, teacher_weights=[1, 0], distill_positions=positions)
    inputs = batches_of(trainer)[0]
    with waits() as noted:
        step_of(trainer, inputs)

    assert noted.found == []


def test_somebody_waits_where_the_batch_is_another_dict(tmp_path, as_on_a_gpu):
    trainer = make_trainer(make_toy("masked-lm"), tmp_path)
    inputs = batches_of(trainer)[0]
    with waits() as noted:
        step_of(trainer, {**inputs})

    assert any("nonzero" in each for each in noted.found)


def test_rows_that_are_found_anew_are_the_same(tmp_path):
    losses = []
    for take in (lambda batch: batch, lambda batch: {**batch}):
        trainer = make_trainer(make_toy("masked-lm"), tmp_path, hidden_state_weight=0.5)
        inputs = take(batches_of(trainer)[0])
        losses.append(trainer.compute_loss(trainer.model, inputs).item())

    assert losses[0] == losses[1]


def test_labels_that_an_override_changes_are_the_ones_that_count(tmp_path):
    trainer = make_trainer(make_toy("masked-lm"), tmp_path, soft_target_weight=0.0, hard_label_weight=1.0)
    inputs = batches_of(trainer)[0]
    before = trainer.compute_loss(trainer.model, inputs).item()
    inputs["labels"][inputs["labels"] >= 0] = 7

    assert trainer.compute_loss(trainer.model, inputs).item() != before


@pytest.mark.parametrize("workers", [0, 1])
def test_rows_come_from_the_collator(workers, tmp_path):
    trainer = make_trainer(make_toy("masked-lm"), tmp_path, dataloader_num_workers=workers)
    inputs = batches_of(trainer)[0]
    finder = trainer.distillation_objective.finder

    assert trainer._prepare_inputs(inputs).rows_for(finder) is not None


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU of CUDA")
@pytest.mark.parametrize("hidden", [0.0, 0.5])
@pytest.mark.parametrize("task", TASKS)
def test_nothing_waits_for_a_gpu(task, hidden, tmp_path):
    toy = make_toy(task)
    for model in (toy.student, *(teacher.model for teacher in toy.teachers)):
        model.set_attn_implementation("eager")  # "sdpa" has transformers look at the mask
    trainer = make_trainer(toy, tmp_path, use_cpu=False, hidden_state_weight=hidden)
    first, second = batches_of(trainer, 2)
    step_of(trainer, first)

    torch.cuda.set_sync_debug_mode("error")
    try:
        step_of(trainer, second)
    finally:
        torch.cuda.set_sync_debug_mode("default")
