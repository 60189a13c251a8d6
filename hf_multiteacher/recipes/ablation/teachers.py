"""The teachers of an ablation: each learns each task once, and all arms and seeds have the same."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...whole_file import write_text
from ..terminal.progress import Progress
from .arms import Arm
from .cells import refuse_other
from .distillation import CellDistillation, WithinStage, make_distillation, settings_of

FILE = "teachers.json"
SEED = 42


class TaskTeachers:
    """The teachers of one task.

    Args:
        arm: How they learn it, from `teachers_arm`.
        sources: The teachers' names -> ids or folders.
        folder: Where those are kept that learn the task here.

    Attributes:
        ready: The teachers' names -> folders or ids; None where they are still to learn.

    Raises:
        ValueError: There is no such teacher, or those that are there learned otherwise.
    """

    def __init__(self, arm: Arm, sources: Mapping[str, str], folder: Path) -> None:
        self.arm = arm
        self.sources = sources
        self.folder = folder
        self.settings = {"teachers": dict(sources), **settings_of(arm)}
        self.ready = self._found()

    def learn(self, progress: Progress) -> None:
        """Fine-tune those that do not know the task."""
        shutil.rmtree(self.folder, ignore_errors=True)  # of a run that was stopped
        distillation = self._distillation()
        within: Any = WithinStage(progress)
        distillation.prepare(within)
        distillation.train_teachers(within)

        learned = {name: each.fine_tune for name, each in zip(self.sources, distillation.found, strict=True)}
        for number, name in enumerate(learned, 1):
            if learned[name]:  # a trainer calls a teacher as its folder is called
                (self.folder / f"teacher-{number}").rename(self.folder / name)
        write_text(self.folder / FILE, json.dumps({"settings": self.settings, "learned": learned}, indent=1))
        self.ready = self._found()

    def _found(self) -> dict[str, str] | None:
        path = self.folder / FILE
        if not path.is_file():
            learners = [each.fine_tune for each in self._distillation().found]
            return None if any(learners) else dict(self.sources)

        content = json.loads(path.read_text(encoding="utf-8"))
        refuse_other(f"The fine-tuning of the teachers in '{self.folder}'", content["settings"], self.settings)
        learned = content["learned"]
        return {name: str(self.folder / name) if learned[name] else source for name, source in self.sources.items()}

    def _distillation(self) -> CellDistillation:
        return make_distillation(self.arm, SEED, [*self.sources.values()], self.folder)
