"""Language-specific tags on UD_Romanian-RRT: distil a student from fine-tuned teachers, print quality and loyalty."""

from hf_multiteacher.experiment import run_task

if __name__ == "__main__":
    run_task("xpos")
