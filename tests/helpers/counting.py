"""What a call costs without a clock: how many functions it calls, and how many bytes it holds at most."""

import gc
import sys
import tracemalloc
from collections.abc import Callable
from typing import Any


def calls_of(function: Callable[..., Any], *arguments: Any) -> int:
    """How many functions, in Python and in C, a call leads to."""
    counted = [0]

    def count(frame: Any, event: str, argument: Any) -> None:
        counted[0] += event in ("call", "c_call")

    gc.collect()
    gc.disable()
    before = sys.getprofile()
    sys.setprofile(count)
    try:
        function(*arguments)
    finally:
        sys.setprofile(before)
        gc.enable()

    return counted[0]


def peak_bytes(function: Callable[..., Any], *arguments: Any) -> int:
    """How many bytes a call holds at most, beside what was there before."""
    tracemalloc.start()
    function(*arguments)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    return peak
