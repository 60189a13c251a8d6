"""LaRoSeDa reviews, positive or negative: distil a student from fine-tuned teachers, print quality and loyalty.

python examples/sapn.py examples/sapn.yaml                    # the paper's models, data from their published homes
python examples/sapn.py examples/sapn.yaml --data DIR         # data from a folder; every key of the file is a flag too
python examples/sapn.py --data synthetic --teachers A B --student C --max_steps 10
"""

import sys

from hf_multiteacher.commands.experiment import run_task

if __name__ == "__main__":
    sys.exit(run_task("sapn"))
