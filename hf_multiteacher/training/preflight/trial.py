"""A few steps of a training, taken for real: how long they take, what they need, and what they log."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil
from typing import Any, cast

import torch
from torch import Tensor
from torch.autograd.graph import saved_tensors_hooks
from transformers import Trainer, TrainerCallback, TrainerControl, TrainerState, TrainingArguments
from transformers.trainer_utils import IntervalStrategy, SaveStrategy

from ..callback import DistillationCallback
from .sample import Sample

MOST_ACCUMULATED = 4  # of a step of many batches so many tell what the others take
WARM_UP, TIMED = 2, 12
SECONDS = 20.0
"""After these a trial ends, if two steps were timed."""
LONGEST_WARM_UP = 60.0
"""Seconds: where the first steps would take longer, only a part of each batch is tried."""


@dataclass(frozen=True)
class Trial:
    """What a few steps have told.

    Attributes:
        seconds_per_step: Of a step of the optimizer, all of its batches included.
        cpu_seconds_per_step: Likewise, what the processors have worked for it.
        logged: What the training logs of the timed steps.
        examples: Of each batch, that were tried.
        batch_size: Examples of a whole batch.
    """

    seconds_per_step: float
    cpu_seconds_per_step: float
    logged: Mapping[str, float]
    examples: int
    batch_size: int


@dataclass(frozen=True)
class OneExample:
    """What a step with one example has told.

    Attributes:
        saved_bytes: That its forward keeps for its backward.
        seconds: That it took, the first one of all.
    """

    saved_bytes: int
    seconds: float


def try_steps(trainer: Trainer, sample: Sample, whole: int) -> Trial:
    """Train on a sample; to be called inside `as_it_was`.

    The first steps are those on the longest batch, and not timed.

    Args:
        trainer: The run's.
        sample: Of its data.
        whole: How many batches a step of the run has.
    """
    accumulated = min(whole, MOST_ACCUMULATED)
    timed = sample.spread(TIMED * accumulated)
    timed = timed[: max(len(timed) // accumulated, 1) * accumulated]
    accumulated = min(accumulated, len(timed))

    before = [sample.longest] * (WARM_UP * accumulated)
    watch = StopWatch(trainer)
    _train(trainer, sample.some([*before, *timed]), sample.batch_size, accumulated, watch)

    parts = whole / accumulated * sample.scale
    batch_size = sample.part_of or sample.batch_size
    reading = sample.seconds_to_read * batch_size * whole
    return Trial(
        watch.seconds / watch.steps * parts + reading,
        watch.cpu_seconds / watch.steps * parts + reading,
        watch.logged,
        sample.batch_size,
        batch_size,
    )


def bearable(trainer: Trainer, sample: Sample, whole: int, seconds_of_one: float) -> Sample:
    """Return a sample of which the first steps take a minute at most: the same, or a part of each of its batches.

    Args:
        trainer: As for `try_steps`.
        sample: Likewise.
        whole: Likewise.
        seconds_of_one: What a step with one example took.
    """
    examples = WARM_UP * min(whole, MOST_ACCUMULATED) * sample.batch_size
    if examples * seconds_of_one <= LONGEST_WARM_UP:
        return sample

    # What a step takes whatever its batch is counts in full in a step with one example: with some more it hardly does.
    some = sample.every(ceil(sample.batch_size * seconds_of_one / SECONDS))
    begun = time.perf_counter()
    _train(trainer, some.some([some.longest]), some.batch_size, 1)
    expected = (time.perf_counter() - begun) / some.batch_size * examples
    return sample if expected <= LONGEST_WARM_UP else sample.every(ceil(expected / SECONDS))


def try_one(trainer: Trainer, example: Any) -> OneExample:
    """Take a step with one example.

    Args:
        trainer: As for `try_steps`.
        example: The longest one.
    """
    own = {weight.untyped_storage().data_ptr() for weight in cast(Any, trainer.model).parameters()}
    saved: dict[int, int] = {}

    def pack(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            saved[storage.data_ptr()] = storage.nbytes()
        return tensor

    begun = time.perf_counter()
    with saved_tensors_hooks(pack, lambda tensor: tensor):
        _train(trainer, [example], 1, 1)
    return OneExample(sum(saved.values()), time.perf_counter() - begun)


def _train(trainer: Trainer, data: Any, batch_size: int, accumulated: int, watch: "StopWatch | None" = None) -> None:
    """Train on these examples in this order, and write nothing."""
    args: Any = trainer.args
    args.max_steps = len(data) // batch_size // accumulated
    args.gradient_accumulation_steps = accumulated
    args.per_device_train_batch_size = trainer._train_batch_size = batch_size
    args.train_sampling_strategy = "sequential"
    args.logging_strategy = args.eval_strategy = IntervalStrategy.NO
    args.save_strategy = SaveStrategy.NO
    args.load_best_model_at_end = args.push_to_hub = args.auto_find_batch_size = args.eval_on_start = False

    trainer.train_dataset = data
    trainer.optimizer = trainer.lr_scheduler = None
    handler = trainer.callback_handler
    handler.callbacks = [each for each in handler.callbacks if not isinstance(each, StopWatch)]
    handler.callbacks += [] if watch is None else [watch]
    trainer.train()


@dataclass(eq=False)
class StopWatch(TrainerCallback):
    """Times the steps of a trial behind the first ones, and ends it when it has taken long enough.

    A GPU is waited for at the beginning and at the end only, as a training does not wait for it either.

    Args:
        trainer: Whose logs are taken.
    """

    trainer: Trainer
    steps: int = 0
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    logged: dict[str, float] = field(default_factory=dict)
    _clocks: tuple[float, float] = (0.0, 0.0)
    _begun: float = 0.0

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Note when the trial begins."""
        self._begun = time.perf_counter()

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Begin to measure behind the first steps, and end where the time is up."""
        if state.global_step == WARM_UP:
            self._take_means()
            self._clocks = self._now()

        self.steps = state.global_step - WARM_UP
        late = time.perf_counter() - self._begun > SECONDS
        if state.global_step == state.max_steps or (late and self.steps >= 2):
            control.should_training_stop = True
            self._stop()

    def _stop(self) -> None:
        seconds, cpu_seconds = self._now()
        self.seconds, self.cpu_seconds = seconds - self._clocks[0], cpu_seconds - self._clocks[1]
        self.logged = self._take_means()

    def _now(self) -> tuple[float, float]:
        if self.trainer.args.device.type == "cuda":
            torch.cuda.synchronize(self.trainer.args.device)
        return time.perf_counter(), time.process_time()

    def _take_means(self) -> dict[str, float]:
        """Return what the training would log now."""
        handler = self.trainer.callback_handler
        own = next((each for each in handler.callbacks if isinstance(each, DistillationCallback)), None)
        return {} if own is None else own.take_means(lambda totals: totals)


def try_evaluation(trainer: Trainer, examples: Sequence[Any]) -> float:
    """Evaluate a few examples, and return the seconds that one takes; to be called inside `as_it_was`.

    Args:
        trainer: The run's.
        examples: Of its evaluation data.
    """
    if trainer.compute_metrics is not None:
        trainer.compute_metrics = _measure_nothing

    loader = trainer.get_eval_dataloader(cast(Any, examples))
    trainer.evaluation_loop(loader, "Warm-up")
    begun = time.perf_counter()
    trainer.evaluation_loop(loader, "Trial")
    return (time.perf_counter() - begun) / len(examples)


def _measure_nothing(*answers: Any, **settings: Any) -> dict[str, float]:
    return {}


def seconds_of(work: Callable[[], object], device: torch.device, rounds: int) -> float:
    """Return the mean time of some work, after doing it once."""
    work()
    begun = _synchronized(device)
    for _ in range(rounds):
        work()
    return (_synchronized(device) - begun) / rounds


def _synchronized(device: torch.device) -> float:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()
