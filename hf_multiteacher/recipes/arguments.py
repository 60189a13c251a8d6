"""Dataclasses of arguments from a YAML file, from flags, or from a file and flags that change it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn, cast

import yaml
from transformers import HfArgumentParser


class _Parser(HfArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Raise what is wrong instead of printing a page of usage before it."""
        raise ValueError(f"{message[0].upper()}{message[1:]}.")


def read_yaml(path: str | Path) -> dict[str, Any]:
    """Read a YAML file of keys and values.

    Raises:
        ValueError: The file cannot be read or has another form.
    """
    try:
        content = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ValueError(f"The configuration '{path}' cannot be read: {error}.") from error
    if not isinstance(content, dict):
        raise ValueError(f"The configuration '{path}' must be YAML of the form `key: value`, one per line.")
    return content


def read_arguments(
    kinds: Sequence[type], words: Sequence[str], defaults: Mapping[str, Any] | None = None
) -> tuple[Any, ...]:
    """Read arguments as official examples do, except that flags may follow the YAML file and then override it.

    Args:
        kinds: Dataclasses, such as `TrainingArguments`.
        words: What the user gave: maybe the name of a YAML file, then flags.
        defaults: Values for what is neither in the file nor among the flags, where the dataclass's own do not suit.

    Returns:
        One object of each kind.

    Raises:
        ValueError, TypeError: The file cannot be read, or an argument does not exist or does not fit.
    """
    parser, flags = _Parser(cast(Any, kinds), allow_abbrev=False), list(words)
    parser.set_defaults(**defaults or {})
    if flags and not flags[0].startswith("-"):
        _set_defaults(parser, flags.pop(0))
    *arguments, unknown = parser.parse_args_into_dataclasses(
        flags, look_for_args_file=False, return_remaining_strings=True
    )
    if unknown:
        raise ValueError(f"There is no argument '{unknown[0]}'. The option --help lists all that there are.")
    return tuple(arguments)


def _set_defaults(parser: _Parser, path: str) -> None:
    """Take the file's values as defaults; argparse reads texts such as `5e-4` as if they were flags."""
    if not path.endswith((".yaml", ".yml")):
        raise ValueError(f"The configuration '{path}' must be a YAML file, whose name ends in .yaml or .yml.")
    content = read_yaml(path)
    actions = {action.dest: action for action in parser._actions}
    unknown = sorted(map(str, content.keys() - actions.keys()))
    if unknown:
        raise ValueError(f"The configuration '{path}' has keys that do not exist: {', '.join(unknown)}.")
    for key, value in content.items():
        several = actions[key].nargs == "+" and not isinstance(value, list)
        actions[key].required = False
        parser.set_defaults(**{key: [value] if several else value})
