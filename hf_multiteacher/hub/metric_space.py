"""The packaged metrics as Spaces, from where `evaluate.load("ORG/NAME")` takes them."""

import re
import shutil
import tempfile
from pathlib import Path

from ..metrics import FOLDER, NAMES
from ..version import __version__
from ..whole_file import write_text
from .files import PushError
from .push import Push, push_folder


def push_metric(
    repo_id: str,
    metric: str = "loyalty",
    *,
    private: bool | None = None,
    revision: str | None = None,
    dry_run: bool = False,
) -> Push:
    """Push a packaged metric as a Space, its script under the name that `evaluate.load(repo_id)` looks for.

    Args:
        repo_id: `ORG/NAME`; the script becomes `NAME.py`.
        metric: A folder of `hf_multiteacher/metrics`.
        private: As for `push_folder`.
        revision: As for `push_folder`.
        dry_run: As for `push_folder`.

    Returns:
        What was pushed, or would be.

    Raises:
        PushError: Nothing was pushed.
    """
    if not re.fullmatch(r"[\w-]+/[\w-]+", repo_id):
        raise PushError(
            f"Nothing pushed: evaluate loads a Space as ORG/NAME of letters, digits, '-' and '_', not '{repo_id}'."
        )
    if metric not in NAMES:
        raise PushError(f"Nothing pushed: there is no metric '{metric}'; there are {', '.join(NAMES)}.")

    with tempfile.TemporaryDirectory() as temporary:
        folder = _named_copy(metric, repo_id, Path(temporary))
        try:
            return push_folder(folder, repo_id, repo_type="space", private=private, revision=revision, dry_run=dry_run)
        except PushError as error:
            raise PushError(str(error).replace(str(folder), f"The metric '{metric}'")) from error


def _named_copy(metric: str, repo_id: str, place: Path) -> Path:
    """Copy the metric's folder and name it after the Space, in all the files that say its name."""
    name = repo_id.partition("/")[2]
    folder = Path(shutil.copytree(FOLDER / metric, place / metric))
    (folder / f"{metric}.py").rename(folder / f"{name}.py")

    _replace(folder / "app.py", f'"{metric}.py"', f'"{name}.py"')
    _replace(folder / "README.md", '"ORG/NAME"', f'"{repo_id}"')
    # the script imports modules of this version
    _replace(folder / "requirements.txt", "hf-multiteacher", f"hf-multiteacher>={__version__}")

    return folder


def _replace(path: Path, old: str, new: str) -> None:
    write_text(path, path.read_text("utf-8").replace(old, new))
