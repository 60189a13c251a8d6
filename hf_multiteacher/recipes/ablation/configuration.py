"""What an ablation is made from: arms, seeds and tasks, beside the keys of a distillation that all of them share."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Literal

from ..configuration.arguments import known_keys, read_values
from ..configuration.checks import check_seed
from ..configuration.configuration import KINDS, DistillationConfig
from ..configuration.declared_values import declared_values
from ..configuration.did_you_mean import did_you_mean
from .answered import RESERVED

Keys = dict[str, Any]
OF_NO_CELL = ("output_dir", "seed", "resume_from_checkpoint", "push_to_hub")
OWN_KEYS_OF_CELLS = (*OF_NO_CELL, "fine_tune_teachers")
"""What an arm cannot change: each cell has a seed and no folder of its own, and teachers are the same for all."""
OWN_KEYS_OF_TASKS = (*OF_NO_CELL, "teachers")
"""What a task cannot change; which teachers an arm follows, that arm says."""
FINE_TUNING = "fine_tuning"


def _key(help: str, default: Any = None, **more: Any) -> Any:  # noqa: A002 (what argparse calls it)
    return field(default=default, metadata={"group": "the ablation", "help": help, **more})


@dataclass
class AblationConfig:
    """The keys of an ablation beside those of `hf-multiteacher distill`, which hold for every arm.

    Raises:
        ValueError: A key is missing, or does not fit the others.
    """

    teachers: list[str] | dict | None = _key(
        "The teachers: a mapping of short names to ids or folders, or a list of these, named by their last part."
    )
    arms: dict | None = _key(
        "A name for each arm, and the keys in which it differs; `teachers` names those that it follows (default: all; "
        "[]: the student alone)."
    )
    seeds: list[int] | None = _key("Each arm is trained once with each. Default: 1, 2, 3.")
    tasks: list[str] | dict | None = _key(
        "Several tasks in place of `task`; a mapping gives each keys of its own, also fine_tuning. As a flag it picks "
        "from the file's, and a mapping changes their keys."
    )
    fine_tuning: dict | None = _key(
        "Keys of the training that hold while the teachers learn the task; under a teacher's name, for it alone."
    )
    reference: str | None = _key(
        "The arm that the others are compared with. Default: for each task the best of those with one teacher, with "
        "half that of the other half; the first arm where there is none."
    )
    half: Literal[1, 2] | None = _key(
        "Compare on every second example alone, from the first (1) or the second (2) on: choose an arm on one half, "
        "and believe the other. Default: all."
    )

    def __post_init__(self) -> None:
        """Check what needs no model and no data to be known for wrong, and fill in what follows."""
        for name in ("teachers", "arms"):
            if not getattr(self, name):
                raise ValueError(f"The ablation lacks {name}. Add them to its file: {_LACKING[name]}.")

        self.teachers = _named(self.teachers or {})
        self.arms = {str(name): _mapping(f"The arm '{name}'", keys) for name, keys in (self.arms or {}).items()}
        if self.seeds == []:
            raise ValueError("seeds lists none, so nothing would be run. Give some, or leave it out for 1, 2, 3.")
        if self.tasks is not None and not self.tasks:
            raise ValueError("tasks names none, so nothing would be run. Name some, or leave it out and give a task.")
        self.seeds = list(dict.fromkeys(self.seeds or [1, 2, 3]))
        for seed in self.seeds:
            check_seed(seed)
        self._expect_known_names()

    @property
    def sources(self) -> dict[str, str]:
        """The teachers' names -> ids or folders."""
        return dict(self.teachers or {})  # type: ignore[arg-type]

    @property
    def keys_of_arms(self) -> dict[str, Keys]:
        """The names of the arms -> what they change."""
        return dict(self.arms or {})

    def _expect_known_names(self) -> None:
        if taken := [name for name in self.sources if name in RESERVED]:
            raise ValueError(f"No teacher can be called '{taken[0]}', as something else is. Give it another name.")
        if self.reference is not None and self.reference not in self.keys_of_arms:
            raise ValueError(
                f"reference is '{self.reference}', which is none of the arms {', '.join(self.keys_of_arms)}. Name one "
                "of them, or leave it out."
            )

        for arm, keys in self.keys_of_arms.items():
            if not isinstance(keys.get("teachers", []), list):
                raise ValueError(
                    f"The arm '{arm}' follows {keys['teachers']!r}, which is no list of teachers. Write names, "
                    f"[{', '.join(self.sources)}], [] for the student alone, or leave it out for all."
                )
            unknown = [name for name in keys.get("teachers", ()) if name not in self.sources]
            if unknown:
                raise ValueError(
                    f"The arm '{arm}' follows '{unknown[0]}', which is none of the teachers "
                    f"{', '.join(self.sources)}. Name these, or [] for the student alone."
                )
            if len({*keys.get("teachers", ())}) < len(keys.get("teachers", ())):
                raise ValueError(
                    f"The arm '{arm}' follows a teacher twice: {', '.join(keys['teachers'])}. Leave one out: "
                    "teacher_weights give a teacher more say."
                )


_LACKING = {
    "teachers": "`teachers: {A: folder-or-id, B: folder-or-id}`",
    "arms": "`arms: {alone: {teachers: []}, both: {}}`, names and the keys in which they differ",
}
SHARED = (*KINDS, AblationConfig)


def read_ablation(words: Sequence[str]) -> tuple[AblationConfig, Keys]:
    """Read an ablation.

    Args:
        words: The name of a YAML file, then maybe flags.

    Returns:
        The ablation, and the values that hold for every arm.

    Raises:
        ValueError: The file cannot be read, or a key is unknown, missing, or has a value that does not fit.
    """
    given = read_values(SHARED, words)
    if "tasks" in given and words[1:] and not words[0].startswith("-"):
        given["tasks"] = _with_own_keys(given["tasks"], read_values(SHARED, words[:1]).get("tasks"))
    own = {each.name for each in fields(AblationConfig)}
    config = AblationConfig(**{key: value for key, value in given.items() if key in own})

    shared = {key: value for key, value in given.items() if key not in own}
    if "seed" in shared:
        raise ValueError("An ablation has seeds, so seed has no effect. Name them: `seeds: [1, 2, 3]`.")
    if not shared.get("output_dir"):
        raise ValueError("The ablation lacks output_dir, the folder that keeps what is finished. Add a line for it.")
    return config, shared


def _with_own_keys(tasks: Any, of_the_file: Any) -> Any:
    """Have tasks that flags name keep the keys that the file gives them, but for those that the flags change."""
    if tasks == of_the_file or not isinstance(of_the_file, dict):
        return tasks

    for task in tasks:
        if task not in of_the_file:
            raise ValueError(
                f"--tasks names '{task}', but the file has keys for {', '.join(of_the_file)} alone. Add it to the "
                f"file: `{task}: {{}}` where it has none of its own."
            )
    changed = tasks if isinstance(tasks, dict) else dict.fromkeys(tasks)
    return {task: {**_mapping(task, of_the_file[task]), **_mapping(task, keys)} for task, keys in changed.items()}


def tasks_of(config: AblationConfig, shared: Mapping[str, Any]) -> dict[str, Keys]:
    """Return the tasks of an ablation, each with the keys that are its own.

    Raises:
        ValueError: There is no such task, it is masked-lm, or a key is none of a distillation's.
    """
    tasks = config.tasks or [shared.get("task", DistillationConfig.task)]
    given = tasks if isinstance(tasks, dict) else dict.fromkeys(tasks)
    own = {task: {**_without_fine_tuning(task, keys), "task": task} for task, keys in given.items()}
    found = {task: declared(f"The task '{task}'", keys, OWN_KEYS_OF_TASKS) for task, keys in own.items()}

    if DistillationConfig.task in found:
        raise ValueError(
            "An ablation compares arms by the quality of a task on labelled data, and masked-lm has none. Name a "
            "task, or tasks."
        )
    return found


def fine_tuning_of(config: AblationConfig, task: str, teacher: str) -> Keys:
    """Return the keys that hold while a teacher learns a task: those for all, over them the task's, its own first.

    Raises:
        ValueError: What is given for a teacher is no mapping.
    """
    tasks = config.tasks if isinstance(config.tasks, dict) else {}
    found: Keys = {}
    known = {*known_keys(KINDS), *config.sources}
    for given in (config.fine_tuning, (tasks.get(task) or {}).get(FINE_TUNING)):
        keys = _mapping(FINE_TUNING, given)
        if unknown := [key for key, value in keys.items() if isinstance(value, dict) and key not in known]:
            raise ValueError(
                f"fine_tuning has keys for '{unknown[0]}', which is none of the teachers {', '.join(config.sources)}. "
                "Correct the name."
            )
        of_all = {key: value for key, value in keys.items() if key not in config.sources}
        found |= of_all | _mapping(f"{FINE_TUNING} of {teacher}", keys.get(teacher))
    return found


def _without_fine_tuning(task: str, keys: Any) -> Keys:
    return {key: value for key, value in _mapping(f"The task '{task}'", keys).items() if key != FINE_TUNING}


def declared(owner: str, keys: Any, own: Sequence[str] = ("output_dir", "seed")) -> Keys:
    """Return keys of a distillation with the values that they declare.

    Args:
        owner: What messages say they belong to.
        keys: From the file.
        own: Those among them that it cannot have.

    Raises:
        ValueError: It is no mapping, or one of them is unknown, does not fit, or cannot stand there.
    """
    keys = _mapping(owner, keys)
    known = known_keys(KINDS)

    for key in keys:
        if key not in known:
            raise ValueError(f"{owner} has the key '{key}', which a distillation has not.{did_you_mean(key, known)}")
        if key in own:
            raise ValueError(f"{owner} has the key '{key}', which is the same for all of an ablation. Leave it out.")

    try:
        return declared_values(KINDS, keys)
    except ValueError as error:
        raise ValueError(f"{owner}: {error}") from error


def _mapping(owner: str, keys: Any) -> Keys:
    if keys is None:
        return {}
    if not isinstance(keys, dict) or not all(isinstance(key, str) for key in keys):
        raise ValueError(
            f"{owner} must be a mapping of keys to values, got {keys!r}. Write {{}} where it changes none."
        )
    return keys


def _named(teachers: Sequence[str] | Mapping[str, Any]) -> dict[str, str]:
    """Name the teachers of a list by the last parts of their ids or paths."""
    if isinstance(teachers, Mapping):
        return {str(name): str(source) for name, source in teachers.items()}

    named = {source.rstrip("/").split("/")[-1]: source for source in teachers}
    if len(named) < len(teachers):
        raise ValueError(
            f"Two of the teachers {', '.join(teachers)} have the same name. Give names of your own: `teachers: "
            "{A: first, B: second}`."
        )
    return named
