"""The settings with which something was run, beside those that hold now."""

import json
from collections.abc import Mapping
from typing import Any

DEFAULT = "default"


def differing_settings(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Name the settings that differ, each with both values: `seed=1 (now 2)`.

    Args:
        before: As they were read from a file.
        now: As they are, and would be written.
    """
    written = json.loads(json.dumps(now))

    return [
        f"{name}={before.get(name, DEFAULT)} (now {written.get(name, DEFAULT)})"
        for name in {**before, **written}
        if before.get(name, DEFAULT) != written.get(name, DEFAULT)
    ]
