"""Parts of speech of UD_Romanian-RRT: distil a student from fine-tuned teachers, print quality and loyalty.

python examples/upos.py examples/upos.yaml                    # the paper's models, data from their published homes
python examples/upos.py examples/upos.yaml --data DIR         # data from a folder; every key of the file is a flag too
python examples/upos.py --data synthetic --teachers A B --student C --max_steps 10
"""

import sys

from hf_multiteacher.commands.experiment import run_task

if __name__ == "__main__":
    sys.exit(run_task("upos"))
