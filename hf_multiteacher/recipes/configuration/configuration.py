"""What a distillation is made from: the keys that stand in its YAML file, each of which is a flag too."""

from collections.abc import Mapping, Sequence
from dataclasses import Field, dataclass, field, fields
from typing import Any, Literal

from ...models.student import LayerNames
from ...romanian.tasks import DEFINITIONS
from ...training_args import DistillationTrainingArguments
from ..student_vocabulary import TEACHER, is_trimmed
from .arguments import make_arguments, read_values
from .checkpoints import find_checkpoint
from .checks import check_output_folder, check_training, expect_folder

MASKED_LM = "masked-lm"
TEXT_CLASSIFICATION, TOKEN_CLASSIFICATION, REGRESSION = "text-classification", "token-classification", "regression"
OWN_TASKS = (TEXT_CLASSIFICATION, TOKEN_CLASSIFICATION, REGRESSION)
TASKS = (MASKED_LM, *OWN_TASKS, *DEFINITIONS)

Part = Literal["train", "validation", "test"]
Data = str | list[str] | dict[Part, str]
DEFAULT_LENGTH, DEFAULT_HELD_OUT = 128, 500
"""Of a masked language model; of a task, what all models can read, and 15 % where nothing else can be measured on."""

DEFAULTS: dict[str, Any] = {"save_strategy": "no", "report_to": "none", "logging_steps": 0.05}
"""Training arguments of a run that ends in an evaluation and keeps the student alone; the user's own come first."""
OF_CHECKPOINTS = ("save_steps", "save_total_limit", "load_best_model_at_end")


def _key(group: str, help: str, default: Any = None, **more: Any) -> Any:  # noqa: A002 (what argparse calls it)
    return field(default=default, metadata={"group": group, "help": help, **more})


def _without_effect(task: str) -> Sequence[str]:
    """Return the keys that mean nothing in a task."""
    rows = ("unlabelled", "labelled_rows", "unlabelled_rows", "fine_tune_teachers")
    if task == MASKED_LM:
        return ("second_text_column", "words_column", "label_column", *rows)

    text = ("corpus", "megabytes", "streaming", "held_out")
    if task not in OWN_TASKS:
        return (*text, "text_column", "second_text_column", "words_column", "label_column")
    return (*text, *(("text_column", "second_text_column") if task == TOKEN_CLASSIFICATION else ("words_column",)))


@dataclass
class DistillationConfig:
    """The keys of a distillation beside those of `DistillationTrainingArguments`; the metadata say what each means.

    Raises:
        ValueError: A value is out of range, or a key has no effect beside the others.
    """

    task: str = _key(
        "what is learned",
        "What the models do: masked-lm, your own text-classification, token-classification or regression, or a "
        "Romanian task: upos, xpos, ner, sapn, sar, di, sts.",
        MASKED_LM,
        choices=TASKS,
    )
    data: Data | None = _key(
        "the data",
        "A CSV, TSV, JSON, JSON lines, parquet or CoNLL file, a folder of such files named train, validation and "
        "test, a mapping of these names to files, or a data set's id. masked-lm: as corpus. A Romanian task: a "
        "folder, synthetic, or nothing to download it.",
    )
    text_column: str | None = _key("the data", "The column that holds the text. Default: guessed from its name.")
    second_text_column: str | None = _key(
        "the data", "The column with the second text of a pair. Default: guessed; one text where there is none."
    )
    words_column: str | None = _key(
        "the data", "token-classification: the column with the words of a sentence. Default: guessed."
    )
    label_column: str | None = _key("the data", "The column with the labels. Default: guessed from its name.")
    unlabelled: str | list[str] | None = _key(
        "the data",
        "More text without labels, from which the student learns what the teachers say: text files with a text in "
        "each line, folders of them, files with columns, data sets' ids, or synthetic.",
    )
    labelled_rows: int | None = _key(
        "the data",
        "Only so many examples of the training part, drawn alike for every seed, keep their labels; the others are "
        "learned from as unlabelled text is. Default: all.",
    )
    unlabelled_rows: int | None = _key(
        "the data", "Only so many examples without labels, those of the training part first. Default: all."
    )
    max_length: int | None = _key(
        "the data", "Tokens of an example at most. Default: what all models can read; masked-lm: 128."
    )

    fine_tune_teachers: bool | None = _key(
        "the teachers",
        "Fine-tune the teachers for the task first, and save them in output_dir/teacher-1 and so on. Default: false; "
        "a Romanian task: those that have no head for it.",
    )

    student: str | None = _key(
        "the student", "The pretrained student, an id or a folder. Default: made from the first teacher."
    )
    student_layers: int | list[int] | LayerNames | None = _key(
        "the student",
        "How many layers of the first teacher the student takes, the list of them, or first, last or spread: half of "
        "them. Default: spread.",
    )
    student_architecture: Literal["same", "distilbert"] | None = _key(
        "the student", "The student's architecture: same as the first teacher's, or distilbert. Default: same."
    )
    student_vocabulary: str | dict[Literal["size"], int] | None = _key(
        "the student",
        "teacher, the first one's; trim, the pieces of it that the data use; {size: 16000}, so many at most; or the "
        "folder or id of a tokenizer. Default: teacher.",
    )

    corpus: str | list[str] | None = _key(
        "masked-lm only",
        "Another name for data: a text file, a folder of text files (.txt, .xz, .gz), a data set's id, synthetic, or "
        "a list of these.",
    )
    megabytes: float | None = _key("masked-lm only", "Use only so many million characters. Default: all.")
    streaming: bool = _key(
        "masked-lm only",
        "Read the corpus while training, shuffled in a buffer of 10,000 texts; needs max_steps.",
        False,
    )
    held_out: int | None = _key(
        "masked-lm only", "Examples, drawn by a hash of their text, that are kept for the evaluation. Default: 500."
    )

    def __post_init__(self) -> None:
        """Check the values, and fill in what follows from them."""
        for name, least in (("max_length", 1), ("held_out", 1), ("labelled_rows", 1), ("unlabelled_rows", 0)):
            value = getattr(self, name)
            if value is not None and (type(value) is not int or value < least):
                raise ValueError(f"{name} must be a whole number from {least} on, got {value!r}.")

        self._refuse_what_has_no_effect()
        self._refuse_two_students()
        if self.masked_lm:
            self._check_corpus()
        elif isinstance(self.data, list):
            raise ValueError(
                f"data of the task {self.task} must be one source, or a mapping of train, validation and test to "
                f"files, got the list {self.data}. Give one of them."
            )
        elif isinstance(self.data, dict) and "train" not in self.data:
            raise ValueError(f"data must name the file of train, got a mapping of {', '.join(self.data)} alone.")

    @property
    def masked_lm(self) -> bool:
        """Whether what is learned is the text itself."""
        return self.task == MASKED_LM

    @property
    def own_task(self) -> bool:
        """Whether the task is the user's own, on labelled data."""
        return self.task in OWN_TASKS

    @property
    def has_unlabelled(self) -> bool:
        """Whether the student learns from examples without labels too."""
        return bool(self.unlabelled or self.labelled_rows) and self.unlabelled_rows != 0

    @property
    def vocabulary(self) -> str | Mapping[Literal["size"], int]:
        """What `find_student_tokenizer` takes."""
        return self.student_vocabulary or TEACHER

    def _refuse_what_has_no_effect(self) -> None:
        given = [name for name in _without_effect(self.task) if getattr(self, name) not in (None, False)]
        if given:
            others = [task for task in TASKS if given[0] not in _without_effect(task)]
            raise ValueError(
                f"{given[0]} has no effect with task: {self.task}. Leave it out, or name another task "
                f"({', '.join(others)})."
            )
        if self.unlabelled_rows and not self.has_unlabelled:
            raise ValueError(
                f"unlabelled_rows is {self.unlabelled_rows}, but no example lacks a label. Name a file as unlabelled, "
                "say how many labelled_rows there are to be, or leave it out."
            )

    def _refuse_two_students(self) -> None:
        made = [
            name
            for name in ("student_layers", "student_architecture", "student_vocabulary")
            if getattr(self, name) is not None
        ]
        if self.student is not None and made:
            raise ValueError(
                f"student names a model, '{self.student}', and {made[0]} makes one from the first teacher. Give one "
                "of the two."
            )
        if self.student_layers == [] or (isinstance(self.student_layers, int) and self.student_layers < 1):
            raise ValueError(
                f"student_layers is {self.student_layers}, so there is nothing to copy. Give how many, or their "
                "numbers."
            )

    def _check_corpus(self) -> None:
        if self.corpus is not None and self.data is not None:
            raise ValueError(
                "corpus is another name for data where the task is masked-lm, but both are given. Give one of them."
            )

        sources = self.data if self.corpus is None else self.corpus
        if isinstance(sources, dict):
            raise ValueError(f"data of the task masked-lm must be text or a list of texts' sources, got {sources!r}.")
        if not sources:
            raise ValueError("The configuration lacks corpus. Add a line for it, or give it as a flag.")
        if self.streaming and is_trimmed(self.vocabulary):
            raise ValueError(
                f"student_vocabulary={self.student_vocabulary!r} reads the whole corpus before the training, but "
                "streaming reads it meanwhile. Trim the tokenizer once to a sample of it (trim_tokenizer), save it, "
                "and give its folder."
            )
        self.corpus, self.data = sources, None


KINDS = (DistillationConfig, DistillationTrainingArguments)


def read_config(
    words: Sequence[str], *, writes: bool = True
) -> tuple[DistillationConfig, DistillationTrainingArguments, dict[str, Any]]:
    """Read and check a configuration.

    Args:
        words: Maybe the name of a YAML file, then flags.
        writes: Whether the output folder will be written to, so that it must be empty.

    Returns:
        What is distilled, the arguments of the training, and the values that the user gave.

    Raises:
        ValueError: The file cannot be read, a key is unknown or missing, a value does not fit, or the output folder is
            not empty.
    """
    given = read_values(KINDS, words)
    missing = [key for key in ("teachers", "output_dir") if not given.get(key)]
    if missing:
        raise ValueError(
            f"The configuration lacks {', '.join(missing)}. Add a line for each, or give it as a flag "
            f"(--{missing[0]} ...). --keys explains all keys."
        )

    values = {**defaults_for(given), **given}
    config, args = make_arguments(KINDS, values)
    if writes:
        check_output_folder(str(args.output_dir), args.resume_from_checkpoint)
    _check(config, args)
    return config, args, given


def defaults_for(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the training arguments that hold where the user says nothing; who speaks of checkpoints wants them."""
    values = {**DEFAULTS}
    if any(given.get(key) for key in OF_CHECKPOINTS):
        del values["save_strategy"]

    told = given.get("eval_steps") or given.get("logging_steps")
    if given.get("load_best_model_at_end") and given.get("eval_strategy") == "steps" and not told:
        # Otherwise there is one with every log, and the checkpoints are refused where they come at other steps.
        values["eval_steps"] = given.get("save_steps") or DistillationTrainingArguments.save_steps
    return values


def _check(config: DistillationConfig, args: DistillationTrainingArguments) -> None:
    """Refuse what needs no model and no data to be known for wrong."""
    expect_folder(str(args.output_dir))
    find_checkpoint(args)

    check_training(args)
    named = args.teachers or []
    if twice := [each for each in named if named.count(each) > 1]:
        raise ValueError(f"teachers names '{twice[0]}' twice. Leave one out: teacher_weights give a teacher more say.")
    if config.has_unlabelled and not (args.soft_target_weight or args.hidden_state_weight):
        raise ValueError(
            "unlabelled text is there to learn from the teachers, but soft_target_weight and hidden_state_weight are "
            "0, so nothing would be learned from it. Leave it out (of labelled_rows, by unlabelled_rows: 0), or give "
            "one of them a weight."
        )


def keys_of(kind: type) -> "list[Field[Any]]":
    """Return the fields of a dataclass that a user may give."""
    return [each for each in fields(kind) if each.init]
