"""Three hundred cases in CI; `python -m tests.fuzz --cases 2000` draws more."""

import pytest

from fuzz.run import run_cases

SEED, CASES, PARTS = 0, 300, 6


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
def test_no_input_ends_in_a_traceback_a_hang_or_the_loss_of_a_file(part, tmp_path):
    numbers = range(part, CASES, PARTS)
    faults = [
        f"python -m tests.fuzz --seed {SEED} --only {number}: {' '.join(case.words)}\n{fault}"
        for number, case, fault in run_cases(numbers, SEED, tmp_path)
        if fault
    ]
    assert not faults, "\n\n".join(faults)
