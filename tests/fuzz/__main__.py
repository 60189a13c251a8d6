"""The command: draws cases, judges them, and tells how to repeat those that fail."""

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

os.environ |= {"HF_HUB_OFFLINE": "1", "HF_EVALUATE_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
os.environ |= {"OMP_NUM_THREADS": "1", "TRANSFORMERS_VERBOSITY": "error", "HF_DATASETS_DISABLE_PROGRESS_BARS": "1"}
sys.path.insert(0, str(Path(__file__).parents[1]))

from fuzz.run import run_cases


def main() -> int:
    """Run the cases, print those that fail, and return 1 where there are any."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--cases", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", type=int, nargs="+", help="the numbers of some cases; their folders are kept")
    parsed = parser.parse_args()

    folder = Path(tempfile.mkdtemp(prefix="fuzz-"))
    numbers = parsed.only or range(parsed.cases)
    failed, started = 0, time.perf_counter()
    for number, case, fault in run_cases(numbers, parsed.seed, folder, keep=bool(parsed.only)):
        if fault:
            failed += 1
            print(f"--seed {parsed.seed} --only {number}: {' '.join(case.words)}\n{fault}\n", flush=True)

    seconds = time.perf_counter() - started
    print(
        f"{len(numbers)} cases in {seconds:.0f} s, {failed} failed"
        + (f"; the folders are in {folder}" if parsed.only else "")
    )
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
