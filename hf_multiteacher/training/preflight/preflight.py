"""Looks at a trainer before it trains: its teachers, its text, a few steps, memory, time and disk."""

from collections.abc import Callable, Iterator
from typing import Any, cast

import torch
from transformers import Trainer

from ...models.vocabulary_head import can_run_alone, head_state
from ...tokenization.columns import teacher_column
from ...training_args import DistillationTrainingArguments
from ..checks import datasets_of
from .as_it_was import as_it_was
from .caching import bytes_kept, cache_findings, heads_findings, plan_cache
from .disk import disk_finding, output_bytes
from .duration import Length, duration_finding, large_batch
from .finding import Finding, Preflight
from .memory import (
    SMALLER_BATCH,
    bytes_of_states,
    measured_peak,
    memory_finding,
    start_measuring,
    too_little,
)
from .reading import cut_examples, reading_findings, token_counts, unlabelled_rows
from .sample import Sample
from .teaching import coverage_findings, teacher_findings
from .trial import SECONDS, OneExample, Trial, bearable, seconds_of, try_evaluation, try_one, try_steps

EVALUATED, BATCHES_OF_TEACHERS = 32, 4
NO_MEMORY = ("out of memory", "can't allocate memory", "not enough memory")


def preflight(
    trainer: Trainer,
    *,
    asked: DistillationTrainingArguments | None = None,
    max_length: int | None = None,
    evaluations: int = 0,
) -> Preflight:
    """Look at a trainer before it trains; it stays as it is.

    Args:
        trainer: With or without teachers.
        asked: What the user asked for, where the trainer was made to write elsewhere and to keep no outputs; by
            default its own arguments.
        max_length: Tokens to which its examples were cut; by default what all models read.
        evaluations: How many evaluations will follow its training.

    Raises:
        ValueError: It has no training data, or is one of several processes.
    """
    args = cast(DistillationTrainingArguments, trainer.args)
    if trainer.train_dataset is None:
        raise ValueError(
            "preflight tries a few steps of the training, but the trainer has no train_dataset. Give one."
        )
    if args.world_size > 1:
        raise ValueError(
            f"preflight looks at one process, but this is one of {args.world_size}, which would wait for one another. "
            "Call it in a script of its own, without a launcher."
        )

    examination = Examination(trainer, asked or args, max_length, evaluations)
    with as_it_was(trainer) as held:
        return Preflight(examination.findings(held))


class Examination:
    """One look at a trainer; to be used inside `as_it_was`.

    Args:
        trainer: As for `preflight`.
        asked: As for `preflight`.
        max_length: As for `preflight`.
        evaluations: As for `preflight`.
    """

    def __init__(
        self, trainer: Trainer, asked: DistillationTrainingArguments, max_length: int | None, evaluations: int
    ) -> None:
        self.trainer: Any = trainer
        self.asked, self.max_length, self.evaluations = asked, max_length, evaluations
        self.device = trainer.args.device
        self.teachers: Any = getattr(trainer, "teachers", None) or []
        self.objective: Any = cast(Any, trainer).distillation_objective if self.teachers else None
        self.masks = any(teacher.task.over_vocabulary for teacher in self.teachers)
        self.eval_dataset: Any = next(datasets_of(None, trainer.eval_dataset), None)

    def findings(self, held: int) -> Iterator[Finding]:
        """Look at everything, what is cheap first; what stands in the way of a few steps ends it.

        Args:
            held: Bytes that the process holds beside the training.
        """
        dataset = self.trainer.train_dataset
        empty = hasattr(dataset, "__len__") and not len(dataset)  # of which no sampler can be made
        order = None if empty else self.trainer._get_train_sampler(dataset)
        sample = Sample.of(dataset, order, self.trainer.args.train_batch_size)
        length = Length.of(self.trainer.args, sample.examples)
        if not sample.batches:
            yield Finding("data", "there is no example to train on.", "stop", "Give a train_dataset that holds some.")
            return

        yield from self._of_text(sample)
        large = large_batch(self.trainer.args, sample.examples, length)
        yield from [] if large is None else [large]

        one = self._one_example(sample)
        if isinstance(one, Finding):
            yield one
            return

        start_measuring(self.device)
        tried = _tried(lambda: self._some_steps(sample, one))
        if isinstance(tried, Finding):
            yield tried
            return

        sample, trial, evaluation = tried
        yield from coverage_findings(trial.logged, [teacher.name for teacher in self.teachers])
        yield duration_finding(length, trial, evaluation, self.evaluations)
        yield memory_finding(self._peak(held, trial, one), self.device)
        yield from self._of_disk(sample, length, trial)

    # ---- Before any step ----

    def _of_text(self, sample: Sample) -> Iterator[Finding]:
        """Look at the teachers, and at what they and the student can read."""
        if self.objective is None:
            return

        yield from teacher_findings(self.teachers, self.objective.teachers.source_of)
        examples = [example for example in sample.some(sample.batches) if hasattr(example, "keys")]
        yield from reading_findings(examples, *self._tokenizers())

        lengths = token_counts(examples)
        if lengths and not self.masks:  # running text is cut into pieces that fill max_length, whatever that is
            yield cut_examples(lengths, self.max_length or max(lengths))
        if not self.masks:
            found = unlabelled_rows(examples, needed=not self.objective.needs_teachers)
            yield from [] if found is None else [found]

    def _tokenizers(self) -> tuple[dict[int | None, Any], dict[int | None, str]]:
        """Return the tokenizers by the numbers in their columns' names, and who reads with each."""
        multi_tokenizer = self.trainer.multi_tokenizer
        if multi_tokenizer is None:
            return {None: None}, {None: "the student"}

        tokenizers: dict[int | None, Any] = {None: multi_tokenizer.student_tokenizer, **multi_tokenizer.distinct}
        sources = self.objective.teachers.source_of
        owners: dict[int | None, str] = {
            source: ", ".join(name for name, own in sources.items() if own == source) for source in tokenizers
        }
        return tokenizers, owners | {None: "the student"}

    def _one_example(self, sample: Sample) -> OneExample | Finding:
        """Take a step with one example, and return what it tells, or what keeps a whole one from being taken."""
        states = bytes_of_states(self.trainer)
        lacking = too_little(states, self.device, "Gradients and the optimizer's states take")
        if lacking is not None:
            return lacking

        one = _tried(lambda: try_one(self.trainer, sample.longest_example))
        if isinstance(one, Finding):
            return one
        needed = states + one.saved_bytes * sample.batch_size
        return too_little(needed, self.device, "A step on the longest batch takes") or one

    # ---- The steps ----

    def _some_steps(self, sample: Sample, one: OneExample) -> tuple[Sample, Trial, float]:
        """Return what is tried, what it tells, and the seconds of an evaluation."""
        accumulated = self.asked.gradient_accumulation_steps
        tried = bearable(self.trainer, sample, accumulated, one.seconds)
        return tried, try_steps(self.trainer, tried, accumulated), self._seconds_per_evaluation()

    # ---- Behind the steps ----

    def _peak(self, held: int, trial: Trial, one: OneExample) -> int | None:
        """Return the most memory that the steps took, and the examples would that were left out of them."""
        peak = measured_peak(self.device, held)
        return None if peak is None else peak + (trial.batch_size - trial.examples) * one.saved_bytes

    def _seconds_per_evaluation(self) -> float:
        """Return how long one evaluation takes; 0 where there is none, or where nobody knows its length."""
        wanted = self.evaluations or self.asked.eval_strategy != "no"
        if not wanted or not hasattr(self.eval_dataset, "__len__") or not len(self.eval_dataset):
            return 0.0

        places = torch.linspace(0, len(self.eval_dataset) - 1, min(EVALUATED, len(self.eval_dataset))).long().tolist()
        examples = [self.eval_dataset[place] for place in dict.fromkeys(places)]
        every = sum(len(each) for each in datasets_of(None, self.trainer.eval_dataset))
        return try_evaluation(self.trainer, examples) * every

    def _of_disk(self, sample: Sample, length: Length, trial: Trial) -> Iterator[Finding]:
        """Look at what will be written: the student, its checkpoints, and what teachers say."""
        needed = output_bytes(self.trainer, self.asked, length)
        do = "Free some, name another output_dir, or keep fewer checkpoints (save_total_limit)."
        yield disk_finding("output disk", str(self.asked.output_dir), needed, do)

        if self.objective is not None and self.objective.needs_teachers and sample.examples is not None:
            yield from self._of_cache(sample, length, trial)

    def _of_cache(self, sample: Sample, length: Length, trial: Trial) -> Iterator[Finding]:
        unfit = heads_findings(self.teachers)
        if unfit:
            yield from unfit if self.asked.teacher_cache else ()
            return

        batches = self._prepared(sample, max(min(BATCHES_OF_TEACHERS, int(SECONDS / trial.seconds_per_step)), 1))
        per_text = sum(map(self._bytes_kept, batches)) / (len(batches) * sample.batch_size)
        seconds = seconds_of(lambda: [*map(self.objective.ask_teachers, batches)], self.device, 1) / len(batches)
        seconds *= self.asked.gradient_accumulation_steps * sample.scale
        gain = min(seconds / trial.seconds_per_step, 1.0)

        plan = plan_cache(
            per_text, sample.examples or 0, length, self.asked, gain, masks=self.masks, heads=self._heads()
        )
        yield from cache_findings(plan, self.asked, masks=self.masks)

    def _prepared(self, sample: Sample, count: int) -> list[Any]:
        """Return so many batches as a step gets them."""
        self.trainer.train_dataset = sample.some(sample.spread(count))
        return [self.trainer._prepare_inputs(inputs) for inputs in self.trainer.get_train_dataloader()]

    def _bytes_kept(self, inputs: Any) -> int:
        rows = self.objective.rows(inputs)
        kept = 0
        for number, teacher in enumerate(self.teachers):
            source = self.objective.teachers.sources[number]
            columns = {part: teacher_column(source, part) for part in ("input_ids", "attention_mask")}
            read = {part: inputs[column] for part, column in columns.items() if column in inputs}
            spans = len(rows.spans[number].index) if rows.spans else 0
            kept += bytes_kept(teacher, len(rows.has[number]), spans, read, self.asked)
        return kept

    def _heads(self) -> int:
        """Return what the vocabulary heads take, which stand beside the outputs."""
        models = [teacher.model for teacher in self.teachers if teacher.task.over_vocabulary]
        states = [head_state(model) for model in models if can_run_alone(model)]
        return sum(weight.numel() * weight.element_size() for state in states for weight in state.values())


def _tried(work: Callable[[], Any]) -> Any:
    """Return what some work gives, or what stands in its way."""
    try:
        return work()
    except (MemoryError, RuntimeError) as error:
        if not isinstance(error, torch.OutOfMemoryError | MemoryError) and not any(
            sign in str(error).lower() for sign in NO_MEMORY
        ):
            raise
        return Finding("memory", "a step on the longest batch does not fit.", "stop", SMALLER_BATCH)
    except (TypeError, ValueError) as error:
        says = " ".join(str(error).split())
        return Finding("first steps", says, "stop", "Correct this first: the training would stop there too.")
