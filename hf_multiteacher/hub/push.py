"""Push a finished folder to the Hugging Face Hub: the files a reader needs, in one commit, or nothing."""

import json
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from logging import getLogger
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

from huggingface_hub import CommitOperationAdd, HfApi, get_token, hf_hub_url
from huggingface_hub.errors import EntryNotFoundError, HfHubHTTPError, HTTPError, OfflineModeIsEnabled
from huggingface_hub.utils import build_hf_headers, get_session, hf_raise_for_status, validate_repo_id

from ..report.card import for_repository, with_user_text_of
from ..version import __version__
from .files import CHECKPOINT_FILES, PushError, content_to_push, files_to_push

__all__ = ["CHECKPOINT_FILES", "Push", "PushError", "make_repository", "push_folder"]

logger = getLogger(__name__)
Result = TypeVar("Result")

ATTEMPTS = 4
LONGEST_WAIT = 120.0  # seconds
TRANSIENT = (408, 429, 500, 502, 503, 504)


@dataclass(frozen=True)
class Push:
    """What was pushed, or with `dry_run` would be: paths in the repository, bytes, and where the commit is."""

    repo_id: str
    files: list[str]
    size: int
    commit_url: str | None


@dataclass(frozen=True)
class _Target:
    repo_id: str
    repo_type: str
    revision: str | None


def push_folder(
    folder: str | Path,
    repo_id: str,
    *,
    repo_type: str = "model",
    private: bool | None = None,
    revision: str | None = None,
    path_in_repo: str = "",
    also: Sequence[str] = (),
    token: str | None = None,
    message: str = "Upload with hf-multiteacher",
    dry_run: bool = False,
) -> Push:
    """Push a student (or, with `repo_type="space"`, a metric) to the Hub, in one commit.

    Args:
        folder: The saved student. Weights, config, tokenizer, card and the images that the card shows are pushed;
            optimizer, checkpoints, `training_args.bin`, projections and caches are not.
        repo_id: `namespace/name`; made if it is not there.
        repo_type: `model` or `space`.
        private: Whether a new repository is private. With True, an existing public one is refused.
        revision: The branch, made if it is not there; `main` when not given.
        path_in_repo: Folder in the repository.
        also: Patterns of file names to push besides, such as `["projections.safetensors"]` or `CHECKPOINT_FILES`.
        token: A token that may write; the one of `hf auth login` or `HF_TOKEN` when not given.
        message: The commit message.
        dry_run: Choose and check the files, and stay off the network.

    Raises:
        PushError: Nothing was committed, and nothing here was changed. The same call can be repeated.
        ValueError: `repo_id` cannot be the name of a repository.

    Example:
        >>> from hf_multiteacher.hub import push_folder
        >>> push_folder("hf-multiteacher-demo", "org/name", dry_run=True).files  # doctest: +SKIP
        ['README.md', 'config.json', 'loyalty.png', 'model.safetensors', 'quality.png', 'tokenizer.json']
    """
    validate_repo_id(repo_id)
    folder, token = Path(folder), token or get_token()
    names = files_to_push(folder, repo_type, also, with_card=not path_in_repo)
    contents = {str(PurePosixPath(path_in_repo, name)): content_to_push(folder / name, token) for name in names}
    if not path_in_repo and "README.md" not in names:
        logger.warning("%s has no README.md, so its readers get no model card; `write_model_card` writes one.", folder)
    size = sum(len(content) if isinstance(content, bytes) else content.stat().st_size for content in contents.values())
    if dry_run:
        return Push(repo_id, list(contents), size, None)
    name = make_repository(repo_id, repo_type=repo_type, private=private, revision=revision, token=token)
    api, target = _client(token), _Target(name, repo_type, revision)
    url = _at_the_hub(name, lambda: _commit(api, target, contents, message))
    return Push(name, list(contents), size, url)


def make_repository(
    repo_id: str,
    *,
    repo_type: str = "model",
    private: bool | None = None,
    revision: str | None = None,
    token: str | None = None,
) -> str:
    """Make a repository, and its branch `revision`, where they are not there yet; the arguments are `push_folder`'s.

    Returns:
        Its whole name, with the namespace.

    Raises:
        PushError: It could not be made, or is public although `private` is asked for.
    """
    api = _client(token or get_token())
    return _at_the_hub(repo_id, lambda: _prepare(api, _Target(repo_id, repo_type, revision), private))


def _client(token: str | None) -> HfApi:
    if token is None:
        raise PushError("Nothing pushed: no Hub token. Run `hf auth login`, or set HF_TOKEN to one that may write.")
    return HfApi(token=token, library_name="hf-multiteacher", library_version=__version__)


def _at_the_hub(repo_id: str, step: Callable[[], Result]) -> Result:
    """Do a step, more than once where that helps; what keeps it from being done becomes one line."""
    try:
        return _with_retries(step)
    except Exception as error:
        if (cause := _hub_error(error)) is None:
            raise
        raise PushError(f"Nothing pushed to {repo_id}: {_explain(cause)} No local file was changed.") from error


def _prepare(api: HfApi, target: _Target, private: bool | None) -> str:
    kind, revision = target.repo_type, target.revision
    sdk = "gradio" if kind == "space" else None
    name = api.create_repo(target.repo_id, repo_type=kind, private=private, exist_ok=True, space_sdk=sdk).repo_id
    if private and not api.repo_info(name, repo_type=kind).private:
        raise PushError(f"Nothing pushed: {name} exists and is public. Make it private, or choose another name.")
    if revision and not revision.startswith("refs/"):
        api.create_branch(name, branch=revision, repo_type=kind, exist_ok=True)
    return name


def _commit(api: HfApi, target: _Target, contents: dict[str, bytes | Path], message: str) -> str:
    """Commit everything at once; repeated after a lost answer, it finds nothing to change and makes no commit."""
    if "README.md" in contents:
        contents = contents | {"README.md": _card_to_push(api, target, contents["README.md"])}
    # not upload_folder: with hf_xet installed, it may split a folder into several commits
    commit = api.create_commit(
        target.repo_id,
        [CommitOperationAdd(path, content) for path, content in contents.items()],
        commit_message=message,
        repo_type=target.repo_type,
        revision=target.revision,
    )
    return commit.commit_url


def _card_to_push(api: HfApi, target: _Target, card: bytes | Path) -> bytes:
    """Name the repository in the snippet; keep the user's own text of the card there, unless this one has its own."""
    local = for_repository((card if isinstance(card, bytes) else card.read_bytes()).decode("utf-8"), target.repo_id)
    url = hf_hub_url(
        target.repo_id, "README.md", repo_type=target.repo_type, revision=target.revision, endpoint=api.endpoint
    )
    # not hf_hub_download: without network it would answer with an old card from the cache
    response = get_session().get(url, headers=build_hf_headers(token=api.token))
    try:
        hf_raise_for_status(response)
    except EntryNotFoundError:
        return local.encode("utf-8")
    return with_user_text_of(response.text, local).encode("utf-8")


def _with_retries(step: Callable[[], Result]) -> Result:
    """Repeat a step while the Hub is busy or out of reach; the client itself does so for uploads only."""
    for attempt in range(ATTEMPTS - 1):
        try:
            return step()
        except Exception as error:
            wait = _seconds_to_wait(_hub_error(error), attempt)
            if wait is None:
                raise
            logger.warning("The Hub did not answer as it should (%s); trying again in %g s.", error, wait)
            time.sleep(wait)
    return step()


def _hub_error(error: BaseException | None) -> Any:
    """Find the error of the Hub or the network in a chain of causes; None when there is none."""
    # the client parses validate-yaml's answer before it looks at the status: an HTML 503 is a JSONDecodeError
    while error is not None and not isinstance(error, (HTTPError, OfflineModeIsEnabled, json.JSONDecodeError)):
        error = error.__cause__
    return error


def _retry_after(error: Any) -> float | None:
    seconds = error.response.headers.get("Retry-After", "") if isinstance(error, HfHubHTTPError) else ""
    return float(seconds) if re.fullmatch(r"\d+", seconds) else None


def _seconds_to_wait(error: Any, attempt: int) -> float | None:
    """Seconds before the next attempt; None when another attempt cannot help."""
    if error is None or isinstance(error, OfflineModeIsEnabled):
        return None
    if isinstance(error, HfHubHTTPError) and error.response.status_code not in TRANSIENT:
        return None
    asked = _retry_after(error)
    if asked is not None:
        return asked if asked <= LONGEST_WAIT else None
    return 2.0**attempt


def _explain(error: Any) -> str:
    """Say in a sentence or two what went wrong and what to do."""
    status = error.response.status_code if isinstance(error, HfHubHTTPError) else None
    if isinstance(error, OfflineModeIsEnabled):
        return "HF_HUB_OFFLINE is set. Unset it to push."
    if status == 401:
        return "the Hub does not accept the token (401). Run `hf auth login` with one that may write."
    if status == 403:
        return "the token may not write there (403): it only reads, or the namespace or repository is another's."
    if status == 404:
        return "the Hub does not find the repository or the revision (404). Check the name and the token's rights."
    if status is not None and status not in TRANSIENT:
        return f"the Hub refused ({status}): {' '.join(str(error).split())}"
    asked = _retry_after(error)
    reason = f"the Hub answered {status}" if status else f"the Hub is out of reach ({type(error).__name__})"
    wait = f" in {asked:g} s" if asked else ""
    return f"{reason}. Push again{wait}; what has arrived is not sent twice."
