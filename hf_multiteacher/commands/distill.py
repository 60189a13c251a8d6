"""The command `hf-multiteacher distill`: a masked language model from a configuration."""

import argparse
import sys
from typing import Any

from .exit import FINISHED, user_errors


def add(commands: Any) -> argparse.ArgumentParser:
    """Describe the command and its options."""
    distill = commands.add_parser(
        "distill",
        help="distil a masked language model from your text and teachers",
        description="Distil a masked language model from your text and teachers.",
        examples=["hf-multiteacher distill config.yaml"],
    )
    distill.add_argument("config", help="a YAML file: corpus, teachers, output_dir and training arguments")
    return distill


def run(parsed: argparse.Namespace) -> int:
    """Distil, leave the student with its card, print what was measured and return the exit code."""
    from ..recipes.masked_lm import finish, make_trainer, read_config
    from ..training.finite_steps import NotFiniteError
    from ..training.saving import CheckpointNotWrittenError

    with user_errors():
        config, args = read_config(parsed.config)
        trainer = make_trainer(config, args)

    with user_errors(kinds=(NotFiniteError, CheckpointNotWrittenError)):
        trainer.train(resume_from_checkpoint=trainer.args.resume_from_checkpoint)
    with user_errors():
        measured = finish(trainer, f"hf-multiteacher distill {parsed.config}")

    if trainer.is_world_process_zero():
        sys.stdout.write(measured)
    return FINISHED
