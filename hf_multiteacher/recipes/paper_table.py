"""The paper's table for any models: each fine-tuned on each task with each seed, beside the published values."""

import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path
from statistics import mean, stdev
from tempfile import TemporaryDirectory
from typing import Any

from transformers import TrainingArguments, set_seed

from ..report.tables import table
from ..romanian.loading import load_task
from ..romanian.reference import REFERENCE, REFERENCE_NOTE
from ..romanian.tasks import Task, definitions_of
from ..whole_file import write_text
from .configuration.checks import check_fine_tuning, check_results_folder, check_seed
from .data.labelled_data import LabelledData
from .data.task_data import TaskData
from .fine_tuning import fine_tune
from .pretrained import Pretrained, shared_limit
from .results.settings import differing_settings
from .terminal.progress import Progress

DEFAULTS = {
    "output_dir": "romanian-table",
    "learning_rate": 2e-5,
    "per_device_train_batch_size": 16,
    "num_train_epochs": 5.0,
    "save_strategy": "no",
}
"""The published recipe of tagging, which RONEC's ran for 10 epochs."""

# What does not change a figure, or is set for every run.
_NOT_COMPARED = {"output_dir", "seed", "logging_dir", "run_name", "disable_tqdm", "report_to", "should_save"}
Run = dict[str, Any]
Key = tuple[str, str, int]


class PaperTable:
    """Runs, kept in `results.json` as they finish, and the table that they make.

    Args:
        models: Ids or folders of pretrained models.
        tasks: Keys of tasks; `all` for the seven.
        seeds: Each is a run, with its own head and order of examples. The held-out parts are the same for all.
        data: As for `load_task`.
        max_length: Tokens per text at most; by default what each model can read.
        args: The arguments of every run but its seed. In their `output_dir` are `results.json` and `table.md`; the
            runs that are there are not repeated.
        verbose: Show what the libraries have to say of the runs.

    Raises:
        ValueError: A model, the data or an argument cannot be used, or the runs that are there had other settings.
        OSError: There is no such data.
    """

    def __init__(
        self,
        models: Sequence[str],
        tasks: Sequence[str],
        seeds: Sequence[int],
        *,
        data: str | None,
        max_length: int | None,
        args: TrainingArguments,
        verbose: bool = False,
    ) -> None:
        _check(args, seeds)
        definitions = definitions_of(tasks)

        self.args = args
        self.verbose = verbose
        self.seeds = list(dict.fromkeys(seeds))
        self.folder = Path(str(args.output_dir))
        self.settings = {"data": data, "max_length": max_length, **_changed(args)}
        self.runs = self._finished()

        self.models = [Pretrained.find(source, "Model") for source in dict.fromkeys(models)]
        self.limits = {model.source: shared_limit([model], max_length) for model in self.models}
        self.tasks = {definition.key: load_task(definition.key, data) for definition in definitions}
        for model in self.models:
            model.expect_to_learn([TaskData.of(task) for task in self.tasks.values()])

    def run(self) -> str:
        """Do every run that is not there yet, write the table and return it."""
        wanted = product(self.tasks.values(), self.models, self.seeds)
        missing = [each for each in wanted if _key(*each) not in self.runs]

        with Progress(len(missing), verbose=self.verbose) as progress:
            for task, model, seed in missing:
                progress.stage(f"{task.key}, {model.source}, seed {seed}")
                self.runs[_key(task, model, seed)] = run = self._run(task, model, seed, progress)
                self._save()
                self._say(f"{task.metric} {run['metrics'].get(task.metric, run.get('error'))}")

        text = self.table()
        if self.args.should_save:
            write_text(self.folder / "table.md", f"{text}\n")
        return text

    def _say(self, found: str) -> None:
        if self.args.process_index == 0:
            sys.stderr.write(f"  {found}\n")

    def _run(self, task: Task, model: Pretrained, seed: int, progress: Progress) -> Run:
        run: Run = {"model": model.source, "task": task.key, "seed": seed, "split": task.measured_split, "metrics": {}}
        data = LabelledData.of(TaskData.of(task), [model.tokenizer], self.limits[model.source])

        set_seed(seed)
        with TemporaryDirectory() as scratch:
            args = replace(self.args, output_dir=scratch, seed=seed)
            try:
                loaded = data.load_model(model.source, model.owner)
                _, metrics = fine_tune(loaded, model.tokenizer, data, args, progress=progress)
            except ValueError as error:  # a model that learned nothing may have no score; the others still have theirs
                return run | {"error": " ".join(str(error).split())}

        return run | {"metrics": {name.removeprefix("eval_"): value for name, value in metrics.items()}}

    # ---- results.json ----

    @property
    def _path(self) -> Path:
        return self.folder / "results.json"

    def _finished(self) -> dict[Key, Run]:
        """Read the runs that are there; those that failed are tried again."""
        if not self._path.exists():
            return {}

        try:
            content = json.loads(self._path.read_text(encoding="utf-8"))
            settings = content["settings"]
            finished = [run for run in content["runs"] if "error" not in run]
            found = {(run["model"], run["task"], run["seed"]): run for run in finished}
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"'{self._path}' holds no results of this command. Choose another folder.") from error

        self._refuse_other(settings)
        return found

    def _refuse_other(self, before: dict[str, Any]) -> None:
        """Refuse to show runs of other settings in one table."""
        if others := differing_settings(before, self.settings):
            raise ValueError(
                f"'{self._path}' holds runs with {', '.join(others)}, and one table cannot show both. Give the same, "
                "or another folder."
            )

    def _save(self) -> None:
        if self.args.should_save:
            content = {"settings": self.settings, "runs": [*self.runs.values()]}
            write_text(self._path, json.dumps(content, indent=1, ensure_ascii=False))

    # ---- The table ----

    def table(self) -> str:
        """Lay out mean and standard deviation over the seeds, in percent, and the published values below them."""
        columns = [(key, figure) for key, task in self.tasks.items() for figure in task.definition.figures]
        rows = [
            [model.source, *(self._cell(model.source, key, metric) for key, metric in columns)]
            for model in self.models
        ]
        rows += [
            [f"{model} (published)", *(_published(values, self.tasks[key], metric) for key, metric in columns)]
            for model, values in REFERENCE.items()
        ]

        header = ["model", *(f"{key.upper()} {metric.replace('_', ' ')}" for key, metric in columns)]
        return "\n\n".join([table(header, rows), *self._notes()])

    def _cell(self, model: str, key: str, metric: str) -> str:
        runs = [self.runs[model, key, seed]["metrics"] for seed in self.seeds]
        values = [100 * metrics[metric] for metrics in runs if metric in metrics]
        if not values:
            return "—"

        spread = f" ± {stdev(values):.2f}" if len(values) > 1 else ""
        partly = f" ({len(values)} of {len(runs)} runs)" if len(values) < len(runs) else ""
        return f"{mean(values):.2f}{spread}{partly}"

    def _notes(self) -> list[str]:
        seeds = ", ".join(map(str, self.seeds))
        figures = (
            f"mean ± sample standard deviation over the seeds {seeds}" if len(self.seeds) > 1 else f"seed {seeds}"
        )
        splits = ", ".join(f"{key} on {task.measured_split}" for key, task in self.tasks.items())
        notes = [
            f"In percent, {figures}. Measured: {splits}.",
            REFERENCE_NOTE,
            *dict.fromkeys(task.citation for task in self.tasks.values()),
        ]

        shown = {(model.source, key) for model in self.models for key in self.tasks}
        failed = [run for run in self.runs.values() if "error" in run and (run["model"], run["task"]) in shown]
        return [*(f"{run['task']}, {run['model']}, seed {run['seed']}: {run['error']}" for run in failed), *notes]


def _key(task: Task, model: Pretrained, seed: int) -> Key:
    return model.source, task.key, seed


def _published(values: dict[str, float], task: Task, metric: str) -> str:
    """A published value, in the column of the figure that it is of."""
    shown = task.key in values and metric == task.definition.figures[-1]
    return f"{values[task.key]:.2f}" if shown else "—"


def _changed(args: TrainingArguments) -> dict[str, Any]:
    """Return the arguments that differ from the defaults of `TrainingArguments`."""
    plain = TrainingArguments(output_dir=str(args.output_dir)).to_dict()
    values = {name: value for name, value in args.to_dict().items() if name not in _NOT_COMPARED}
    return {name: value for name, value in values.items() if value != plain.get(name)}


def _check(args: TrainingArguments, seeds: Sequence[int]) -> None:
    check_fine_tuning(args)
    for seed in seeds:
        check_seed(seed)

    if args.seed != TrainingArguments.seed:
        raise ValueError("Every run has a seed of its own. Give --seeds, one or several.")
    if args.push_to_hub:
        raise ValueError("evaluate keeps figures, not models, so there is nothing to push. Leave push_to_hub out.")
    if args.should_save:
        check_results_folder(Path(str(args.output_dir)))
