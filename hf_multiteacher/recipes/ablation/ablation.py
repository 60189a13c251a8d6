"""The command `hf-multiteacher ablate`: teachers that learn once, a student for every cell, and the table."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path

from ..configuration.checks import check_results_folder, check_training
from ..terminal.progress import Progress
from .arms import Arm, arms_of, teachers_arm, training_of
from .cells import Cell, Cells, check_names, refuse_other_examples
from .configuration import AblationConfig, Keys, fine_tuning_of, tasks_of
from .distillation import CellsOfTask, arguments_of, settings_of, told_of
from .intervals import Difference
from .results import TaskResult, mean_gains, task_result
from .table import terminal_tables
from .teachers import TaskTeacher, settings_of_all
from .written import write_results


class Ablation:
    """Arms, seeds and tasks: what is finished of them is kept, what is missing is run.

    Args:
        config: The ablation.
        shared: The keys that hold for every arm.

    Raises:
        ValueError: A key does not fit, a teacher cannot be had, or what is finished was run otherwise.
    """

    def __init__(self, config: AblationConfig, shared: Keys) -> None:
        self.config = config
        self.folder = Path(str(shared["output_dir"]))
        check_results_folder(self.folder)
        check_names({**config.sources, **config.keys_of_arms})

        tasks = tasks_of(config, shared)
        self.shared = {key: value for key, value in shared.items() if key != "output_dir"}
        self.arms = arms_of(config, self.shared, tasks)
        self.teachers = {task: self._teachers(task, own) for task, own in tasks.items()}
        self.kept = Cells(self.folder / "cells")
        self.cells = {(arm.task, arm.name, seed): self._read(arm, seed) for arm in self.arms for seed in self.seeds}
        for cell in filter(None, self.cells.values()):
            refuse_other_examples(cell.answered, self._finished(cell.task) or cell)

    @property
    def seeds(self) -> Sequence[int]:
        """Those of every arm."""
        return self.config.seeds or []

    def _teachers(self, task: str, own: Keys) -> dict[str, TaskTeacher]:
        folder, keys = self.folder / "teachers" / task, {**self.shared, **own}
        return {
            name: TaskTeacher(teachers_arm(task, keys, fine_tuning_of(self.config, task, name)), name, source, folder)
            for name, source in self.config.sources.items()
        }

    def _read(self, arm: Arm, seed: int) -> Cell | None:
        return self.kept.read(arm.task, arm.name, seed, self._settings(arm))

    def _finished(self, task: str) -> Cell | None:
        """Return the first cell of a task that is finished."""
        return next((cell for (name, _, _), cell in self.cells.items() if name == task and cell is not None), None)

    def _settings(self, arm: Arm) -> Keys:
        half = {"half": self.config.half} if arm.keys.get("calibrate_teachers") else {}  # it decides what is looked at
        learned = settings_of_all(self.teachers[arm.task])
        return {**settings_of(arm), "follows": list(arm.follows), "learned": learned, **half}

    def check(self) -> None:
        """Refuse arms that cannot be run, before any work; a training that several have is tried once.

        Raises:
            ValueError: There is one.
        """
        missing = {(arm.task, arm.name) for arm, _ in self.missing}
        tried: list[Keys] = []

        for arm in self.arms:
            if (arm.task, arm.name) not in missing:
                continue
            _, args, _ = arguments_of(arm, self.seeds[0], [*self.config.sources.values()], self.folder)
            training = training_of(arm)
            if training not in tried:
                check_training(args)
                tried.append(training)

    # ---- What is missing ----

    @property
    def missing(self) -> list[tuple[Arm, int]]:
        """Arms and seeds that are not finished: task by task, and seed by seed, so that arms can be compared early."""
        tasks = [[*arms] for _, arms in groupby(self.arms, lambda arm: arm.task)]
        cells = [(arm, seed) for arms in tasks for seed in self.seeds for arm in arms]
        return [(arm, seed) for arm, seed in cells if self.cells[arm.task, arm.name, seed] is None]

    def run(self, progress: Progress) -> None:
        """Have the teachers learn, and run every cell that is missing; each is kept as soon as it is finished.

        Raises:
            UnfitError: A teacher cannot learn a task from what it is given, or an arm not be run with its keys.
        """
        progress.stages = self.stages
        for task, group in groupby(self.missing, lambda each: each[0].task):
            cells, learners = [*group], self._learners(task)
            if learners:
                progress.stage(f"{task}: see that every arm can be run")
                self._rehearse(task, cells, progress)
            for name, teacher in learners.items():
                progress.stage(f"{task}: the teacher {name} learns")
                teacher.learn(progress)
            cells_of_task = self._cells_of(task)
            for arm, seed in cells:
                progress.stage(f"{task}: {arm.name}, seed {seed}")
                self._run(cells_of_task, arm, seed, progress)

    @property
    def stages(self) -> int:
        """How many there are."""
        missing = self.missing
        learners = [len(self._learners(task)) for task in {arm.task for arm, _ in missing}]
        return len(missing) + sum(learners) + sum(map(bool, learners))  # before they learn, arms are rehearsed

    def _learners(self, task: str) -> dict[str, TaskTeacher]:
        return {name: teacher for name, teacher in self.teachers[task].items() if teacher.ready is None}

    def _rehearse(self, task: str, cells: Sequence[tuple[Arm, int]], progress: Progress) -> None:
        """Before teachers learn for hours, refuse an arm that cannot be run beside them."""
        rehearsals = self._cells_of(task)
        for arm in {arm.name: arm for arm, _ in cells}.values():
            rehearsals.rehearse(arm, self.seeds[0], progress)

    def _cells_of(self, task: str) -> CellsOfTask:
        """Return what runs the cells of a task, with its teachers as they are now."""
        teachers = {name: str(teacher.ready or teacher.source) for name, teacher in self.teachers[task].items()}
        return CellsOfTask(teachers, str(self.folder / "teacher-outputs"), self.config.half, self._finished(task))

    def _run(self, cells_of_task: CellsOfTask, arm: Arm, seed: int, progress: Progress) -> None:
        try:
            cell = cells_of_task.run(arm, seed, self._settings(arm), progress)
        except ValueError as error:  # a student that learned nothing may have no score; the others still have theirs
            sys.stderr.write(f"  no figure: {' '.join(str(error).split())}\n")
            return

        with told_of(f"The student of '{arm.name}' in {arm.task} with seed {seed} cannot be kept"):
            self.kept.write(cell)
        self.cells[arm.task, arm.name, seed] = cell
        sys.stderr.write(f"  {cell.metric.replace('_', ' ')} {cell.quality[cell.metric]:.4f}\n")

    # ---- What is finished ----

    def results(self) -> tuple[dict[str, TaskResult], dict[str, Difference]]:
        """Compare the arms of every task that has a finished cell, and average what they gain."""
        found = {task: self._result(task) for task in self.teachers}
        tasks = {task: result for task, result in found.items() if result is not None}
        return tasks, mean_gains(tasks)

    def _result(self, task: str) -> TaskResult | None:
        arms = [arm for arm in self.arms if arm.task == task]
        cells = {
            arm.name: {seed: cell for seed in self.seeds if (cell := self.cells[task, arm.name, seed])} for arm in arms
        }
        return task_result(arms, cells, reference=self.config.reference, half=self.config.half)

    def report(self) -> str:
        """Write what is finished beside the cells, and return it as text.

        Raises:
            ValueError: Nothing is.
        """
        tasks, gains = self.results()
        if not tasks:
            raise ValueError(f"Nothing in '{self.folder}' is finished, so there is no table. Run the ablation first.")

        write_results(self.folder, tasks, gains, self._about())
        told = [*self._remarks(tasks), f"Tables with all columns, chart and figures: {self.folder}/"]
        return "\n{}\n\n{}\n".format(terminal_tables(tasks, gains), "\n".join(told))

    def _remarks(self, tasks: Mapping[str, TaskResult]) -> Iterator[str]:
        """Tell what the tables do not show though somebody may look for it."""
        for task in self.teachers:
            names = [arm.name for arm in self.arms if arm.task == task]
            count = {name: sum(self.cells[task, name, seed] is not None for seed in self.seeds) for name in names}
            seeds = len(self.seeds)
            if lacking := [f"{name} ({each} of {seeds} seeds)" for name, each in count.items() if each < seeds]:
                yield f"Not finished in {task}: {', '.join(lacking)}."
            if others := [name for name in self.kept.arms(task) if name not in names]:
                yield f"Left out in {task}, as the file does not name them: {', '.join(others)}."
            wanted, taken = self.config.reference, tasks[task].reference if task in tasks else None
            if taken and wanted not in (None, taken):
                yield f"In {task} the reference is '{taken}', as '{wanted}' has no finished cell."

    def _about(self) -> Keys:
        config = self.config
        return {
            "shared": self.shared,
            "teachers": config.teachers,
            "fine_tuning": config.fine_tuning,
            "keys_of_tasks": config.tasks if isinstance(config.tasks, dict) else {},
            "arms": config.arms,
            "seeds": config.seeds,
            "half": config.half,
        }
