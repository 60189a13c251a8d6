"""What `MultiTeacherDistillationTrainer` decides and refuses at construction."""

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from transformers import (
    DataCollatorForLanguageModeling,
    DataCollatorForTokenClassification,
    DataCollatorWithPadding,
    TrainingArguments,
    default_data_collator,
)

from .data_collator import DataCollatorForDistillation
from .heads import task_of, without_adapters
from .training_args import DistillationTrainingArguments

if TYPE_CHECKING:
    from .trainer import MultiTeacherDistillationTrainer

logger = logging.getLogger(__name__)
PADDING_COLLATORS = (DataCollatorWithPadding, DataCollatorForTokenClassification)


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


def use_one_gpu(args: DistillationTrainingArguments) -> None:
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


def check_trainer(trainer: "MultiTeacherDistillationTrainer") -> None:
    """Refuse by name what would silently mean something else with teachers.

    Raises:
        ValueError: An option does not go with distillation.
    """
    args, problem = trainer.args, without_adapters(trainer.model).config.problem_type
    token_level = task_of(trainer.model) != "sequence-classification"
    smooth, one_label = args.label_smoothing_factor, token_level or problem == "single_label_classification"
    refused = {
        "compute_loss_func would replace the whole objective. Override compute_distillation_loss instead, or train "
        "without teachers": trainer.compute_loss_func is not None,
        "label_smoothing_factor is defined for one label per row only. Set it to 0": bool(smooth) and not one_label,
        "teacher_weighting='entropy' needs class probabilities, which a regression does not have. Use 'fixed' or "
        "'confidence'": args.teacher_weighting == "entropy" and problem == "regression" and not token_level,
        "teacher_weights have no effect with teacher_weighting='entropy' and hidden_state_weight=0. Leave them out": (
            args.teacher_weighting == "entropy" and args.teacher_weights is not None and not args.hidden_state_weight
        ),
        "distill_positions='all' speaks of tokens, but the rows of a sequence task are examples. Leave it out": (
            args.distill_positions == "all" and not token_level
        ),
        "FSDP is not supported. Use DistributedDataParallel (accelerate launch without FSDP)": trainer.is_fsdp_enabled,
        "hidden_state_weight is not supported under DeepSpeed, which would not train the projections. Set it to 0": (
            trainer.is_deepspeed_enabled and bool(args.hidden_state_weight)
        ),
        "average_tokens_across_devices=False would weigh the ranks' rows unequally. Leave it on": (
            args.world_size > 1 and not args.average_tokens_across_devices
        ),
        f"label_names must be ['labels'], got {args.label_names}. Rename the column": (
            args.label_names not in (None, ["labels"])
        ),
    }
    for message, applies in refused.items():
        if applies:
            raise ValueError(f"MultiTeacherDistillationTrainer: {message}.")


def set_problem_type(trainer: "MultiTeacherDistillationTrainer") -> None:
    """Fix what a sequence classifier's labels mean, which transformers finds out in a forward with labels only."""
    config = without_adapters(trainer.model).config
    if task_of(trainer.model) != "sequence-classification" or config.problem_type is not None:
        return
    if config.num_labels == 1:
        config.problem_type = "regression"
    else:
        several = isinstance(_first_label(trainer), list)
        config.problem_type = "multi_label_classification" if several else "single_label_classification"


def _first_label(trainer: "MultiTeacherDistillationTrainer") -> Any:
    """Return the label of the first example as Python values; None where the data cannot be asked."""
    for dataset in (trainer.train_dataset, trainer.eval_dataset):
        if hasattr(dataset, "__getitem__") and not isinstance(dataset, dict) and len(dataset):
            example = dataset[0]
            label = next((example[name] for name in ("labels", "label", "label_ids") if name in example), None)
            return label.tolist() if hasattr(label, "tolist") else label
    return None


def choose_collator(
    trainer: "MultiTeacherDistillationTrainer", given: Callable[..., Any] | None
) -> Callable[..., Any]:
    """Return the collator of the run: the one given where all models read one encoding, else one that knows them all.

    Raises:
        ValueError: A teacher has a tokenizer of its own and the collator given is not one that we can stand in for.
    """
    if isinstance(given, DataCollatorForDistillation) or (given is not None and not trainer.multi_tokenizer.distinct):
        return given
    settings: dict[str, Any] = {"mlm": task_of(trainer.model) == "masked-lm", "seed": trainer.args.data_seed}
    if settings["seed"] is None:
        settings["seed"] = trainer.args.seed
    if isinstance(given, DataCollatorForLanguageModeling) and given.mlm:
        settings["mlm_probability"] = given.mlm_probability
    elif given is not None and given is not default_data_collator and type(given) not in PADDING_COLLATORS:
        raise ValueError(
            f"MultiTeacherDistillationTrainer cannot use the collator {type(given).__name__} here: teachers "
            f"{[*trainer.multi_tokenizer.distinct]} have tokenizers of their own, and it would not pad (and mask) what "
            "they read. Leave data_collator out, or build on DataCollatorForDistillation."
        )
    if given is not None:
        settings["pad_to_multiple_of"] = getattr(given, "pad_to_multiple_of", None)
        logger.warning(
            "%s is replaced by DataCollatorForDistillation with the same settings, because some teachers have "
            "tokenizers of their own.",
            getattr(given, "__name__", type(given).__name__),
        )
    return DataCollatorForDistillation(trainer.multi_tokenizer, **settings)
