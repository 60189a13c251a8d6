"""The exact configuration of a run, as a file that repeats it."""

from collections.abc import Mapping
from dataclasses import fields
from enum import Enum
from pathlib import Path
from typing import Any

import yaml

from ...training_args import DistillationTrainingArguments, objective_arguments
from ...whole_file import write_text
from ..configuration.configuration import DistillationConfig, defaults_for
from ..configuration.keys import THAT_MATTER

NOT_REPEATED = ("token", "hub_", "push_to_hub", "resume_from_checkpoint", "logging_dir", "run_name")
"""What begins or ends so is somebody's secret, or belongs to one run alone."""


def write_config(
    path: Path,
    config: DistillationConfig,
    args: DistillationTrainingArguments,
    given: Mapping[str, Any],
    decided: Mapping[str, Any],
) -> None:
    """Write the configuration of a run: all that was given, and what was decided where nothing was.

    Args:
        path: The YAML file.
        config: What was distilled.
        args: The arguments of the training.
        given: The values that the user gave.
        decided: Those of the configuration's keys that were found on the way.
    """
    own = {each.name: getattr(config, each.name) for each in fields(config)}
    training = {name: getattr(args, name) for name in ("teachers", "output_dir", *objective_arguments(), *THAT_MATTER)}
    values = {**_said(own), **_said(training), **_said(defaults_for(given)), **_said(given), **_said(decided)}
    values = {name: value for name, value in values.items() if not _is_of_one_run(name)}
    if values.get("save_strategy") == "no":
        values.pop("save_steps", None)

    note = (
        f"# {config.task}: hf-multiteacher distill {path.name} --output_dir ELSEWHERE repeats the run,\n"
        "# from the folder in which it was started where paths are relative.\n"
    )
    text = yaml.safe_dump(values, sort_keys=False, allow_unicode=True, width=119)
    write_text(path, note + text)


def _said(values: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out what says nothing, and write the others as YAML can."""
    return {
        name: value.value if isinstance(value, Enum) else value
        for name, value in values.items()
        if value is not None and value != "" and value is not False
    }


def _is_of_one_run(name: str) -> bool:
    return name.startswith(NOT_REPEATED) or name.endswith(NOT_REPEATED)
