"""Checkpoints that were cut off: never taken for whole, passed over by a resume, and the first to go."""

import errno
import json
import pickle
import shutil

import pytest
import torch
from safetensors import SafetensorError
from transformers import DataCollatorForTokenClassification

from helpers.killed_run import SAVING
from helpers.toys import largest_difference, make_toy, make_trainer, unpickle, weights_of
from hf_multiteacher.training import saving
from hf_multiteacher.training.checkpoint import FILES, begin_checkpoint, lacks, newest_whole_checkpoint
from hf_multiteacher.training.saving import CheckpointNotWrittenError

PRECISE = {"dtype": torch.float64, "optim": "adamw_torch", "learning_rate": 1e-3}
CUT = "trainer_state.json, which is written last, is not there or cut short"


@pytest.fixture(scope="module")
def pickled():
    return pickle.dumps(make_toy("tagging", **PRECISE, examples=48, hidden_state_weight=0.5))


@pytest.fixture(scope="module")
def toy(pickled):
    return unpickle(pickled)


@pytest.fixture(scope="module")
def run(toy, tmp_path_factory):
    """A trainer after a run, with checkpoints 2, 4 and 6."""
    trainer = make_trainer(toy, tmp_path_factory.mktemp("run"), **SAVING | {"save_total_limit": None})
    trainer.train()
    return trainer


@pytest.fixture
def folder(run, tmp_path):
    """A copy of the run's folder."""
    return shutil.copytree(run.args.output_dir, tmp_path / "copy")


def cut(path):
    """Leave half of a file."""
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


@pytest.mark.parametrize("after", [9, 27], ids=["half written", "the one before it half deleted"])
def test_a_run_that_was_killed_while_it_saved_goes_on_bit_for_bit(after, pickled, toy, run, fork_server, tmp_path):
    (tmp_path / "toy.pkl").write_bytes(pickled)
    with fork_server.fork() as victim, pytest.raises(RuntimeError, match="the process ended"):
        victim.run(f"""
from pathlib import Path
from helpers.killed_run import train_and_die_while_saving
train_and_die_while_saving(Path({str(tmp_path)!r}, "toy.pkl").read_bytes(), Path({str(tmp_path)!r}), {after})
""")
    half, whole = (4, 2) if after == 9 else (2, 4)
    assert lacks(tmp_path / f"checkpoint-{half}") and not lacks(tmp_path / f"checkpoint-{whole}")

    resumed = make_trainer(toy, tmp_path, **SAVING)
    resumed.train(resume_from_checkpoint=True)
    assert largest_difference(weights_of(run), weights_of(resumed)) == 0
    assert [path.name for path in tmp_path.glob("checkpoint-*")] == ["checkpoint-6"]


@pytest.mark.parametrize(
    ("damage", "missing"),
    [
        (lambda folder: cut(folder / "trainer_state.json"), CUT),
        (begin_checkpoint, CUT),
        (lambda folder: cut(folder / "model.safetensors"), r"model.safetensors has [\d,]+ of [\d,]+ bytes"),
        (lambda folder: (folder / "optimizer.pt").unlink(), "optimizer.pt is not there"),
        (lambda folder: (folder / "scheduler.pt").unlink() or (folder / FILES).unlink(), "scheduler.pt is not there"),
    ],
    ids=["state cut", "not finished", "weights cut", "no optimizer", "no scheduler, no list"],
)
def test_what_is_not_whole_is_refused_by_name_and_passed_over_without(damage, missing, toy, run, folder, caplog):
    damage(folder / "checkpoint-6")
    with pytest.raises(ValueError, match=f"checkpoint-6 is not whole, .*{missing}"):
        make_trainer(toy, folder, **SAVING).train(resume_from_checkpoint=str(folder / "checkpoint-6"))

    assert newest_whole_checkpoint(folder) == str(folder / "checkpoint-4")
    resumed = make_trainer(toy, folder, **SAVING)
    resumed.train(resume_from_checkpoint=True)
    assert "goes on from checkpoint-4. Not whole, and passed over: checkpoint-6 (" in caplog.text
    assert largest_difference(weights_of(run), weights_of(resumed)) == 0


def test_where_no_checkpoint_is_whole_the_run_starts_from_the_beginning(toy, run, folder, caplog):
    for checkpoint in folder.glob("checkpoint-*"):
        begin_checkpoint(checkpoint)
    resumed = make_trainer(toy, folder, **SAVING)
    resumed.train(resume_from_checkpoint=True)
    assert "starts from the beginning. Not whole, and passed over: checkpoint-6 (" in caplog.text
    assert largest_difference(weights_of(run), weights_of(resumed)) == 0


@pytest.mark.parametrize("stream", [False, True])
def test_a_run_that_was_killed_after_its_last_save_takes_no_step_more(stream, toy, tmp_path):
    data = {"train_dataset": toy.train.to_iterable_dataset()} if stream else {}
    trainers = [make_trainer(toy, tmp_path, **SAVING | {"max_steps": 4}, **data) for _ in range(2)]
    trainers[0].train()
    trainers[1].train(resume_from_checkpoint=True)
    assert trainers[1].state.global_step == 4
    assert largest_difference(*map(weights_of, trainers)) == 0


def test_where_there_is_no_checkpoint_a_resume_is_refused_as_in_trainer(toy, tmp_path):
    with pytest.raises(ValueError, match="No valid checkpoint found in output directory"):
        make_trainer(toy, tmp_path).train(resume_from_checkpoint=True)


def test_a_checkpoint_of_before_without_a_list_is_whole(run, folder):
    (folder / "checkpoint-6" / FILES).unlink()
    assert lacks(folder / "checkpoint-6") == []


def test_a_resume_from_the_student_alone_says_that_the_optimizer_starts_anew(tmp_path, caplog):
    toy = make_toy("tagging", examples=32)
    make_trainer(toy, tmp_path, max_steps=1, save_strategy="steps", save_only_model=True).train()
    make_trainer(toy, tmp_path, max_steps=2).train(resume_from_checkpoint=True)
    assert "checkpoint-1 holds the student alone, as save_only_model=True leaves it" in caplog.text


def test_half_checkpoints_do_not_push_a_whole_one_out(toy, run, folder):
    for path in (folder / "checkpoint-6", folder / "checkpoint-40"):
        path.mkdir(exist_ok=True)
        begin_checkpoint(path)
    make_trainer(toy, folder, **SAVING | {"max_steps": 5, "save_steps": 5}).train(resume_from_checkpoint=True)
    assert [path.name for path in folder.glob("checkpoint-*")] == ["checkpoint-5"]
    assert lacks(folder / "checkpoint-5") == []


def test_the_list_names_every_file_with_its_size(run, folder):
    checkpoint = folder / "checkpoint-6"
    listed = json.loads((checkpoint / FILES).read_text())
    assert listed == {path.name: path.stat().st_size for path in checkpoint.iterdir() if path.name != FILES}
    assert {"model.safetensors", "optimizer.pt", "rng_state.pth", "trainer_state.json"} <= listed.keys()


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "No space left on device"),
        (SafetensorError("Error while serializing: I/O error"), "Error while serializing"),
        (
            RuntimeError("PytorchStreamWriter failed writing file data/3:\n file write failed"),
            "writing file data/3: file",
        ),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_full_disk_is_told_in_one_line_with_the_file_and_what_was_saved_stays(
    error, reason, toy, tmp_path, monkeypatch
):
    def fill(self, folder):
        (tmp_path / "checkpoint-2" / "optimizer.pt").write_bytes(b"half")
        raise error

    trainer = make_trainer(toy, tmp_path, max_steps=2, save_strategy="steps", save_steps=1, save_total_limit=1)
    save = type(trainer)._save_optimizer_and_scheduler
    monkeypatch.setattr(
        type(trainer),
        "_save_optimizer_and_scheduler",
        lambda self, folder: (fill if folder.endswith("-2") else save)(self, folder),
    )
    with pytest.raises(
        CheckpointNotWrittenError, match=rf"cannot be written to .*optimizer\.pt \(.*{reason}"
    ) as raised:
        trainer.train()
    assert "\n" not in str(raised.value)
    assert newest_whole_checkpoint(tmp_path) == str(tmp_path / "checkpoint-1")


def test_a_whole_checkpoint_that_is_written_anew_is_not_whole_meanwhile(toy, folder, monkeypatch):
    def fail(self, folder):
        raise OSError(errno.ENOSPC, "No space left on device")

    trainer = make_trainer(toy, folder, **SAVING)
    monkeypatch.setattr(type(trainer), "_save_optimizer_and_scheduler", fail)
    assert not lacks(folder / "checkpoint-6")
    with pytest.raises(CheckpointNotWrittenError):
        trainer.train(resume_from_checkpoint=str(folder / "checkpoint-4"))
    assert lacks(folder / "checkpoint-6")


def test_another_error_while_saving_stays_what_it_is(toy, tmp_path, monkeypatch):
    def fail(folder):
        raise RuntimeError("something else")

    monkeypatch.setattr(saving, "list_files", fail)
    with pytest.raises(RuntimeError, match="^something else$"):
        make_trainer(toy, tmp_path, max_steps=1, save_strategy="steps").train()


def test_without_teachers_checkpoints_are_those_of_trainer(toy, tmp_path):
    data = toy.train.select_columns(["input_ids", "attention_mask", "labels"])
    plain = {"teachers": [], "data_collator": DataCollatorForTokenClassification(toy.tokenizer), "eval_dataset": None}
    arguments = {"max_steps": 2, "save_strategy": "steps", "save_steps": 1, "hidden_state_weight": 0.0}
    make_trainer(toy, tmp_path, train_dataset=data, **plain, **arguments).train()
    assert not (tmp_path / "checkpoint-2" / FILES).exists()

    (tmp_path / "checkpoint-2" / "trainer_state.json").unlink()
    with pytest.raises(FileNotFoundError):
        make_trainer(toy, tmp_path, train_dataset=data, **plain, **arguments).train(resume_from_checkpoint=True)
