"""A masked-language-model distillation from a configuration: a corpus, teachers, a student of the first's layers."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

from datasets import Dataset, IterableDataset
from torch import nn

from ..collation.data_collator import DataCollatorForDistillation
from ..hub.files import PushError
from ..models.student import LayerNames, student_from_teacher
from ..models.task import MASKED_LM
from ..report.benchmark import count_parameters
from ..tokenization.multi_tokenizer import MultiTokenizer
from ..trainer import MultiTeacherDistillationTrainer
from ..training.checkpoint import check_manifest, expect_whole, newest_first, newest_whole_checkpoint
from ..training_args import DistillationTrainingArguments
from .arguments import read_configuration
from .checks import check_output_folder, check_training
from .corpus import load_corpus, words_that_fit
from .held_out import hold_out
from .pretrained import expect_room_for_text, expect_teachers, load_tokenizer
from .rehearsal import expect_best_metric
from .student_vocabulary import TEACHER, find_student_tokenizer, is_trimmed

SHUFFLE_BUFFER = 10_000
"""So many texts of a stream wait to be drawn from: some megabytes."""
EXAMPLES_OF_A_TRIAL = 32


@dataclass
class DistillationConfig:
    """What a distillation run needs beside `DistillationTrainingArguments`; both stand in one YAML file.

    Args:
        corpus: A text file, a folder of text files (.txt, .xz, .gz), the id of a data set on the Hub, or a list of
            these; see `load_corpus`.
        student_layers: How many layers of the first teacher the student takes, the list of them, or `first`, `last` or
            `spread`: half of them.
        student_architecture: `same` as the first teacher's, or `distilbert`.
        student_vocabulary: `teacher`, the first one's; `trim`, the pieces of it that the corpus uses; `{size: 16000}`,
            so many at most; or the folder or id of any tokenizer. See `student_from_teacher`.
        text_column: The column of a data set that holds the text.
        megabytes: Use only so many million characters of the corpus.
        streaming: Read the corpus while training, shuffled in a buffer of 10,000 texts; needs `max_steps`.
        max_length: Tokens of an example at most.
        held_out: How many examples, drawn by a hash of their text, are kept for evaluation; see `hold_out`.
    """

    corpus: str | list[str]
    student_layers: int | list[int] | LayerNames = 6
    student_architecture: Literal["same", "distilbert"] = "same"
    student_vocabulary: str | dict[Literal["size"], int] = TEACHER
    text_column: str = "text"
    megabytes: float | None = None
    streaming: bool = False
    max_length: int = 128
    held_out: int = 500

    def __post_init__(self) -> None:
        """Check the values."""
        for name in ("max_length", "held_out"):
            value = getattr(self, name)
            if type(value) is not int or value < 1:
                raise ValueError(f"{name} must be a whole number from 1 on, got {value!r}.")

        if self.streaming and is_trimmed(self.student_vocabulary):
            raise ValueError(
                f"student_vocabulary={self.student_vocabulary!r} reads the whole corpus before the training, but "
                "streaming reads it meanwhile. Trim the tokenizer once to a sample of it (trim_tokenizer), save it, "
                "and give its folder."
            )

        sources = [self.corpus] if isinstance(self.corpus, str) else self.corpus
        if not isinstance(sources, list) or not all(isinstance(source, str) for source in sources):
            raise ValueError(f"corpus must be a path or an id, or a list of them, got {self.corpus!r}.")


def read_config(path: str | Path) -> tuple[DistillationConfig, DistillationTrainingArguments]:
    """Read and check a YAML file.

    Raises:
        ValueError: The file cannot be read, a key is unknown or missing, a value does not fit, or the output folder is
            not empty.
    """
    kinds = (DistillationConfig, DistillationTrainingArguments)
    config, args = read_configuration(kinds, path, required=("corpus", "teachers", "output_dir"))
    if config.student_layers == []:
        raise ValueError(
            "student_layers is an empty list, so there is nothing to copy. Give how many, or their numbers."
        )

    check_output_folder(str(args.output_dir), args.resume_from_checkpoint)
    _find_checkpoint(args)
    check_training(args)
    return config, args


def make_trainer(config: DistillationConfig, args: DistillationTrainingArguments) -> MultiTeacherDistillationTrainer:
    """Load and check everything, and return the trainer that is ready to run.

    Raises:
        ValueError: The corpus is empty or cannot be read, a teacher cannot be loaded or does not fit, or there is no
            checkpoint of this run to resume from.
    """
    teachers = args.teachers or []
    tokenizers = [load_tokenizer(teacher) for teacher in teachers]
    expect_room_for_text(config.max_length, tokenizers, pair=False)
    expect_teachers(teachers, MASKED_LM)

    corpus = load_corpus(
        config.corpus,
        words=words_that_fit(config.max_length),
        text_column=config.text_column,
        streaming=config.streaming,
        megabytes=config.megabytes,
    )
    texts = corpus["text"] if is_trimmed(config.student_vocabulary) else []
    own = find_student_tokenizer(config.student_vocabulary, tokenizers[0], texts)
    tokenizer = own or tokenizers[0]

    seed = args.seed if args.data_seed is None else args.data_seed
    train, held_out = encode_corpus(corpus, MultiTokenizer(tokenizer, tokenizers), config, seed)

    trainer = MultiTeacherDistillationTrainer(
        model=student_from_teacher(
            teachers[0],
            config.student_layers,
            config.student_architecture,
            tokenizer=own,
            teacher_tokenizer=tokenizers[0] if own else None,
        ),
        args=args,
        train_dataset=train,
        eval_dataset=held_out,
        processing_class=tokenizer,
    )
    _expect_masks(trainer)
    expect_best_metric(trainer, held_out.select(range(min(EXAMPLES_OF_A_TRIAL, len(held_out)))))

    checkpoint = _find_checkpoint(args)
    if checkpoint:
        check_manifest(checkpoint, trainer.distillation_objective.manifest())
    return trainer


def _find_checkpoint(args: DistillationTrainingArguments) -> str | None:
    """Return the folder from which the run resumes; None for a start, also where no checkpoint was written to its end.

    Raises:
        ValueError: There is no such folder, or the checkpoint in it is not whole.
    """
    wanted, folder = args.resume_from_checkpoint, str(args.output_dir)
    if not wanted:
        return None

    newest = wanted is True
    if not (newest_first(folder) if newest else Path(wanted).is_dir()):
        place = f"in '{folder}'" if newest else f"at '{wanted}'"
        raise ValueError(
            f"There is no checkpoint {place} to resume from. Leave resume_from_checkpoint out to start anew."
        )
    if newest:
        return newest_whole_checkpoint(folder)

    expect_whole(wanted)
    return wanted


def _expect_masks(trainer: MultiTeacherDistillationTrainer) -> None:
    """Refuse held-out examples in which not one token is masked: the evaluation would have nothing to measure."""
    collator = cast(DataCollatorForDistillation, trainer.data_collator).for_evaluation()
    held_out = cast(Dataset, trainer.eval_dataset)

    if not any((collator([example])["labels"] != -100).any() for example in held_out):
        raise ValueError(
            f"In the {len(held_out)} held-out examples no token is masked, so the evaluation would have nothing to "
            "measure. Give a larger held_out or max_length."
        )


def encode_corpus(
    corpus: Dataset | IterableDataset, multi_tokenizer: MultiTokenizer, config: DistillationConfig, seed: int = 0
) -> tuple[Any, Any]:
    """Split a corpus into what is trained on and what is held out, and encode both for every model.

    Args:
        corpus: With the column `text`; what is streamed is shuffled in a buffer, in another order in every epoch.
        multi_tokenizer: The tokenizers of student and teachers.
        config: How many examples are held out, and how long they are.
        seed: Of the stream's orders.

    Raises:
        ValueError: The corpus has no more examples than are held out.
    """
    train, held_out = hold_out(corpus, config.held_out)

    if next(iter(train), None) is None:
        raise ValueError(
            f"The corpus has no more different examples than the {config.held_out} that held_out keeps, so none is "
            "left to train on. Use more text, or hold out less."
        )
    if isinstance(train, IterableDataset):
        train = train.shuffle(seed=seed, buffer_size=SHUFFLE_BUFFER)

    settings: dict[str, Any] = {
        "batched": True,
        "remove_columns": ["text"],
        "fn_kwargs": {"text": "text", "max_length": config.max_length},
    }
    return train.map(multi_tokenizer.encode, **settings), held_out.map(multi_tokenizer.encode, **settings)


def finish(trainer: MultiTeacherDistillationTrainer, command: str | None = None) -> str:
    """Save a trained student with its tokenizer, card and charts, and return what was measured as text.

    Args:
        trainer: After its training; with `push_to_hub`, the student is pushed too.
        command: What the user called.

    Raises:
        PushError: The student is saved, but could not be pushed.
    """
    folder = trainer.args.output_dir
    trainer.save_model(_internal_call=True)  # before anything can go wrong; the push comes with the card
    metrics = trainer.evaluate()

    if trainer.args.push_to_hub:
        _push(trainer, command)
    else:
        trainer.create_model_card(command=command)

    measured = {name.removeprefix("eval_"): value for name, value in metrics.items()}
    lines = [f"{name:40} {value:.4f}" for name, value in measured.items() if "loss" in name or "loyalty" in name]
    lines.append(f"{'parameters':40} {count_parameters(cast(nn.Module, trainer.model)):,}")
    return "\n".join(["", *lines, "", f"The student, its card and charts are in {folder}/", ""])


def _push(trainer: MultiTeacherDistillationTrainer, command: str | None) -> None:
    try:
        trainer.push_to_hub(command=command)
    except PushError as error:
        again = f"hf-multiteacher push {trainer.args.output_dir} {trainer.hub_model_id}"
        raise PushError(f"{error} The student is saved; `{again}` pushes it.") from error
