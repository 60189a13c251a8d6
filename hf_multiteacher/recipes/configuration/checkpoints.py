"""From where a run goes on."""

from pathlib import Path

from ...training.checkpoint import expect_whole, newest_first, newest_whole_checkpoint
from ...training_args import DistillationTrainingArguments


def find_checkpoint(args: DistillationTrainingArguments) -> str | None:
    """Return the folder from which a run resumes; None for a start, also where no checkpoint was written to its end.

    Raises:
        ValueError: There is no such folder, or the checkpoint in it is not whole.
    """
    wanted, folder = args.resume_from_checkpoint, str(args.output_dir)
    if not wanted:
        return None

    newest = wanted is True
    if not (newest_first(folder) if newest else Path(wanted).is_dir()):
        place = f"in '{folder}'" if newest else f"at '{wanted}'"
        raise ValueError(
            f"There is no checkpoint {place} to resume from. Leave resume_from_checkpoint out to start anew."
        )
    if newest:
        return newest_whole_checkpoint(folder)

    expect_whole(wanted)
    return wanted
