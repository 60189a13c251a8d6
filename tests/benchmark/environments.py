"""Other libraries in a virtual environment of their own, from the package index, with our versions of the rest."""

import subprocess
import sys
import venv
from pathlib import Path

from .children import ROOT
from .contenders import NotAvailable

# torchdistill without its torchvision, of which it uses nothing here and which an index may not have for this torch.
PACKAGES = {
    "textbrewer": [["textbrewer", "tensorboardX"]],
    "torchdistill": [["pyyaml", "scipy"], ["--no-deps", "torchdistill"]],
}
COMMON = ["torch", "transformers", "accelerate"]


def python_of(contender: str, folder: Path | None) -> str:
    """Return the interpreter that a contender runs in; what it needs and has not yet is installed.

    Raises:
        NotAvailable: The library cannot be installed, or no folder for an environment was given.
    """
    if contender not in PACKAGES:
        return sys.executable
    if folder is None:
        raise NotAvailable("--environment DIR names no folder where it may be installed")

    python = folder.resolve() / "bin" / "python"
    if not python.exists():
        venv.create(folder, with_pip=True)
    for packages in (COMMON, *PACKAGES[contender]):
        _install(packages, python)
    return str(python)


def _install(packages: list[str], python: Path) -> None:
    command = [python, "-m", "pip", "install", "-q", *packages, "-c", ROOT / "constraints.txt"]

    done = subprocess.run([*map(str, command)], capture_output=True, text=True)
    if done.returncode:
        reason = next((line for line in done.stderr.splitlines() if line.startswith("ERROR")), "pip failed")
        raise NotAvailable(f"cannot be installed: {reason}")
