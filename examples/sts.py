"""Similarity of the sentence pairs of RO-STS: distil a student from fine-tuned teachers, print quality and loyalty."""

from hf_multiteacher.experiment import run_task

if __name__ == "__main__":
    run_task("sts")
