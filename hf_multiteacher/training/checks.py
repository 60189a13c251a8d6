"""What `MultiTeacherDistillationTrainer` decides and refuses when it is made."""

import logging
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple, cast

import torch
from datasets import LargeList, List
from torch import nn
from transformers import PretrainedConfig, PreTrainedTokenizerBase, PreTrainedTokenizerFast, TrainingArguments
from transformers.integrations import is_deepspeed_zero3_enabled

from ..collation.choice import first_example
from ..models.limits import count_embeddings
from ..models.task import task_of, without_adapters
from ..tokenization.columns import LABEL_NAMES, TEACHER_COLUMN
from ..tokenization.encoder import count_entries
from ..training_args import DistillationTrainingArguments

logger = logging.getLogger(__name__)
HALF = (torch.float16, torch.bfloat16)


class Refusal(NamedTuple):
    """What would silently mean something else with teachers, and what to do instead."""

    when: bool
    says: str


def check_arguments(args: TrainingArguments | None) -> DistillationTrainingArguments:
    """Return the arguments, or the defaults where none were given.

    Raises:
        TypeError: They are plain `TrainingArguments`.
    """
    if args is None:
        return DistillationTrainingArguments(output_dir="tmp_trainer")

    if not isinstance(args, DistillationTrainingArguments):
        raise TypeError(
            f"MultiTeacherDistillationTrainer with teachers expects DistillationTrainingArguments, got "
            f"{type(args).__name__}, which does not say how to follow them. Change the class; every argument stays."
        )

    return args


def use_one_gpu(args: DistillationTrainingArguments) -> DistillationTrainingArguments:
    """Keep one process to one GPU: replicas of `DataParallel` would neither see the teachers nor share the counts."""
    if args.n_gpu > 1:
        logger.warning(
            "%d GPUs are visible, but one process distils on one: using %s. Start the script with "
            "`accelerate launch --num_processes %d` to use them all.",
            args.n_gpu,
            args.device,
            args.n_gpu,
        )
        args._n_gpu = 1

    return args


def find_student_tokenizer(processing_class: Any, collator: Any) -> PreTrainedTokenizerFast | None:
    """Return the student's tokenizer, which the trainer or its collator was given; None where neither was."""
    multi_tokenizer = getattr(collator, "multi_tokenizer", None)
    candidates = (
        processing_class,
        getattr(collator, "tokenizer", None),
        getattr(multi_tokenizer, "student_tokenizer", None),
    )

    for tokenizer in candidates:
        if isinstance(tokenizer, PreTrainedTokenizerBase):
            return cast(PreTrainedTokenizerFast, tokenizer)

    return None


def expect_no_tokenizer_anywhere(of_teachers: Iterable[str], datasets: Iterable[Any]) -> None:
    """Refuse a student without a tokenizer where somebody else has one, or may have had one.

    Args:
        of_teachers: The names of the teachers that have a tokenizer.
        datasets: What was encoded by nobody knows what.

    Raises:
        ValueError: A teacher has one, or a data set has columns for teachers with tokenizers of their own.
    """
    names = [*of_teachers]
    columns = [
        name for data in datasets for name in getattr(data, "column_names", None) or [] if TEACHER_COLUMN.match(name)
    ]
    if not names and not columns:
        return

    known = f"teacher {', '.join(map(repr, names))} has one" if names else f"the data set has the columns {columns}"
    raise ValueError(
        "MultiTeacherDistillationTrainer needs the student's tokenizer to find out which teachers read the text as it "
        f"does, but processing_class gives none, while {known}. Pass processing_class=tokenizer."
    )


def datasets_of(train_dataset: Any, eval_dataset: Any) -> Iterator[Any]:
    """Yield the data sets that a trainer was given."""
    evaluated = eval_dataset.values() if isinstance(eval_dataset, dict) else (eval_dataset,)

    for dataset in (train_dataset, *evaluated):
        if dataset is not None:
            yield dataset


def expect_configuration(student: nn.Module) -> None:
    """Refuse a module that does not tell what it is.

    Raises:
        TypeError: It has no configuration of transformers.
    """
    inner = without_adapters(student)
    if not isinstance(getattr(inner, "config", None), PretrainedConfig):
        raise TypeError(
            f"A student tells its labels and sizes in a transformers configuration, but {type(inner).__name__} has "
            "none, so its teachers cannot be compared with it. Build it on PreTrainedModel."
        )


def warn_of_half_precision(student: nn.Module) -> None:
    """Warn of a student whose trained weights are in half precision, as what it was loaded from may be stored."""
    half = {weight.dtype for weight in student.parameters() if weight.requires_grad and weight.dtype in HALF}
    if half:
        logger.warning(
            "The student's weights are in %s, which rounds most steps of an optimizer away, so that it barely learns. "
            "Load it with from_pretrained(..., dtype=torch.float32), or call student.float() before; bf16=True then "
            "trains it in mixed precision.",
            " and ".join(sorted(str(dtype).removeprefix("torch.") for dtype in half)),
        )


def mixed_precision(name: str) -> torch.dtype | None:
    """Return the type in which accelerate runs the student's forward; None where that is its weights' own.

    Args:
        name: accelerate's `mixed_precision`.
    """
    return {"bf16": torch.bfloat16, "fp16": torch.float16}.get(name)


class Precision(NamedTuple):
    """In what teachers run.

    Attributes:
        weights: What their weights are brought to where nobody asks for another type; None leaves them.
        autocast: What they run in over these; None for no autocast.
    """

    weights: torch.dtype | None
    autocast: torch.dtype | None


def teacher_precision(name: str, device: torch.device, *, asked_for: bool) -> Precision:
    """Choose in what teachers run: as the student does, which on a GPU with bf16 needs no copy of them in float32.

    Args:
        name: accelerate's `mixed_precision`.
        device: Where they run.
        asked_for: Whether `teacher_dtype` says it.
    """
    precision = None if asked_for else mixed_precision(name)
    if precision is torch.bfloat16 and device.type == "cuda":
        return Precision(precision, None)

    return Precision(None, precision)


def copies_without_waiting(device: torch.device, *, pinned: bool) -> bool:
    """Tell whether batches go to the device while the host goes on, for which a GPU needs them in pinned memory."""
    return device.type == "cuda" and pinned


def padding_multiple(device: torch.device, precision: torch.dtype | None, positions: Iterable[int]) -> int | None:
    """Return what the lengths of a batch become a multiple of: 8 in half precision on a GPU, for its matrix units.

    Args:
        device: Where the models run.
        precision: In what they run; None for that of their weights.
        positions: How many tokens each of them can be given; one that ends elsewhere could not read the padding.
    """
    fits = not any(most % 8 for most in positions)
    return 8 if device.type == "cuda" and precision in HALF and fits else None


def expect_whole_vocabulary(student: nn.Module, tokenizer: PreTrainedTokenizerFast) -> None:
    """Refuse a student that does not know all of its tokenizer's entries.

    Masks and labels may be any of them; and what teachers with tokenizers of their own read is made with it, so that
    they would be given another text.

    Raises:
        ValueError: There are fewer embeddings than entries.
    """
    size, entries = count_embeddings(without_adapters(student)), count_entries(tokenizer)
    if entries > size:
        raise ValueError(
            f"The student must have an embedding for each id of its tokenizer, but the tokenizer goes up to "
            f"{entries - 1} and the model has {size} embeddings. Pass the tokenizer that it was trained with as "
            "processing_class, or resize it: model.resize_token_embeddings(len(tokenizer))."
        )


def set_problem_type(student: nn.Module, datasets: Iterable[Any]) -> None:
    """Fix what a sequence classifier's labels mean, which transformers finds out in a forward with labels only."""
    config = without_adapters(student).config
    if task_of(student).token_level or config.problem_type is not None:
        return

    if config.num_labels == 1:
        config.problem_type = "regression"
    elif any(map(_has_lists_of_labels, datasets)):
        config.problem_type = "multi_label_classification"
    else:  # what a stream does not tell, the first batch does: other labels are refused there
        config.problem_type = "single_label_classification"


def _has_lists_of_labels(dataset: Any) -> bool:
    """Whether an example has several labels, as its first one or, in a stream, its features tell."""
    example = first_example(dataset)
    if example is None:
        features = getattr(dataset, "features", None) or {}
        kind = next((features[name] for name in LABEL_NAMES if name in features), None)
        return isinstance(kind, List | LargeList)

    label: Any = next((example[name] for name in LABEL_NAMES if name in example), None)
    return isinstance(label.tolist() if hasattr(label, "tolist") else label, list | tuple)


def in_backward(args: TrainingArguments) -> bool:
    """Tell whether the optimizer steps in the backward pass."""
    optimizer = getattr(args.optim, "value", args.optim)
    return any(kind in optimizer for kind in ("lomo", "layerwise"))


def refuse(refusals: Iterable[Refusal]) -> None:
    """Refuse by name what would silently mean something else with teachers.

    Raises:
        ValueError: An option does not go with distillation.
    """
    for refusal in refusals:
        if refusal.when:
            raise ValueError(f"MultiTeacherDistillationTrainer: {refusal.says}.")


def refused_losses(
    args: DistillationTrainingArguments, student: nn.Module, compute_loss_func: Any
) -> Iterator[Refusal]:
    """Yield what cannot be a part of the objective.

    Args:
        args: The arguments of the run.
        student: With its `problem_type` set.
        compute_loss_func: What the trainer was given under that name.
    """
    sequences = not task_of(student).token_level
    problem = without_adapters(student).config.problem_type if sequences else "single_label_classification"

    labels_weigh = args.teacher_weighting == "confidence" and not sequences and args.distill_positions == "labelled"
    weigh_all = args.teacher_weighting == "entropy" or labels_weigh
    unequal = len(set(args.teacher_weights or []) - {0}) > 1

    yield Refusal(
        when=compute_loss_func is not None,
        says="compute_loss_func would replace the whole objective. Override compute_hard_loss or "
        "compute_distillation_loss instead, or train without teachers",
    )
    yield Refusal(
        when=bool(args.label_smoothing_factor) and problem != "single_label_classification",
        says="label_smoothing_factor is defined for one label per row only. Set it to 0",
    )
    yield Refusal(
        when=args.teacher_weighting == "entropy" and problem == "regression",
        says="teacher_weighting='entropy' needs class probabilities, which a regression does not have. Use 'fixed' or "
        "'confidence'",
    )
    yield Refusal(
        when=problem == "regression" and args.temperature != DistillationTrainingArguments.temperature,
        says="temperature softens class probabilities, which a regression does not have. Leave it out",
    )
    yield Refusal(
        when=weigh_all and unequal and not args.hidden_state_weight,
        says=f"teacher_weights have no effect with teacher_weighting='{args.teacher_weighting}' and "
        "hidden_state_weight=0, except that a weight of 0 leaves a teacher out. Use equal weights, or "
        "teacher_weighting='fixed'",
    )
    yield Refusal(
        when=args.distill_positions == "all" and sequences,
        says="distill_positions='all' speaks of tokens, but the rows of a sequence task are examples. Leave it out",
    )
    yield Refusal(
        when=args.partial_labels and (task_of(student).over_vocabulary or problem != "single_label_classification"),
        says="partial_labels compares labels of which a word or text has one, but the student has no such labels. "
        "Leave it out",
    )
    yield Refusal(
        when=args.mask_rounds is not None and not task_of(student).over_vocabulary,
        says="mask_rounds counts the masks of a text, but the student is no masked language model. Leave it out",
    )
    yield Refusal(
        when=args.label_names not in (None, ["labels"]),
        says=f"label_names must be ['labels'], got {args.label_names}. Rename the column",
    )


def refused_calibration(args: DistillationTrainingArguments, eval_dataset: Any) -> Iterator[Refusal]:
    """Yield why the teachers cannot be calibrated.

    Args:
        args: The arguments of the run.
        eval_dataset: The rows on which it would be done.
    """
    yield Refusal(
        when=args.calibrate_teachers and eval_dataset is None,
        says="calibrate_teachers compares the teachers with labels of held-out rows, but there is no eval_dataset. "
        "Give one, or what it would find: Teacher(..., temperature=1.5), in a regression teacher_weights",
    )


def refused_override(
    trainer: type, method: str, teachers: Sequence[str], *, needs_teachers: bool
) -> Iterator[Refusal]:
    """Yield that an override has left out the teachers that the student was to follow.

    Args:
        trainer: The class of the trainer.
        method: What it overrides: `compute_loss` or `training_step`.
        teachers: Their names.
        needs_teachers: Whether a part of the objective has a weight that speaks of them.
    """
    yield Refusal(
        when=needs_teachers,
        says=f"{trainer.__name__}.{method} did not call super().{method}, so the student would learn nothing "
        f"from the teachers {[*teachers]}. For another loss against the labels, such as class weights, override "
        "compute_hard_loss; for another way to follow the teachers, compute_distillation_loss or "
        "compute_teacher_weights; or add to what super().compute_loss returns",
    )


def refused_ways_to_run(
    args: DistillationTrainingArguments, *, fsdp: Any, deepspeed: bool, model_parallel: bool, own_scheduler: bool
) -> Iterator[Refusal]:
    """Yield ways to run in which something would not be trained, or not rightly.

    Args:
        args: The arguments of the run.
        fsdp: accelerate's plugin where the student is sharded by FSDP; else None.
        deepspeed: Whether it runs under DeepSpeed.
        model_parallel: Whether the model is split (tensor, context or sequence parallelism).
        own_scheduler: Whether the user has made the learning rate's scheduler.
    """
    hidden = bool(args.hidden_state_weight)
    optimizer = getattr(args.optim, "value", args.optim)
    zero_stage = getattr(args.deepspeed_plugin, "zero_stage", 3 if is_deepspeed_zero3_enabled() else 0)

    yield from _refused_fsdp(fsdp, hidden=hidden)
    yield Refusal(
        when=deepspeed and zero_stage == 3,
        says="DeepSpeed's ZeRO stage 3 would split the student's weights over the ranks, but not the teachers'. Use "
        "stage 1 or 2",
    )
    yield Refusal(
        when=deepspeed and hidden,
        says="hidden_state_weight is not supported under DeepSpeed, which would not train the projections. Set it to "
        "0",
    )
    yield Refusal(
        when=model_parallel,
        says="only data parallelism is supported. Leave parallelism_config out",
    )
    yield Refusal(
        when=hidden and in_backward(args),
        says=f"optim='{optimizer}' steps in the backward pass and would not train hidden_state_weight's projections. "
        "Choose another optimizer",
    )
    yield Refusal(
        when=hidden and own_scheduler,
        says="a scheduler of your own does not know hidden_state_weight's projections. Pass optimizers=(yours, None)",
    )
    yield Refusal(
        when=args.world_size > 1 and not args.average_tokens_across_devices,
        says="average_tokens_across_devices=False would weigh the ranks' rows unequally. Leave it on",
    )


def _refused_fsdp(plugin: Any, *, hidden: bool) -> Iterator[Refusal]:
    """Yield settings of FSDP with which teachers would be empty, or no student be saved."""
    if plugin is None:
        return

    yield Refusal(
        when=plugin.fsdp_version != 2,
        says="FSDP's version 1 is deprecated in transformers, and was not tried with teachers. Set fsdp_version: 2",
    )
    yield Refusal(
        when=bool(plugin.cpu_ram_efficient_loading),
        says="FSDP's cpu_ram_efficient_loading gives every rank but the first models without weights, and then fills "
        "the student alone: the teachers would say nothing that they have learned. Set "
        "fsdp_cpu_ram_efficient_loading: false",
    )
    yield Refusal(
        when="FULL_STATE_DICT" not in str(plugin.state_dict_type),
        says="with FSDP's SHARDED_STATE_DICT, save_model would write no student. Set fsdp_state_dict_type: "
        "FULL_STATE_DICT",
    )
    yield Refusal(
        when=hidden,
        says="hidden_state_weight is not supported under FSDP, which would not take its projections into the "
        "optimizer. Set it to 0",
    )
