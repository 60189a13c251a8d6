"""How many steps a training has, and how long it takes."""

from dataclasses import dataclass
from math import ceil
from typing import Any

from transformers import TrainingArguments
from transformers.trainer_utils import IntervalStrategy

from .finding import Finding, in_words
from .trial import Trial


@dataclass(frozen=True)
class Length:
    """How long a training is, in steps of the optimizer.

    Attributes:
        steps: All of them.
        steps_per_epoch: None of a stream, whose length nobody knows.
        evaluations: How often is evaluated meanwhile.
    """

    steps: int
    steps_per_epoch: int | None
    evaluations: int

    @classmethod
    def of(cls, args: TrainingArguments, examples: int | None) -> "Length":
        """Count what the arguments ask for.

        Args:
            args: The training's.
            examples: Of its data; None of a stream.
        """
        per_epoch = None if examples is None else _steps_per_epoch(args, examples)
        steps = args.max_steps if args.max_steps > 0 else ceil(args.num_train_epochs * (per_epoch or 0))
        return cls(steps, per_epoch, _evaluations(args, steps, per_epoch))

    @property
    def epochs(self) -> float:
        """How often the data are read."""
        return self.steps / self.steps_per_epoch if self.steps_per_epoch else 1.0


def _steps_per_epoch(args: TrainingArguments, examples: int) -> int:
    batch = args.train_batch_size * args.world_size
    batches = examples // batch if args.dataloader_drop_last else ceil(examples / batch)
    return max(ceil(batches / args.gradient_accumulation_steps), 1)


def _evaluations(args: TrainingArguments, steps: int, per_epoch: int | None) -> int:
    if args.eval_strategy == IntervalStrategy.NO or not steps:
        return 0
    if args.eval_strategy == IntervalStrategy.EPOCH:
        return ceil(steps / per_epoch) if per_epoch else 1

    every = args.eval_steps or args.logging_steps
    return ceil(steps / (ceil(every * steps) if every < 1 else int(every)))


def large_batch(args: TrainingArguments, examples: int | None, length: Length) -> Finding | None:
    """Warn where a step asks for more examples than there are; None where it does not, or nobody knows.

    Args:
        args: The training's.
        examples: Of its data; None of a stream.
        length: The training's.
    """
    asked = args.train_batch_size * args.world_size * args.gradient_accumulation_steps
    if examples is None or asked <= examples:
        return None

    says = f"a step takes {asked:,} examples, but there are {examples:,}: one step per epoch, {length.steps:,} in all."
    do = "Give a smaller per_device_train_batch_size, or fewer gradient_accumulation_steps."
    return Finding("batch", says, "warning", do, {"examples_per_step": asked, "examples": examples})


def duration_finding(length: Length, trial: Trial, seconds_per_evaluation: float, last_evaluations: int) -> Finding:
    """Tell how long the training takes.

    Args:
        length: The training's.
        trial: Some of its steps.
        seconds_per_evaluation: Of one evaluation of all examples.
        last_evaluations: How many evaluations follow the training.
    """
    step, evaluations = trial.seconds_per_step, length.evaluations + last_evaluations
    training = step * length.steps
    whole = training + seconds_per_evaluation * evaluations

    epoch = f", {in_words(step * length.steps_per_epoch)} per epoch" if length.steps_per_epoch else ""
    evaluating = in_words(seconds_per_evaluation * evaluations)
    measured = f", {evaluating} of it for evaluations ({evaluations})" if evaluations else ""
    says = f"{in_words(step)} per step{epoch}, {in_words(whole)} in all for {length.steps:,} steps{measured}."
    if trial.examples < trial.batch_size:
        says += f" Extrapolated from {trial.examples:,} of the {trial.batch_size:,} examples of a batch."
    figures: dict[str, Any] = {
        "seconds_per_step": step,
        "cpu_seconds_per_step": trial.cpu_seconds_per_step,
        "steps": length.steps,
        "training_seconds": training,
        "evaluation_seconds": seconds_per_evaluation,
        "seconds": whole,
    }
    return Finding("time", says, figures=figures)
