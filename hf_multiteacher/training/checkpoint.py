"""What a checkpoint must hold so that a resume continues the same run: all of its files, teachers and projections."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from safetensors.torch import load_file, save_file
from torch import nn
from transformers.trainer import OPTIMIZER_NAME, SCHEDULER_NAME, TRAINER_STATE_NAME
from transformers.trainer_utils import PREFIX_CHECKPOINT_DIR

from ..whole_file import write_text, write_whole

MANIFEST = "teacher_manifest.json"
PROJECTIONS = "projections.safetensors"

FILES = "checkpoint_files.json"
"""Names and sizes of all files of a checkpoint, written when they are there."""
SENTINEL = "checkpoint-is-incomplete.txt"
"""There while transformers saves because of a signal; what it says is known by the order of the files too."""
CONTINUES = {
    OPTIMIZER_NAME: ("optimizer", "global_step", "rank"),
    SCHEDULER_NAME: ("scheduler", "global_step"),
    "rng_state.pth": ("rng_state",),
}
"""What a run goes on from beside the student, and how the names of its shards begin under FSDP, DeepSpeed and XLA."""


def newest_whole_checkpoint(folder: str | Path) -> str | None:
    """Return the newest checkpoint of a run that was written to its end; None where there is none.

    Args:
        folder: The run's `output_dir`.
    """
    return next((str(each) for each in newest_first(folder) if not lacks(each)), None)


def newest_first(folder: str | Path) -> list[Path]:
    """List the checkpoints of a run, whole or not."""
    steps = {
        path: int(path.name.rpartition("-")[2])
        for path in Path(folder).glob(f"{PREFIX_CHECKPOINT_DIR}-*")
        if re.fullmatch(rf"{PREFIX_CHECKPOINT_DIR}-\d+", path.name) and path.is_dir()
    }
    return sorted(steps, key=lambda path: steps[path], reverse=True)


def lacks(checkpoint: Path) -> list[str]:
    """Say what a checkpoint lacks, as where a run was killed while it wrote it; nothing if it is whole.

    `trainer_state.json` is written last, by `Trainer` too, so where it can be read everything was there. What has gone
    since then is known by `checkpoint_files.json`, or by what belongs together where there is no such list.
    """
    if not is_finished(checkpoint):
        return [f"{TRAINER_STATE_NAME}, which is written last, is not there or cut short"]

    listed = _read_json(checkpoint / FILES)
    return [*_unlisted_losses(checkpoint)] if listed is None else [*_losses(checkpoint, listed)]


def is_finished(checkpoint: Path) -> bool:
    """Whether a checkpoint was once written to its end."""
    return _read_json(checkpoint / TRAINER_STATE_NAME) is not None


def _losses(checkpoint: Path, listed: Mapping[str, int]) -> Iterator[str]:
    for name, written in listed.items():
        path = checkpoint / name
        if not path.is_file():
            yield f"{name} is not there"
        elif path.stat().st_size < written:
            yield f"{name} has {path.stat().st_size:,} of {written:,} bytes"


def _unlisted_losses(checkpoint: Path) -> Iterator[str]:
    """Yield what is missing beside its fellows: without its optimizer a run would go on with a fresh one, silently."""
    there = _what_continues(checkpoint)
    if any(there.values()):
        yield from (f"{name} is not there" for name, found in there.items() if not found)


def holds_student_alone(checkpoint: Path) -> bool:
    """Whether a checkpoint has nothing of optimizer, schedule and random numbers, as `save_only_model` leaves it."""
    return not any(_what_continues(checkpoint).values())


def _what_continues(checkpoint: Path) -> dict[str, bool]:
    names = [path.name for path in checkpoint.iterdir()]
    return {name: any(each.startswith(begins) for each in names) for name, begins in CONTINUES.items()}


def _read_json(path: Path) -> dict[str, Any] | None:
    """Read a mapping; None where it is not there or cut short."""
    try:
        content = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return None

    return content if isinstance(content, dict) else None


def expect_whole(checkpoint: str | Path) -> None:
    """Refuse to continue a checkpoint of which something is missing.

    Raises:
        ValueError: It is not whole; the message names what is missing.
    """
    missing = lacks(Path(checkpoint))
    if missing:
        raise ValueError(
            f"{Path(checkpoint).name} is not whole, so its run cannot be continued from there: {'; '.join(missing)}. "
            "Resume from an earlier one; resume_from_checkpoint=True finds the newest that is whole."
        )


def begin_checkpoint(checkpoint: Path) -> None:
    """Take out of a folder into which a checkpoint will be written what would let it pass for finished meanwhile."""
    for name in (TRAINER_STATE_NAME, FILES):
        (checkpoint / name).unlink(missing_ok=True)


def list_files(checkpoint: Path) -> None:
    """Write down names and sizes of what a finished checkpoint holds."""
    files = [path for path in sorted(checkpoint.rglob("*")) if path.is_file() and path.name not in (FILES, SENTINEL)]
    sizes = {path.relative_to(checkpoint).as_posix(): path.stat().st_size for path in files}

    write_text(checkpoint / FILES, json.dumps(sizes, indent=2) + "\n")


def save_manifest(folder: str | Path, manifest: Mapping[str, Any]) -> None:
    """Write what the teachers of a run are, and how the student follows them, beside the student."""
    write_text(Path(folder) / MANIFEST, json.dumps(manifest, indent=2) + "\n")


def check_manifest(folder: str | Path, manifest: Mapping[str, Any]) -> None:
    """Refuse to continue a checkpoint with another objective, other examples or another optimizer.

    Raises:
        ValueError: The checkpoint has no manifest, or another; the message lists every difference.
    """
    path = Path(folder) / MANIFEST
    if not path.is_file():
        raise ValueError(
            f"{Path(folder).name} has no {MANIFEST}, so it was not written by MultiTeacherDistillationTrainer with "
            "teachers and its run cannot be continued with them. Load its model as the student of a new run instead."
        )
    saved, now = json.loads(path.read_text(encoding="utf-8")), json.loads(json.dumps(manifest))
    if "training" not in saved:  # an earlier version did not tell it
        now.pop("training", None)
    differences = list(_differences(saved, now, ""))
    if differences:
        raise ValueError(
            f"{Path(folder).name} was written with other teachers, arguments or data than this run has, so a resume "
            f"would silently change what is learned. Different are: {'; '.join(differences)}. Use the same ones, or "
            "start a new run from the checkpoint's model."
        )


def _differences(saved: Any, now: Any, place: str) -> Iterator[str]:
    """Yield a line for every leaf that differs."""
    if isinstance(saved, dict) and isinstance(now, dict):
        for key in sorted(saved.keys() | now.keys()):
            yield from _differences(saved.get(key), now.get(key), f"{place}.{key}" if place else key)
    elif isinstance(saved, list) and isinstance(now, list) and len(saved) == len(now):
        for index, (before, after) in enumerate(zip(saved, now, strict=True)):
            yield from _differences(before, after, f"{place}[{index}]")
    elif saved != now:
        yield f"{place} was {saved!r} and is {now!r}"


def save_projections(folder: str | Path, module: nn.Module | None) -> None:
    """Write the weights of the hidden-state projections, where there are any, into a checkpoint."""
    if module is None or not module.state_dict():
        return
    weights = {name: weight.contiguous() for name, weight in module.state_dict().items()}
    write_whole(Path(folder) / PROJECTIONS, lambda part: save_file(weights, part))


def load_projections(folder: str | Path, module: nn.Module | None) -> None:
    """Read the weights of the hidden-state projections, where the run has any, from a checkpoint.

    Raises:
        ValueError: The checkpoint has none.
    """
    if module is None or not module.state_dict():
        return
    path = Path(folder) / PROJECTIONS
    if not path.is_file():
        raise ValueError(
            f"{Path(folder).name} has no {PROJECTIONS}: it was saved with save_only_model=True, which keeps the "
            "student alone. Resume from a full checkpoint, or start a new run from this one's model."
        )
    module.load_state_dict(load_file(path))
