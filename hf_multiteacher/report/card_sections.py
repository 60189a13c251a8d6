"""What a model card says, section by section: each figure is one method of `Card`, and one place in the template."""

import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any
from urllib.parse import quote

from ..models.task import TASKS, Task
from .card_arguments import objective_terms, shown_arguments
from .card_data import DistillationCardData, Evaluation
from .card_summary import lower_is_better, summary
from .markdown_text import code, code_block, plain
from .tables import Figure, figures_table, table

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
SECOND_TEXTS = {"en": "It is the largest city of the country.", "ro": "Este cel mai mare oraș al țării."}
PACKAGES = ("hf-multiteacher", "transformers", "torch", "tokenizers", "datasets", "accelerate", "peft", "safetensors")
LOYALTIES = {
    "label_loyalty": "Label loyalty: the share of rows on which both choose the same label.",
    "probability_loyalty": "Probability loyalty: 1 minus the mean Jensen-Shannon distance of their distributions.",
    "regression_loyalty": "Regression loyalty: the Pearson correlation of their outputs.",
}
USER_TEXT_START = (
    "<!-- Your own text: what stands between these two comments is kept when the card is written again. -->"
)
USER_TEXT_END = "<!-- End of your own text. -->"


@dataclass(frozen=True)
class Card:
    """The card as its template reads it: one method per section.

    Methods and not properties, because Jinja takes an `AttributeError` in a property for a section that is empty.

    Args:
        data: What was measured.
        charts: File names of the images for `quality`, `loyalty` and `training`; a missing one is not shown.
        adapter_of: Hub id of the base model when the student is a PEFT adapter; empty where it is not known.
    """

    data: DistillationCardData
    charts: Mapping[str, str]
    adapter_of: str | None = None

    # ---- What it is ----

    def name(self) -> str:
        """The student's name."""
        return plain(self.data.name)

    def pipeline(self) -> str:
        """The Hub's name of its task, and transformers' name of the pipeline that runs it."""
        return self._task.pipeline

    def kind(self) -> str:
        """What one loads it as, and what it needs to run."""
        if self.adapter_of is None:
            return "Transformers model and needs nothing else to run"

        base = code(self.adapter_of) if self.adapter_of else "the model that it was trained on"
        return f"PEFT adapter and runs on its base, {base}"

    def languages(self) -> str:
        """The codes of its languages; empty when they are not known."""
        return plain(", ".join(self.data.languages))

    def teacher_count(self) -> str:
        """How many taught it."""
        count = len(self.data.teachers)
        return "one teacher" if count == 1 else f"{count} teachers at once"

    def labels(self) -> str:
        """What it tells apart; empty where that is the vocabulary, or one number."""
        return ", ".join(code(label) for label in self.data.labels)

    def summary(self) -> str:
        """What a reader wants to know first: quality kept, speed and size beside the teachers'."""
        return "\n".join(f"- {heading}: {figure}" for heading, figure in summary(self.data).items())

    def snippet(self) -> str:
        """Python that loads the student from the Hub and runs it once, as it stands."""
        if self.adapter_of == "":
            return self._load_on_unknown_base()

        head = self._head()
        lines = self._load_adapter(head) if self.adapter_of and head else self._load_model()
        call = _string(self._example())

        if self._task.over_vocabulary:
            lines.append("mask = student.tokenizer.mask_token")
            call += '.replace("[MASK]", mask)'

        return "\n".join([*lines, f"print(student({call}))"])

    @property
    def _task(self) -> Task:
        return TASKS[self.data.task]

    def _load_model(self) -> list[str]:
        return [
            "from transformers import pipeline",
            "",
            f'student = pipeline("{self.pipeline()}", model={_string(self.data.repo_id)})',
        ]

    def _load_on_unknown_base(self) -> str:
        """Python that puts the adapter on a base that only its maker has."""
        lines = [
            "from peft import PeftModel",
            "",
            "def load(base):",
            '    """Give it the model that the adapter was trained on; it was made in memory and has no name."""',
            f"    return PeftModel.from_pretrained(base, {_string(self.data.repo_id)})",
        ]
        return "\n".join(lines)

    def _head(self) -> dict[str, Any]:
        """Tell what the configuration of an adapter's base does not: the labels, and what the logits mean."""
        names = dict(enumerate(self.data.labels))
        labels = {"id2label": names, "label2id": {label: number for number, label in names.items()}} if names else {}
        if not self.data.problem_type:
            return labels

        number = {} if names else {"num_labels": 1}
        return {**labels, **number, "problem_type": self.data.problem_type}

    def _load_adapter(self, head: Mapping[str, Any]) -> list[str]:
        """Without the number of its labels the head does not fit, without their meaning the pipeline misreads it."""
        auto_class, repo_id = self._task.auto_class.__name__, _string(self.data.repo_id)
        tokenizer = f"AutoTokenizer.from_pretrained({repo_id})"
        given = ", ".join(f"{name}={value!r}" for name, value in head.items())

        return [
            f"from transformers import {auto_class}, AutoTokenizer, pipeline",
            "",
            f"model = {auto_class}.from_pretrained({repo_id}, {given})",
            f'student = pipeline("{self.pipeline()}", model=model, tokenizer={tokenizer})',
        ]

    def _example(self) -> str | dict[str, str]:
        example = self.data.example or self._default_example()
        if isinstance(example, str):
            return example
        text, text_pair = example
        return {"text": text, "text_pair": text_pair}

    def _default_example(self) -> str | tuple[str, str]:
        language = "ro" if "ro" in self.data.languages else "en"
        sentence, word = EXAMPLES[language]
        if self._task.over_vocabulary:
            return sentence

        text = sentence.replace("[MASK]", word)
        return (text, SECOND_TEXTS[language]) if self.data.pairs and not self._task.token_level else text

    # ---- What was measured ----

    def measured_on(self) -> str:
        """One sentence on the data behind the quality figures."""
        splits: dict[str, list[str]] = {}
        for evaluation in self.data.evaluations:
            splits.setdefault(evaluation.dataset, []).extend([evaluation.split] if evaluation.split else [])

        parts = [f"{dataset} ({', '.join(names)})" if names else dataset for dataset, names in splits.items()]
        told = self.data.measured_on or ", ".join(parts)
        lower = any("↓" in heading for heading in measures(self.data))
        better = "Higher is better, except where ↓ stands." if lower else "Higher is better."
        return " ".join([f"Measured on {plain(told)}. {better}", *self._not_answered()])

    def _not_answered(self) -> list[str]:
        """Say which teachers were measured on a part of the words."""
        return [
            f"{plain(name)} is measured on the {100 * share:.4g} % of the words that its tokenizer keeps."
            for evaluation in self.data.evaluations
            for name, share in evaluation.answered.items()
        ]

    def quality(self) -> str:
        """Every model's figures on every task, the student first."""
        headings = measures(self.data)
        models = dict.fromkeys([self.data.name, *(model for figures in headings.values() for model in figures)])
        rows = {model: {heading: figures.get(model) for heading, figures in headings.items()} for model in models}
        return _figures("Model", {heading: heading for heading in headings}, rows)

    def loyalty(self) -> str:
        """The student's loyalty to each teacher and to the ensemble."""
        keys = dict.fromkeys(key for row in self.data.loyalty.values() for key in row)
        headings = {key: key.replace("_", " ").capitalize() for key in keys}
        return _figures("Loyalty to", headings, self.data.loyalty)

    def loyalty_measures(self) -> str:
        """What the kinds of loyalty that were measured are."""
        keys = {key for row in self.data.loyalty.values() for key in row}
        return " ".join(text for measure, text in LOYALTIES.items() if any(key.endswith(measure) for key in keys))

    def how_measured(self) -> str:
        """What size and speed are, and what speed was measured on."""
        text = "MB are 2^20 bytes of weights in 32-bit floats."
        if not any("latency_ms" in row for row in self.data.sizes.values()):
            return text

        machine = f" Measured on {plain(self.data.machine)}." if self.data.machine else ""
        latency = "Latency is the median of forward passes on one batch of text, the models taking turns."
        return f"{text} {latency}{machine}"

    def sizes(self) -> str:
        """Parameters, size, latency and memory of every model."""
        return _figures("Model", SIZES, self.data.sizes)

    # ---- How it was made ----

    def teachers(self) -> str:
        """The teachers with revision, weight, tokenizer and precision."""
        weights = self.data.arguments.get("teacher_weights") or [1] * len(self.data.teachers)
        total = sum(weights) or 1  # of arguments that no run has checked
        shares = [weight / total for weight in weights]
        rows = [_teacher_row(teacher, share) for teacher, share in zip(self.data.teachers, shares, strict=True)]
        return table(["Teacher", "Revision", "Weight", "Tokenizer (SHA-256)", "Ran in"], rows)

    def coverage(self) -> str:
        """What share of the text each teacher could teach."""
        return _figures("Teacher", COVERAGE, self.data.coverage)

    def training_is_known(self) -> bool:
        """Whether there is anything to say of the training."""
        return bool(self.training_data() or self.hyper_parameters() or self.data.log_history)

    def training_data(self) -> str:
        """What it was trained on, in words; empty where nobody said it."""
        return plain(self.data.training_data or ", ".join(self.data.datasets))

    def objective(self) -> str:
        """What it was trained to minimise."""
        terms = objective_terms(self.data.arguments, self.data.problem_type)
        if not terms:
            return ""

        notes = {
            "T²": "`T` is the temperature.",
            "hard loss": "The hard loss is that of the labels.",
            "cosine": "The cosine is that of hidden states.",
        }
        return " ".join([f"It minimises `{terms}`.", *(note for part, note in notes.items() if part in terms)])

    def hyper_parameters(self) -> str:
        """Objective and optimizer, as they were set; empty where that is not known."""
        data = self.data
        arguments = shown_arguments(data.arguments, self._task, len(data.teachers), data.problem_type)
        rows = [[code(name), code(value)] for name, value in arguments.items()]
        return table(["Argument", "Value"], rows) if rows else ""

    def training_time(self) -> str:
        """How long training took, as the trainer logged it; empty where it did not, or had nothing left to do."""
        ends = [entry for entry in self.data.log_history if "train_runtime" in entry]
        first_step = ends[-1].get("first_step", 0) if ends else 0
        if not ends or ends[-1]["step"] == first_step:
            return ""

        last = ends[-1]
        time = f"{last['train_runtime']:,.1f} s for {last['step'] - first_step:,} optimizer steps"
        if first_step:
            return f"{time}, from step {first_step:,} on, where it was resumed"
        return f"{time} ({last['epoch']:.4g} epochs)"

    def command(self) -> str:
        """The command that made it; empty where nobody said it."""
        return code_block(self.data.command, "bash") if self.data.command else ""

    def versions(self) -> str:
        """The packages that made the student, so that it can be made again."""
        rows = [["python", platform.python_version()]]
        for package in PACKAGES:
            try:
                rows.append([package, version(package)])
            except PackageNotFoundError:  # an optional package, or a checkout that is not installed
                continue

        return table(["Package", "Version"], rows)

    def place_for_user_text(self) -> str:
        """The two comments between which the user may write."""
        return f"{USER_TEXT_START}\n{USER_TEXT_END}"


def measures(data: DistillationCardData) -> dict[str, dict[str, Figure]]:
    """Turn the evaluations round: heading of the measure -> model -> figure."""
    turned: dict[str, dict[str, Figure]] = {}
    for evaluation in data.evaluations:
        part = _part(evaluation, data.evaluations)

        for model, figures in evaluation.figures.items():
            for metric, figure in figures.items():
                heading = f"{part}{metric}{' ↓' if lower_is_better(metric) else ''}"
                turned.setdefault(heading, {})[model] = figure

    return turned


def on_the_hub(teacher: Mapping[str, Any]) -> bool:
    """Whether a teacher of the manifest has a commit on the Hub; a local one has a hash over its weights instead."""
    return not teacher["revision"].startswith("sha256:")


def _part(evaluation: Evaluation, others: Sequence[Evaluation]) -> str:
    """What tells an evaluation from the others: its data set, the part of it, or both."""
    if len(others) == 1:
        return ""

    datasets = [each.dataset for each in others]
    if datasets.count(evaluation.dataset) == 1 or not evaluation.split:
        return f"{evaluation.dataset}: "
    if len(set(datasets)) == 1:
        return f"{evaluation.split}: "
    return f"{evaluation.dataset} ({evaluation.split}): "


def _teacher_row(teacher: Mapping[str, Any], share: float) -> list[str]:
    revision = code(_short(teacher["revision"]))
    tokenizer = code(_short(teacher["tokenizer"])) if teacher["tokenizer"] else "not known"
    name, place = plain(teacher["name"]), f"not on the Hub; weights {revision}"

    if on_the_hub(teacher):
        address = f"https://huggingface.co/{quote(teacher['id'])}"
        name = f"[{plain(teacher['id'])}]({address})"
        place = f"[{revision}]({address}/tree/{quote(teacher['revision'])})"

    divided = f", logits divided by {teacher['temperature']:g}" if "temperature" in teacher else ""
    return [name, place, f"{share:.4g}", tokenizer, plain(teacher["dtype"]) + divided]


def _figures(corner: str, columns: Mapping[str, str], rows: Mapping[str, Mapping[str, Figure]]) -> str:
    """Write a table of figures whose names and reasons are shown as they are."""
    headings = {key: plain(heading) for key, heading in columns.items()}
    shown = {
        plain(name): {key: plain(figure) if isinstance(figure, str) else figure for key, figure in row.items()}
        for name, row in rows.items()
    }
    return figures_table(corner, headings, shown)


def _string(value: str | dict[str, str]) -> str:
    """Write text, or texts by name, as Python reads them."""
    return json.dumps(value, ensure_ascii=False)


def _short(fingerprint: str) -> str:
    return fingerprint.removeprefix("sha256:")[:12]
