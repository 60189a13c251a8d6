"""Which collator a distillation run uses, and whether the data set was encoded for the run's teachers."""

import logging
import re
from collections.abc import Callable, Mapping, Sized
from difflib import SequenceMatcher
from typing import Any, cast

from torch.utils.data import IterableDataset
from transformers import (
    DataCollatorForLanguageModeling,
    DataCollatorForTokenClassification,
    DataCollatorWithPadding,
    DefaultDataCollator,
    TrainingArguments,
    default_data_collator,
)

from ..losses.functional import IGNORED_LABEL
from ..tokenization.columns import TEACHER_COLUMN, teacher_column
from ..tokenization.encoder import tokenizer_fingerprint
from ..tokenization.multi_tokenizer import MultiTokenizer
from .data_collator import DataCollatorForDistillation

logger = logging.getLogger(__name__)
Collator = Callable[[list[Any]], dict[str, Any]]
# What ours can stand in for, and under which name it has each of their settings.
STANDARD = (
    DefaultDataCollator,
    DataCollatorWithPadding,
    DataCollatorForTokenClassification,
    DataCollatorForLanguageModeling,
)
KEPT = {
    "mlm_probability": "mlm_probability",
    "mask_replace_prob": "mask_replace_prob",
    "random_replace_prob": "random_replace_prob",
    "whole_word_mask": "whole_words",
    "seed": "seed",
    "pad_to_multiple_of": "pad_to_multiple_of",
}
# The one value of the others, and why it must be that.
FIXED: dict[str, tuple[Any, str]] = {
    "label_pad_token_id": (IGNORED_LABEL, f"losses and metrics leave out the label {IGNORED_LABEL} alone"),
    "return_tensors": ("pt", "the models read PyTorch's tensors"),
    "mlm": (True, "a masked language model learns from masked words alone"),
}


def choose_collator(
    given: Collator | None,
    multi_tokenizer: MultiTokenizer,
    args: TrainingArguments,
    *,
    mlm: bool,
    pad_to_multiple_of: int | None = None,
) -> Collator:
    """Return the collator of a run.

    A collator that is given stays where all models read one encoding, except `DataCollatorForLanguageModeling` itself:
    `DataCollatorForDistillation` takes its place, so that masks depend neither on the batches nor on a resume. Where
    teachers have tokenizers of their own, it takes the place of every standard one, with the same settings. Where none
    is given, `pad_to_multiple_of` is its setting.

    Raises:
        ValueError: The collator given does not know the run's teachers and is not one that ours can stand in for, or
            one of its settings does not go with the run.
    """
    if isinstance(given, DataCollatorForDistillation):
        _check_given(given, multi_tokenizer, mlm)
        return given

    seed = args.seed if args.data_seed is None else args.data_seed
    if given is None:
        return DataCollatorForDistillation(multi_tokenizer, mlm=mlm, seed=seed, pad_to_multiple_of=pad_to_multiple_of)
    if type(given) is not DataCollatorForLanguageModeling and not multi_tokenizer.distinct:
        return given

    _check_kind(given, multi_tokenizer, mlm)
    settings = {"seed": seed, **_settings_of(given, multi_tokenizer)}
    logger.warning(
        "%s is replaced by DataCollatorForDistillation with the same settings, which gives every model the same "
        "examples whatever its tokenizer and masks the same words in all of them.",
        _name(given),
    )
    return DataCollatorForDistillation(multi_tokenizer, mlm=mlm, **settings)


def _check_given(given: DataCollatorForDistillation, multi_tokenizer: MultiTokenizer, mlm: bool) -> None:
    theirs, ours = (
        [tokenizer_fingerprint(tokenizer) for tokenizer in (each.student_tokenizer, *each.teacher_tokenizers)]
        for each in (given.multi_tokenizer, multi_tokenizer)
    )

    if theirs != ours:
        raise ValueError(
            "MultiTeacherDistillationTrainer expects its collator to know the run's teachers in their order, but the "
            f"tokenizers of its MultiTokenizer ({len(theirs) - 1} teachers) are not those of the student and its "
            f"{len(ours) - 1} teachers: a teacher would read another one's tokens. Make it with the same teachers in "
            "the same order, or leave data_collator out."
        )

    if given.mlm != mlm:
        raise ValueError(
            f"DataCollatorForDistillation(mlm={given.mlm}) does not go with a student that is "
            f"{'' if mlm else 'not '}a masked language model. Set mlm={mlm}, or leave data_collator out."
        )


def _check_kind(given: Collator, multi_tokenizer: MultiTokenizer, mlm: bool) -> None:
    """Refuse a collator that does something else than ours."""
    masks, teachers = isinstance(given, DataCollatorForLanguageModeling), [*multi_tokenizer.distinct]

    if masks and not mlm:
        raise ValueError(
            f"MultiTeacherDistillationTrainer cannot use the collator {_name(given)} here: it masks words, but the "
            "student is no masked language model. Leave data_collator out, or use one that pads only."
        )
    if masks != mlm or not (given is default_data_collator or type(given) in STANDARD):
        raise ValueError(
            f"MultiTeacherDistillationTrainer cannot use the collator {_name(given)} here: it would not "
            f"{'mask' if mlm else 'pad'} what the teachers {teachers} read, which have tokenizers "
            "of their own. Leave data_collator out, or build on DataCollatorForDistillation."
        )


def _settings_of(given: Collator, multi_tokenizer: MultiTokenizer) -> dict[str, Any]:
    """Translate the settings of a standard collator into ours, or refuse them with the reason."""
    for name, (value, why) in FIXED.items():
        if getattr(given, name, value) != value:
            raise ValueError(
                f"MultiTeacherDistillationTrainer cannot use {_name(given)} with {name}={getattr(given, name)!r}: "
                f"{why}. Leave it out."
            )

    _check_tokenizer(given, multi_tokenizer.student_tokenizer)
    settings = {ours: getattr(given, name) for name, ours in KEPT.items() if getattr(given, name, None) is not None}
    return settings | _padding_of(given)


def _check_tokenizer(given: Collator, student_tokenizer: Any) -> None:
    tokenizer = getattr(given, "tokenizer", student_tokenizer)
    if tokenizer is student_tokenizer:
        return

    if tokenizer_fingerprint(tokenizer) != tokenizer_fingerprint(student_tokenizer):
        raise ValueError(
            f"MultiTeacherDistillationTrainer cannot use {_name(given)} with another tokenizer than processing_class: "
            "one of them is not the student's. Give both the same one."
        )
    if tokenizer.padding_side != student_tokenizer.padding_side:
        raise ValueError(
            f"MultiTeacherDistillationTrainer cannot use {_name(given)} with a tokenizer that pads on the "
            f"{tokenizer.padding_side}, as processing_class pads on the {student_tokenizer.padding_side}: the student "
            "is saved with the latter. Set the same padding_side on both."
        )


def _padding_of(given: Collator) -> dict[str, Any]:
    """Translate how a collator pads; `max_length` says something only where everything is padded to it."""
    padding = getattr(given, "padding", True)
    padding = getattr(padding, "value", padding)

    if padding in (False, "do_not_pad"):
        raise ValueError(
            f"MultiTeacherDistillationTrainer cannot use {_name(given)} with padding={padding!r}: some "
            "teachers read tokens of their own, which are not equally many in all examples of a batch. Leave it out."
        )
    return {"padding": padding, "max_length": cast(Any, given).max_length} if padding == "max_length" else {}


def adds_inputs(collator: Collator) -> bool:
    """Tell whether a collator may give models more inputs than the data's columns: one of the user's own may."""
    return collator is not default_data_collator and type(collator) not in (DataCollatorForDistillation, *STANDARD)


def check_columns(dataset: Any, multi_tokenizer: MultiTokenizer) -> None:
    """Refuse a data set that was encoded for other teachers, or for the same ones in another order.

    Raises:
        ValueError: It has columns of some teachers, but not of those of the run, or what one teacher is to read makes
            more sense to another one's tokenizer.
    """
    columns = set(filter(TEACHER_COLUMN.fullmatch, getattr(dataset, "column_names", None) or []))
    missing = set(filter(TEACHER_COLUMN.fullmatch, multi_tokenizer.column_names)) - columns

    if columns and missing:
        raise ValueError(
            f"The data set has the columns {sorted(columns)}, but not {sorted(missing)}: it was encoded for other "
            "teachers, or for these in another order, and what these read would have to be guessed. Encode it with "
            "MultiTokenizer(student_tokenizer, teacher_tokenizers), in the order of `teachers`."
        )
    example = first_example(dataset)
    if columns and example is not None:
        _check_order(example, multi_tokenizer)


def first_example(dataset: Any) -> Any:
    """Return the first example of a data set; None of a stream, which has no places, or of an empty one."""
    if isinstance(dataset, IterableDataset) or not isinstance(dataset, Sized) or not len(dataset):
        return None
    return cast(Any, dataset)[0]


def _check_order(example: Mapping[str, Any], multi_tokenizer: MultiTokenizer) -> None:
    text = _letters(multi_tokenizer.student_tokenizer, example["input_ids"])

    for j in multi_tokenizer.distinct:
        column = teacher_column(j, "input_ids")
        likeness = {
            i: SequenceMatcher(None, text, _letters(tokenizer, example[column])).ratio()
            for i, tokenizer in multi_tokenizer.distinct.items()
        }
        best = max(likeness, key=lambda i: likeness[i])
        if likeness[best] > likeness[j]:
            raise ValueError(
                f"The column '{column}' makes more sense to the tokenizer of teacher {best} than to that "
                f"of teacher {j}: the data set was encoded for the teachers in another order, and they would read "
                "nonsense. Encode it with the teachers' tokenizers in the order of `teachers`."
            )


def _letters(tokenizer: Any, ids: Any) -> str:
    return re.sub(r"\W", "", tokenizer.decode(ids, skip_special_tokens=True).casefold())[:500]


def _name(collator: Collator) -> str:
    return getattr(collator, "__name__", type(collator).__name__)
