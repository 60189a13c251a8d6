"""One batch of 16, four of 4, two ranks of 8 and a killed and resumed run all end in the same weights."""

import pickle
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
import torch
from transformers import TrainerCallback

from helpers.toys import TASKS, largest_difference, make_toy, make_trainer, tokenizers, unpickle, weights_of

TESTS = Path(__file__).parent
OPTIMIZERS = {
    "sgd": {"dtype": torch.float32},
    "adamw": {"dtype": torch.float64, "optim": "adamw_torch", "learning_rate": 1e-3},
}
HIDDEN = ("masked-lm", "hidden states alone")  # leaves the head without a gradient
CASES = [(task, optimizer) for task in TASKS for optimizer in OPTIMIZERS]


class Begin(TrainerCallback):
    """Notes the step at which a run begins."""

    def on_train_begin(self, args, state, control, **kwargs):
        self.step = state.global_step


@pytest.fixture(scope="module")
def pickled():
    """A toy for every task and optimizer; its second teacher has a tokenizer and a hidden size of its own."""
    pair = tokenizers()
    toys = {case: make_toy(case[0], pair, **OPTIMIZERS[case[1]], hidden_state_weight=0.5) for case in CASES}
    toys[HIDDEN] = make_toy("masked-lm", pair, soft_target_weight=0.0, hard_label_weight=0.0, hidden_state_weight=1.0)
    return {case: pickle.dumps(toy) for case, toy in toys.items()}


@pytest.fixture(scope="module")
def toys(pickled):
    """The toys themselves; a model that has run cannot be pickled any more."""
    return {case: unpickle(toy) for case, toy in pickled.items()}


@pytest.fixture(scope="module")
def whole_batches(toys, tmp_path_factory):
    """The trained trainer of a case, one batch of 16 per step."""

    @cache
    def train(case):
        trainer = make_trainer(toys[case], tmp_path_factory.mktemp("run"))
        trainer.train()
        return trainer

    return train


@pytest.fixture(scope="module")
def two_ranks(pickled, tmp_path_factory):
    """What two ranks made of every toy."""
    folder = tmp_path_factory.mktemp("ranks")
    (folder / "toys.pkl").write_bytes(pickle.dumps(pickled))
    launch = ["-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2", "-m", "helpers.two_ranks"]
    subprocess.run(
        [sys.executable, *launch, str(folder / "toys.pkl"), str(folder)], check=True, timeout=300, cwd=TESTS
    )
    return [pickle.loads((folder / f"{rank}.pkl").read_bytes()) for rank in range(2)]


@pytest.fixture(scope="module")
def killed(pickled, tmp_path_factory):
    """The folder of runs that were killed at step 10 of 20, six steps to an epoch, and saved at steps 4 and 8."""
    folder = tmp_path_factory.mktemp("killed")
    (folder / "toys.pkl").write_bytes(pickle.dumps({task: pickled[task, "adamw"] for task in TASKS}))
    killed_run = [sys.executable, "-m", "helpers.killed_run", str(folder / "toys.pkl"), str(folder)]
    subprocess.run(killed_run, check=True, timeout=300, cwd=TESTS)
    return folder


@pytest.mark.parametrize("case", CASES, ids="-".join)
def test_accumulation_changes_nothing(case, toys, whole_batches, tmp_path):
    accumulated = make_trainer(toys[case], tmp_path, per_device_train_batch_size=4, gradient_accumulation_steps=4)
    start = weights_of(accumulated)
    accumulated.train()
    assert largest_difference(weights_of(whole_batches(case)), weights_of(accumulated)) < 1e-6
    assert largest_difference(start, weights_of(accumulated)) > 1e-2


def test_accumulation_changes_nothing_where_a_model_takes_no_further_arguments(
    toys, whole_batches, tmp_path, monkeypatch
):
    toy = toys["masked-lm", "sgd"]
    monkeypatch.setattr(type(toy.student), "accepts_loss_kwargs", False, raising=False)
    accumulated = make_trainer(toy, tmp_path, per_device_train_batch_size=4, gradient_accumulation_steps=4)
    accumulated.train()
    assert largest_difference(weights_of(whole_batches(("masked-lm", "sgd"))), weights_of(accumulated)) < 1e-6


@pytest.mark.parametrize("case", [*CASES, HIDDEN], ids="-".join)
def test_two_ranks_change_nothing(case, whole_batches, two_ranks):
    whole = whole_batches(case)
    for rank in two_ranks:
        assert largest_difference(weights_of(whole), rank[case]["weights"]) < 1e-6
    for alone, together in zip(whole.state.log_history[:-1], two_ranks[0][case]["logs"][:-1], strict=False):
        assert alone == pytest.approx(together, rel=1e-4, abs=1e-6)


@pytest.mark.parametrize("task", TASKS)
def test_two_ranks_report_the_same_evaluation_although_examples_are_repeated_to_fill_the_last_batch(
    task, whole_batches, two_ranks
):
    alone, together = whole_batches((task, "adamw")).evaluate(), two_ranks[0][task, "adamw"]["evaluation"]
    names = [name for name in alone if "loyalty" in name or "_loss" in name.removeprefix("eval_loss")]
    assert len(names) > 6
    assert {name: alone[name] for name in names} == pytest.approx({name: together[name] for name in names}, rel=1e-4)
    assert together["eval_loss"] == pytest.approx(two_ranks[0][task, "adamw"]["plain_eval_loss"], rel=1e-6)


@pytest.mark.parametrize("task", TASKS)
def test_a_killed_run_resumes_in_mid_epoch_bit_for_bit(task, killed, toys, whole_batches):
    whole = whole_batches((task, "adamw"))
    begin = Begin()
    resumed = make_trainer(toys[task, "adamw"], killed / task, callbacks=[begin])
    resumed.train(resume_from_checkpoint=True)
    assert begin.step == 8
    assert largest_difference(weights_of(whole), weights_of(resumed)) == 0
    losses = [
        {entry["step"]: entry["loss"] for entry in each.state.log_history if "loss" in entry}
        for each in (whole, resumed)
    ]
    assert losses[0][20] == losses[1][20]
