"""A report of one run or several: a page to keep, or to look at in a notebook."""

from collections.abc import Sequence
from pathlib import Path

from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup, escape

from ...version import __version__
from ...whole_file import write_text
from ..measured_run import MeasuredRun
from .page import Page

HERE = Path(__file__).parent
GENERATOR = '<meta name="generator" content="hf-multiteacher '
"""How a page of ours is told from another file."""


class Report:
    """One page about one run or several; `save` writes it, and a notebook shows it.

    Args:
        runs: At least one; their names differ.

    Raises:
        ValueError: There is no run, or two have one name.
    """

    def __init__(self, runs: Sequence[MeasuredRun]) -> None:
        names = [run.name for run in runs]
        if not runs or len({*names}) < len(names):
            raise ValueError(
                f"A report expects at least one run, each with a name of its own, but got {names}, so nobody could "
                "tell them apart. Rename one."
            )
        self.runs = runs

    def html(self) -> str:
        """Return the page; it loads nothing and runs nothing."""
        pages = Environment(loader=FileSystemLoader(HERE), autoescape=True, trim_blocks=True, lstrip_blocks=True)
        style = Markup((HERE / "page.css").read_text("utf-8"))  # noqa: S704 (a file of ours)
        return pages.get_template("page.html").render(page=Page(self.runs), style=style, version=__version__)

    def save(self, path: str | Path) -> Path:
        """Write the page, whole or not at all.

        Raises:
            OSError: It cannot be written.
        """
        return write_text(path, self.html())

    def _repr_html_(self) -> str:
        """Show the same page in a notebook, in a frame of its own, whose styles touch nothing else."""
        frame = '<iframe title="{0}" srcdoc="{1}" sandbox style="width:100%;height:85vh;border:0"></iframe>'
        return frame.format(escape(f"Report of {', '.join(run.name for run in self.runs)}"), escape(self.html()))


def is_report(path: Path) -> bool:
    """Whether a file is a page that `Report.save` has written."""
    with path.open("rb") as file:
        return GENERATOR.encode() in file.read(1000)
