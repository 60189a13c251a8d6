"""Push a finished folder to the Hugging Face Hub: the files a reader needs, in one commit, or nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from logging import getLogger
from pathlib import Path, PurePosixPath

from huggingface_hub import CommitOperationAdd, HfApi, get_token, hf_hub_url
from huggingface_hub.errors import EntryNotFoundError
from huggingface_hub.utils import build_hf_headers, get_session, hf_raise_for_status, validate_repo_id
from transformers import TrainingArguments

from ..report.card import for_repository, with_user_text_of
from ..version import __version__
from .files import PushError, content_to_push, expect_whole, files_to_push
from .retries import at_the_hub

logger = getLogger(__name__)


@dataclass(frozen=True)
class Push:
    """What was pushed, or with `dry_run` would be.

    Attributes:
        repo_id: The repository, with its namespace.
        files: Paths in the repository.
        size: Bytes of all files together.
        commit_url: Where the commit is; None where nothing was pushed.
    """

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
    expect_whole(folder, names)
    contents = {str(PurePosixPath(path_in_repo, name)): content_to_push(folder / name, token) for name in names}
    if not path_in_repo and "README.md" not in names:
        logger.warning("%s has no README.md, so its readers get no model card; `write_model_card` writes one.", folder)

    size = sum(len(content) if isinstance(content, bytes) else content.stat().st_size for content in contents.values())
    if dry_run:
        return Push(repo_id, list(contents), size, None)

    name = make_repository(repo_id, repo_type=repo_type, private=private, revision=revision, token=token)
    api, target = _client(token), _Target(name, repo_type, revision)
    url = at_the_hub(name, lambda: _commit(api, target, contents, message))
    return Push(name, list(contents), size, url)


def repository_name(args: TrainingArguments) -> str:
    """Return `hub_model_id`, or as in `Trainer` the last part of `output_dir`."""
    return args.hub_model_id or Path(str(args.output_dir)).absolute().name


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
    return at_the_hub(repo_id, lambda: _prepare(api, _Target(repo_id, repo_type, revision), private))


def _client(token: str | None) -> HfApi:
    if token is None:
        raise PushError("Nothing pushed: no Hub token. Run `hf auth login`, or set HF_TOKEN to one that may write.")
    return HfApi(token=token, library_name="hf-multiteacher", library_version=__version__)


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
    written = card if isinstance(card, bytes) else card.read_bytes()
    local = for_repository(written.decode("utf-8"), target.repo_id)

    # not hf_hub_download: without network it would answer with an old card from the cache
    url = hf_hub_url(
        target.repo_id, "README.md", repo_type=target.repo_type, revision=target.revision, endpoint=api.endpoint
    )
    response = get_session().get(url, headers=build_hf_headers(token=api.token))
    try:
        hf_raise_for_status(response)
    except EntryNotFoundError:
        return local.encode("utf-8")
    return with_user_text_of(response.text, local).encode("utf-8")
