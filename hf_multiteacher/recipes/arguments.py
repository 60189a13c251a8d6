"""The one reader of arguments: dataclasses from a YAML file, from flags, or from a file and flags that change it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, NoReturn, cast

import yaml
from transformers import HfArgumentParser


class _Parser(HfArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Raise what is wrong instead of printing a page of usage before it."""
        raise ValueError(f"{message[0].upper()}{message[1:]}.")


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
    parser = _Parser(cast(Any, kinds), allow_abbrev=False)
    parser.set_defaults(**defaults or {})

    flags = list(words)
    if flags and not flags[0].startswith("-"):
        _set_defaults(parser, flags.pop(0))

    *arguments, unknown = parser.parse_args_into_dataclasses(
        flags, look_for_args_file=False, return_remaining_strings=True
    )
    if unknown:
        raise ValueError(f"There is no argument '{unknown[0]}'. The option --help lists all that there are.")
    return tuple(arguments)


def read_configuration(kinds: Sequence[type], path: str | Path, required: Sequence[str]) -> tuple[Any, ...]:
    """Read arguments that stand in a YAML file alone, where a field may be of types that no flag can spell.

    Args:
        kinds: Dataclasses, such as `TrainingArguments`.
        path: The YAML file, of any name.
        required: Keys that must be there and hold something.

    Returns:
        One object of each kind.

    Raises:
        ValueError: The file cannot be read, a key is missing or does not exist, or a value does not fit.
    """
    content = _read_yaml(path)
    missing = [key for key in required if not content.get(key)]
    if missing:
        raise ValueError(f"The configuration '{path}' lacks {', '.join(missing)}. Add a line for each.")

    known = [field.name for kind in kinds for field in fields(kind) if field.init]
    names = " and ".join(kind.__name__ for kind in kinds)
    _refuse_unknown(path, content, known, hint=f" They are those of {names}.")

    try:
        return tuple(_from_content(kind, content) for kind in kinds)
    except (TypeError, ValueError) as error:
        raise ValueError(f"The configuration '{path}' has a value that does not fit: {error}") from error


def _read_yaml(path: str | Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ValueError(f"The configuration '{path}' cannot be read: {error}.") from error

    if not isinstance(content, dict):
        raise ValueError(f"The configuration '{path}' must be YAML of the form `key: value`, one per line.")
    return content


def _refuse_unknown(path: str | Path, content: dict[str, Any], known: Collection[str], hint: str = "") -> None:
    unknown = sorted(str(key) for key in content if key not in known)
    if unknown:
        raise ValueError(f"The configuration '{path}' has keys that do not exist: {', '.join(unknown)}.{hint}")


def _set_defaults(parser: _Parser, path: str) -> None:
    """Take the file's values as defaults; argparse reads texts such as `5e-4` as if they were flags."""
    if not path.endswith((".yaml", ".yml")):
        raise ValueError(f"The configuration '{path}' must be a YAML file, whose name ends in .yaml or .yml.")

    content = _read_yaml(path)
    actions = {action.dest: action for action in parser._actions}
    _refuse_unknown(path, content, actions)

    for key, value in content.items():
        several = actions[key].nargs == "+" and not isinstance(value, list)
        actions[key].required = False
        parser.set_defaults(**{key: [value] if several else value})


def _from_content(kind: type, content: dict[str, Any]) -> Any:
    types = {field.name: str(field.type) for field in fields(kind) if field.init}
    return kind(**{key: _as_meant(value, types[key]) for key, value in content.items() if key in types})


def _as_meant(value: Any, kind: str) -> Any:
    """Read `5e-4`, which YAML takes for a word because it has no point, as a number, and one word as a list of it."""
    if not isinstance(value, str):
        return value
    if "float" in kind:
        return float(value)
    return [value] if kind.startswith("list[str]") else value
