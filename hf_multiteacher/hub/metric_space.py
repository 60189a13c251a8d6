"""The packaged metrics as Spaces, from where `evaluate.load("ORG/NAME")` takes them."""

import re
import shutil
import tempfile
from pathlib import Path

from ..metrics import FOLDER, NAMES
from ..version import __version__
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

    Raises:
        PushError: Nothing was pushed.
    """
    if not re.fullmatch(r"[\w-]+/[\w-]+", repo_id):
        raise PushError(
            f"Nothing pushed: evaluate loads a Space as ORG/NAME of letters, digits, '-' and '_', not '{repo_id}'."
        )
    if metric not in NAMES:
        raise PushError(f"Nothing pushed: there is no metric '{metric}'; there are {', '.join(NAMES)}.")
    name = repo_id.partition("/")[2]
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(shutil.copytree(FOLDER / metric, Path(temporary) / metric))
        (folder / f"{metric}.py").rename(folder / f"{name}.py")
        for file, old, new in (
            ("app.py", f'"{metric}.py"', f'"{name}.py"'),
            ("README.md", '"ORG/NAME"', f'"{repo_id}"'),
            ("requirements.txt", "hf-multiteacher", f"hf-multiteacher>={__version__}"),  # whose modules it imports
        ):
            path = folder / file
            path.write_text(path.read_text("utf-8").replace(old, new), encoding="utf-8")
        try:
            return push_folder(folder, repo_id, repo_type="space", private=private, revision=revision, dry_run=dry_run)
        except PushError as error:
            raise PushError(str(error).replace(str(folder), f"The metric '{metric}'")) from error
