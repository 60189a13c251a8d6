"""YAML as a configuration needs it: plain values, every key once, and nothing that grows beyond what was written."""

from collections.abc import Hashable
from pathlib import Path
from typing import Any, cast

import yaml

LARGEST = 2**18
"""Bytes of a file: a configuration has some thousand."""
DEEPEST = 20
MOST_VALUES = 10_000
"""Counted as often as an alias repeats them."""


def read_yaml(path: str | Path) -> Any:
    """Read a YAML file of numbers, texts, dates, lists and mappings; no tag makes an object of anything else.

    Raises:
        ValueError: It is larger or deeper than a configuration can be, repeats a key, or is no YAML.
        OSError: It cannot be read.
    """
    try:
        loader = _Loader(_text(Path(path)))
        node = loader.get_single_node()
        _count_values(node, {})
        return None if node is None else loader.construct_document(node)
    except (yaml.YAMLError, RecursionError) as error:
        raise ValueError(str(error)) from error


class _Loader(yaml.SafeLoader):
    depth = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        """Refuse what is nested so deep that it would exhaust the stack."""
        if self.depth >= DEEPEST:
            raise ValueError(f"values are nested more than {DEEPEST} deep{_place(self.peek_event())}")

        self.depth += 1
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node

    def compose_mapping_node(self, anchor: Any) -> Any:
        """Refuse a key that stands in a mapping twice: YAML forbids it, and the loader would take the last one."""
        mapping = cast(yaml.MappingNode, super().compose_mapping_node(anchor))
        seen: dict[Hashable, yaml.Node] = {}

        for key, _ in mapping.value:
            if not isinstance(key, yaml.ScalarNode):
                continue
            name = (key.tag, key.value)
            if name in seen:
                raise ValueError(f"the key '{key.value}' stands there twice:{_place(seen[name])} and{_place(key)}")
            seen[name] = key

        return mapping


def _text(path: Path) -> bytes:
    with path.open("rb") as file:
        content = file.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise ValueError(f"it has more than {LARGEST:,} bytes, which no configuration needs")
    return content


def _count_values(node: yaml.Node | None, counts: dict[int, int]) -> int:
    """Count the values below a node, those behind an alias each time that it stands there."""
    if not isinstance(node, yaml.CollectionNode):
        return 1
    if counts.get(id(node)) == 0:
        raise ValueError(f"an alias stands within what it repeats{_place(node)}")

    if id(node) not in counts:
        counts[id(node)] = 0  # being counted
        below = [child for each in node.value for child in (each if isinstance(each, tuple) else (each,))]
        counts[id(node)] = 1 + sum(_count_values(child, counts) for child in below)
    if counts[id(node)] > MOST_VALUES:
        raise ValueError(f"it holds more than {MOST_VALUES:,} values, aliases repeated{_place(node)}")
    return counts[id(node)]


def _place(marked: yaml.Node | yaml.Event) -> str:
    return f" in line {cast(yaml.Mark, marked.start_mark).line + 1}"
