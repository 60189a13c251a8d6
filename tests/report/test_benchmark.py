from itertools import cycle
from pathlib import Path

import pytest
import torch
from torch import nn

from helpers.models import tiny_bert
from hf_multiteacher.report.benchmark import (
    compare,
    compare_speed,
    count_parameters,
    describe_machine,
    latencies,
    peak_megabytes,
    saved_megabytes,
)

SPEED = ("latency_ms", "latency_p95_ms", "latency_ratio", "texts_per_second", "memory_mb")
INPUTS = {"input_ids": torch.ones(2, 8, dtype=torch.long)}


class Clock:
    """A clock that stands still until a model moves it, so that no figure depends on how busy the machine is."""

    def __init__(self):
        self.seconds = 0.0

    def __call__(self):
        return self.seconds


class Sleeper(nn.Module):
    """A model that takes the times it is told, in turn, and notes each of its passes."""

    def __init__(self, name, clock, seconds, passes):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))
        self.name, self.clock, self.seconds, self.passes = name, clock, cycle(seconds), passes

    def forward(self, **inputs):
        self.passes.append((self.name, self.training, torch.is_grad_enabled()))
        self.clock.seconds += next(self.seconds)


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr("hf_multiteacher.report.benchmark.time.perf_counter", clock)
    return clock


def test_a_tied_parameter_counts_once():
    model = tiny_bert("MaskedLM")
    decoder, embeddings = model.cls.predictions.decoder.weight, model.bert.embeddings.word_embeddings.weight
    assert decoder is embeddings
    assert count_parameters(model) == sum(p.numel() for p in dict.fromkeys(model.parameters()))
    assert count_parameters(model) < sum(p.numel() for p in model.state_dict().values())


def test_megabytes_are_those_of_the_saved_32_bit_file(tmp_path):
    model = tiny_bert("MaskedLM")
    model.save_pretrained(tmp_path)
    size = (tmp_path / "model.safetensors").stat().st_size
    assert saved_megabytes(model) == size / 2**20
    half = tiny_bert("MaskedLM").to(torch.bfloat16)
    assert saved_megabytes(half) == pytest.approx(size / 2**20, rel=1e-3)
    assert half.dtype == torch.bfloat16, "measuring must not change the model"


def test_models_are_timed_in_turn_in_evaluation_mode_without_gradients(clock):
    passes = []
    models = {name: Sleeper(name, clock, [0.0], passes) for name in "ab"}
    latencies(models, {"a": INPUTS, "b": INPUTS}, rounds=3)
    assert [name for name, _, _ in passes] == ["a", "b"] * 5
    assert not any(training or gradients for _, training, gradients in passes)
    assert all(model.training for model in models.values()), "the model's own mode comes back"


def test_latency_is_the_median_so_one_slow_pass_changes_nothing(clock):
    slow = Sleeper("slow", clock, [0.03], [])
    jumpy = Sleeper("jumpy", clock, [0.001, 0.001, 0.001, 0.001, 0.5], [])
    seconds = latencies({"jumpy": jumpy, "slow": slow}, {"jumpy": INPUTS, "slow": INPUTS}, rounds=9)
    assert seconds == {"jumpy": pytest.approx(0.001), "slow": pytest.approx(0.03)}


def test_the_first_passes_do_not_count(clock):
    passes = []
    settling = Sleeper("settling", clock, [0.3, 0.3, *[0.001] * 8], passes)
    seconds = latencies({"settling": settling}, {"settling": INPUTS}, rounds=1)["settling"]
    assert len(passes) == 3 and seconds == pytest.approx(0.001)


def test_the_comparison_has_a_full_row_per_model_and_one_for_the_reference():
    models = {"student": tiny_bert("MaskedLM", layers=1), "teacher": tiny_bert("MaskedLM", layers=4)}
    rows = compare(models, {"student": INPUTS, "teacher": INPUTS}, reference="student", rounds=5)
    assert rows["student"]["latency_ratio"] == 1
    assert rows["teacher"]["latency_ratio"] == rows["teacher"]["latency_ms"] / rows["student"]["latency_ms"]
    assert rows["teacher"]["parameters"] > rows["student"]["parameters"]
    assert set(rows["student"]) == {"parameters", "megabytes", *SPEED}
    assert rows["student"]["megabytes"] == 4 * rows["student"]["parameters"] / 2**20, "as in the card"


def test_the_slow_passes_are_told_beside_the_median_and_texts_are_counted(clock):
    jumpy = Sleeper("jumpy", clock, [0.0, 0.0, *[0.01] * 9, *[0.03] * 11], [])
    row = compare_speed({"jumpy": jumpy}, {"jumpy": INPUTS}, reference="jumpy", rounds=19)["jumpy"]
    assert row["latency_ms"] == pytest.approx(30) and row["latency_p95_ms"] == pytest.approx(30)
    assert row["texts_per_second"] == pytest.approx(2 / 0.03)


def test_the_95th_percentile_leaves_out_the_slowest_pass_of_many(clock):
    slow_once = Sleeper("slow", clock, [0.0, 0.0, *[0.01] * 99, 5.0], [])
    row = compare_speed({"slow": slow_once}, {"slow": INPUTS}, reference="slow", rounds=99)["slow"]
    assert row["latency_p95_ms"] == pytest.approx(10)


def test_memory_that_cannot_be_measured_says_why(monkeypatch):
    monkeypatch.setattr("hf_multiteacher.report.peak_memory.STATUS", Path("/nowhere"))
    assert "CUDA" in peak_megabytes(tiny_bert("MaskedLM"), INPUTS)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_peak_memory_on_a_gpu_holds_the_weights():
    model = tiny_bert("MaskedLM").cuda()
    weights = sum(p.numel() * 4 for p in model.parameters()) / 2**20
    assert weights < peak_megabytes(model, INPUTS) < weights + 50


def test_the_machine_is_described_without_host_or_user_name(monkeypatch):
    import getpass
    import platform

    monkeypatch.setenv("LOGNAME", "ioana-secret")
    said = describe_machine()
    assert torch.__version__ in said and platform.node() not in said and getpass.getuser() not in said
    assert str(Path.home()) not in said


@pytest.mark.parametrize(
    ("inputs", "reference", "rounds", "says"),
    [
        ({"student": INPUTS}, "student", 2, "there is none for teacher: inputs has student"),
        ({"student": INPUTS, "teacher": INPUTS}, "pupil", 2, "got 'pupil'. It is one of student, teacher"),
        ({"student": INPUTS, "teacher": INPUTS}, "student", 0, "rounds from 1 on, got 0"),
    ],
)
def test_what_cannot_be_compared_is_said_before_anything_is_measured(clock, inputs, reference, rounds, says):
    passes = []
    models = {name: Sleeper(name, clock, [0.1], passes) for name in ("student", "teacher")}
    with pytest.raises(ValueError, match=says):
        compare(models, inputs, reference=reference, rounds=rounds)
    assert not passes


def test_a_reference_that_takes_no_time_gives_no_ratio(clock):
    models = {name: Sleeper(name, clock, [seconds], []) for name, seconds in (("student", 0.0), ("teacher", 0.1))}
    rows = compare(models, dict.fromkeys(models, INPUTS), reference="student", rounds=2)
    assert [row["latency_ratio"] for row in rows.values()] == [
        "the reference took less time than the clock can tell"
    ] * 2
