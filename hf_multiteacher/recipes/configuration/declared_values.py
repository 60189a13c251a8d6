"""A value of a YAML file as the type that a dataclass declares for its key."""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import Field, fields
from datetime import date
from enum import Enum
from reprlib import Repr
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from transformers.trainer_pt_utils import AcceleratorConfig

NAMES: dict[Any, str] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "a text",
    dict: "a mapping of keys to values",
}
MORE_THAN_DECLARED: dict[str, Any] = {"resume_from_checkpoint": bool}
"""Keys for which `Trainer` takes a type that transformers does not declare."""
MADE_OF_KEYS: dict[str, Any] = {"accelerator_config": AcceleratorConfig}
"""Keys whose mapping becomes an object with keys of its own."""
MOST_CHOICES = 12
LARGEST = 2**63
"""A whole number from here on fits in no tensor."""

_shown = Repr()
_shown.maxstring = _shown.maxother = 60
_shown.maxlevel = 2


class DoesNotFit(Exception):
    """A value is none of the type; the caller knows its key."""


def declared_values(kinds: Sequence[type], content: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of all keys as what the dataclasses declare.

    A text that reads as the declared number is taken for it: YAML reads `5e-4`, which has no point, as a text. So is
    one value for a list of it, and `no`, which YAML reads as false, where it is a choice. All else must fit as it is.

    Args:
        kinds: Dataclasses.
        content: What a file holds; each key is a field of one of them.

    Raises:
        ValueError: A value does not fit; the message names key, type and value.
    """
    known = {field.name: field for kind in kinds for field in fields(kind)}
    hints = {name: hint for kind in kinds for name, hint in get_type_hints(kind).items()}
    values = {key: _declared(value, known[key], hints[key]) for key, value in content.items()}

    for key in MADE_OF_KEYS.keys() & values.keys():
        _expect_keys(key, values[key])
    return values


def _expect_keys(name: str, value: Any) -> None:
    """Refuse keys of a mapping that transformers makes an object of, and that this does not have."""
    keys = [field.name for field in fields(MADE_OF_KEYS[name])]
    mapping = _mapping_in(value) if isinstance(value, str) else value
    unknown = sorted({*map(str, mapping)} - {*keys}) if isinstance(mapping, dict) else []
    if unknown:
        raise ValueError(f"{name} must be a mapping of {', '.join(keys)}, got the key '{unknown[0]}'.")


def _mapping_in(text: str) -> Any:
    """Read a mapping that is written as JSON, as transformers does; None where it is a file's name."""
    try:
        return json.loads(text)
    except ValueError:
        return None


def _declared(value: Any, field: "Field[Any]", hint: Any) -> Any:
    alternatives = _alternatives(hint, field)

    for read in (_as_it_is, _as_meant):
        for alternative in alternatives:
            try:
                return read(value, alternative)
            except DoesNotFit:
                continue

    expected = type_in_words(field, hint)
    raise ValueError(f"{field.name} must be {expected}, got {_as_written(value)}. {_remedy(value, alternatives)}")


def type_in_words(field: "Field[Any]", hint: Any) -> str:
    """Say what the value of a key may be.

    Args:
        field: The key's.
        hint: Its declared type.
    """
    return " or ".join(dict.fromkeys(_name(each) for each in _alternatives(hint, field) if each is not NoneType))


def _alternatives(hint: Any, field: "Field[Any]") -> list[Any]:
    """List the types that a field may have, the choices that stand in its metadata as one."""
    alternatives = list(get_args(hint)) if get_origin(hint) in (Union, UnionType) else [hint]
    if field.name in MORE_THAN_DECLARED:
        alternatives.append(MORE_THAN_DECLARED[field.name])

    choices = field.metadata.get("choices")
    if choices:
        return [Literal[tuple(choices)] if each is str else each for each in alternatives]

    # An `Enum | str` takes the texts of the enumeration only.
    if any(isinstance(each, type) and issubclass(each, Enum) for each in alternatives):
        alternatives = [each for each in alternatives if each is not str]
    # A text for a mapping of any keys is its JSON, or a file that holds it.
    if any((get_origin(each) or each) is dict and not _keys(each) for each in alternatives):
        alternatives = [_Json if each is str else each for each in alternatives]
    return alternatives


class _Json:
    """The type of a text that names a file, or holds a mapping as JSON."""


def _as_it_is(value: Any, kind: Any) -> Any:
    """Return a value that is of the type."""
    origin = get_origin(kind) or kind

    if origin is float:
        fits = type(value) in (int, float) and not math.isnan(value) and abs(value) < LARGEST
    elif origin is list:
        return _each(value, kind, _as_it_is)
    elif _keys(kind):
        return _each_key(value, kind, _as_it_is)
    elif origin is dict:
        fits = isinstance(value, dict) and all(isinstance(key, str) for key in value if get_args(kind))
    elif origin is _Json:
        fits = isinstance(value, str) and (not value.startswith("{") or _is_json(value))
    elif choices := _choices(kind):
        fits = any(value == choice and type(value) is type(choice) for choice in choices)
    else:
        fits = type(value) is kind and (kind is not int or abs(value) < LARGEST)

    if not fits:
        raise DoesNotFit
    return value


def _as_meant(value: Any, kind: Any) -> Any:
    """Return a value that is written otherwise."""
    if get_origin(kind) is list:
        return _each(value if isinstance(value, list) else [value], kind, _as_either)
    if _keys(kind):
        return _each_key(value, kind, _as_either)
    if kind in (int, float) and isinstance(value, str):
        return _as_it_is(_number(value, kind), kind)
    if value is False and "no" in _choices(kind):
        return "no"
    raise DoesNotFit


def _as_either(value: Any, kind: Any) -> Any:
    try:
        return _as_it_is(value, kind)
    except DoesNotFit:
        return _as_meant(value, kind)


def _each(value: Any, kind: Any, read: Callable[[Any, Any], Any]) -> list[Any]:
    if not isinstance(value, list):
        raise DoesNotFit
    (item,) = get_args(kind)
    return [read(each, item) for each in value]


def _each_key(value: Any, kind: Any, read: Callable[[Any, Any], Any]) -> dict[str, Any]:
    if not isinstance(value, dict) or not value or not {*value} <= {*_keys(kind)}:
        raise DoesNotFit
    return {key: read(each, get_args(kind)[1]) for key, each in value.items()}


def _keys(kind: Any) -> tuple[Any, ...]:
    """Return the keys of a mapping that declares which it has."""
    return _choices(get_args(kind)[0]) if get_origin(kind) is dict else ()


def _number(text: str, kind: Any) -> Any:
    try:
        return kind(text)
    except ValueError as error:
        raise DoesNotFit from error


def _is_json(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False


def _choices(kind: Any) -> tuple[Any, ...]:
    if get_origin(kind) is Literal:
        return get_args(kind)
    return tuple(each.value for each in kind) if isinstance(kind, type) and issubclass(kind, Enum) else ()


def _name(kind: Any) -> str:
    if choices := _choices(kind):
        more = ", ..." if len(choices) > MOST_CHOICES else ""
        return f"one of {', '.join(map(str, choices[:MOST_CHOICES]))}{more}"
    if get_origin(kind) is list:
        return f"a list of which each is {_name(get_args(kind)[0])}"
    if keys := _keys(kind):
        return f"a mapping of {', '.join(keys)} to {_name(get_args(kind)[1])}"
    if kind is _Json:
        return "the name of a JSON file"
    return NAMES.get(get_origin(kind) or kind, "left out of a file")


def _as_written(value: Any) -> str:
    """Show a value as YAML has it, where Python writes it otherwise."""
    if value is None:
        return "nothing (null)"
    if isinstance(value, bool | date):
        return str(value).lower()
    return _shown.repr(value)


def _remedy(value: Any, alternatives: list[Any]) -> str:
    if value is None:
        return "Give it a value, or leave the line out."
    if bool in alternatives and isinstance(value, str):
        return "Write true or false, without quotes."
    if str in alternatives and not isinstance(value, list | dict):
        return "Put it in quotes if it is meant as a text."
    return "Correct that line."
