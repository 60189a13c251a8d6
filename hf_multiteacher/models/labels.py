"""What a model's configuration calls its labels: the one place that knows where their names may stand."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from unicodedata import normalize

from transformers import PretrainedConfig
from transformers.utils import CONFIG_NAME, cached_file

NO_NAME = re.compile(r"LABEL_\d+")


def label_names(config: PretrainedConfig, owner: str = "the model") -> list[str]:
    """Return the label names of a configuration in the order of its logits.

    They stand in `id2label`, in `label2id`, or in both. Scripts that set `label2id` alone leave `LABEL_0`, `LABEL_1`,
    ... in `id2label`; these are no names, so that what `label2id` says counts, also where it stands only in the file
    that the configuration was loaded from.

    Args:
        config: Of a model with a classification head.
        owner: What messages call the model.

    Raises:
        ValueError: `id2label` and `label2id` contradict each other.

    Example:
        >>> unnamed = {0: "LABEL_0", 1: "LABEL_1"}
        >>> label_names(PretrainedConfig(id2label=unnamed, label2id={"pos": 1, "neg": 0}))
        ['neg', 'pos']
    """
    names = {int(position): str(name) for position, name in (config.id2label or {}).items()}
    label2id: dict[str, Any] = dict(config.label2id or {}) | _lost_names(config)
    others = _places(label2id, owner)

    if _contradict(names, others):
        raise ValueError(
            f"The configuration of {in_sentence(owner)} must name each label once, but id2label says {names} and "
            f"label2id says {label2id}: its logits could be read in either order. Set both to the order "
            "that it was trained with."
        )

    found = {position: name for name, position in others.items() if _is_default(names.get(position, ""), position)}
    return [{**names, **found}[position] for position in sorted(names)]


def has_names(config: PretrainedConfig) -> bool:
    """Tell whether a configuration names its labels; `LABEL_0`, `LABEL_1`, ... are no names."""
    return not all(_is_default(name, position) for position, name in enumerate(label_names(config)))


def copy_names(source: PretrainedConfig, target: PretrainedConfig) -> None:
    """Write the names that a configuration has for its labels, if any, to both places of another."""
    if has_names(source):
        names = label_names(source)
        target.id2label = dict(enumerate(names))
        target.label2id = {name: position for position, name in enumerate(names)}


def restore_names(config: PretrainedConfig) -> None:
    """Put back into a configuration, which knows its `name_or_path`, the names that loading has forgotten."""
    config.label2id = _lost_names(config) or config.label2id


def folded(name: str) -> str:
    """What of a name counts where case, spaces around it and the form of its accents do not."""
    return normalize("NFC", name.strip().casefold())


def _is_default(name: str, position: int) -> bool:
    """Tell whether a name is only the number of its place; at another place it is a name."""
    return name == f"LABEL_{position}"


def _lost_names(config: PretrainedConfig) -> dict[str, Any]:
    """Read `label2id` from the file of a configuration that has no names.

    Two unnamed labels are transformers' default, so it saves no `id2label` for them; and on loading a file without
    `id2label` it makes both anew, whatever the file says in `label2id`.
    """
    given = [*(config.id2label or {}).values(), *(config.label2id or {})]
    if config.num_labels != 2 or not config.name_or_path or not all(NO_NAME.fullmatch(str(name)) for name in given):
        return {}

    try:
        file = cached_file(
            config.name_or_path, CONFIG_NAME, revision=getattr(config, "_commit_hash", None), local_files_only=True
        )
        content = json.loads(Path(str(file)).read_text(encoding="utf-8"))
    except (OSError, ValueError):  # it was not loaded from there, or what was there has gone
        return {}
    return {} if "id2label" in content else content.get("label2id") or {}


def in_sentence(owner: str) -> str:
    """Write what messages call a model as it stands in the middle of a sentence.

    Example:
        >>> in_sentence("Teacher 'near'")
        "teacher 'near'"
    """
    return owner[:1].lower() + owner[1:]


def _places(label2id: Mapping[str, Any], owner: str) -> dict[str, int]:
    """Where `label2id` puts the labels that it names.

    Raises:
        ValueError: It puts one at no position.
    """
    try:
        places = {str(name): int(place) for name, place in label2id.items()}
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"The configuration of {in_sentence(owner)} must give each name in label2id the position of its logit, "
            f"but says {dict(label2id)}: {error}. Set numbers from 0 on."
        ) from error
    return {name: place for name, place in places.items() if not _is_default(name, place)}


def _contradict(names: Mapping[int, str], others: Mapping[str, int]) -> bool:
    """Whether a label has another name, or another position, on the other side; further names of it are none."""
    if any(NO_NAME.fullmatch(name) and names.get(position, name) != name for name, position in others.items()):
        return True

    first = {position: folded(name) for position, name in names.items() if not _is_default(name, position)}
    second: dict[int, set[str]] = {}
    for name, position in others.items():
        if position in names:
            second.setdefault(position, set()).add(folded(name))

    return any(
        first[position] not in given if position in first else len(given) > 1 or not given.isdisjoint(first.values())
        for position, given in second.items()
    )
