"""The one reader of arguments: dataclasses from a YAML file, from flags, or from a file and flags that change it."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any, NoReturn, cast

from transformers import HfArgumentParser

from .declared_values import declared_values
from .yaml_files import read_yaml


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
        ValueError: The file cannot be read, or an argument does not exist or does not fit.
    """
    parser = _Parser(cast(Any, kinds), allow_abbrev=False)
    parser.set_defaults(**defaults or {})

    flags = list(words)
    if flags and not flags[0].startswith("-"):
        _set_defaults(parser, kinds, flags.pop(0))

    with _told_as_value_errors(""):
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

    values = _declared(path, kinds, content)
    names = [{field.name for field in fields(kind)} for kind in kinds]
    with _told_as_value_errors(f"The configuration '{path}' has a value that does not fit: "):
        return tuple(
            kind(**{key: value for key, value in values.items() if key in own})
            for kind, own in zip(kinds, names, strict=True)
        )


def _read_yaml(path: str | Path) -> dict[str, Any]:
    try:
        content = read_yaml(path)
    except (OSError, ValueError) as error:  # a date that does not exist: ValueError
        raise ValueError(f"The configuration '{path}' cannot be read: {error}.") from error

    if not isinstance(content, dict):
        raise ValueError(f"The configuration '{path}' must be YAML of the form `key: value`, one per line.")
    return content


def _declared(path: str | Path, kinds: Sequence[type], content: dict[str, Any]) -> dict[str, Any]:
    """Refuse keys that do not exist, and values that are not what their key declares."""
    known = {field.name for kind in kinds for field in fields(kind) if field.init}
    unknown = sorted(str(key) for key in content if key not in known)
    if unknown:
        raise ValueError(
            f"The configuration '{path}' has keys that do not exist: {', '.join(unknown)}. They are those of "
            f"{' and '.join(kind.__name__ for kind in kinds)}."
        )

    with _told_as_value_errors(f"The configuration '{path}' has a value that does not fit: "):
        return declared_values(kinds, content)


@contextmanager
def _told_as_value_errors(where: str) -> Iterator[None]:
    """Tell as one kind of error, and of which file, what dataclasses raise over the values that they are given."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f"{where}{error}") from error
    except (ArithmeticError, ImportError, LookupError, NotImplementedError, OSError, RuntimeError, TypeError) as error:
        raise ValueError(f"{where}{error} ({type(error).__name__}).") from error


def _set_defaults(parser: _Parser, kinds: Sequence[type], path: str) -> None:
    """Take the file's values as defaults, which flags override."""
    if not path.endswith((".yaml", ".yml")):
        raise ValueError(f"The configuration '{path}' must be a YAML file, whose name ends in .yaml or .yml.")

    values = _declared(path, kinds, _read_yaml(path))
    for action in parser._actions:
        action.required = action.required and action.dest not in values
    parser.set_defaults(**values)
