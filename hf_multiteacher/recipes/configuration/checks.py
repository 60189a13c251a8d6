"""What is refused before any work: seeds, output folders, and arguments that a fine-tuning cannot follow."""

from pathlib import Path
from typing import Literal

from transformers import TrainingArguments

from ...training.preflight.writable import obstacle_to_writing
from .rehearsal import check_reporters, rehearse

SEEDS = 2**32
"""So many seeds there are: numpy takes no others."""

UNLIMITED = 10**9
RANGES = {
    "per_device_train_batch_size": (1, UNLIMITED),
    "per_device_eval_batch_size": (1, UNLIMITED),
    "gradient_accumulation_steps": (1, UNLIMITED),
    "num_train_epochs": (0, UNLIMITED),
    "max_steps": (-1, UNLIMITED),
    "learning_rate": (0, UNLIMITED),
    "weight_decay": (0, UNLIMITED),
    "max_grad_norm": (0, UNLIMITED),
    "adam_beta1": (0, 1),
    "adam_beta2": (0, 1),
    "adam_epsilon": (0, UNLIMITED),
    "label_smoothing_factor": (0, 1),
    "temperature": (1e-6, UNLIMITED),
    "data_seed": (0, SEEDS - 1),
    "logging_steps": (0, UNLIMITED),
    "eval_steps": (0, UNLIMITED),
    "save_steps": (0, UNLIMITED),
    "save_total_limit": (0, UNLIMITED),
    "eval_delay": (0, UNLIMITED),
    "dataloader_num_workers": (0, UNLIMITED),
    "dataloader_prefetch_factor": (1, UNLIMITED),
}
"""Least and most of the arguments that `TrainingArguments` take as they are; 0 and -1 steps have a meaning there."""


def check_seed(seed: int) -> None:
    """Refuse a seed that the random generators do not take.

    Raises:
        ValueError: It is below 0 or too large.
    """
    if not 0 <= seed < SEEDS:
        raise ValueError(f"A seed must be a number from 0 to {SEEDS - 1}, but got {seed}. Give another.")


def check_training(args: TrainingArguments) -> None:
    """Refuse arguments that no training can follow, also for want of a package.

    Raises:
        ValueError: There is one.
    """
    check_seed(args.seed)

    for name, (least, most) in RANGES.items():
        value = getattr(args, name, None)
        if value is not None and not least <= value <= most:
            limits = f"from {least} on" if most == UNLIMITED and value <= most else f"from {least} to {most}"
            raise ValueError(f"{name} must be a number {limits}, got {value}. Give another, or leave it out.")

    if args.max_steps < 1 and args.num_train_epochs == 0:
        raise ValueError(
            "num_train_epochs is 0, so the model would be saved as it is, untrained. Give more (0.5 is half of the "
            "data), or max_steps."
        )

    teachers, weights = (getattr(args, name, None) for name in ("teachers", "teacher_weights"))
    if teachers and weights and len(weights) != len(teachers):
        raise ValueError(
            f"teacher_weights must hold one number for each of the {len(teachers)} teachers, got {weights}. Correct "
            "it, or leave it out."
        )

    check_reporters(args)
    rehearse(args)


def check_fine_tuning(args: TrainingArguments) -> None:
    """Refuse arguments that a fine-tuning which is measured once, at its end, cannot follow.

    Raises:
        ValueError: There is one.
    """
    check_training(args)
    refuse_best_checkpoint(args)
    refuse_resume(args, "every fine-tuning starts anew")


def refuse_best_checkpoint(args: TrainingArguments, advice: str = "Leave it out.") -> None:
    """Refuse to choose a checkpoint by what is measured.

    Args:
        args: The run's.
        advice: What to do.

    Raises:
        ValueError: The arguments ask for it.
    """
    if args.load_best_model_at_end:
        raise ValueError(
            "load_best_model_at_end would choose a checkpoint by the very examples that are measured in the end, so "
            f"the figures would say nothing. {advice}"
        )


def refuse_resume(args: TrainingArguments, reason: str) -> None:
    """Refuse to go on from a checkpoint where a run cannot.

    Args:
        args: The run's.
        reason: Why it cannot.

    Raises:
        ValueError: The arguments ask for it.
    """
    if args.resume_from_checkpoint:
        raise ValueError(f"resume_from_checkpoint is not supported here: {reason}. Leave it out.")


def check_output_folder(folder: str | Path, resume: str | None | Literal[False] = False) -> None:
    """Refuse to write into a folder that cannot be made or holds something, unless the run resumes from it.

    Args:
        folder: Where the run will write.
        resume: The run's `resume_from_checkpoint`; False for what cannot be resumed.

    Raises:
        ValueError: The folder is a file, lies in one, or is not empty.
    """
    expect_folder(folder)
    path = Path(folder)
    if path.exists() and not resume and any(path.iterdir()):
        to_continue = "" if resume is False else " To continue a run, set resume_from_checkpoint."
        raise ValueError(
            f"The output folder '{folder}' is not empty, and nothing in it will be overwritten. Choose another one, "
            f"or empty it.{to_continue}"
        )


def expect_folder(folder: str | Path) -> None:
    """Refuse a folder that cannot be made.

    Raises:
        ValueError: It is a file, or lies in one or where nothing can be written.
    """
    if not Path(folder).is_dir():
        _expect_writable(Path(folder), f"The output folder '{folder}' cannot be made")


def check_results_folder(folder: Path) -> None:
    """Refuse a folder for results, which may be there and hold some, that is none or that cannot be made.

    Raises:
        ValueError: It is a file, lies in one, or cannot be written to.
    """
    _expect_writable(folder, f"The results cannot be written to the folder '{folder}'")


def _expect_writable(folder: Path, what: str) -> None:
    """Refuse a folder below which nothing can be written."""
    if "\0" in str(folder):
        raise ValueError(f"{what}: there is a zero byte in its name. Choose another output_dir.")

    obstacle = obstacle_to_writing(folder)
    if obstacle is not None:
        raise ValueError(f"{what}: {obstacle}. Choose another output_dir.")
