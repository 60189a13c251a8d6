"""What a trainer knows for the model card of its student: what it was told, and what it logged."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any, cast

from peft import PeftModel
from torch import nn
from transformers import TrainingArguments

from ..models.task import task_of, without_adapters
from ..report.benchmark import MEGABYTE, count_parameters, describe_machine, saved_megabytes
from ..report.card_data import DistillationCardData, Evaluation
from ..report.tables import Figure

if TYPE_CHECKING:
    from ..trainer import MultiTeacherDistillationTrainer

Names = str | Sequence[str] | None
SAME_TOKENIZER = "it has the student's tokenizer, so all of the text reaches it"
UNNAMED_DATA = "evaluation data"
NOT_QUALITY = ("runtime", "samples_per_second", "steps_per_second", "jit_compilation_time", "model_preparation_time")


def repository_name(args: TrainingArguments) -> str:
    """Return `hub_model_id`, or as in `Trainer` the last part of `output_dir`."""
    return args.hub_model_id or Path(str(args.output_dir)).absolute().name


def card_data(
    trainer: "MultiTeacherDistillationTrainer",
    language: Names = None,
    license: str | None = None,  # noqa: A002 (the Trainer's name)
    tags: Names = None,
    model_name: str | None = None,
    finetuned_from: str | None = None,
    tasks: Names = None,
    dataset_tags: Names = None,
    dataset: Names = None,
    dataset_args: Names = None,
    **fields: Any,
) -> DistillationCardData:
    """Gather what `create_model_card` writes.

    Args:
        trainer: A trainer with teachers.
        language: Language codes.
        license: The licence of the student's weights.
        tags: More tags.
        model_name: By default the last part of `hub_model_id` or `output_dir`.
        finetuned_from: Hub id of the model that the student started from.
        tasks: The Hub's name of the evaluation's task; by default that of the student's pipeline.
        dataset_tags: Hub ids of the data.
        dataset: The data in words.
        dataset_args: Its configuration or split, beside `dataset`.
        fields: Fields of `DistillationCardData`, in place of what the trainer knows.

    Raises:
        TypeError: A field does not exist.
    """
    args, student = trainer.args, cast(nn.Module, trainer.model)
    task, named = task_of(student), [*_listed(dataset)] or [*_listed(dataset_tags)]
    name = model_name or repository_name(args).split("/")[-1]
    measured, kind = last_evaluations(trainer), next(iter(_listed(tasks)), task.pipeline)
    data = DistillationCardData(
        name=name,
        task=task.name,
        teachers=trainer.teachers.manifest(),
        repo_id=trainer.hub_model_id or args.hub_model_id or name,
        arguments=args.to_dict() | trainer.distillation_objective.manifest()["arguments"],
        log_history=trainer.state.log_history,
        evaluations=[_quality(trainer, name, kind, part or ", ".join(named), each) for part, each in measured.items()],
        loyalty=_loyalty(measured),
        sizes=_sizes(trainer, name),
        coverage=_coverage(trainer),
        machine=describe_machine(args.device),
        languages=_listed(language),
        license=license,
        datasets=_listed(dataset_tags),
        training_data=", ".join([*named, *_listed(dataset_args)]) or None,
        labels=_labels(student),
        tags=[*_listed(tags), *_listed(getattr(student, "model_tags", None))],
        bases=_listed(finetuned_from),
        adapter_of=student.active_peft_config.base_model_name_or_path if isinstance(student, PeftModel) else None,
    )
    return replace(data, **fields)


def last_evaluations(trainer: "MultiTeacherDistillationTrainer") -> dict[str, dict[str, float]]:
    """Return the last evaluation of the weights that the student has now: name of the data (or "") -> metrics.

    An evaluation at another step was one of another student, and says nothing of this one.
    """
    state, found = trainer.state, {}
    best = trainer.args.load_best_model_at_end and not trainer.is_in_train and state.best_global_step
    trained = max((i for i, entry in enumerate(state.log_history) if "train_runtime" in entry), default=None)
    for place, entry in enumerate(state.log_history):
        after = trained is not None and place > trained
        if not after and entry["step"] != (best or state.global_step):
            continue
        for prefix in (key.removesuffix("_runtime") for key in entry if key.endswith("_runtime")):
            if prefix != "train":
                metrics = {
                    key.removeprefix(f"{prefix}_"): value
                    for key, value in entry.items()
                    if key.startswith(f"{prefix}_")
                }
                found[prefix.removeprefix("eval").strip("_")] = metrics
    return found


def _listed(names: Names) -> Sequence[str]:
    return [names] if isinstance(names, str) else list(names or ())


def _quality(
    trainer: "MultiTeacherDistillationTrainer", name: str, task: str, data: str, metrics: Mapping[str, Any]
) -> Evaluation:
    """The student's own figures; what follows the teachers stands elsewhere, and the teachers' own were not taken."""
    own: dict[str, Figure] = {
        key: value
        for key, value in metrics.items()
        if key not in NOT_QUALITY and "/" not in key and key not in ("soft_loss", "hidden_loss")
    }
    missing: dict[str, Figure] = dict.fromkeys(own, "the trainer evaluates the student only")
    teachers = {teacher.name: missing for teacher in trainer.teachers}
    return Evaluation(data or UNNAMED_DATA, task, {**teachers, name: own})


def _loyalty(measured: Mapping[str, Mapping[str, float]]) -> dict[str, dict[str, Figure]]:
    loyalty: dict[str, dict[str, Figure]] = {}
    for part, metrics in measured.items():
        for key, value in metrics.items():
            measure, _, teacher = key.partition("/")
            if measure.endswith("_loyalty"):
                loyalty.setdefault(teacher, {})[f"{part} {measure}".strip()] = value
    return loyalty


def _sizes(trainer: "MultiTeacherDistillationTrainer", name: str) -> dict[str, dict[str, Figure]]:
    """Count the parameters; 4 bytes each are what a file of 32-bit floats holds, without the cost of writing it."""
    student = cast(nn.Module, trainer.model)
    models = {name: student} | {teacher.name: teacher.model for teacher in trainer.teachers}
    counts = {each: count_parameters(model) for each, model in models.items()}
    sizes: dict[str, dict[str, Figure]] = {
        each: {"parameters": count, "megabytes": 4 * count / MEGABYTE} for each, count in counts.items()
    }
    if isinstance(student, PeftModel):
        sizes[name]["megabytes"] = saved_megabytes(student)
    return sizes


def _coverage(trainer: "MultiTeacherDistillationTrainer") -> dict[str, dict[str, Figure]]:
    """Take the mean over the logs of what each teacher could teach; a log is a mean over its steps."""
    objective, history = trainer.distillation_objective, trainer.state.log_history
    masked = task_of(cast(nn.Module, trainer.model)).over_vocabulary and objective.args.distill_positions == "labelled"
    kinds = {"coverage": "masked_spans" if masked else "spans", "shared_mass": "probability_mass"}
    coverage: dict[str, dict[str, Figure]] = {}
    for logged, kind in kinds.items():
        means = {
            teacher.name: fmean(entry[key] for entry in history if key in entry)
            for teacher in trainer.teachers
            if any((key := f"{logged}/{teacher.name}") in entry for entry in history)
        }
        for teacher in trainer.teachers if means else ():
            coverage.setdefault(teacher.name, {})[kind] = means.get(teacher.name, SAME_TOKENIZER)
    return coverage


def _labels(student: nn.Module) -> Sequence[str]:
    """The label names; an adapter needs even the only one of a regression, to give its base a head that fits."""
    config: Any = without_adapters(student).config
    if task_of(student).over_vocabulary or (config.num_labels == 1 and not isinstance(student, PeftModel)):
        return []
    return [config.id2label[number] for number in range(config.num_labels)]
