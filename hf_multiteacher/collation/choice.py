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
# What these do beside padding; anything else than the default would be lost when ours stands in for them.
STANDARD: dict[Any, dict[str, Any]] = {
    DataCollatorWithPadding: {},
    DataCollatorForTokenClassification: {"label_pad_token_id": IGNORED_LABEL},
    DataCollatorForLanguageModeling: {
        "mlm": True,
        "mask_replace_prob": 0.8,
        "random_replace_prob": 0.1,
        "whole_word_mask": False,
    },
}


def choose_collator(
    given: Collator | None, multi_tokenizer: MultiTokenizer, args: TrainingArguments, *, mlm: bool
) -> Collator:
    """Return the collator of a run.

    A collator that is given stays where all models read one encoding, masked-LM apart: there
    `DataCollatorForDistillation` takes the place of `DataCollatorForLanguageModeling`, so that masks depend neither on
    the batches nor on a resume. Where teachers have tokenizers of their own, it takes the place of every standard one.

    Raises:
        ValueError: The collator given does not know the run's teachers and is not one that ours can stand in for.
    """
    if isinstance(given, DataCollatorForDistillation):
        _check_given(given, multi_tokenizer, mlm)
        return given

    seed = args.seed if args.data_seed is None else args.data_seed
    if given is None:
        return DataCollatorForDistillation(multi_tokenizer, mlm=mlm, seed=seed)
    if not isinstance(given, DataCollatorForLanguageModeling) and not multi_tokenizer.distinct:
        return given

    _check_standard(given, multi_tokenizer, mlm)
    logger.warning(
        "%s is replaced by DataCollatorForDistillation with the same settings, which gives every model the same "
        "examples whatever its tokenizer and masks the same words in all of them.",
        _name(given),
    )

    settings = {
        name: getattr(given, name)
        for name in ("mlm_probability", "pad_to_multiple_of", "seed")
        if getattr(given, name, None) is not None
    }
    return DataCollatorForDistillation(multi_tokenizer, mlm=mlm, **{"seed": seed, **settings})


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


def _check_standard(given: Collator, multi_tokenizer: MultiTokenizer, mlm: bool) -> None:
    usual = {} if given is default_data_collator else STANDARD.get(type(given))
    if usual is None or mlm != isinstance(given, DataCollatorForLanguageModeling):
        raise ValueError(
            f"MultiTeacherDistillationTrainer cannot use the collator {_name(given)} here: it would not "
            f"{'mask' if mlm else 'pad'} what the teachers {[*multi_tokenizer.distinct]} read, which have tokenizers "
            "of their own. Leave data_collator out, or build on DataCollatorForDistillation."
        )

    changed = {name: getattr(given, name, value) for name, value in usual.items()}
    changed = {name: value for name, value in changed.items() if value != usual[name]}
    if changed:
        raise ValueError(
            f"MultiTeacherDistillationTrainer cannot stand in for {_name(given)} with {changed}: it does the "
            "same to the student's text and to every teacher's. Leave these settings out."
        )


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
