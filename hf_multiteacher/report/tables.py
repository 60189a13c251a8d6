"""Tables in columns for the terminal, and in Markdown, with a figure in every cell or a dash whose reason follows."""

from collections.abc import Mapping, Sequence
from math import isfinite

Figure = float | str | None  # a number that was measured, or why there is none; None: it was not measured

NOT_MEASURED = "not measured in this run"


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Write a table; a `|` or line break within a cell does not break it."""
    lines = [[" ".join(cell.split()).replace("|", "\\|") for cell in line] for line in [header, *rows]]
    lines.insert(1, ["---"] * len(header))
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def aligned(rows: Sequence[Sequence[str]]) -> str:
    """Write rows of cells in columns, the first flush left and the others flush right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [[row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])] for row in rows]
    return "\n".join("  ".join(line).rstrip() for line in lines)


def figures_table(corner: str, columns: Mapping[str, str], rows: Mapping[str, Mapping[str, Figure]]) -> str:
    """Write figures by row and column, and under the table the reasons for those that are missing.

    Args:
        corner: Heading of the first column, which holds the rows' names.
        columns: Key -> heading; a column without any entry in `rows` is left out.
        rows: Name -> key -> figure.

    Returns:
        The table, or a sentence when there is nothing to show.
    """
    shown = [key for key in columns if any(row.get(key) is not None for row in rows.values())]
    if not shown:
        return f"— ({NOT_MEASURED})"

    reasons: dict[str, int] = {}
    body = [[name, *(_cell(row.get(key), reasons) for key in shown)] for name, row in rows.items()]
    figures = table([corner, *(columns[key] for key in shown)], body)
    if not reasons:
        return figures

    notes = [f"{number}. {reason}" for reason, number in reasons.items()]
    return "\n".join([figures, "", "Missing figures:", "", *notes])


def format_figure(value: float) -> str:
    """Write a count with separators, any other number with four significant digits."""
    return f"{value:,.0f}" if isinstance(value, int) or abs(value) >= 1000 else f"{value:.4g}"


def _cell(value: Figure, reasons: dict[str, int]) -> str:
    if isinstance(value, (int, float)) and isfinite(value):
        return format_figure(value)

    if value is None:
        reason = NOT_MEASURED
    else:
        reason = value if isinstance(value, str) else f"came out as {value}"
    return f"— ({reasons.setdefault(reason, len(reasons) + 1)})"
