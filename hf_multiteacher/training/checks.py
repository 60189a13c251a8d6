"""What `MultiTeacherDistillationTrainer` decides and refuses at construction."""

import logging
from collections.abc import Iterator, Sized
from typing import TYPE_CHECKING, Any, cast

from torch import nn
from transformers import PreTrainedTokenizerBase, PreTrainedTokenizerFast, TrainingArguments

from ..models.task import task_of, without_adapters
from ..training_args import DistillationTrainingArguments

if TYPE_CHECKING:
    from ..trainer import MultiTeacherDistillationTrainer

logger = logging.getLogger(__name__)


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


def find_student_tokenizer(trainer: "MultiTeacherDistillationTrainer") -> PreTrainedTokenizerFast:
    """Return the student's tokenizer, which the trainer or its collator was given.

    Raises:
        ValueError: There is none.
    """
    collator: Any = trainer.data_collator
    known = getattr(collator, "multi_tokenizer", None)
    for tokenizer in (
        trainer.processing_class,
        getattr(collator, "tokenizer", None),
        getattr(known, "student_tokenizer", None),
    ):
        if isinstance(tokenizer, PreTrainedTokenizerBase):
            return cast(PreTrainedTokenizerFast, tokenizer)
    raise ValueError(
        "MultiTeacherDistillationTrainer needs the student's tokenizer to find out which teachers read the text as it "
        f"does, but processing_class is {type(trainer.processing_class).__name__}. Pass processing_class=tokenizer."
    )


def datasets_of(trainer: "MultiTeacherDistillationTrainer") -> Iterator[Any]:
    """Yield the data sets that the trainer was given."""
    several: Any = trainer.eval_dataset
    for dataset in (trainer.train_dataset, *(several.values() if isinstance(several, dict) else (several,))):
        if dataset is not None:
            yield dataset


def prepare_student(trainer: "MultiTeacherDistillationTrainer") -> None:
    """Fix what the student's labels mean, and refuse by name what would silently mean something else with teachers.

    Raises:
        ValueError: An option does not go with distillation.
    """
    _set_problem_type(trainer)
    for message, applies in {**_refused_losses(trainer), **_refused_ways_to_run(trainer)}.items():
        if applies:
            raise ValueError(f"MultiTeacherDistillationTrainer: {message}.")


def _set_problem_type(trainer: "MultiTeacherDistillationTrainer") -> None:
    """Fix what a sequence classifier's labels mean, which transformers finds out in a forward with labels only."""
    student = cast(nn.Module, trainer.model)
    config = without_adapters(student).config
    if task_of(student).token_level or config.problem_type is not None:
        return
    if config.num_labels == 1:
        config.problem_type = "regression"
    else:
        several = isinstance(_first_label(trainer), list)
        config.problem_type = "multi_label_classification" if several else "single_label_classification"


def _first_label(trainer: "MultiTeacherDistillationTrainer") -> Any:
    """Return the label of the first example as Python values; None where the data cannot be asked."""
    for dataset in datasets_of(trainer):
        if isinstance(dataset, Sized) and len(dataset):
            example: Any = cast(Any, dataset)[0]
            label: Any = next((example[name] for name in ("labels", "label", "label_ids") if name in example), None)
            return label.tolist() if hasattr(label, "tolist") else label
    return None


def _refused_losses(trainer: "MultiTeacherDistillationTrainer") -> dict[str, bool]:
    args, student = cast(DistillationTrainingArguments, trainer.args), cast(nn.Module, trainer.model)
    sequences = not task_of(student).token_level
    problem = without_adapters(student).config.problem_type if sequences else "single_label_classification"
    labels_weigh = args.teacher_weighting == "confidence" and not sequences and args.distill_positions == "labelled"
    weigh_all = args.teacher_weighting == "entropy" or labels_weigh
    return {
        "compute_loss_func would replace the whole objective. Override compute_distillation_loss instead, or train "
        "without teachers": trainer.compute_loss_func is not None,
        "label_smoothing_factor is defined for one label per row only. Set it to 0": (
            bool(args.label_smoothing_factor) and problem != "single_label_classification"
        ),
        "teacher_weighting='entropy' needs class probabilities, which a regression does not have. Use 'fixed' or "
        "'confidence'": args.teacher_weighting == "entropy" and problem == "regression",
        "temperature softens class probabilities, which a regression does not have. Leave it out": (
            problem == "regression" and args.temperature != DistillationTrainingArguments.temperature
        ),
        f"teacher_weights have no effect with teacher_weighting='{args.teacher_weighting}' and hidden_state_weight=0, "
        "except that a weight of 0 leaves a teacher out. Use equal weights, or teacher_weighting='fixed'": (
            weigh_all and len(set(args.teacher_weights or []) - {0}) > 1 and not args.hidden_state_weight
        ),
        "distill_positions='all' speaks of tokens, but the rows of a sequence task are examples. Leave it out": (
            args.distill_positions == "all" and sequences
        ),
        f"label_names must be ['labels'], got {args.label_names}. Rename the column": (
            args.label_names not in (None, ["labels"])
        ),
    }


def _refused_ways_to_run(trainer: "MultiTeacherDistillationTrainer") -> dict[str, bool]:
    args = cast(DistillationTrainingArguments, trainer.args)
    hidden, optimizer = bool(args.hidden_state_weight), getattr(args.optim, "value", args.optim)
    return {
        "FSDP is not supported. Use DistributedDataParallel (accelerate launch without FSDP)": trainer.is_fsdp_enabled,
        "hidden_state_weight is not supported under DeepSpeed, which would not train the projections. Set it to 0": (
            trainer.is_deepspeed_enabled and hidden
        ),
        "only data parallelism is supported. Leave parallelism_config out": (
            max(trainer.get_tp_size(), trainer.get_cp_size(), trainer.get_sp_size()) > 1
        ),
        f"optim='{optimizer}' steps in the backward pass and would not train hidden_state_weight's projections. "
        "Choose another optimizer": hidden and any(kind in optimizer for kind in ("lomo", "layerwise")),
        "a scheduler of your own does not know hidden_state_weight's projections. Pass optimizers=(yours, None)": (
            hidden and trainer.lr_scheduler is not None
        ),
        "average_tokens_across_devices=False would weigh the ranks' rows unequally. Leave it on": (
            args.world_size > 1 and not args.average_tokens_across_devices
        ),
    }
