"""The one reader of arguments: dataclasses from a YAML file, from flags, or from a file and flags that change it."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields
from typing import Any

import yaml

from .declared_values import declared_values
from .did_you_mean import did_you_mean
from .yaml_files import read_yaml

FLAG = re.compile(r"--?(?P<key>[A-Za-z]\w*(?:-\w+)*)(?:=(?P<value>.*))?", re.DOTALL)
EXPLAINED = "`hf-multiteacher distill --keys` explains those that there are."


def read_arguments(
    kinds: Sequence[type], words: Sequence[str], defaults: Mapping[str, Any] | None = None
) -> tuple[Any, ...]:
    """Read dataclasses from what the user gave.

    Args:
        kinds: Dataclasses, such as `TrainingArguments`.
        words: Maybe the name of a YAML file, then flags, which override it; see `read_values`.
        defaults: Values for what is neither in the file nor among the flags, where the dataclass's own do not suit.

    Returns:
        One object of each kind.

    Raises:
        ValueError: The file cannot be read, or an argument does not exist, does not fit or is missing.
    """
    return make_arguments(kinds, {**(defaults or {}), **read_values(kinds, words)})


def read_values(kinds: Sequence[type], words: Sequence[str]) -> dict[str, Any]:
    """Read the values of the keys that the user gave, each as what its dataclass declares.

    A flag is `--key value`, `--key=value`, `--key` alone for true, or `--key value value` for a list; `-` may stand
    for `_` in the key. A value is read as in YAML, or taken as a text where that fits instead.

    Args:
        kinds: Dataclasses; each key is a field of one of them.
        words: Maybe the name of a YAML file, then flags.

    Raises:
        ValueError: The file cannot be read, or a key does not exist or has a value that does not fit.
    """
    flags = [*words]
    path = flags.pop(0) if flags and not FLAG.fullmatch(flags[0]) else None
    given = {} if path is None else _read_file(kinds, path)

    for key, value in _flags(flags):
        if key not in known_keys(kinds):
            near = did_you_mean(f"--{key}", [f"--{name}" for name in known_keys(kinds)])
            raise ValueError(f"There is no argument '--{key}'.{near} {EXPLAINED}")
        given[key] = _declared_flag(kinds, key, value)
    return given


def make_arguments(kinds: Sequence[type], values: Mapping[str, Any]) -> tuple[Any, ...]:
    """Make one object of each kind from the values that belong to it.

    Raises:
        ValueError: A value does not fit, or one that has no default is missing.
    """
    made = []
    for kind in kinds:
        own = {field.name for field in fields(kind) if field.init}
        with _told_as_value_errors(""):
            made.append(kind(**{key: value for key, value in values.items() if key in own}))
    return tuple(made)


def known_keys(kinds: Sequence[type]) -> set[str]:
    """Return the names of all fields that a user may give."""
    return {field.name for kind in kinds for field in fields(kind) if field.init}


# ---- The file ----


def _read_file(kinds: Sequence[type], path: str) -> dict[str, Any]:
    content = _read_yaml(path)
    known = known_keys(kinds)
    unknown = sorted(str(key) for key in content if key not in known)
    if unknown:
        raise ValueError(
            f"The configuration '{path}' has keys that do not exist: {', '.join(unknown)}."
            f"{did_you_mean(unknown[0], known)} {EXPLAINED}"
        )

    with _told_as_value_errors(f"The configuration '{path}' has a value that does not fit: "):
        return declared_values(kinds, content)


def _read_yaml(path: str) -> dict[str, Any]:
    try:
        content = read_yaml(path)
    except OSError as error:
        raise ValueError(
            f"There is no configuration '{path}' that could be read: {str(error.strerror).lower()}. Check the name; "
            "where there is no file, begin with a flag: `--key value`."
        ) from error
    except ValueError as error:  # also a date that does not exist
        raise ValueError(f"The configuration '{path}' cannot be read: {error}.") from error

    if not isinstance(content, dict):
        raise ValueError(f"The configuration '{path}' must be YAML of the form `key: value`, one per line.")
    return content


# ---- The flags ----


def _flags(words: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
    """Yield each flag's key and the words that are its value."""
    key, value = "", list[str]()
    for word in words:
        flag = FLAG.fullmatch(word)
        if flag is None and not key:
            raise ValueError(f"'{word}' belongs to no flag. A file comes first, and then `--key value`.")
        if flag is None:
            value.append(word)
            continue

        if key:
            yield key, value
        key = flag["key"].replace("-", "_")
        value = [] if flag["value"] is None else [flag["value"]]
    if key:
        yield key, value


def _declared_flag(kinds: Sequence[type], key: str, words: list[str]) -> Any:
    """Return the value of a flag: as YAML reads its words, or the words themselves."""
    try:
        return declared_values(kinds, {key: _one_or_all([*map(_as_yaml, words)])})[key]
    except ValueError:
        if not words:
            raise ValueError(f"--{key} needs a value. Give it behind the flag.") from None
        return declared_values(kinds, {key: _one_or_all(words)})[key]


def _one_or_all(values: list[Any]) -> Any:
    """Return the only value, all of them, or true where there is none."""
    return values if len(values) > 1 else values[0] if values else True


def _as_yaml(word: str) -> Any:
    try:
        return yaml.safe_load(word)
    except (ValueError, RecursionError, yaml.YAMLError):
        return word


@contextmanager
def _told_as_value_errors(where: str) -> Iterator[None]:
    """Tell as one kind of error, and of which file, what dataclasses raise over the values that they are given."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f"{where}{error}") from error
    except (ArithmeticError, ImportError, LookupError, NotImplementedError, OSError, RuntimeError, TypeError) as error:
        raise ValueError(f"{where}{error} ({type(error).__name__}).") from error
