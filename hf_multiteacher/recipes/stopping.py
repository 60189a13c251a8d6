"""A training that was asked to stop before its end, or has taught a teacher nothing: whoever goes on is told."""

from transformers import Trainer


class TrainingStoppedError(Exception):
    """A training stopped, as `enable_jit_checkpoint` has it where the process gets SIGTERM."""


class LearnedNothingError(Exception):
    """A teacher answers the same to everything, so no student can learn from it."""


def expect_finished(trainer: Trainer, then: str) -> None:
    """Refuse to measure, save or follow a model whose training was asked to stop.

    Args:
        trainer: After `train`.
        then: What the user can do.

    Raises:
        TrainingStoppedError: It was.
    """
    state, asked = trainer.state, trainer.args.enable_jit_checkpoint and trainer.control.should_training_stop
    if asked and state.global_step < state.max_steps:
        raise TrainingStoppedError(
            f"The training was asked to stop, and did after step {state.global_step} of {state.max_steps}, so nothing "
            f"is measured or saved beside its checkpoint. {then}"
        )
