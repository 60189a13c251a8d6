"""The splits of a data set: found in a folder, downloaded, or generated; a part held out where there is none."""

from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

from .download import download
from .source import Record, Source

SYNTHETIC_SIZES = {"train": 2000, "validation": 400, "test": 400}


def _folders(source: Source, data_dir: str | Path) -> list[Path]:
    """`data_dir` and the folder named after the data set in it: those that hold the training part."""
    folders = (Path(data_dir) / source.folder, Path(data_dir))
    return [folder for folder in folders if (folder / source.splits["train"]).exists()]


def is_there(source: Source, data_dir: str | Path | None) -> bool:
    """Whether `data_dir` holds a data set; what is downloaded or generated always is there."""
    return data_dir in (None, "synthetic") or bool(_folders(source, str(data_dir)))


def find_folder(source: Source, data_dir: str | Path) -> Path:
    """Find the folder of a data set: `data_dir` itself or the folder named after the data set in it.

    Raises:
        FileNotFoundError: Neither holds the training part.
    """
    if folders := _folders(source, data_dir):
        return folders[0]

    raise FileNotFoundError(
        f"The task expects {source.title} in {Path(data_dir) / source.folder} or in {data_dir}, with at least "
        f"'{source.splits['train']}', and finds no such file. Give the folder of the original files, or none to "
        "download them."
    )


def _folder(source: Source, data_dir: str | Path | None) -> Path:
    return download(source) if data_dir is None else find_folder(source, data_dir)


def gold_file(source: Source, data_dir: str | Path | None, split: str) -> Path | None:
    """Return the published file of a split; None where there is none: generated sentences, or a part held out."""
    if data_dir == "synthetic":
        return None
    path = _folder(source, data_dir) / source.splits[split]
    return path if path.exists() else None


def read_splits(source: Source, data_dir: str | Path | None) -> dict[str, list[Record]]:
    """Read the splits of a data set as they were published, unchanged.

    Args:
        source: The data set.
        data_dir: Folder with the files; None downloads them; `synthetic` generates sentences.

    Returns:
        Split -> records; of the splits only those that are there, `train` always.
    """
    if data_dir == "synthetic":
        sizes = enumerate(SYNTHETIC_SIZES.items(), 1)
        return {split: source.generate(size, seed) for seed, (split, size) in sizes}

    folder = _folder(source, data_dir)
    paths = {split: folder / name for split, name in source.splits.items()}
    return {split: source.read(path) for split, path in paths.items() if path.exists()}


def stratified_split(kinds: Sequence[Any], share: float, seed: int) -> tuple[list[int], list[int]]:
    """Hold out a share of the rows, the same share of each kind.

    Args:
        kinds: Kind of each row.
        share: Share to hold out.
        seed: The same seed holds out the same rows.

    Returns:
        Rows that stay and rows held out, both in their order.

    Example:
        >>> stratified_split(["a", "b", "a", "b"], share=0.5, seed=0)
        ([0, 1], [2, 3])
    """
    rows: dict[Any, list[int]] = {}
    for row, kind in enumerate(kinds):
        rows.setdefault(kind, []).append(row)

    rng, held = Random(seed), set[int]()
    for kind in sorted(rows, key=str):
        held.update(rng.sample(rows[kind], round(share * len(rows[kind]))))
    return [row for row in range(len(kinds)) if row not in held], sorted(held)
