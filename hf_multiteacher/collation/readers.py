"""Whether the models of a run can read what a data set, or a batch, holds for them."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import datasets
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import torch

from ..models.limits import UNLIMITED, Limits
from ..tokenization.columns import teacher_column

ENCODING = ("input_ids", "attention_mask", "token_type_ids")  # what every teacher has of its own
ROWS_LOOKED_AT = 100_000  # whose values are compared when a run is set up; the others are when they come
ROWS_AT_ONCE = 1_000
REMEDIES = {
    "input_ids": "Encode the data with the tokenizer that it was trained with, or resize its embeddings",
    "token_type_ids": "Remove the column, or encode the data for this model",
    "position_ids": "Number each text from 0, or cut the texts",
}


@dataclass(frozen=True)
class Reader:
    """A model, and the encoding that it reads.

    Attributes:
        name: What messages call it, such as `the student`.
        source: None where it reads the student's encoding, else the number in its columns' names.
        limits: What it can be given.
    """

    name: str
    source: int | None
    limits: Limits

    def column(self, part: str) -> str:
        """Name the column with one part of what it reads."""
        return teacher_column(self.source, part)

    def expect_tokens(self, tokens: int) -> None:
        """Refuse an example of more tokens than the model has positions for.

        Raises:
            ValueError: It is longer.
        """
        most = self.limits.positions
        if tokens > most:
            raise ValueError(
                f"{self.name} has positions for {most} tokens, but '{self.column('input_ids')}' holds {tokens} for an "
                f"example, which it cannot read. Encode the data with max_length={most} or less, or set "
                f"model_max_length={most} on its tokenizer before."
            )

    def expect_any_token(self, batch: Mapping[str, Any]) -> None:
        """Refuse a batch of no width.

        Raises:
            ValueError: None of its examples has a token.
        """
        ids = batch.get(self.column("input_ids"))
        if isinstance(ids, torch.Tensor) and len(ids) and not ids.numel():
            raise ValueError(
                f"{self.name} expects tokens, but none of the {len(ids)} examples of a batch has one in "
                f"'{self.column('input_ids')}', so there is nothing to read. Remove empty examples from the data."
            )

    def expect_values(self, part: str, lowest: int, highest: int) -> None:
        """Refuse ids, token types or positions for which the model has no embedding.

        Args:
            part: A key of `REMEDIES`.
            lowest: Among the values of its column.
            highest: Likewise.

        Raises:
            ValueError: There is one.
        """
        if not self.fits(part, lowest, highest):
            raise ValueError(
                f"{self.name} has embeddings for the {part} 0 to {self.limits.rows(part) - 1}, but "
                f"'{self.column(part)}' holds {lowest if lowest < 0 else highest}, which it cannot read. "
                f"{REMEDIES[part]}."
            )

    def fits(self, part: str, lowest: int, highest: int) -> bool:
        """Tell whether the model has embeddings for all values of a column."""
        return lowest >= 0 and highest < self.limits.rows(part)

    def looked_up(self) -> Iterator[str]:
        """Yield the inputs whose values choose rows of one of the model's tables."""
        for part in REMEDIES:
            if part in self.limits.inputs and self.limits.rows(part) < UNLIMITED:
                yield part

    def counts(self, columns: Collection[str]) -> bool:
        """Tell whether the model numbers the tokens itself, so that their number is limited."""
        return not (self.column("position_ids") in columns and "position_ids" in self.limits.inputs)


def expect_inputs(readers: Sequence[Reader], columns: Collection[str]) -> None:
    """Refuse inputs that the student gets and a teacher, which takes them too, cannot get.

    Args:
        readers: The student, then the teachers.
        columns: What the data set or a batch holds.

    Raises:
        ValueError: There is one.
    """
    student, *teachers = readers
    if "inputs_embeds" in columns:
        raise ValueError(
            "'inputs_embeds' are vectors of one model, which its teachers cannot read. Give the tokens: input_ids."
        )

    for name in sorted(student.limits.inputs.intersection(columns).difference(ENCODING)):
        for teacher in teachers:
            if teacher.source is not None and name in teacher.limits.inputs:
                raise ValueError(
                    f"{teacher.name} takes '{name}' as the student does, but has a tokenizer of its own, for whose "
                    f"tokens the column '{name}' says nothing: it would be another model than the one that was "
                    "trained. Remove the column, or use teachers with the student's tokenizer."
                )


def expect_demanded(readers: Sequence[Reader], columns: Collection[str], *, encodings: bool) -> None:
    """Refuse a model whose `forward` demands an input that neither its tokenizer nor the data give.

    Args:
        readers: The student, then the teachers.
        columns: What the data set or a batch holds.
        encodings: Whether `columns` are a batch's; else the collator may make masks and token types.

    Raises:
        ValueError: There is one.
    """
    made = () if encodings else ENCODING
    for reader in readers:
        own = {part for part in ENCODING if reader.column(part) in columns}
        given = own if reader.source is not None else {*own, *columns}
        lacking = sorted(reader.limits.required.difference(given, made))
        if lacking:
            raise ValueError(
                f"{reader.name} cannot run without {lacking}, for which its forward has no default, and neither its "
                f"tokenizer nor the data give {'it' if len(lacking) == 1 else 'them'}. "
                + (
                    "Add a column of this name to the data, or give the forward a default."
                    if reader.source is None
                    else "Give its forward a default, or use a teacher with the student's tokenizer."
                )
            )


def expect_dataset(readers: Sequence[Reader], dataset: Any, *, only_its_columns: bool = True) -> None:
    """Refuse a data set that a model cannot read, as far as that can be told without going through it in Python.

    Args:
        readers: The student, then the teachers.
        dataset: Of any kind; only what is stored in Arrow can be told before it is collated.
        only_its_columns: Whether the collator is known to add no inputs of its own.

    Raises:
        ValueError: A model cannot read it.
    """
    if not isinstance(dataset, datasets.Dataset) or dataset.format["type"] == "custom":  # made when it is asked for
        return

    columns = dataset.column_names
    expect_inputs(readers, columns)
    known = [reader for reader in readers if only_its_columns or reader.source is not None]
    expect_demanded(known, columns, encodings=False)

    for reader in readers:
        if reader.counts(columns):
            _expect_lengths(reader, dataset)
        for part in reader.looked_up():
            _expect_stored_values(reader, part, dataset)


def _expect_lengths(reader: Reader, dataset: datasets.Dataset) -> None:
    column = reader.column("input_ids")
    stored = _stored(dataset, column)
    if stored is None or not len(stored):
        return

    # The rows that a data set selects share a table with those that it leaves out.
    lengths = pc.fill_null(pc.list_value_length(stored), 0).to_numpy()
    selected = lengths if dataset._indices is None else lengths[dataset._indices.column(0).to_numpy()]
    too_long = np.flatnonzero(selected > reader.limits.positions)
    for row in _rows(dataset.select(too_long), column) if len(too_long) else ():
        reader.expect_tokens(reader.limits.tokens(row[None]))


def _expect_stored_values(reader: Reader, part: str, dataset: datasets.Dataset) -> None:
    column = reader.column(part)
    stored = _stored(dataset, column)
    extent = None if stored is None else pc.min_max(pc.list_flatten(stored.slice(0, ROWS_LOOKED_AT))).as_py()

    if extent and extent["max"] is not None and not reader.fits(part, extent["min"], extent["max"]):
        for row in _rows(dataset.select(range(min(len(dataset), ROWS_LOOKED_AT))), column):
            reader.expect_values(part, int(row.min(initial=0)), int(row.max(initial=0)))


def _rows(dataset: datasets.Dataset, column: str) -> Iterator[np.ndarray]:
    for batch in dataset.select_columns(column).with_format("arrow").iter(ROWS_AT_ONCE):
        for row in batch[column].to_pylist():
            yield np.array(row or [], np.int64)


def _stored(dataset: datasets.Dataset, column: str) -> pa.ChunkedArray | None:
    """Return a column of lists of whole numbers as it is stored; None where there is none."""
    stored = dataset.data.column(column) if column in dataset.column_names else None
    kind = None if stored is None else getattr(stored.type, "value_type", None)
    return stored if kind is not None and pa.types.is_integer(kind) else None


class CheckedCollator:
    """A collator whose batches are compared with what the models can read, before a device fails over them.

    Args:
        collator: What makes the batches.
        readers: The student, then the teachers.
    """

    def __init__(self, collator: Callable[[list[Any]], Any], readers: Sequence[Reader]) -> None:
        self.collator = collator
        self.readers = list(readers)

    def __call__(self, features: list[Any]) -> Any:
        """Make a batch.

        Raises:
            ValueError: A model cannot read it.
        """
        batch = self.collator(features)
        if isinstance(batch, Mapping):
            self._expect(batch)

        return batch

    def _expect(self, batch: Mapping[str, Any]) -> None:
        tensors = {name: value for name, value in batch.items() if isinstance(value, torch.Tensor) and value.numel()}

        expect_inputs(self.readers, tensors)
        expect_demanded(self.readers, batch, encodings=True)
        for reader in self.readers:
            reader.expect_any_token(batch)
            ids = tensors.get(reader.column("input_ids"))
            if ids is not None and reader.counts(tensors):
                reader.expect_tokens(reader.limits.tokens(ids.cpu().numpy()))
            for part in reader.looked_up():
                if (values := tensors.get(reader.column(part))) is not None:
                    reader.expect_values(part, int(values.min()), int(values.max()))
