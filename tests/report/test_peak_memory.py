"""The most memory that some work takes."""

from pathlib import Path

import pytest
import torch

from hf_multiteacher.report.peak_memory import peak_bytes, process_memory, process_peak

CPU = torch.device("cpu")
MANY = 64 * 2**20
linux = pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="needs /proc, which Linux has")


@linux
def test_what_was_given_back_counts_too():
    most = peak_bytes(lambda: torch.ones(MANY // 4).sum(), CPU)
    assert MANY * 0.9 < most < MANY * 1.5


@linux
def test_what_was_there_before_does_not_count():
    kept = torch.ones(MANY // 4)
    assert peak_bytes(lambda: kept.sum(), CPU) < MANY / 4


def test_a_system_that_does_not_say_gives_none(monkeypatch):
    monkeypatch.setattr("hf_multiteacher.report.peak_memory.STATUS", Path("/nowhere"))
    assert (peak_bytes(lambda: None, CPU), process_memory(), process_peak()) == (None, None, None)
