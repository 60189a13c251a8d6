"""What is refused before any work: seeds, output folders, and arguments that a fine-tuning cannot follow."""

import os
from pathlib import Path
from typing import Literal

from transformers import TrainingArguments

SEEDS = 2**32
"""So many seeds there are: numpy takes no others."""


def check_seed(seed: int) -> None:
    """Refuse a seed that the random generators do not take.

    Raises:
        ValueError: It is below 0 or too large.
    """
    if not 0 <= seed < SEEDS:
        raise ValueError(f"A seed must be a number from 0 to {SEEDS - 1}, but got {seed}. Give another.")


def check_fine_tuning(args: TrainingArguments) -> None:
    """Refuse arguments that a fine-tuning which is measured once, at its end, cannot follow.

    Raises:
        ValueError: There is one.
    """
    check_seed(args.seed)

    if args.load_best_model_at_end:
        raise ValueError(
            "load_best_model_at_end would choose a checkpoint by the very examples that are measured in the end, so "
            "the figures would say nothing. Leave it out."
        )

    if args.resume_from_checkpoint:
        raise ValueError("resume_from_checkpoint is not supported here: every fine-tuning starts anew. Leave it out.")


def check_output_folder(folder: str | Path, resume: str | None | Literal[False] = False) -> None:
    """Refuse to write into a folder that cannot be made or holds something, unless the run resumes from it.

    Args:
        folder: Where the run will write.
        resume: The run's `resume_from_checkpoint`; False for what cannot be resumed.

    Raises:
        ValueError: The folder is a file, lies in one, or is not empty.
    """
    path = Path(folder)
    file = next((place for place in (path, *path.parents) if place.is_file()), None)
    if file:
        raise ValueError(f"The output folder '{folder}' cannot be made: '{file}' is a file. Choose another one.")

    if path.exists() and not resume and any(path.iterdir()):
        to_continue = "" if resume is False else " To continue a run, set resume_from_checkpoint."
        raise ValueError(
            f"The output folder '{folder}' is not empty, and nothing in it will be overwritten. Choose another one, "
            f"or empty it.{to_continue}"
        )


def check_results_folder(folder: Path) -> None:
    """Refuse a folder for results, which may be there and hold some, that is none or that cannot be made.

    Raises:
        ValueError: It is a file, lies in one, or cannot be written to.
    """
    above = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not above.is_dir() or not os.access(above, os.W_OK):
        raise ValueError(
            f"The results are written to the folder '{folder}', but '{above}' is no folder that can be written to. "
            "Choose another output_dir."
        )
