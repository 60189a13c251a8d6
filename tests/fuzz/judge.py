"""Run a case and judge it: a documented exit code, one clear line, no hang, and nothing that was there is changed."""

import contextlib
import hashlib
import io
import json
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
from hf_multiteacher.commands.doctor import STOPPED
from hf_multiteacher.commands.exit import FAILED, FINISHED

SECONDS = 60
SECONDS_OF_COMPUTING = 10
MOST_MEMORY = 2 * 2**20  # kB
OURS = ("loyalty.json", "results.json", "metrics.json", "answers.json", "teacher_manifest.json", "manifest.json")
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
    Path("/proc/self/clear_refs").write_text("5")  # the most memory is counted anew
    code, error = _run(case, folder)
    memory = _most_memory()
    after = _content(folder)

    changed = [path for path in before if before[path] != after.get(path)]
    if changed:
        return f"changed what was there: {', '.join(changed[:3])}\n{error[-500:]}"
    half = [path for path in after if path not in before and _is_half_written(folder / path)]
    if half:
        return f"left what is half written: {', '.join(half)}\n{error[-500:]}"
    if memory > MOST_MEMORY:
        return f"took {memory / 2**10:.0f} MB\n{error[-500:]}"
    if code == FINISHED or (code == STOPPED and case.words[0] == "doctor"):
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


def _is_half_written(path: Path) -> bool:
    """Whether a file of ours was left under a temporary name, or does not hold all that it should."""
    if path.name not in OURS:
        return path.name.startswith(".tmp-")
    try:
        return json.loads(path.read_text("utf-8")) is None
    except ValueError:
        return True


def _most_memory() -> int:
    found = re.search(r"VmHWM:\s*(\d+) kB", Path("/proc/self/status").read_text())
    return int(found[1]) if found else 0


def _run(case: Case, folder: Path) -> tuple[int | str, str]:
    out, error = io.StringIO(), io.StringIO()
    code: int | str
    try:
        with _guarded(folder), contextlib.redirect_stdout(out), contextlib.redirect_stderr(error):
            code = case.program(case.words)
    except SystemExit as leaving:  # argparse
        code = leaving.code if isinstance(leaving.code, int) else 1
    except Hang:
        code = f"nothing after {SECONDS} seconds, or {SECONDS_OF_COMPUTING} of computing"
        error.write(traceback.format_exc())
    except BaseException as fault:
        code = f"{type(fault).__name__}"
        error.write(traceback.format_exc())

    return code, error.getvalue()


@contextlib.contextmanager
def _guarded(folder: Path) -> Iterator[None]:
    """In the folder, as a program that starts anew, and not for ever."""
    started, arguments, environment = Path.cwd(), list(transformers_trainer.DEFAULT_CALLBACKS), dict(os.environ)
    previous = {number: signal.signal(number, _hang) for number in (signal.SIGALRM, signal.SIGPROF)}
    signal.alarm(SECONDS)
    signal.setitimer(signal.ITIMER_PROF, SECONDS_OF_COMPUTING)
    os.chdir(folder)
    transformers_trainer.DEFAULT_CALLBACKS.append(StopSoon)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.setitimer(signal.ITIMER_PROF, 0)
        for number, handler in previous.items():
            signal.signal(number, handler)
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
