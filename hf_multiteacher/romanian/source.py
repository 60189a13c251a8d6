"""Where a Romanian data set lives, and how it is read."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Record = dict[str, Any]
"""One example: its texts or words under the names of the columns, its labels under the keys of the tasks."""


@dataclass(frozen=True)
class Source:
    """A published data set.

    Attributes:
        title: Its name.
        folder: Folder that holds it, in the layout of `data_dir`.
        repository: GitHub repository of its authors.
        commit: The version that is downloaded.
        files: Path in `folder` -> (path in the repository, git blob id, which is a SHA-1 checksum of the content).
        splits: Split -> path in `folder` that its reader takes.
        license: Its licence.
        citation: What to cite.
        read: Reads the records of a split from its path.
        generate: Makes as many synthetic records as are asked for, from a seed.
    """

    title: str
    folder: str
    repository: str
    commit: str
    files: dict[str, tuple[str, str]]
    splits: dict[str, str]
    license: str
    citation: str
    read: Callable[[Path], list[Record]]
    generate: Callable[[int, int], list[Record]]
