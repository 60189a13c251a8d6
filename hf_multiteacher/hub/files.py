"""Which files of a folder are for the Hub, and a last look that nothing private is in them."""

import json
import re
from collections.abc import Iterable, Sequence
from fnmatch import fnmatch
from pathlib import Path

from safetensors import safe_open

PUSHED = {
    "model": (
        "README.md",
        "LICENSE*",
        "config.json",
        "generation_config.json",
        "adapter_config.json",
        "model*.safetensors",
        "model.safetensors.index.json",
        "adapter_model.safetensors",
        "tokenizer.json",
        "tokenizer_config.json",
        "special_tokens_map.json",
        "added_tokens.json",
        "vocab.json",
        "vocab.txt",
        "merges.txt",
        "bpe.codes",
        "*.model",
        "chat_template.jinja",
    ),
    "space": ("README.md", "LICENSE*", "*.py", "requirements.txt"),
}
REQUIRED = {
    "model": (
        ("config.json", "adapter_config.json"),
        ("model*.safetensors", "adapter_model.safetensors"),
    ),
    "space": (
        ("README.md",),
        ("*.py",),
    ),
}
KEYS: dict[str, set[str]] = {
    "config.json": {"model_type"},
    "tokenizer.json": {"model"},
    "adapter_config.json": {"peft_type"},
    "model.safetensors.index.json": {"weight_map"},
    "generation_config.json": set(),
    "tokenizer_config.json": set(),
    "special_tokens_map.json": set(),
    "vocab.json": set(),
}
"""What these files must say, so that somebody can load them; they are mappings."""
CHECKPOINT_FILES = ("optimizer.pt", "scheduler.pt", "scaler.pt", "rng_state*.pth", "trainer_state.json")
IMAGE = re.compile(r"!\[[^\]]*\]\(([^)\s]+)\)")
HUB_TOKEN = rb"hf_[A-Za-z0-9]{30,}"
HOME_FOLDER = rb"(?<![\w.])/(?:home|Users)/[\w.-]+/|\b[A-Za-z]:\\+Users\\+[\w.-]+"


class PushError(OSError):
    """A push that was refused or did not arrive; the message says in one line why, and what to do."""


def files_to_push(folder: Path, repo_type: str, also: Sequence[str] = (), with_card: bool = True) -> list[str]:
    """List the files of `folder` that are for the Hub, sorted; `also` adds patterns of file names.

    Raises:
        PushError: `folder` is not a saved model (or not a Space), or its card shows an image that is not there.
    """
    if repo_type not in PUSHED:
        raise PushError(f"Nothing pushed: repo_type is one of {list(PUSHED)}, got {repo_type!r}.")

    _expect_files(folder, (*PUSHED[repo_type], *also))
    names = sorted(path.name for path in folder.glob("*") if path.is_file())
    for patterns in REQUIRED[repo_type]:
        if not matching(names, patterns):
            raise PushError(
                f"Nothing pushed: {folder} is not a saved {repo_type}: it has no {' or '.join(patterns)}. "
                "Give the folder that `save_model` or `save_pretrained` wrote."
            )

    chosen = matching(names, (*PUSHED[repo_type], *also))
    if not with_card:
        chosen.discard("README.md")
    elif "README.md" in chosen:
        chosen |= images_shown(folder)
    if _needs_own_code(folder, chosen):
        chosen |= matching(names, ("*.py",))

    return sorted(chosen)


def _expect_files(folder: Path, patterns: Sequence[str]) -> None:
    """Refuse what is no file here by a name that would be pushed: a link out of the folder, a pipe, a dead link."""
    root = folder.resolve()

    for path in sorted(folder.glob("*")):
        if path.is_dir() or not matching([path.name], patterns):
            continue
        if not path.is_file():
            raise PushError(f"Nothing pushed: {path} is no file (a pipe, a socket, a dead link?). Take it away.")
        if not path.resolve().is_relative_to(root):
            raise PushError(
                f"Nothing pushed: {path} is a link to a file outside of {folder}. Put the file there in its place."
            )


def expect_whole(folder: Path, names: Sequence[str]) -> None:
    """Refuse files that nobody could load: weights that end too early, shards that are not there, broken JSON.

    Raises:
        PushError: There is one.
    """
    for name in names:
        try:
            lacking = _lacking(folder / name, names)
        except Exception as error:  # whatever the readers of these formats raise
            reason = " ".join(str(error).split())
            raise PushError(
                f"Nothing pushed: {folder / name} is damaged, so that nobody could load it ({reason}). Save the model "
                "again."
            ) from error

        if lacking:
            raise PushError(
                f"Nothing pushed: {folder / name} names {', '.join(lacking)}, which are not there, or not pushed."
            )


def _lacking(path: Path, pushed: Sequence[str]) -> list[str]:
    """Read a file as those who load it will, and return the files that it names and that are not pushed with it."""
    if path.suffix == ".safetensors":
        with safe_open(path, framework="numpy"):
            return []
    if path.suffix != ".json":
        return []

    content = json.loads(path.read_text(encoding="utf-8"))
    if path.name in KEYS and not (isinstance(content, dict) and KEYS[path.name] <= content.keys()):
        raise ValueError(f"it is no mapping{' with ' * bool(KEYS[path.name])}{', '.join(KEYS[path.name])}")
    shards = {*content["weight_map"].values()} if path.name.endswith(".safetensors.index.json") else set()
    return sorted(name for name in shards if name not in pushed)


def _needs_own_code(folder: Path, names: Iterable[str]) -> bool:
    """Whether nobody can load the model without the code that came with it."""
    configs = [name for name in names if name.endswith("config.json")]
    return any(b'"auto_map"' in (folder / name).read_bytes() for name in configs)


def content_to_push(path: Path, token: str | None) -> bytes | Path:
    """Return the file itself, or bytes to push in its place.

    Raises:
        PushError: The file holds a token, a path of this machine, or a base model that only this machine has.
    """
    if path.suffix in (".safetensors", ".pt", ".pth"):  # numbers
        return path

    content = path.read_bytes()
    if path.name == "trainer_state.json":
        content = _without_checkpoint_path(content)

    _refuse_private(path, content, token)
    if path.name == "adapter_config.json":
        _refuse_local_base(path, json.loads(content))
    return content


def _without_checkpoint_path(trainer_state: bytes) -> bytes:
    """Keep the name alone where the Trainer keeps the best checkpoint's whole path."""
    state = json.loads(trainer_state)
    state["best_model_checkpoint"] = state["best_model_checkpoint"] and Path(state["best_model_checkpoint"]).name
    return json.dumps(state, indent=2).encode()


def images_shown(folder: Path) -> set[str]:
    """List the images of `folder` that its card shows.

    Raises:
        PushError: One of them is not there, or the card is no text.
    """
    try:
        card = (folder / "README.md").read_text("utf-8")
    except UnicodeDecodeError as error:
        raise PushError(f"Nothing pushed: {folder / 'README.md'} is no text in UTF-8. Convert it.") from error

    shown = {name for name in IMAGE.findall(card) if "://" not in name}
    root = folder.resolve()
    inside = {name for name in shown if (folder / name).is_file() and (folder / name).resolve().is_relative_to(root)}

    if shown - inside:
        raise PushError(
            f"Nothing pushed: the card shows {', '.join(sorted(shown - inside))}, which {folder} does not hold. "
            "Write the card again, or take the image out."
        )
    return {Path(name).as_posix() for name in inside}


def matching(names: Sequence[str], patterns: Sequence[str]) -> set[str]:
    """Return the names that fit one of the patterns, such as `*.png`."""
    return {name for name in names if any(fnmatch(name, pattern) for pattern in patterns)}


def _refuse_private(path: Path, content: bytes, token: str | None) -> None:
    if re.search(HUB_TOKEN, content) or (token and token.encode() in content):
        raise PushError(f"Nothing pushed: {path} holds a Hub token. Take it out, and revoke it if others saw it.")

    found = re.search(b"|".join([HOME_FOLDER, *_places_of_this_machine(path)]), content)
    if found:
        raise PushError(
            f"Nothing pushed: {path} holds a path of this machine, {found.group().decode(errors='replace')}. "
            "Take it out and push again."
        )


def _places_of_this_machine(path: Path) -> list[bytes]:
    """Patterns of the folders around a file and of its owner; never the root, which begins every path."""
    folder = path.parent.resolve()
    places = {Path.home(), folder, *(place for place in (folder.parent, Path.cwd()) if len(place.parts) > 2)}
    local = [str(place).encode() for place in places if len(place.parts) > 1]
    return [re.escape(place) + rb"(?![\w-])" for place in local]


def _refuse_local_base(path: Path, config: dict) -> None:
    base = config.get("base_model_name_or_path") or ""
    if not base:
        raise PushError(
            f"Nothing pushed: {path} names no base model, because that was made in memory, so the adapter would load "
            "nowhere. Save the base without the adapter, push it, and name it: trainer.push_to_hub(finetuned_from="
            "'org/base'), or 'base_model_name_or_path' in that file."
        )
    if Path(base).is_absolute() or Path(base).exists():
        raise PushError(
            f"Nothing pushed: {path} names its base model by the local path {base}, so the adapter would load nowhere "
            "else. Push the base model first, and write its Hub id there."
        )
