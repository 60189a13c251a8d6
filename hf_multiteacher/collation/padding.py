"""Lists of examples turned into arrays: rows padded, labels stacked, with errors that name column and row."""

import reprlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
from transformers import PreTrainedTokenizerFast

from ..tokenization.spans import Booleans, Integers

Features = Sequence[Mapping[str, Any]]
Arrays = dict[str, np.ndarray]


def column_of(features: Features, name: str) -> list[Any]:
    """Take one column out of a list of examples.

    Raises:
        ValueError: an example lacks it, or has `None` there.
    """
    rows = [feature.get(name) for feature in features]

    for row, value in enumerate(rows):
        if value is None:
            raise ValueError(
                f"DataCollatorForDistillation expects '{name}' in every example of a batch, but row {row} has "
                f"{'None' if name in features[row] else 'only ' + str(sorted(features[row]))}: no tensor can be made. "
                "Fill the column, or remove it from the data set."
            )
    return rows


@dataclass(frozen=True)
class Layout:
    """Where the tokens of each example stand in the padded rows of a batch.

    Attributes:
        filled: [batch, width], false at padding.
    """

    filled: Booleans

    @classmethod
    def of(
        cls,
        rows: Sequence[Sequence[int]],
        tokenizer: PreTrainedTokenizerFast,
        multiple: int | None,
        at_least: int = 0,
    ) -> "Layout":
        """Lay out rows of tokens, padded on the tokenizer's side.

        They become as wide as the longest or `at_least`, whichever is more, or the next `multiple` of that; empty rows
        become one wide, because no model reads a batch of no width.
        """
        lengths = np.array([len(row) for row in rows])
        width = int(lengths.max(initial=max(at_least, 1)))
        width += -width % multiple if multiple else 0
        filled = np.arange(width) < lengths[:, None]
        return cls(filled[:, ::-1] if tokenizer.padding_side == "left" else filled)

    def pad(self, rows: Sequence[Sequence[int]], fill: int, name: str) -> Integers:
        """Pad the rows of column `name`; [batch, width].

        Raises:
            ValueError: a row is not as long as the row of tokens.
        """
        lengths = np.array([len(row) for row in rows])
        expected = self.filled.sum(axis=1)
        if wrong := np.flatnonzero(lengths != expected).tolist():
            raise ValueError(
                f"DataCollatorForDistillation expects one entry per token in column '{name}', but row {wrong[0]} of "
                f"the batch has {lengths[wrong[0]]} for {expected[wrong[0]]} tokens: they cannot be matched. Encode "
                "the data set with MultiTokenizer.encode; labels of a multi-label task must be floats."
            )

        padded = np.full(self.filled.shape, fill, np.int64)
        lists = rows if isinstance(rows[0], list) else [np.asarray(row).tolist() for row in rows]
        padded[self.filled] = np.fromiter(chain.from_iterable(lists), np.int64, int(lengths.sum()))
        return padded


def stack_numbers(values: Sequence[Any], name: str) -> np.ndarray:
    """Stack one number, or equally many floats, per example: integers as int64, floats as float32.

    Raises:
        ValueError: the values are no numbers, or not equally many.
    """
    try:
        stacked = np.array([np.asarray(value) for value in values])
    except ValueError:  # rows of different lengths
        stacked = np.array("")

    if stacked.dtype.kind not in "biuf":
        raise ValueError(
            f"DataCollatorForDistillation expects numbers in column '{name}', as many in each example, but got "
            f"{reprlib.repr(list(values))}: no tensor can be made. Remove the column (Dataset.remove_columns, or "
            "remove_unused_columns=True in the training arguments) or turn it into numbers."
        )
    return stacked.astype(np.float32 if stacked.dtype.kind == "f" else np.int64)


def pad_or_stack(values: Sequence[Any], name: str, layout: Layout) -> np.ndarray:
    """Pad what has one integer per token, such as `position_ids`, with 0; stack anything else.

    Raises:
        ValueError: As in `stack_numbers`.
    """
    lengths = [len(value) if is_per_token([value]) else -1 for value in values]
    if lengths == layout.filled.sum(axis=1).tolist():
        return layout.pad(values, 0, name)

    return stack_numbers(values, name)


def require_whole_numbers(rows: Sequence[Any], name: str) -> None:
    """Refuse rows of a column of labels per token that hold anything else than integers.

    Raises:
        ValueError: a row does.
    """
    for row, values in enumerate(rows):
        array = np.asarray(values)
        if array.size and array.dtype.kind not in "biu":
            raise ValueError(
                f"DataCollatorForDistillation expects a whole number per token in column '{name}', but row {row} of "
                f"the batch has {reprlib.repr(values)}: it is no label. Turn the column into integers, -100 for none."
            )


def is_per_token(labels: Sequence[Any]) -> bool:
    """Whether labels are those of tagging: a list of integers per example, not a number or a list of floats."""
    first = next(
        (array for array in map(np.asarray, labels) if array.size), np.array([], int)
    )  # an empty list says nothing
    return first.ndim == 1 and first.dtype.kind in "biu"


def pad_encoding(
    features: Features, prefix: str, tokenizer: PreTrainedTokenizerFast, multiple: int | None, at_least: int = 0
) -> tuple[dict[str, Integers], Layout]:
    """Pad the encoding in the columns `{prefix}input_ids`, ... with its tokenizer's ids; [batch, width] each."""
    layout = Layout.of(column_of(features, f"{prefix}input_ids"), tokenizer, multiple, at_least)

    fills = {
        "input_ids": tokenizer.pad_token_id,
        "attention_mask": 0,
        "token_type_ids": tokenizer.pad_token_type_id,
        "spans": -1,
    }
    batch = {
        f"{prefix}{name}": layout.pad(column_of(features, f"{prefix}{name}"), fill, f"{prefix}{name}")
        for name, fill in fills.items()
        if f"{prefix}{name}" in features[0]
    }
    batch.setdefault(f"{prefix}attention_mask", layout.filled.astype(np.int64))
    return batch, layout
