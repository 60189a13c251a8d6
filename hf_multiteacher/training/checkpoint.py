"""What a checkpoint holds beside the student so that a resume continues the same run: teachers and projections."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from safetensors.torch import load_file, save_file
from torch import nn

from ..whole_file import write_text, write_whole

MANIFEST = "teacher_manifest.json"
PROJECTIONS = "projections.safetensors"


def save_manifest(folder: str | Path, manifest: Mapping[str, Any]) -> None:
    """Write what the teachers of a run are, and how the student follows them, beside the student."""
    write_text(Path(folder) / MANIFEST, json.dumps(manifest, indent=2) + "\n")


def check_manifest(folder: str | Path, manifest: Mapping[str, Any]) -> None:
    """Refuse to continue a checkpoint with another objective.

    Raises:
        ValueError: The checkpoint has no manifest, or another; the message lists every difference.
    """
    path = Path(folder) / MANIFEST
    if not path.is_file():
        raise ValueError(
            f"{Path(folder).name} has no {MANIFEST}, so it was not written by MultiTeacherDistillationTrainer with "
            "teachers and its run cannot be continued with them. Load its model as the student of a new run instead."
        )
    saved = json.loads(path.read_text(encoding="utf-8"))
    differences = list(_differences(saved, json.loads(json.dumps(manifest)), ""))
    if differences:
        raise ValueError(
            f"{Path(folder).name} was written with other teachers or arguments than this run has, so a resume would "
            f"silently change the objective. Different are: {'; '.join(differences)}. Use the same ones, or start a "
            "new run from the checkpoint's model."
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
