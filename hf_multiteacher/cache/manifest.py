"""What a teacher's outputs were computed from: in clear for people, and as a fingerprint that every shard carries."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..whole_file import write_text
from .damage import damaged

NAME = "manifest.json"
SHORT = 12


def fingerprint(identity: Mapping[str, Any]) -> str:
    """Return the SHA-256 of an identity, whatever the order of its keys.

    Raises:
        TypeError: It holds what JSON cannot.
        ValueError: It holds a number that JSON cannot, such as NaN.
    """
    try:
        plain = json.loads(json.dumps(dict(identity), allow_nan=False))  # as it is read again: keys are texts
    except (TypeError, ValueError) as error:
        raise type(error)(
            f"TeacherCache expects an identity that can be written as JSON, but got one that cannot: {error}."
        ) from error

    text = json.dumps(plain, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def write_manifest(folder: Path, identity: Mapping[str, Any]) -> None:
    """Write what the outputs in `folder` are computed from.

    Raises:
        OSError: As in `write_text`.
    """
    content = json.dumps({"fingerprint": fingerprint(identity), "identity": dict(identity)}, indent=2)
    write_text(folder / NAME, content + "\n")


def read_manifest(folder: Path) -> tuple[str, dict[str, Any]]:
    """Return the fingerprint, and what it is the fingerprint of.

    Raises:
        DamagedCacheError: The manifest was changed, or is of another folder.
        FileNotFoundError: There is none.
    """
    path = folder / NAME

    try:
        content = json.loads(path.read_bytes())
        written, identity = content["fingerprint"], dict(content["identity"])
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise damaged(path, "cannot be read") from error

    if written != fingerprint(identity) or not folder.name.endswith(f"-{written[:SHORT]}"):
        raise damaged(path, "was changed, or is of another teacher's folder")
    return written, identity
