"""A shell in which every program is a stand-in that only writes down how it was called."""

import os
import subprocess
from collections.abc import Iterable
from pathlib import Path

STAND_IN = """#!/bin/sh
{ printf '%s\\0' "${0##*/}" "$@"; printf '\\n\\0'; } >>"$CALLS"
"""


def calls_of(code: str, folder: Path, programs: Iterable[str]) -> list[list[str]]:
    """Have a shell read code, and return the words of every program that it would have run, as the shell gave them.

    Args:
        code: Lines of shell; any other program than those given is an error.
        folder: An empty one, in which the code runs.
        programs: Which ones there are.
    """
    for name in ("programs", "here", "here/.venv/bin"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    (folder / "here/.venv/bin/activate").write_text("")
    for name in programs:
        (folder / "programs" / name).write_text(STAND_IN)
        (folder / "programs" / name).chmod(0o755)

    calls = folder / "calls"
    environment = {**os.environ, "PATH": str(folder / "programs"), "CALLS": str(calls)}
    subprocess.run(["/bin/bash", "-euc", code], cwd=folder / "here", env=environment, check=True, timeout=30)
    words = calls.read_text(encoding="utf-8") if calls.exists() else ""
    return [call.split("\0")[:-1] for call in words.split("\n\0") if call]
