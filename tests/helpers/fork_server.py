"""A process that has imported torch and transformers and does nothing but fork: the imports are paid for once.

    with ForkServer(environment) as server, server.fork(RANK="0") as process:
        process.run("print(1 + 1)")       # "2": what the code printed; an error there is a RuntimeError here
        process.start("slow()")           # meanwhile, something else
        process.result()

This package is not among the imports: a fork may be somebody who has not installed it.
"""

import contextlib
import gc
import importlib
import io
import json
import os
import select
import socket
import subprocess
import sys
import tempfile
import traceback
from pathlib import Path
from types import ModuleType
from typing import Any

IMPORTS = [
    "datasets",
    "huggingface_hub.hf_api",
    "matplotlib.pyplot",
    "peft",
    "scipy.stats",
    "sklearn.metrics",
    "torch",
    "transformers.models.auto.modeling_auto",
    "transformers.models.auto.tokenization_auto",
    "transformers.models.bert.modeling_bert",
    "transformers.pipelines",
    "transformers.trainer",
]


class Process:
    """A fork that runs code as it comes, all of it with the same names."""

    def __init__(self, address: str, environment: dict[str, str]) -> None:
        self.connection = socket.socket(socket.AF_UNIX)
        self.connection.connect(address)
        self.lines = self.connection.makefile("r", encoding="utf-8")
        self._send(environment)

    def __enter__(self) -> "Process":
        return self

    def __exit__(self, *error: object) -> None:
        """Wait for the end of the process, which comes when it has nothing more to read."""
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_WR)
        self.lines.read()
        self.lines.close()
        self.connection.close()

    def run(self, code: str) -> str:
        """Return what the code printed; an error there is a RuntimeError here, so is the end of the process."""
        self.start(code)
        return self.result()

    def start(self, code: str) -> None:
        """Let it run the code and do not wait."""
        with contextlib.suppress(BrokenPipeError):
            self._send(code)

    def result(self) -> str:
        """Wait for the code that was started, and return what it printed."""
        try:
            answer = self.lines.readline()
        except ConnectionResetError:
            answer = ""
        failed, printed = json.loads(answer) if answer else ("the process ended", "")
        if failed:
            raise RuntimeError(failed)
        return printed

    def _send(self, message: Any) -> None:
        self.connection.sendall(json.dumps(message).encode() + b"\n")


class ForkServer:
    """The process that forks.

    Args:
        environment: Its environment, complete. What a library reads from it on import holds for every fork, except
            for HF_HOME, which a fork may have of its own.
    """

    def __init__(self, environment: dict[str, str]) -> None:
        self.folder = tempfile.TemporaryDirectory(prefix="forks-")
        self.address = str(Path(self.folder.name, "socket"))
        self.environment = environment
        command = [sys.executable, "-m", "helpers.fork_server", self.address]
        self.process = subprocess.Popen(
            command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        if self.process.stdout.readline() != "ready\n":
            raise RuntimeError("the fork server did not start")

    def __enter__(self) -> "ForkServer":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """End the server; processes that it forked live on."""
        self.process.communicate()
        self.folder.cleanup()

    def fork(self, environment: dict[str, str] | None = None, **changes: str) -> Process:
        """Start a process with that environment, else the server's own, changed as said."""
        return Process(self.address, {**(self.environment if environment is None else environment), **changes})


def serve(address: str) -> None:
    """Fork for everyone who connects, until the standard input ends; a fork returns when it is done."""
    moving = paths_under(os.environ["HF_HOME"])
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(address)
        listening.listen()
        print("ready", flush=True)

        while sys.stdin not in select.select([listening, sys.stdin], [], [])[0]:
            connection, _ = listening.accept()
            if os.fork() == 0:
                listening.close()
                os.dup2(os.open(os.devnull, os.O_RDWR), sys.stdin.fileno())
                return answer(connection, moving)
            connection.close()
            reap(os.WNOHANG)
    reap()


def reap(options: int = 0) -> None:
    """Take leave of the forks that have ended, or wait for all of them to end."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, options)[0]:
            pass


def paths_under(folder: str) -> list[tuple[ModuleType, str]]:
    """Find the paths under a folder that modules keep, by module and name."""
    found = []
    for module in list(sys.modules.values()):
        for name, value in getattr(module, "__dict__", {}).items():
            # A type alone is looked at first: some values warn when they are asked for more.
            if type(value) in (str, type(Path())) and str(value).startswith(folder):
                found.append((module, name))
    return found


def answer(connection: socket.socket, moving: list[tuple[ModuleType, str]]) -> None:
    """Be the process at the other end of a connection."""
    lines = connection.makefile("r", encoding="utf-8")
    settle(json.loads(next(lines)), moving)

    names: dict[str, Any] = {}
    for line in lines:
        result = execute(json.loads(line), names)
        connection.sendall(json.dumps(result).encode() + b"\n")


def settle(environment: dict[str, str], moving: list[tuple[ModuleType, str]]) -> None:
    """Take an environment on; the paths under HF_HOME that libraries made of it on import move along."""
    before = os.environ["HF_HOME"]
    os.environ.clear()
    os.environ.update(environment)
    for module, name in moving:
        value = getattr(module, name)
        setattr(module, name, type(value)(environment["HF_HOME"] + str(value).removeprefix(before)))


def execute(code: str, names: dict[str, Any]) -> list[str | None]:
    """Return the error, if any, and what was printed."""
    printed, failed = io.StringIO(), None
    with contextlib.redirect_stdout(printed):
        try:
            exec(code, names)
        except Exception as error:
            traceback.print_exc()
            failed = f"{type(error).__name__}: {error}"
    return [failed, printed.getvalue().strip()]


if __name__ == "__main__":
    for name in IMPORTS:
        importlib.import_module(name)
    gc.freeze()  # no fork looks through what all of them share
    serve(sys.argv[1])
