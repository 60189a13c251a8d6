"""What a call costs without a clock: how many instructions of Python it takes, and how many bytes it holds at most."""

import gc
import sys
import tracemalloc
from collections.abc import Callable
from typing import Any


def instructions_of(function: Callable[..., Any], *arguments: Any) -> int:
    """How many instructions Python itself carries out in a call; what runs in C counts as one."""
    counted = [0]

    def count(frame: Any, event: str, argument: Any) -> Any:
        frame.f_trace_lines, frame.f_trace_opcodes = False, True
        counted[0] += event == "opcode"
        return count

    gc.collect()
    gc.disable()
    before = sys.gettrace()
    sys.settrace(count)
    try:
        function(*arguments)
    finally:
        sys.settrace(before)
        gc.enable()

    return counted[0]


def peak_bytes(function: Callable[..., Any], *arguments: Any) -> int:
    """How many bytes a call holds at most, beside what was there before."""
    tracemalloc.start()
    function(*arguments)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    return peak
