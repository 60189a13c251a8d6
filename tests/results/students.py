"""The masked-LM students: files in docs/results from what `hf-multiteacher distill` or an example left of each."""

import json
from collections.abc import Mapping
from pathlib import Path


def collect_students(folders: Mapping[str, str], path: Path) -> None:
    """Write the figures of students and teachers to one file.

    Args:
        folders: Names -> output folders.
        path: The file to write.
    """
    read = {name: json.loads(Path(folder, "metrics.json").read_text("utf-8")) for name, folder in folders.items()}
    rows = [(teacher, row) for each in read.values() for teacher, row in each["teachers"].items()]
    teachers = {teacher: row["quality"]["loss"] for teacher, row in rows if "loss" in row["quality"]}
    students = {
        name: {
            "loss": each["student"]["losses"]["loss"],
            "loyalty": {teacher: row["loyalty"] for teacher, row in each["teachers"].items()},
        }
        for name, each in read.items()
    }
    path.write_text(json.dumps({"teachers": teachers, "students": students}, indent=1) + "\n", encoding="utf-8")


def collect_uncovered(folders: Mapping[str, str], path: Path) -> None:
    """Write the figures of students of `examples/words_cut_differently.py` to one file; arguments as above."""
    rows = {name: json.loads(Path(folder, "figures.json").read_text("utf-8")) for name, folder in folders.items()}
    path.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
