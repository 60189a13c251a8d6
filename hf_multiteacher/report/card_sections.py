"""The parts of a model card that depend on the run: tables, the snippet, training time, versions."""

import json
import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from ..models.task import TASKS
from .card_data import DistillationCardData, Evaluation
from .tables import Figure, figures_table, table

HYPER_PARAMETERS = (
    *("temperature", "soft_target_weight", "hard_label_weight", "hidden_state_weight", "layer_map", "ensemble"),
    *("teacher_weighting", "distill_positions", "teacher_dtype", "learning_rate", "lr_scheduler_type", "warmup_steps"),
    *("optim", "adam_beta1", "adam_beta2", "adam_epsilon", "weight_decay", "max_grad_norm"),
    *("per_device_train_batch_size", "gradient_accumulation_steps", "num_train_epochs", "max_steps"),
    *("label_smoothing_factor", "bf16", "fp16", "seed"),
)
SIZES = {
    "parameters": "Parameters",
    "megabytes": "MB",
    "latency_ms": "Latency, ms",
    "latency_ratio": "Latency, student = 1",
    "memory_mb": "Peak memory, MB",
}
COVERAGE = {
    "spans": "Share of spans that take part",
    "masked_spans": "Share of masked spans",
    "probability_mass": "Share of probability in shared outcomes",
}
EXAMPLES = {
    "en": ("Bucharest is the [MASK] of Romania.", "capital"),
    "ro": ("București este [MASK] României.", "capitala"),
}
LOWER_IS_BETTER = ("loss", "perplexity", "mse", "mae")
PACKAGES = ("hf-multiteacher", "transformers", "torch", "tokenizers", "datasets", "accelerate", "peft", "safetensors")


def measures(data: DistillationCardData) -> dict[str, dict[str, Figure]]:
    """Turn the evaluations round: heading of the measure -> model -> figure."""
    turned: dict[str, dict[str, Figure]] = {}
    for evaluation in data.evaluations:
        part = _part(evaluation, data.evaluations)
        for model, figures in evaluation.figures.items():
            for metric, figure in figures.items():
                heading = f"{part}{metric}{' ↓' if metric in LOWER_IS_BETTER else ''}"
                turned.setdefault(heading, {})[model] = figure
    return turned


def _part(evaluation: Evaluation, others: Sequence[Evaluation]) -> str:
    """What tells an evaluation from the others: its data set, the part of it, or both."""
    if len(others) == 1:
        return ""
    datasets = [each.dataset for each in others]
    if datasets.count(evaluation.dataset) == 1 or not evaluation.split:
        return f"{evaluation.dataset}: "
    return f"{evaluation.split}: " if len(set(datasets)) == 1 else f"{evaluation.dataset} ({evaluation.split}): "


def quality_table(data: DistillationCardData) -> str:
    """Every model's figures on every task, the student first."""
    headings = measures(data)
    models = dict.fromkeys([data.name, *(model for figures in headings.values() for model in figures)])
    rows = {model: {heading: figures.get(model) for heading, figures in headings.items()} for model in models}
    return figures_table("Model", {heading: heading for heading in headings}, rows)


def measured_on(data: DistillationCardData) -> str:
    """One sentence on the data behind the quality figures."""
    parts: dict[str, list[str]] = {}
    for evaluation in data.evaluations:
        parts.setdefault(evaluation.dataset, []).extend([evaluation.split] if evaluation.split else [])
    if not parts:
        return "The quality was not measured in this run."
    said = [f"{dataset} ({', '.join(splits)})" if splits else dataset for dataset, splits in parts.items()]
    return f"Measured on {', '.join(said)}. Higher is better, except where ↓ stands."


def loyalty_table(data: DistillationCardData) -> str:
    """The student's loyalty to each teacher and to the ensemble."""
    keys = dict.fromkeys(key for row in data.loyalty.values() for key in row)
    return figures_table("Loyalty to", {key: key.replace("_", " ").capitalize() for key in keys}, data.loyalty)


def size_table(data: DistillationCardData) -> str:
    """Parameters, size, latency and memory of every model."""
    return figures_table("Model", SIZES, data.sizes)


def coverage_table(data: DistillationCardData) -> str:
    """What share of the text each teacher could teach."""
    return figures_table("Teacher", COVERAGE, data.coverage)


def on_the_hub(teacher: Mapping[str, Any]) -> bool:
    """Whether a teacher of the manifest has a commit on the Hub; a local one has a hash over its weights instead."""
    return not teacher["revision"].startswith("sha256:")


def teacher_table(data: DistillationCardData) -> str:
    """The teachers with revision, weight, tokenizer and precision."""
    weights = data.arguments.get("teacher_weights") or [1] * len(data.teachers)
    rows = []
    for teacher, weight in zip(data.teachers, weights, strict=True):
        name, revision = teacher["name"], f"not on the Hub; weights `{_short(teacher['revision'])}`"
        if on_the_hub(teacher):
            address = f"https://huggingface.co/{teacher['id']}"
            name = f"[{teacher['id']}]({address})"
            revision = f"[`{_short(teacher['revision'])}`]({address}/tree/{teacher['revision']})"
        tokenizer = f"`{_short(teacher['tokenizer'])}`" if teacher["tokenizer"] else "— (not known)"
        rows.append([name, revision, f"{weight / sum(weights):.4g}", tokenizer, teacher["dtype"]])
    return table(["Teacher", "Revision", "Weight", "Tokenizer (SHA-256)", "Ran in"], rows)


def _short(fingerprint: str) -> str:
    return fingerprint.removeprefix("sha256:")[:12]


def hyper_parameter_table(data: DistillationCardData) -> str:
    """Objective and optimizer, as they were set."""
    names = [name for name in HYPER_PARAMETERS if data.arguments.get(name) is not None]
    if not names:
        return "— (the arguments were not recorded)"
    return table(["Argument", "Value"], [[f"`{name}`", f"`{data.arguments[name]}`"] for name in names])


def training_time(data: DistillationCardData) -> str:
    """How long training took, as the trainer logged it."""
    for entry in reversed(data.log_history):
        if "train_runtime" in entry:
            first, last = entry.get("first_step", 0), entry["step"]
            said = f"{entry['train_runtime']:,.1f} s for {last - first:,} optimizer steps"
            return (
                f"{said}, from step {first:,} on, where it was resumed"
                if first
                else (f"{said} ({entry['epoch']:.4g} epochs)")
            )
    return "— (not recorded)"


def snippet(data: DistillationCardData, adapter: bool) -> str:
    """Python that loads the student from the Hub and runs it once, as it stands."""
    task = TASKS[data.task]
    lines, model = ["from transformers import pipeline", ""], f'"{data.repo_id}"'
    if adapter and data.labels:  # an adapter carries no label names, and without their number its head does not fit
        lines = [f"from transformers import {task.auto_class.__name__}, AutoTokenizer, pipeline", ""]
        names = dict(enumerate(data.labels))
        numbers = {label: number for number, label in names.items()}
        lines.append(
            f"model = {task.auto_class.__name__}.from_pretrained({model}, id2label={names}, label2id={numbers})"
        )
        model = f"model=model, tokenizer=AutoTokenizer.from_pretrained({model})"
    else:
        model = f"model={model}"
    text = data.example or _example(data)
    call = json.dumps(
        text if isinstance(text, str) else dict(zip(("text", "text_pair"), text, strict=True)), ensure_ascii=False
    )
    lines.append(f'student = pipeline("{task.pipeline}", {model})')
    if task.over_vocabulary:
        lines.append("mask = student.tokenizer.mask_token")
        call += '.replace("[MASK]", mask)'
    return "\n".join([*lines, f"print(student({call}))"])


def _example(data: DistillationCardData) -> str:
    text, word = EXAMPLES["ro" if "ro" in data.languages else "en"]
    return text.replace("[MASK]", "[MASK]" if TASKS[data.task].over_vocabulary else word)


def versions() -> str:
    """The packages that made the student, so that it can be made again."""
    rows = [["python", platform.python_version()]]
    for package in PACKAGES:
        try:
            rows.append([package, version(package)])
        except PackageNotFoundError:  # an optional package, or a checkout that is not installed
            continue
    return table(["Package", "Version"], rows)
