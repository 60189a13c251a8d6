"""Run a case and judge it: a documented exit code, one clear line, no hang, and nothing that was there is changed."""

import contextlib
import hashlib
import io
import os
import re
import signal
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from transformers import TrainerCallback
from transformers import trainer as transformers_trainer

from fuzz.cases import Case
from hf_multiteacher.commands.exit import FAILED, FINISHED

SECONDS = 60
# What an interpreter says of a value, and no message of ours does.
UNCLEAR = (
    "Traceback",
    "not supported between",
    "object is not",
    "object has no attribute",
    "unsupported operand",
    "unhashable type",
    "could not convert",
    "cannot unpack",
    "list index",
    "indices must be",
    "must be str, not",
    "unexpected keyword",
    "positional argument",
    "argument of type",
    "Expecting value",
    "expected str, bytes",
    "embedded null",
    "size mismatch",
    "KeyError",
)


class Hang(BaseException):
    """A case takes too long; no `except Exception` keeps it."""


class StopSoon(TrainerCallback):
    """End every training after a step, whatever was drawn."""

    def on_step_end(self, args: Any, state: Any, control: Any, **others: Any) -> None:
        """Stop."""
        control.should_training_stop = True


def judge(case: Case, folder: Path) -> str | None:
    """Run a case in its folder and say what is wrong with the outcome; None where nothing is."""
    before = _content(folder)
    code, out, error = _run(case, folder)
    after = _content(folder)

    changed = [path for path in before if before[path] != after.get(path)]
    if changed:
        return f"changed what was there: {', '.join(changed[:3])}\n{error[-500:]}"
    if code == FINISHED:
        return None
    if code != FAILED:
        return f"ended with {code}\n{error[-3000:]}"
    return _unclear(error)


def _unclear(error: str) -> str | None:
    told = [line for line in error.splitlines() if line.strip()]
    own = [line for line in told if line.startswith("hf-multiteacher")]
    if len(own) != 1 or told[-1] != own[0]:
        return f"ended with {FAILED}, and not with one line:\n{error[-1500:]}"

    ours = re.sub(r"\(\w+(Error|Exception): .*?\)", "", own[0])  # the cause may stand in brackets behind what we say
    found = [words for words in UNCLEAR if words in ours]
    if found or len(own[0]) > 1200:
        return f"is not clear ({', '.join(found) or 'too long'}): {own[0][:1500]}"
    return None


def _run(case: Case, folder: Path) -> tuple[int | str, str, str]:
    out, error = io.StringIO(), io.StringIO()
    code: int | str
    try:
        with _guarded(folder), contextlib.redirect_stdout(out), contextlib.redirect_stderr(error):
            code = case.program(case.words)
    except SystemExit as leaving:  # argparse
        code = leaving.code if isinstance(leaving.code, int) else 1
    except Hang:
        code = f"nothing after {SECONDS} seconds"
        error.write(traceback.format_exc())
    except BaseException as fault:
        code = f"{type(fault).__name__}"
        error.write(traceback.format_exc())

    return code, out.getvalue(), error.getvalue()


@contextlib.contextmanager
def _guarded(folder: Path) -> Iterator[None]:
    """In the folder, as a program that starts anew, and not for ever."""
    started, arguments, environment = Path.cwd(), list(transformers_trainer.DEFAULT_CALLBACKS), dict(os.environ)
    previous = signal.signal(signal.SIGALRM, _hang)
    signal.alarm(SECONDS)
    os.chdir(folder)
    transformers_trainer.DEFAULT_CALLBACKS.append(StopSoon)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, previous)
        os.chdir(started)
        transformers_trainer.DEFAULT_CALLBACKS[:] = arguments
        os.environ.clear()
        os.environ.update(environment)


def _hang(number: int, frame: Any) -> None:
    raise Hang


def _content(folder: Path) -> dict[str, str]:
    """What a folder holds: path -> hash of a file."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "folder"
        for path in folder.rglob("*")
    }
