"""Draw and judge many cases, each from its number alone."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from random import Random
from shutil import rmtree

from fuzz.cases import Case, draw_case
from fuzz.judge import judge
from fuzz.world import copy_world, make_world


def run_cases(
    numbers: Iterable[int], seed: int, folder: Path, keep: bool = False
) -> Iterator[tuple[int, Case, str | None]]:
    """Yield the number, the case and what is wrong with it.

    Args:
        numbers: Of the cases.
        seed: The same seed and number give the same case.
        folder: Where they are prepared, which is empty.
        keep: Whether the cases' folders stay.
    """
    world = make_world(folder / "world")
    for number in numbers:
        place = copy_world(world, folder / str(number))
        case = draw_case(Random(f"{seed}/{number}"), place)

        fault = judge(case, place)
        if not keep:
            rmtree(place)
        yield number, case, fault
