"""A masked language model from text: a corpus, teachers, and a student of the first one's layers or a model."""

from itertools import chain
from typing import Any, cast

from datasets import Dataset, IterableDataset
from torch import nn

from ..collation.data_collator import DataCollatorForDistillation
from ..models.loading import load_for_fine_tuning
from ..models.student import student_from_teacher
from ..models.task import MASKED_LM
from ..tokenization.columns import teacher_column
from ..tokenization.multi_tokenizer import MultiTokenizer
from ..trainer import MultiTeacherDistillationTrainer
from .configuration.checkpoints import find_checkpoint
from .configuration.configuration import DEFAULT_HELD_OUT, DEFAULT_LENGTH
from .configuration.rehearsal import expect_best_metric
from .data.corpus import load_corpus, words_that_fit
from .data.held_out import hold_out
from .pretrained import expect_room_for_text, expect_teachers, load_tokenizer
from .run import Distillation
from .student_vocabulary import find_student_tokenizer, is_trimmed
from .terminal.progress import Progress

SHUFFLE_BUFFER = 10_000
"""So many texts of a stream wait to be drawn from: some megabytes."""
EXAMPLES_OF_A_TRIAL = 32
EXAMPLES_WITHOUT_A_MASK = 500
"""Where so many have none, the others are not looked at: of a word in seven one is masked."""


class MaskedLMDistillation(Distillation):
    """A distillation on text without labels."""

    def prepare(self, progress: Progress) -> None:
        """Load and check everything, and make the trainer that is ready to run.

        Raises:
            ValueError: The corpus is empty or cannot be read, a teacher cannot be loaded or does not fit, or there is
                no checkpoint of this run to resume from.
        """
        progress.stage("Read the text")
        config, args = self.config, self.args
        teachers = args.teachers or []
        tokenizers = [load_tokenizer(teacher) for teacher in teachers]
        length, held_out = config.max_length or DEFAULT_LENGTH, config.held_out or DEFAULT_HELD_OUT
        self.decided = {"max_length": length, "held_out": held_out}
        expect_room_for_text(length, tokenizers, pair=False)
        expect_teachers(teachers, MASKED_LM)

        corpus = load_corpus(
            cast(Any, config.corpus),
            words=words_that_fit(length),
            text_column=config.text_column or "text",
            streaming=config.streaming,
            megabytes=config.megabytes,
        )
        tokenizer, student = self._student(teachers[0], tokenizers[0], corpus)

        seed = args.seed if args.data_seed is None else args.data_seed
        multi_tokenizer = MultiTokenizer(tokenizer, tokenizers)
        train, kept = encode_corpus(corpus, multi_tokenizer, max_length=length, held_out=held_out, seed=seed)
        self.measured = f"{len(kept)} held-out texts"

        self.trainer = MultiTeacherDistillationTrainer(
            model=cast(Any, student),
            args=args,
            train_dataset=train,
            eval_dataset=kept,
            processing_class=tokenizer,
        )
        self._expect_sound(kept)

    def _student(
        self, teacher: str, teacher_tokenizer: Any, corpus: Dataset | IterableDataset
    ) -> tuple[Any, nn.Module]:
        """Load the student, or make it from the first teacher; and its tokenizer."""
        config = self.config
        if config.student is not None:
            student = load_for_fine_tuning(config.student, f"Student '{config.student}'", MASKED_LM, {})
            return load_tokenizer(config.student, "Student"), student

        texts = cast(Dataset, corpus)["text"] if is_trimmed(config.vocabulary) else []
        own = find_student_tokenizer(config.vocabulary, teacher_tokenizer, texts)
        layers = config.student_layers or "spread"
        self.decided["student_layers"] = layers
        student = student_from_teacher(
            teacher,
            layers,
            config.student_architecture or "same",
            tokenizer=own,
            teacher_tokenizer=teacher_tokenizer if own else None,
        )
        return own or teacher_tokenizer, student

    def _expect_sound(self, held_out: Dataset) -> None:
        """Refuse what the trainer alone does not: an evaluation of nothing, and a checkpoint of another run."""
        _expect_masks(self.trainer)
        expect_best_metric(self.trainer, held_out.select(range(min(EXAMPLES_OF_A_TRIAL, len(held_out)))))

        checkpoint = find_checkpoint(self.args)
        if checkpoint:
            self.trainer.check_checkpoint(checkpoint)


def encode_corpus(
    corpus: Dataset | IterableDataset,
    multi_tokenizer: MultiTokenizer,
    *,
    max_length: int,
    held_out: int,
    seed: int = 0,
) -> tuple[Any, Dataset]:
    """Split a corpus into what is trained on and what is held out, and encode both for every model.

    Args:
        corpus: With the column `text`; what is streamed is shuffled in a buffer, in another order in every epoch.
        multi_tokenizer: The tokenizers of student and teachers.
        max_length: Tokens of an example at most.
        held_out: How many examples are held out.
        seed: Of the stream's orders.

    Raises:
        ValueError: The corpus has no more examples than are held out.
    """
    train, kept = hold_out(corpus, held_out)

    if next(iter(train), None) is None:
        raise ValueError(
            f"The corpus has no more different examples than the {held_out} that held_out keeps, so none is "
            "left to train on. Use more text, or hold out less."
        )
    if isinstance(train, IterableDataset):
        train = train.shuffle(seed=seed, buffer_size=SHUFFLE_BUFFER)

    settings: dict[str, Any] = {
        "batched": True,
        "remove_columns": ["text"],
        "fn_kwargs": {"text": "text", "max_length": max_length},
    }
    return train.map(multi_tokenizer.encode, **settings), kept.map(multi_tokenizer.encode, **settings)


def _expect_masks(trainer: MultiTeacherDistillationTrainer) -> None:
    """Refuse held-out examples in which not one token is masked: the evaluation would have nothing to measure."""
    collator = cast(DataCollatorForDistillation, trainer.data_collator).for_evaluation()
    held_out = cast(Dataset, trainer.eval_dataset)
    tried = held_out.select(range(min(EXAMPLES_WITHOUT_A_MASK, len(held_out))))

    if not any((collator([example])["labels"] != -100).any() for example in tried):
        raise ValueError(
            f"In {len(tried)} of the {len(held_out)} held-out examples no token is masked, so the evaluation has "
            f"nothing to measure. {_reason(tried, collator.multi_tokenizer)}"
        )


def _reason(examples: Dataset, multi_tokenizer: MultiTokenizer) -> str:
    """Say why no token of examples is masked, and what to do."""
    tokenizers: list[tuple[int | None, Any]] = [(None, multi_tokenizer.student_tokenizer)]
    for source, tokenizer in (*tokenizers, *multi_tokenizer.distinct.items()):
        ids = {*chain.from_iterable(examples[teacher_column(source, "input_ids")][:])}
        if ids <= {*tokenizer.all_special_ids}:
            owner = "the student" if source is None else f"teacher {source}"
            return f"The tokenizer of {owner} knows no word of them: give text that it reads, or another model."

    return "They are short: give a larger held_out or max_length."
