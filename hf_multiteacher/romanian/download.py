"""The Romanian data sets from their authors' repositories: pinned versions, checked, kept in the datasets cache."""

import hashlib
import http.client
import logging
import urllib.error
import urllib.request
from pathlib import Path

import datasets
from tqdm.auto import tqdm

from ..whole_file import write_whole
from .source import Source

HOME = "https://raw.githubusercontent.com"
_CHUNK = 1 << 20
_TIMEOUT_SECONDS = 30
logger = logging.getLogger(__name__)


def git_blob_id(path: Path) -> str:
    """Checksum under which git stores a file's content: the SHA-1 of a short header and the content."""
    digest = hashlib.sha1(f"blob {path.stat().st_size}\0".encode(), usedforsecurity=False)

    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _stream(url: str, part: Path) -> None:
    with urllib.request.urlopen(url, timeout=_TIMEOUT_SECONDS) as response, part.open("wb") as file:
        size = int(response.headers.get("Content-Length") or 0) or None

        with tqdm(total=size, unit="B", unit_scale=True, desc=url.rsplit("/", 1)[-1]) as bar:
            while chunk := response.read(_CHUNK):
                file.write(chunk)
                bar.update(len(chunk))


def _fetch(url: str, destination: Path, blob: str, advice: str) -> None:
    def write(part: Path) -> None:
        try:
            _stream(url, part)
        except (urllib.error.URLError, http.client.HTTPException, TimeoutError, ConnectionError) as error:
            raise OSError(f"{url} cannot be downloaded ({error}). {advice}") from error
        if git_blob_id(part) != blob:
            raise OSError(f"{url} does not have the checksum {blob}: the transfer was cut or altered. {advice}")

    write_whole(destination, write)


def download(source: Source) -> Path:
    """Return a folder with the files of a data set, downloading what is not in the cache yet.

    Args:
        source: The data set.

    Returns:
        Folder in the layout that `load_task` reads.

    Raises:
        OSError: There is no network, the transfer broke, or a file is not the published one.
    """
    folder = Path(datasets.config.HF_DATASETS_CACHE) / "hf_multiteacher" / source.folder / source.commit
    advice = f"copy the files of https://github.com/{source.repository} and give their folder."

    missing = [name for name in source.files if not (folder / name).is_file()]
    if missing and datasets.config.HF_HUB_OFFLINE:
        raise OSError(f"{source.title} is not in the cache and HF_HUB_OFFLINE is set. Unset it, or {advice}")

    if missing:
        logger.warning("%s is licensed under %s. Please cite: %s", source.title, source.license, source.citation)
    for name in missing:
        path, blob = source.files[name]
        _fetch(f"{HOME}/{source.repository}/{source.commit}/{path}", folder / name, blob, f"Try again, or {advice}")

    return folder
