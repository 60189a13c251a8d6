"""From where a run goes on."""

from pathlib import Path

from transformers.trainer_utils import get_last_checkpoint

from ..training_args import DistillationTrainingArguments


def find_checkpoint(args: DistillationTrainingArguments) -> str | None:
    """Return the folder from which a run resumes; None where it starts anew.

    Raises:
        ValueError: There is no such folder.
    """
    wanted, folder = args.resume_from_checkpoint, str(args.output_dir)
    if not wanted:
        return None

    if wanted is True:  # as in `Trainer`: the newest in the output folder
        wanted = get_last_checkpoint(folder) if Path(folder).is_dir() else None
    if wanted is None or not Path(wanted).is_dir():
        place = f"at '{wanted}'" if wanted else f"in '{folder}'"
        raise ValueError(
            f"There is no checkpoint {place} to resume from. Leave resume_from_checkpoint out to start anew."
        )
    return wanted
