"""What a trainer knows for the model card of its student: what it was told, and what it logged."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from statistics import fmean
from typing import Any

from torch import nn
from transformers import TrainerState, TrainingArguments

from ..models.labels import label_names
from ..models.task import adapters_of, task_of, without_adapters
from ..report.benchmark import MEGABYTE, count_parameters, describe_machine, size_of
from ..report.card_data import DistillationCardData, Evaluation
from ..report.tables import Figure
from ..teachers.ensemble import ENSEMBLE, TeacherEnsemble

Names = str | Sequence[str] | None
UNNAMED_DATA = "evaluation data"
NOT_QUALITY = (
    "runtime",
    "samples_per_second",
    "steps_per_second",
    "jit_compilation_time",
    "model_preparation_time",
    "soft_loss",
    "hidden_loss",
    "coverage",
)


def card_data(
    student: nn.Module,
    args: TrainingArguments,
    state: TrainerState,
    teachers: TeacherEnsemble,
    *,
    objective: Mapping[str, Any],
    in_training: bool,
    speed: Sequence[Mapping[str, Figure]],
    model_name: str,
    repo_id: str,
    language: Names = None,
    license: str | None = None,  # noqa: A002 (the Trainer's name)
    tags: Names = None,
    finetuned_from: str | None = None,
    tasks: Names = None,
    dataset_tags: Names = None,
    dataset: Names = None,
    dataset_args: Names = None,
    **fields: Any,
) -> DistillationCardData:
    """Gather what `create_model_card` writes.

    Args:
        student: The model.
        args: What the trainer was told.
        state: What it logged.
        teachers: Who taught the student.
        objective: The objective's arguments, as they were decided where `args` leave that open.
        in_training: Whether the weights of the last step are in the student, and not yet those of the best checkpoint.
        speed: Latency and memory of the student and of each teacher; empty where nobody measured them.
        model_name: The student's name.
        repo_id: Where the student is, or will be, on the Hub.
        language: Language codes.
        license: The licence of the student's weights.
        tags: More tags.
        finetuned_from: Hub id of the model that the student started from, such as an adapter's base.
        tasks: The Hub's name of the evaluation's task; by default that of the student's pipeline.
        dataset_tags: Hub ids of the data; an evaluation set of the trainer that has the name of one belongs to it.
        dataset: The data in words.
        dataset_args: Its configuration or split, beside `dataset`.
        fields: Fields of `DistillationCardData`, in place of what is known here.

    Raises:
        TypeError: A field does not exist.
    """
    dataset_ids = _listed(dataset_tags)
    named = _listed(dataset) or dataset_ids
    measured = last_evaluations(args, state, in_training)
    kind = next(iter(_listed(tasks)), task_of(student).pipeline)

    data = DistillationCardData(
        name=model_name,
        repo_id=repo_id,
        evaluations=evaluations_of(measured, named, kind, model_name, teachers.names, dataset_ids),
        loyalty=loyalty_of(measured),
        training_data=", ".join([*named, *_listed(dataset_args)]) or None,
        datasets=dataset_ids,
        languages=_listed(language),
        license=license,
        tags=[*_listed(tags), *_listed(getattr(student, "model_tags", None))],
        bases=_listed(finetuned_from),
        adapter_of=_base_of(student, _listed(finetuned_from)),
        **_facts(student, args, state, teachers, objective, speed, model_name),
    )
    return replace(data, **fields)


def _facts(
    student: nn.Module,
    args: TrainingArguments,
    state: TrainerState,
    teachers: TeacherEnsemble,
    objective: Mapping[str, Any],
    speed: Sequence[Mapping[str, Figure]],
    model_name: str,
) -> dict[str, Any]:
    """What nobody has to tell: fields of `DistillationCardData`."""
    return {
        "task": task_of(student).name,
        "teachers": teachers.manifest(),
        "arguments": args.to_dict() | objective,
        "log_history": state.log_history,
        "sizes": _sizes(model_name, student, teachers, speed),
        "coverage": _coverage(student, teachers.names, state.log_history, objective["distill_positions"]),
        "machine": describe_machine(args.device),
        "labels": _labels(student),
        "problem_type": None if task_of(student).token_level else without_adapters(student).config.problem_type,
    }


def evaluations_of(
    measured: Mapping[str, Mapping[str, Any]],
    named: Sequence[str],
    task: str,
    student: str,
    teachers: Sequence[str],
    dataset_ids: Sequence[str] = (),
) -> list[Evaluation]:
    """Tell the figures of student, teachers and ensemble on each data set.

    Args:
        measured: As `last_evaluations` returns it.
        named: The data in words; where nobody named them they are called evaluation data.
        task: The Hub's name of the task.
        student: The student's name.
        teachers: The teachers' names.
        dataset_ids: Hub ids of the data.
    """
    data_name = ", ".join(named) or UNNAMED_DATA
    return [
        Evaluation(
            part or data_name,
            task,
            _quality(student, teachers, metrics),
            dataset_id=_id_of(part, dataset_ids),
            answered=_of_model("coverage", teachers, metrics),
        )
        for part, metrics in measured.items()
    ]


def _id_of(part: str, dataset_ids: Sequence[str]) -> str | None:
    """Return the Hub id of the data that was evaluated, where it is known.

    Of several ids, that of a named evaluation set is the one that ends in its name. Figures over unnamed data belong
    to none of several: they were measured on all of it, and are told once.
    """
    fitting = [each for each in dataset_ids if not part or part in (each, each.split("/")[-1])]
    return fitting[0] if len(fitting) == 1 else None


def _base_of(student: nn.Module, named: Sequence[str]) -> str | None:
    """Return an adapter's base: empty where it was made in memory and nobody named it, None for a whole model."""
    adapters = adapters_of(student)
    if adapters is None:
        return None

    return adapters.active_peft_config.base_model_name_or_path or next(iter(named), "")


def last_evaluations(args: TrainingArguments, state: TrainerState, in_training: bool) -> dict[str, dict[str, float]]:
    """Return the last evaluation of the weights that the student has now: name of the data (or "") -> metrics.

    An evaluation at another step was one of another student, and says nothing of this one.
    """
    best = args.load_best_model_at_end and not in_training and state.best_global_step
    step = best or state.global_step
    ends = [place for place, entry in enumerate(state.log_history) if "train_runtime" in entry]
    trained = ends[-1] if ends else len(state.log_history)

    found: dict[str, dict[str, float]] = {}
    for place, entry in enumerate(state.log_history):
        if place > trained or entry["step"] == step:
            found |= evaluations_in(entry)
    return found


def evaluations_in(entry: Mapping[str, float]) -> dict[str, dict[str, float]]:
    """Tell the evaluations that one log tells of: name of the data -> metric, without the name in front -> figure."""
    prefixes = [key.removesuffix("_runtime") for key in entry if key.endswith("_runtime")]
    return {
        prefix.removeprefix("eval").strip("_"): {
            key.removeprefix(f"{prefix}_"): value for key, value in entry.items() if key.startswith(f"{prefix}_")
        }
        for prefix in prefixes
        if prefix != "train"
    }


def _listed(names: Names) -> list[str]:
    return [names] if isinstance(names, str) else list(names or ())


def _quality(student: str, teachers: Sequence[str], metrics: Mapping[str, Any]) -> dict[str, dict[str, Figure]]:
    """The figures of the student, and the same of the teachers and their ensemble where they were measured."""
    own: dict[str, Figure] = {
        key: value for key, value in metrics.items() if key not in NOT_QUALITY and "/" not in key
    }
    others = {
        name: {key: metrics[f"{key}/{name}"] for key in own if f"{key}/{name}" in metrics}
        for name in (*teachers, ENSEMBLE)
    }

    return {student: own} | {name: figures for name, figures in others.items() if figures}


def _of_model(measure: str, names: Sequence[str], metrics: Mapping[str, Any]) -> dict[str, Any]:
    """One measure of the models that have it."""
    return {name: metrics[f"{measure}/{name}"] for name in names if f"{measure}/{name}" in metrics}


def loyalty_of(measured: Mapping[str, Mapping[str, float]]) -> dict[str, dict[str, Figure]]:
    """Tell the student's loyalty to each teacher and to the ensemble: name -> measure -> figure."""
    loyalty: dict[str, dict[str, Figure]] = {}
    for part, metrics in measured.items():
        for key, value in metrics.items():
            measure, _, teacher = key.partition("/")
            if measure.endswith("_loyalty"):
                loyalty.setdefault(teacher, {})[f"{part} {measure}".strip()] = value

    return loyalty


def _sizes(
    name: str, student: nn.Module, teachers: TeacherEnsemble, speed: Sequence[Mapping[str, Figure]]
) -> dict[str, dict[str, Figure]]:
    """Count the parameters; 4 bytes each are what a file of 32-bit floats holds, without the cost of writing it."""
    models = {name: student} | {teacher.name: teacher.model for teacher in teachers}
    counts = {each: count_parameters(model) for each, model in models.items()}

    sizes: dict[str, dict[str, Figure]] = {
        each: {"parameters": count, "megabytes": 4 * count / MEGABYTE} for each, count in counts.items()
    }
    if adapters_of(student) is not None:
        sizes[name] |= size_of(student)
    for each, figures in zip(sizes.values(), speed, strict=False):
        each.update(figures)

    return sizes


def _coverage(
    student: nn.Module, teachers: Sequence[str], history: Sequence[Mapping[str, Any]], distill_positions: str
) -> dict[str, dict[str, Figure]]:
    """Take the mean over the logs of what each teacher could teach; a log is a mean over its steps."""
    masked = task_of(student).over_vocabulary and distill_positions == "labelled"
    kinds = {"coverage": "masked_spans" if masked else "spans", "shared_mass": "probability_mass"}

    coverage: dict[str, dict[str, Figure]] = {}
    for logged, kind in kinds.items():
        shares = {name: _logged(f"{logged}/{name}", history) for name in teachers}
        for name, values in shares.items():
            if values:
                coverage.setdefault(name, {})[kind] = fmean(values)

    return coverage


def _logged(key: str, history: Sequence[Mapping[str, Any]]) -> list[float]:
    return [entry[key] for entry in history if key in entry]


def _labels(student: nn.Module) -> Sequence[str]:
    """The label names; the vocabulary is none, and one number tells nothing apart."""
    config: Any = without_adapters(student).config
    if task_of(student).over_vocabulary or config.num_labels == 1:
        return []
    return label_names(config, "the student")
