"""Text that leaves this machine: without its paths and without tokens."""

import re
from pathlib import Path

LOCAL_PATH = re.compile(r"(?<![\w:/.<~-])(?:/[\w.+@-]+)+/([\w.+@-]+)|\b[A-Za-z]:\\(?:[^\\\s\"'`]+\\)*([^\\\s\"'`]+)")
HUB_TOKEN = re.compile(r"hf_[A-Za-z0-9]{20,}")


def without_local_paths(text: str) -> str:
    """Shorten absolute paths to their last part, and blot out Hub tokens.

    Example:
        >>> without_local_paths("distill /home/ana/runs/config.yaml --token hf_0123456789abcdefghijkl, see https://a.b/c/d")
        'distill config.yaml --token hf_***, see https://a.b/c/d'
    """
    if len(Path.home().parts) > 1:  # its name may hold spaces, which end a path below
        text = text.replace(f"{Path.home()}/", "/-/")
    return HUB_TOKEN.sub("hf_***", LOCAL_PATH.sub(lambda path: path.group(1) or path.group(2), text))
