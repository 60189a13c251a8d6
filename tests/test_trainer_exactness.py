"""One batch of 16, four of 4, two ranks of 8 and a killed and resumed run all end in the same weights."""

import pickle
from functools import cache

import pytest
import torch
from transformers import TrainerCallback

from helpers.toys import TASKS, largest_difference, make_toy, make_trainer, mean_answer, routed, unpickle, weights_of
from helpers.two_ranks import on_two_ranks

# Four epochs of three steps: the shortest run that saves twice and is killed after that in mid-epoch.
SHORT = {"examples": 48, "max_steps": 12, "logging_steps": 4}
OPTIMIZERS = {
    "sgd": {"dtype": torch.float32},
    "adamw": {"dtype": torch.float64, "optim": "adamw_torch", "learning_rate": 1e-3},
}
HIDDEN = ("masked-lm", "hidden states alone")  # leaves the head without a gradient
ROUTED = ("tagging", "routed")
CASES = [(task, optimizer) for task in TASKS for optimizer in OPTIMIZERS]


class Begin(TrainerCallback):
    """Notes the step at which a run begins."""

    def on_train_begin(self, args, state, control, **kwargs):
        self.step = state.global_step


@pytest.fixture(scope="module")
def pickled():
    """A toy for every task and optimizer; its second teacher has a tokenizer and a hidden size of its own."""
    toys = {case: make_toy(case[0], **OPTIMIZERS[case[1]], **SHORT, hidden_state_weight=0.5) for case in CASES}
    hidden = {"soft_target_weight": 0.0, "hard_label_weight": 0.0, "hidden_state_weight": 1.0}
    toys[HIDDEN] = make_toy("masked-lm", **SHORT, **hidden)
    toys[ROUTED] = routed(make_toy("tagging", **SHORT, hidden_state_weight=0.5))
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
        trainer = make_trainer(toys[case], tmp_path_factory.mktemp("run"), compute_metrics=mean_answer)
        trainer.train()
        return trainer

    return train


@pytest.fixture(scope="module")
def pickles(pickled, tmp_path_factory):
    """The file of the pickled toys, for other processes."""
    path = tmp_path_factory.mktemp("toys") / "toys.pkl"
    path.write_bytes(pickle.dumps(pickled))
    return path


@pytest.fixture(scope="module")
def two_ranks(pickles, fork_server, tmp_path_factory):
    """What two ranks made of every toy."""
    folder = tmp_path_factory.mktemp("ranks")
    code = f"""
import pickle
from pathlib import Path
from helpers.two_ranks import train_on_rank
train_on_rank(pickle.loads(Path({str(pickles)!r}).read_bytes()), Path({str(folder)!r}, f"{{rank}}.pkl"))
"""
    on_two_ranks(fork_server, folder, code)
    return [pickle.loads((folder / f"{rank}.pkl").read_bytes()) for rank in range(2)]


@pytest.fixture(scope="module")
def killed(pickles, fork_server, tmp_path_factory):
    """The folder of runs that were killed at step 9 of 12, three steps to an epoch, and saved at steps 4 and 8."""
    folder = tmp_path_factory.mktemp("killed")
    for task in TASKS:
        with fork_server.fork() as victim, pytest.raises(RuntimeError, match="the process ended"):
            victim.run(f"""
import pickle
from pathlib import Path
from helpers.killed_run import train_and_die
toys = pickle.loads(Path({str(pickles)!r}).read_bytes())
train_and_die(toys[{task!r}, "adamw"], Path({str(folder / task)!r}))
""")
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


@pytest.mark.parametrize("case", [*CASES, HIDDEN, ROUTED], ids="-".join)
def test_two_ranks_change_nothing(case, whole_batches, two_ranks):
    whole = whole_batches(case)
    for rank in two_ranks:
        assert rank[case]["world_size"] == 2
        assert rank[case]["looks for unused weights"] is (case == HIDDEN)
        assert largest_difference(weights_of(whole), rank[case]["weights"]) < 1e-6
    for alone, together in zip(whole.state.log_history[:-1], two_ranks[0][case]["logs"][:-1], strict=False):
        assert alone == pytest.approx(together, rel=1e-4, abs=1e-6)


@pytest.mark.parametrize("task", TASKS)
def test_two_ranks_report_the_same_evaluation_although_examples_are_repeated_to_fill_the_last_batch(
    task, whole_batches, two_ranks
):
    alone, together = whole_batches((task, "adamw")).evaluate(), two_ranks[0][task, "adamw"]["evaluation"]
    names = [name for name in alone if "loyalty" in name or "_loss" in name or "_mean" in name]
    assert len(names) > 6 and ("eval_mean/ensemble" in names) is (task != "masked-lm")
    assert {name: alone[name] for name in names} == pytest.approx({name: together[name] for name in names}, rel=1e-4)


@pytest.mark.parametrize("task", TASKS)
def test_two_ranks_compare_the_same_answers(task, whole_batches, two_ranks):
    trainer = whole_batches((task, "adamw"))
    trainer.evaluate()
    alone, together = trainer.compared_answers(), two_ranks[0][task, "adamw"]["answers"]
    assert (alone.confusion, alone.by_label) == (together.confusion, together.by_label) and alone.disagreements
    for model, bins in alone.confidence.items():
        assert sum(bins, []) == pytest.approx(sum(together.confidence[model], []), rel=1e-4)
    assert (alone.numbers is None) == (together.numbers is None)
    for model, numbers in alone.numbers.said.items() if alone.numbers else ():
        assert sorted(numbers) == pytest.approx(sorted(together.numbers.said[model]), rel=1e-4)
    assert sorted(each.parts for each in alone.disagreements) == sorted(each.parts for each in together.disagreements)


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
    assert losses[0][12] == losses[1][12]
