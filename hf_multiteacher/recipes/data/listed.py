"""What stands in the data, in a message: names in quotes, values as a file has them, and not more than one reads."""

from collections.abc import Sequence
from typing import Any

MOST = 8


def listed(names: Sequence[str]) -> str:
    """List names.

    Example:
        >>> listed(["text", "label"])
        "'text', 'label'"
    """
    shown = ", ".join(f"'{name}'" for name in names[:MOST])
    return shown + (f" and {len(names) - MOST} more" if len(names) > MOST else "")


def shown(value: Any) -> str:
    """Show a value that was found in place of another.

    Example:
        >>> shown("unu"), shown(None), shown(True)
        ("'unu'", 'nothing', 'true')
    """
    plain = {None: "nothing", True: "true", False: "false"}
    return plain[value] if value is None or isinstance(value, bool) else f"{value!r:.40}"
