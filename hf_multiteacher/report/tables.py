"""Tables in columns for the terminal, and in Markdown, where the reason for a missing figure follows."""

from collections.abc import Mapping, Sequence
from math import isfinite

Figure = float | str | None  # a number that was measured, or why there is none; None: it was not measured


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

    What was not measured is left out: a row or a column without any figure, and a cell that nothing is said of.

    Args:
        corner: Heading of the first column, which holds the rows' names.
        columns: Key -> heading.
        rows: Name -> key -> figure.

    Returns:
        The table; empty when there is nothing to show.
    """
    shown = [key for key in columns if any(_is_figure(row.get(key)) for row in rows.values())]
    measured = {name: row for name, row in rows.items() if any(_is_figure(row.get(key)) for key in shown)}
    if not shown:
        return ""

    reasons: dict[str, int] = {}
    body = [[name, *(_cell(row.get(key), reasons) for key in shown)] for name, row in measured.items()]
    figures = table([corner, *(columns[key] for key in shown)], body)
    if not reasons:
        return figures

    notes = [f"{number}. {reason}" for reason, number in reasons.items()]
    return "\n".join([figures, "", "Missing figures:", "", *notes])


def format_figure(value: float) -> str:
    """Write a count with separators, any other number with four significant digits."""
    return f"{value:,.0f}" if isinstance(value, int) or abs(value) >= 1000 else f"{value:.4g}"


def _is_figure(value: Figure) -> bool:
    return isinstance(value, int | float)


def _cell(value: Figure, reasons: dict[str, int]) -> str:
    if value is None:
        return ""
    if isinstance(value, int | float) and isfinite(value):
        return format_figure(value)

    reason = value if isinstance(value, str) else f"came out as {value}"
    return f"({reasons.setdefault(reason, len(reasons) + 1)})"
