"""What memory there is, and what is said where it is too little."""

from pathlib import Path

import pytest
import torch

from helpers.toys import make_toy, make_trainer
from hf_multiteacher.training.preflight import memory
from hf_multiteacher.training.preflight.as_it_was import as_it_was
from hf_multiteacher.training.preflight.trial import try_one

CPU = torch.device("cpu")


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A machine with 8 GB available to a process that has 1 GB; its container can be told another limit."""
    (tmp_path / "meminfo").write_text("MemTotal: 99 kB\nMemAvailable:    8000000 kB\n")
    monkeypatch.setattr(memory, "MEMINFO", tmp_path / "meminfo")
    monkeypatch.setattr(memory, "CGROUPS", (tmp_path / "max",))
    monkeypatch.setattr(memory, "process_memory", lambda: 1024 * 1_000_000)
    return tmp_path


def test_room_is_what_the_machine_leaves_and_the_container_allows(machine):
    assert memory.Room.of(CPU) == memory.Room(1024 * 9_000_000, 1024 * 8_000_000)
    (machine / "max").write_text("max\n")
    assert memory.Room.of(CPU).total == 1024 * 9_000_000
    (machine / "max").write_text(f"{1024 * 3_000_000}\n")
    assert memory.Room.of(CPU) == memory.Room(1024 * 3_000_000, 1024 * 2_000_000)


@pytest.mark.parametrize(("gigabytes", "level"), [(1, "ok"), (8.9, "warning"), (20, "stop")])
def test_what_is_needed_is_compared_with_what_there_is(machine, gigabytes, level):
    finding = memory.memory_finding(int(gigabytes * 1e9), CPU)
    assert finding.level == level and bool(finding.do) == (level != "ok")


def test_nothing_is_claimed_where_the_system_does_not_say(monkeypatch):
    monkeypatch.setattr(memory, "MEMINFO", Path("/nowhere"))
    assert "nothing is known" in memory.memory_finding(1, CPU).says
    assert memory.too_little(10**15, CPU, "It takes") is None


@pytest.mark.parametrize(("optimizer", "times"), [("sgd", 1), ("adamw_torch", 3)])
def test_gradients_and_the_optimizers_states_are_counted(optimizer, times, tmp_path):
    trainer = make_trainer(make_toy("tagging"), tmp_path, optim=optimizer)
    weights = sum(weight.numel() * 4 for weight in trainer.model.parameters())
    assert memory.bytes_of_states(trainer) == times * weights


def test_what_a_forward_keeps_grows_with_the_example_and_leaves_out_the_weights(tmp_path):
    trainer = make_trainer(make_toy("tagging"), tmp_path)
    rows = sorted(trainer.train_dataset, key=lambda row: len(row["input_ids"]))
    with as_it_was(trainer):
        short, long = (try_one(trainer, row).saved_bytes for row in (rows[0], rows[-1]))
    ratio = len(rows[-1]["input_ids"]) / len(rows[0]["input_ids"])
    assert ratio / 2 < long / short < ratio * 2
