"""A masked-language-model distillation from a configuration: a corpus, teachers, a student of the first's layers."""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal, cast

from datasets import Dataset, IterableDataset
from torch import nn
from transformers.trainer_utils import get_last_checkpoint

from ..hub.files import PushError
from ..models.student import student_from_teacher
from ..report.benchmark import count_parameters
from ..tokenization.multi_tokenizer import MultiTokenizer
from ..trainer import MultiTeacherDistillationTrainer
from ..training.checkpoint import check_manifest
from ..training_args import DistillationTrainingArguments
from .arguments import read_yaml
from .corpus import load_corpus, words_that_fit
from .pretrained import load_tokenizer


@dataclass
class DistillationConfig:
    """What a distillation run needs beside `DistillationTrainingArguments`; both stand in one YAML file.

    Args:
        corpus: A text file, a folder of text files (.txt, .xz, .gz), the id of a data set on the Hub, or a list of
            these; see `load_corpus`.
        student_layers: How many layers of the first teacher the student takes, or the list of them.
        student_architecture: `same` as the first teacher's, or `distilbert`.
        text_column: The column of a data set that holds the text.
        megabytes: Use only so many million characters of the corpus.
        streaming: Read the corpus while training; needs `max_steps`.
        max_length: Tokens of an example at most.
        held_out: How many examples, the first of the corpus, are kept for evaluation.
    """

    corpus: str | list[str]
    student_layers: int | list[int] = 6
    student_architecture: Literal["same", "distilbert"] = "same"
    text_column: str = "text"
    megabytes: float | None = None
    streaming: bool = False
    max_length: int = 128
    held_out: int = 500

    def __post_init__(self) -> None:
        """Check the values."""
        if isinstance(self.megabytes, str):  # YAML takes 5e-1 for a word
            self.megabytes = float(self.megabytes)
        for name in ("max_length", "held_out"):
            value = getattr(self, name)
            if type(value) is not int or value < 1:
                raise ValueError(f"{name} must be a whole number from 1 on, got {value!r}.")
        sources = [self.corpus] if isinstance(self.corpus, str) else self.corpus
        if not isinstance(sources, list) or not all(isinstance(source, str) for source in sources):
            raise ValueError(f"corpus must be a path or an id, or a list of them, got {self.corpus!r}.")


def read_config(path: str | Path) -> tuple[DistillationConfig, DistillationTrainingArguments]:
    """Read and check a YAML file.

    Raises:
        ValueError: The file cannot be read, a key is unknown or missing, a value does not fit, or the output folder is
            not empty.
    """
    content = read_yaml(path)
    missing = [key for key in ("corpus", "teachers", "output_dir") if not content.get(key)]
    if missing:
        raise ValueError(f"The configuration '{path}' lacks {', '.join(missing)}. Add a line for each.")
    if isinstance(content["teachers"], str):
        content["teachers"] = [content["teachers"]]
    own = {field.name for field in fields(DistillationConfig)}
    training = {field.name: str(field.type) for field in fields(DistillationTrainingArguments) if field.init}
    unknown = sorted(map(str, content.keys() - own - training.keys()))
    if unknown:
        raise ValueError(
            f"The configuration '{path}' has keys that do not exist: {', '.join(unknown)}. They are those of "
            "DistillationConfig and DistillationTrainingArguments."
        )
    try:
        config = DistillationConfig(**{key: value for key, value in content.items() if key in own})
        arguments = {key: _number(value, training[key]) for key, value in content.items() if key in training}
        args = DistillationTrainingArguments(**arguments)
    except (TypeError, ValueError) as error:
        raise ValueError(f"The configuration '{path}' has a value that does not fit: {error}") from error
    check_output_folder(str(args.output_dir), args.resume_from_checkpoint)
    return config, args


def _number(value: Any, kind: str) -> Any:
    """Read `5e-4`, which YAML takes for a word because it has no point, as the number that was meant."""
    return float(value) if isinstance(value, str) and "float" in kind else value


def check_output_folder(folder: str | Path, resume: str | None | Literal[False] = False) -> None:
    """Refuse to write into a folder that cannot be made or holds something, unless the run resumes from it.

    Args:
        folder: Where the run will write.
        resume: The run's `resume_from_checkpoint`; False for what cannot be resumed.

    Raises:
        ValueError: The folder is a file, lies in one, or is not empty.
    """
    path = Path(folder)
    if file := next((place for place in (path, *path.parents) if place.is_file()), None):
        raise ValueError(f"The output folder '{folder}' cannot be made: '{file}' is a file. Choose another one.")
    if path.exists() and not resume and any(path.iterdir()):
        to_continue = "" if resume is False else " To continue a run, set resume_from_checkpoint."
        raise ValueError(
            f"The output folder '{folder}' is not empty, and nothing in it will be overwritten. Choose another one, "
            f"or empty it.{to_continue}"
        )


def make_trainer(config: DistillationConfig, args: DistillationTrainingArguments) -> MultiTeacherDistillationTrainer:
    """Load and check everything, and return the trainer that is ready to run.

    Raises:
        ValueError: The corpus is empty or cannot be read, a teacher cannot be loaded or does not fit, or there is no
            checkpoint of this run to resume from.
    """
    teachers = args.teachers or []
    tokenizers = [load_tokenizer(teacher) for teacher in teachers]
    corpus = load_corpus(
        config.corpus,
        words=words_that_fit(config.max_length),
        text_column=config.text_column,
        streaming=config.streaming,
        megabytes=config.megabytes,
    )
    train, held_out = encode_corpus(corpus, MultiTokenizer(tokenizers[0], tokenizers), config)
    trainer = MultiTeacherDistillationTrainer(
        model=student_from_teacher(teachers[0], config.student_layers, config.student_architecture),
        args=args,
        train_dataset=train,
        eval_dataset=held_out,
        processing_class=tokenizers[0],
    )
    _check_resume(trainer)
    return trainer


def _check_resume(trainer: MultiTeacherDistillationTrainer) -> None:
    wanted, folder = trainer.args.resume_from_checkpoint, str(trainer.args.output_dir)
    if not wanted:
        return
    if wanted is True:  # as in `Trainer`: the newest in the output folder
        wanted = get_last_checkpoint(folder) if Path(folder).is_dir() else None
    if wanted is None or not Path(wanted).is_dir():
        place = f"at '{wanted}'" if wanted else f"in '{folder}'"
        raise ValueError(
            f"There is no checkpoint {place} to resume from. Leave resume_from_checkpoint out to start anew."
        )
    check_manifest(wanted, trainer.distillation_objective.manifest())


def encode_corpus(
    corpus: Dataset | IterableDataset, multi_tokenizer: MultiTokenizer, config: DistillationConfig
) -> tuple[Any, Any]:
    """Split a corpus into what is trained on and what is held out, and encode both for every model.

    Raises:
        ValueError: The corpus has no more examples than are held out.
    """
    held_out = (
        corpus.take(config.held_out) if config.streaming else corpus.select(range(min(config.held_out, len(corpus))))
    )
    train = corpus.skip(config.held_out)
    if next(iter(train), None) is None:
        raise ValueError(
            f"The corpus has no more examples than the {config.held_out} that held_out keeps, so none is left to "
            "train on. Use more text, or hold out less."
        )
    settings = {
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
