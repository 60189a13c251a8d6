"""How large and how fast models are, measured side by side."""

import os
import platform
import tempfile
import time
from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from torch import nn

from ..models.task import adapters_of
from .peak_memory import NOT_MEASURED, peak_bytes

TOO_FAST = "the reference took less time than the clock can tell"
MEGABYTE = 2**20  # as in the published sizes of the Romanian models


def compare(
    models: Mapping[str, nn.Module],
    inputs: Mapping[str, Mapping[str, torch.Tensor]],
    *,
    reference: str,
    rounds: int = 20,
) -> dict[str, dict[str, Any]]:
    """Measure every model: one row each for the card's table of size and speed.

    Args:
        models: Name -> model, all on one device.
        inputs: Name -> the same batch of text as that model's tokenizer gives it, tensors of [batch, length].
        reference: The model, usually the student, whose latency is 1.
        rounds: Timed passes per model.

    Returns:
        Name -> `parameters`, `megabytes` (2^20 bytes), and what `compare_speed` gives.

    Raises:
        ValueError: A model has no inputs, the reference is none of the models, or there is no round.
    """
    speed = compare_speed(models, inputs, reference=reference, rounds=rounds)
    return {name: {**size_of(model), **speed[name]} for name, model in models.items()}


def size_of(model: nn.Module) -> dict[str, float]:
    """Return how large a model is: `parameters`, and `megabytes` (2^20 bytes) of them as 32-bit floats.

    Of a PEFT model the megabytes are those of the adapter's file.
    """
    count = count_parameters(model)
    megabytes = 4 * count / MEGABYTE if adapters_of(model) is None else saved_megabytes(model)
    return {"parameters": count, "megabytes": megabytes}


def compare_speed(
    models: Mapping[str, nn.Module],
    inputs: Mapping[str, Mapping[str, torch.Tensor]],
    *,
    reference: str,
    rounds: int = 20,
) -> dict[str, dict[str, Any]]:
    """Measure how fast models are and what memory they need, the models taking turns; arguments as for `compare`.

    Returns:
        Name -> `latency_ms` (the median) and `latency_p95_ms` of one pass, `texts_per_second` at the median,
        `latency_ratio` (to the reference) and `memory_mb`; what cannot be measured is a string with the reason.

    Raises:
        ValueError: As for `compare`.
    """
    _check(models, inputs, reference, rounds)
    times = timed_passes(models, inputs, rounds=rounds)
    medians = {name: median(seconds) for name, seconds in times.items()}

    return {
        name: {
            "latency_ms": 1000 * medians[name],
            "latency_p95_ms": 1000 * float(np.percentile(times[name], 95)),
            "latency_ratio": medians[name] / medians[reference] if medians[reference] else TOO_FAST,
            "texts_per_second": _batch_size(inputs[name]) / medians[name] if medians[name] else TOO_FAST,
            "memory_mb": peak_megabytes(model, inputs[name]),
        }
        for name, model in models.items()
    }


def _check(models: Mapping[str, nn.Module], inputs: Mapping[str, Any], reference: str, rounds: int) -> None:
    """Refuse what would fail once everything is measured."""
    missing = [name for name in models if name not in inputs]
    if missing:
        raise ValueError(
            f"benchmark.compare expects a batch for each model, but there is none for {', '.join(missing)}: inputs "
            f"has {', '.join(inputs) or 'nothing'}. Use the same names in both."
        )
    if reference not in models:
        raise ValueError(
            f"benchmark.compare expects one of the models as reference, but got '{reference}'. It is one of "
            f"{', '.join(models)}."
        )
    if rounds < 1:
        raise ValueError(f"benchmark.compare expects rounds from 1 on, got {rounds}: there would be nothing to time.")


def count_parameters(model: nn.Module) -> int:
    """Count the parameters; one that is tied to another counts once."""
    return sum(parameter.numel() for parameter in model.parameters())


def saved_megabytes(model: Any) -> float:
    """Save the weights as 32-bit safetensors and weigh the files, in 2^20 bytes (of a PEFT model: the adapter's)."""
    if any(parameter.dtype != torch.float32 for parameter in model.parameters()):
        model = deepcopy(model).float()

    with tempfile.TemporaryDirectory() as folder:
        model.save_pretrained(folder)
        return sum(path.stat().st_size for path in Path(folder).glob("*.safetensors")) / MEGABYTE


def latencies(
    models: Mapping[str, nn.Module], inputs: Mapping[str, Mapping[str, torch.Tensor]], *, rounds: int = 20
) -> dict[str, float]:
    """Return the median seconds of one pass of each model, without gradients, in evaluation mode."""
    times = timed_passes(models, inputs, rounds=rounds)
    return {name: median(seconds) for name, seconds in times.items()}


def timed_passes(
    models: Mapping[str, nn.Module], inputs: Mapping[str, Mapping[str, torch.Tensor]], *, rounds: int
) -> dict[str, list[float]]:
    """Time one forward pass of each model in turn, over and over, so that a busy machine slows all of them alike.

    Returns:
        Name -> the seconds of each pass, without gradients, in evaluation mode.
    """
    times: dict[str, list[float]] = {name: [] for name in models}
    for number in range(rounds + 2):
        for name, model in models.items():
            seconds = _timed_pass(model, inputs[name])
            if number >= 2:  # the first passes allocate and compile
                times[name].append(seconds)

    return times


def peak_megabytes(model: nn.Module, inputs: Mapping[str, torch.Tensor]) -> float | str:
    """Measure the most memory that one forward pass takes, weights included, in 2^20 bytes."""
    device = next(model.parameters()).device
    most = peak_bytes(lambda: _timed_pass(model, inputs), device)
    if most is None:
        return NOT_MEASURED

    weights = sum(tensor.numel() * tensor.element_size() for tensor in [*model.parameters(), *model.buffers()])
    return (most + weights) / MEGABYTE


def _batch_size(inputs: Mapping[str, torch.Tensor]) -> int:
    return len(next(iter(inputs.values())))


def describe_machine(device: torch.device | str = "cpu") -> str:
    """Say what a measurement ran on: processor, threads, GPU, versions; no host or user name."""
    device = torch.device(device)
    if device.type == "cuda":
        return f"{torch.cuda.get_device_name(device)}, CUDA {torch.version.cuda}, PyTorch {torch.__version__}"
    threads = f"{torch.get_num_threads()} of {os.cpu_count()} logical cores"
    return f"{_processor()}, {threads}, {platform.system()}, PyTorch {torch.__version__}"


def _timed_pass(model: nn.Module, inputs: Mapping[str, torch.Tensor]) -> float:
    training, device = model.training, next(model.parameters()).device
    batch = {key: tensor.to(device) for key, tensor in inputs.items()}
    model.eval()
    _wait_for(device)

    start = time.perf_counter()
    with torch.no_grad():
        model(**batch)
    _wait_for(device)
    seconds = time.perf_counter() - start

    model.train(training)
    return seconds


def _wait_for(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _processor() -> str:
    """Name of the processor; Linux tells it only in /proc/cpuinfo."""
    file = Path("/proc/cpuinfo")
    lines = file.read_text().splitlines() if file.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
