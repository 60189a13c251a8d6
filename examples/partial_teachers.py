"""Measure what two teachers teach that each know a part: of the labels (`partial_labels`), of the texts (`taught_by`).

    python examples/partial_teachers.py --data DIR --encoder E                   # both, on RONEC and MOROCO in DIR
    python examples/partial_teachers.py --data DIR --encoder E --what texts      # one of the two
    python examples/partial_teachers.py --data synthetic --encoder E --seeds 1 --max_steps 10 --use_cpu true  # a trial

Labels: of the types of entities, each teacher has learned one half, and read the other as O. Texts: of the topics of
the news whose dialect is asked for, each has learned from one half. The students never see a label: they learn from
other texts what the teachers say about them. All start from the same encoder, without dropout, as none sees a text
often. Prints tables, in percent, and saves figures as JSON, where those of another `--what` stay.
"""

import copy
import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import torch
from datasets import Dataset, concatenate_datasets, disable_progress_bars
from transformers import (
    AutoModelForSequenceClassification,
    AutoModelForTokenClassification,
    AutoTokenizer,
    DataCollatorForTokenClassification,
    EvalPrediction,
    HfArgumentParser,
    Trainer,
    logging,
    set_seed,
)

from hf_multiteacher import DistillationTrainingArguments, MultiTeacherDistillationTrainer, MultiTokenizer, Teacher
from hf_multiteacher.romanian import Task, compute_task_metrics, load_task, read_predictions, split_long_sentences
from hf_multiteacher.tokenization import spaced_words

OWNERS = ["first", "second"]
DEFAULTS = {
    "output_dir": "partial-teachers",
    "learning_rate": 1e-3,
    "warmup_steps": 0.1,
    "per_device_train_batch_size": 8,
    "per_device_eval_batch_size": 64,
    "train_sampling_strategy": "group_by_length",
    "max_steps": 200,
    "soft_target_weight": 1.0,
    "hard_label_weight": 0.0,
    "report_loyalty": False,
    "save_strategy": "no",
    "logging_strategy": "no",
    "report_to": [],
    "disable_tqdm": True,
}
NEVER = -30.0  # a logit that no other one is ever below
Row = dict[str, float]
"""Figures of a model: over everything, and over what each of the teachers knows."""


@dataclass
class ScriptArguments:
    """The script's own flags."""

    data: str = field(metadata={"help": "A folder that holds `ronec` and `moroco` as published, or `synthetic`."})
    encoder: str = field(metadata={"help": "Id or folder of what teachers and students start from."})
    what: list[str] = field(default_factory=lambda: [*EXPERIMENTS], metadata={"help": "`labels`, `texts` or both."})
    seeds: list[int] = field(default_factory=lambda: [1, 2, 3], metadata={"help": "Of heads and order of students."})
    teacher_steps: int = field(default=300, metadata={"help": "Steps of a teacher, as max_steps are of a student."})
    few: int = field(default=200, metadata={"help": "Labelled examples of a student that learns from labels alone."})
    measured: int = field(default=1000, metadata={"help": "Texts or sentences to measure on, at most."})
    max_length: int = field(default=64, metadata={"help": "Tokens at most; texts are cut, sentences split."})


# ---- What all trainings have in common ----


@dataclass
class Bench:
    """Trains models that start from one encoder, and asks them."""

    task: Task
    script: ScriptArguments
    args: DistillationTrainingArguments
    tokenizer: Any

    def encode(self, data: Dataset) -> Dataset:
        """Encode texts or words; a column `taught_by` stays beside them."""
        column = "words" if self.task.definition.tagging else "text"
        options = {column: column, "labels": "labels", "max_length": self.script.max_length}
        others = [name for name in data.column_names if name != "taught_by"]
        encode = MultiTokenizer(self.tokenizer, []).encode
        return data.map(encode, batched=True, fn_kwargs=options, remove_columns=others)

    def fine_tune(self, data: Dataset, names: Sequence[str], steps: int | None = None) -> Any:
        """Train a model on labels alone."""
        args = replace(self.args, max_steps=steps or self.args.max_steps)
        trainer = self._plain(self._new_model(names), args, data)
        trainer.train()
        return trainer.model

    def distil(self, data: Dataset, teachers: Mapping[str, Any], **options: Any) -> Any:
        """Train a model on what teachers say about texts whose labels are taken away."""
        trainer = MultiTeacherDistillationTrainer(
            self._new_model(self.task.label_names or ()),
            replace(self.args, **options),
            train_dataset=data.map(without_labels),
            processing_class=self.tokenizer,
            teachers=[Teacher(model, tokenizer=self.tokenizer, name=name) for name, model in teachers.items()],
        )
        trainer.train()
        return trainer.model

    def ask(self, model: Any, data: Dataset) -> EvalPrediction:
        """Return what a model answers, with the labels, in the order of the data."""
        args = replace(self.args, train_sampling_strategy="random")
        answered = self._plain(model, args).predict(data)
        return EvalPrediction(answered.predictions, answered.label_ids)

    def _new_model(self, names: Sequence[str]) -> Any:
        set_seed(self.args.seed)  # of the new head, too
        labels = dict(enumerate(names))
        head = {"id2label": labels, "label2id": {name: number for number, name in labels.items()}, "dtype": "float32"}
        tagging = self.task.definition.tagging
        kind: Any = AutoModelForTokenClassification if tagging else AutoModelForSequenceClassification
        model = kind.from_pretrained(self.script.encoder, **head)
        for dropout in (module for module in model.modules() if isinstance(module, torch.nn.Dropout)):
            dropout.p = 0.0
        return model

    def _plain(self, model: Any, args: DistillationTrainingArguments, data: Dataset | None = None) -> Trainer:
        collator = DataCollatorForTokenClassification(self.tokenizer) if self.task.definition.tagging else None
        return Trainer(model, args, collator, train_dataset=data, processing_class=self.tokenizer)


@dataclass
class Experiment:
    """What is measured: teachers, how students are made, and a measure of both."""

    teachers: dict[str, Row]
    students: dict[str, Callable[[Bench], Any]]
    score: Callable[[Any], Row]


def without_labels(example: dict[str, Any]) -> dict[str, Any]:
    """Take the labels away: -100 is none."""
    labels = example["labels"]
    return {"labels": [-100] * len(labels) if isinstance(labels, list) else -100}


def halves(data: Dataset) -> tuple[Dataset, Dataset]:
    """Draw two halves, always the same."""
    parts = data.train_test_split(0.5, seed=0)
    return parts["train"], parts["test"]


def first(data: Dataset, count: int) -> Dataset:
    """Take so many examples at most."""
    return data.select(range(min(count, len(data))))


# ---- Teachers that know a part of the labels ----


def of_labels(bench: Bench) -> Experiment:
    """Measure entity F1: over all types of entities, and over those that each teacher has learned."""
    names = bench.task.label_names or ()
    types = sorted({name[2:] for name in names} - {""})
    known = {owner: [name for name in names if name[2:] in ["", *types[half::2]]] for half, owner in enumerate(OWNERS)}

    # Sentences for the teachers, which have labels, for the students, and to measure on.
    length = bench.script.max_length
    measured = first(bench.task.data[bench.task.measured_split], bench.script.measured)
    parts = [*halves(bench.task.data["train"]), measured]
    windows = [split_long_sentences(part, [bench.tokenizer], length, spaced_words) for part in parts]
    taught, texts, test = map(bench.encode, windows)

    own = {owner: relabel(taught, names, known[owner]) for owner in OWNERS}
    teachers = {owner: bench.fine_tune(own[owner], known[owner], bench.script.teacher_steps) for owner in OWNERS}
    wide = {owner: widen(teacher, names) for owner, teacher in teachers.items()}
    merged, answers = (merge([bench.ask(each, data) for each in wide.values()], names) for data in (test, texts))

    def score(answered: EvalPrediction) -> Row:
        tags = read_predictions(bench.task, answered, windows[-1]["sentence"])
        parts = {"all": names} | known
        shown = {part: [[hide(row, labels) for row in rows] for rows in tags] for part, labels in parts.items()}
        return {part: compute_task_metrics(bench.task, *pair)["entity_f1"] for part, pair in shown.items()}

    def of(*owners: str, **options: Any) -> Callable[[Bench], Any]:
        speaking = {owner: teachers[owner] for owner in owners}
        return lambda bench: bench.distil(texts, speaking, partial_labels=True, **options)

    students = {f"{owner} alone": of(owner) for owner in OWNERS} | {
        "both, partial_labels": of(*OWNERS),
        "both, partial_labels, temperature 1": of(*OWNERS, temperature=1.0),
        "both, heads widened": lambda bench: bench.distil(texts, wide),
        "both, tags merged": lambda bench: bench.fine_tune(tagged(texts, answers), names),
        "few labels": lambda bench: bench.fine_tune(first(texts, bench.script.few), names),
    }
    return Experiment({"teachers, tags merged": score(merged)}, students, lambda model: score(bench.ask(model, test)))


def hide(tags: Sequence[str], labels: Sequence[str]) -> list[str]:
    """Read all tags but these as O."""
    return [tag if tag in labels else "O" for tag in tags]


def relabel(data: Dataset, names: Sequence[str], known: Sequence[str]) -> Dataset:
    """Number the labels as a teacher does that knows only some of them."""
    number = {old: known.index(name) for old, name in enumerate(hide(names, known))} | {-100: -100}
    return data.map(lambda row: {"labels": [number[label] for label in row["labels"]]})


def widen(tagger: Any, names: Sequence[str]) -> Any:
    """Give a tagger a head of all labels, which never answers those that it has not learned."""
    wide, own = copy.deepcopy(tagger), tagger.config.label2id
    wide.classifier = torch.nn.Linear(tagger.classifier.in_features, len(names))
    wide.num_labels = len(names)
    wide.config.id2label = dict(enumerate(names))
    wide.config.label2id = {name: number for number, name in enumerate(names)}

    rows = [own.get(name, 0) for name in names]
    known = torch.tensor([name in own for name in names])
    with torch.no_grad():
        wide.classifier.weight.copy_(tagger.classifier.weight[rows])
        wide.classifier.bias.copy_(tagger.classifier.bias[rows])
        wide.classifier.weight[~known] = 0.0
        wide.classifier.bias[~known] = NEVER
    return wide


def merge(answers: Sequence[EvalPrediction], names: Sequence[str]) -> EvalPrediction:
    """Put two answers together: O where both say so, else the entity of the surer one."""
    probabilities = torch.stack([torch.tensor(each.predictions).softmax(dim=-1) for each in answers])
    outside = names.index("O")
    merged = probabilities.amax(dim=0)
    merged[..., outside] = probabilities.amin(dim=0)[..., outside]
    return EvalPrediction(merged.numpy(), answers[0].label_ids)


def tagged(data: Dataset, answered: EvalPrediction) -> Dataset:
    """Put answered tags in the place of gold ones."""
    tags = answered.predictions.argmax(axis=-1)

    def replaced(row: dict[str, Any], index: int) -> dict[str, Any]:
        row_tags = tags[index][: len(row["labels"])].tolist()  # without the padding
        return {"labels": [-100 if gold == -100 else tag for gold, tag in zip(row["labels"], row_tags, strict=True)]}

    return data.map(replaced, with_indices=True)


# ---- Teachers that know a part of the texts ----


def of_texts(bench: Bench) -> Experiment:
    """Measure accuracy: on all texts, and on those whose topics each teacher has learned from."""
    names = bench.task.label_names or ()
    train, measured = (with_owners(bench, part) for part in ("train", bench.task.measured_split))
    taught, others = halves(train)
    texts, held_out = halves(others)
    test = first(concatenate_datasets([measured, held_out]), bench.script.measured)

    owners = [owner for (owner,) in test["taught_by"]]
    taught, texts, test = map(bench.encode, (taught, texts, test))
    own = {owner: taught.filter(lambda row, owner=owner: row["taught_by"] == [owner]) for owner in OWNERS}
    own = {owner: data.remove_columns("taught_by") for owner, data in own.items()}
    teachers = {owner: bench.fine_tune(own[owner], names, bench.script.teacher_steps) for owner in OWNERS}

    def score(model: Any) -> Row:
        rows = [*zip(*read_predictions(bench.task, bench.ask(model, test)), owners, strict=True)]
        parts = {part: [row for row in rows if part in ("all", row[-1])] for part in ["all", *OWNERS]}
        return {part: mean(predicted == gold for predicted, gold, _ in rows) for part, rows in parts.items()}

    everywhere = texts.remove_columns("taught_by")
    students: dict[str, Callable[[Bench], Any]] = {
        "first alone": lambda bench: bench.distil(everywhere, {"first": teachers["first"]}),
        "second alone": lambda bench: bench.distil(everywhere, {"second": teachers["second"]}),
        "both everywhere": lambda bench: bench.distil(everywhere, teachers),
        "both, taught_by": lambda bench: bench.distil(texts, teachers),
        "few labels": lambda bench: bench.fine_tune(first(everywhere, bench.script.few), names),
    }
    return Experiment({f"teacher {name}": score(model) for name, model in teachers.items()}, students, score)


def with_owners(bench: Bench, part: str) -> Dataset:
    """Name the teacher of each text in `taught_by`: by its topic, or, of generated texts, in turn."""
    data = bench.task.data[part]
    topics: Sequence[Any] = range(len(data))
    if bench.script.data != "synthetic":
        lines = (Path(bench.script.data) / "moroco" / part / "category_labels.txt").read_text(encoding="utf-8")
        topics = [int(line.split("\t")[1]) for line in lines.splitlines()]
    return data.add_column("taught_by", [[OWNERS[1 - topic % 2]] for topic in topics])


# ---- Both ----

EXPERIMENTS: dict[str, tuple[str, Callable[[Bench], Experiment]]] = {
    "labels": ("ner", of_labels),
    "texts": ("di", of_texts),
}


def main() -> None:
    """Run what was asked for; print tables, and save figures."""
    parser = HfArgumentParser((ScriptArguments, DistillationTrainingArguments))
    parser.set_defaults(**DEFAULTS)
    script, args = parser.parse_args_into_dataclasses()
    disable_progress_bars()
    logging.set_verbosity_error()  # of new heads, which are meant
    tokenizer = AutoTokenizer.from_pretrained(script.encoder)

    output = Path(args.output_dir) / "partial_teachers.json"
    output.parent.mkdir(parents=True, exist_ok=True)
    figures = json.loads(output.read_text(encoding="utf-8")) if output.exists() else {}
    for what in script.what:
        key, experiment = EXPERIMENTS[what]
        with tempfile.TemporaryDirectory() as cache:
            options = replace(args, teacher_cache=cache)
            measured = measure(experiment, Bench(load_task(key, script.data), script, options, tokenizer))
        figures[what] = {"settings": settings_of(script, args)} | measured
        output.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
        print(table(what, **measured))


def measure(experiment: Callable[[Bench], Experiment], bench: Bench) -> dict[str, Any]:
    """Make the teachers, and the students with every seed."""
    made = experiment(bench)
    seeds = {seed: replace(bench, args=replace(bench.args, seed=seed)) for seed in bench.script.seeds}
    students = {
        name: {str(seed): made.score(train(seeded)) for seed, seeded in seeds.items()}
        for name, train in made.students.items()
    }
    return {"teachers": made.teachers, "students": students}


def settings_of(script: ScriptArguments, args: DistillationTrainingArguments) -> dict[str, Any]:
    """Return what the figures depend on."""
    names = {"data": Path(script.data).name, "encoder": Path(script.encoder).name}
    own = {name: getattr(script, name) for name in ("teacher_steps", "few", "measured", "max_length")}
    common = ("learning_rate", "per_device_train_batch_size", "max_steps", "temperature")
    return names | own | {name: getattr(args, name) for name in common}


def table(what: str, teachers: dict[str, Row], students: dict[str, dict[str, Row]]) -> str:
    """Write figures as Markdown, in percent: of students the mean, and the standard deviation over seeds."""
    rows = {name: [figures] for name, figures in teachers.items()}
    rows |= {name: [*seeds.values()] for name, seeds in students.items()}

    lines = [f"| {what} | all | {' | '.join(OWNERS)} |", "|---|---:|---:|---:|"]
    for name, figures in rows.items():
        cells = [[100 * each[part] for each in figures] for part in ["all", *OWNERS]]
        shown = [f"{mean(cell):.1f}" + (f" ± {stdev(cell):.1f}" if len(cell) > 1 else "") for cell in cells]
        lines.append(f"| {name} | {' | '.join(shown)} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
