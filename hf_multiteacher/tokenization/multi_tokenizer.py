"""One text -> the student's encoding, one encoding per distinct teacher tokenizer, and the spans that they share."""

import copy
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

import numpy as np
from transformers import PreTrainedTokenizerFast

from .columns import TEACHER_PARTS, read_column, read_sequences, read_word_labels, teacher_column
from .encoder import NO_LIMIT, Encoded, Encoder, cut_rows, require_fast, tokenizer_fingerprint
from .rebuilding import Segments, Template, encode_segments, word_starts
from .settings import note, unchanged
from .spans import Integers, batch_spans, word_spans
from .surfaces import TokenSurfaces
from .vocabulary import SharedVocabulary

LONGEST_WORD = 30  # in characters; what is longer without a space is more than a word, or no language with spaces


class MultiTokenizer:
    """Encodes a text with the student's tokenizer and with each teacher tokenizer that does something else.

    Teachers are numbered from 0. A teacher whose tokenizer does what the student's does reads the student's encoding;
    any other reads the columns `teacher_{j}_*`, j being the first teacher with that tokenizer.

    Args:
        student_tokenizer: the student's fast tokenizer.
        teacher_tokenizers: one fast tokenizer per teacher, in the teachers' order.

    Attributes:
        fingerprints: of the student's tokenizer and of each teacher's, by `tokenizer_fingerprint`, when it was made.
        distinct: the tokenizer behind each set of columns `teacher_{j}_*`, by j.
        max_lengths: tokens that the student's model and each teacher's read at most, where the tokenizers do not say;
            encodings are cut to them. `MultiTeacherDistillationTrainer` sets them.

    Raises:
        TypeError: a tokenizer is not a fast one.

    Example:
        multi_tokenizer = MultiTokenizer(student_tokenizer, [first_teacher_tokenizer, second_teacher_tokenizer])
        dataset = dataset.map(multi_tokenizer.encode, batched=True, fn_kwargs={"text": "sentence"})
    """

    def __init__(
        self, student_tokenizer: PreTrainedTokenizerFast, teacher_tokenizers: Sequence[PreTrainedTokenizerFast]
    ) -> None:
        self.student_tokenizer = student_tokenizer
        self.teacher_tokenizers = list(teacher_tokenizers)
        require_fast("the student", student_tokenizer)
        for teacher, tokenizer in enumerate(self.teacher_tokenizers):
            require_fast(f"teacher {teacher}", tokenizer)

        own, *theirs = map(tokenizer_fingerprint, (student_tokenizer, *self.teacher_tokenizers))
        self.fingerprints = (own, *theirs)
        first: dict[str, int | None] = {own: None}
        self._sources: list[int | None] = []
        self._encoders: dict[int | None, Encoder] = {None: Encoder([student_tokenizer], "the student")}
        for teacher, (tokenizer, fingerprint) in enumerate(zip(self.teacher_tokenizers, theirs, strict=True)):
            source = first.setdefault(fingerprint, teacher)
            self._sources.append(source)
            self._encoders.setdefault(source, Encoder([], f"teacher {teacher}")).readers.append(tokenizer)

        for tokenizer in (student_tokenizer, *self.teacher_tokenizers):
            note(tokenizer)

        self.max_lengths = [NO_LIMIT] * (1 + len(self.teacher_tokenizers))
        self.distinct = {j: encoder.readers[0] for j, encoder in self._encoders.items() if j is not None}
        self._shared_vocabularies: dict[int, SharedVocabulary] = {}
        self._student_surfaces: TokenSurfaces | None = None

    @property
    def column_names(self) -> list[str]:
        """The columns that [`encode`] makes for teachers; `token_type_ids` too where the student takes none."""
        own = "token_type_ids" in self.student_tokenizer.model_input_names
        names = ["token_type_ids"] if self._encoders[None].token_types and not own else []

        for j in self.distinct:
            types = self._encoders[j].token_types
            names += [teacher_column(j, part) for part in TEACHER_PARTS if types or part != "token_type_ids"]
        return names

    def source_of(self, teacher: int) -> int | None:
        """Which encoding a teacher reads: j for the columns `teacher_{j}_*`, `None` for the student's."""
        return self._sources[teacher]

    def shared_vocabulary(self, j: int) -> SharedVocabulary:
        """The outcomes that the student's vocabulary shares with that of the columns `teacher_{j}_*`."""
        if j not in self._shared_vocabularies:
            shared = SharedVocabulary.from_tokenizers(self.student_tokenizer, self.distinct[j])
            self._shared_vocabularies[j] = shared
        return self._shared_vocabularies[j]

    def encode(
        self,
        batch: Mapping[str, Sequence],
        text: str | None = None,
        text_pair: str | None = None,
        words: str | None = None,
        labels: str | None = None,
        truncation: bool | str = True,
        max_length: int | None = None,
    ) -> dict[str, list]:
        """Encode a batch of texts or of lists of words with every tokenizer; made for `Dataset.map(batched=True)`.

        Args:
            batch: columns of examples.
            text: name of the column of texts.
            text_pair: name of the column of second texts.
            words: name of the column of lists of words, instead of `text`.
            labels: name of the column of labels. With `words`, one per word: it stands on the word's first token,
                -100 on all other tokens. Otherwise passed through.
            truncation: as in a tokenizer's call.
            max_length: tokens per encoding at most, where `truncation` is on; never more than the `model_max_length`
                of a tokenizer that reads the encoding.

        Returns:
            `input_ids`, `attention_mask`, `token_type_ids` where a model takes them, `labels`; for each j of
            `distinct` the same as `teacher_{j}_input_ids` ..., and `teacher_{j}_spans`, `teacher_{j}_student_spans`:
            for each token of teacher and student the span (or word) of the two that holds it, -1 = none.

        Raises:
            ValueError, TypeError: a column is missing, a row of it is not what it should be, or a tokenizer cannot
                read words apart.
        """
        sequences = read_sequences(batch, text, text_pair, words)
        split = words is not None
        encoded = {
            source: encoder.encode(sequences, split, truncation, self.limit(source, max_length))
            for source, encoder in self._encoders.items()
        }

        student = encoded[None]
        counts = np.array([len(row) for row in sequences[0]], np.int64)
        spans = self._word_spans(encoded, counts) if split else self._text_spans(encoded, sequences)
        result: dict[str, list] = dict(student.columns)
        for j in self.distinct:
            result |= _teacher_columns(j, encoded[j].columns, spans[j], student.columns["input_ids"])

        if labels is not None and split:
            values = read_word_labels(batch, labels, sequences[0])
            result["labels"] = student.first_token_labels(values, counts)
        elif labels is not None:
            result["labels"] = read_column(batch, labels)
        return result

    def encode_from_tokens(self, features: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Add the teachers' columns to examples of which only the student's tokens are left.

        The text is rebuilt from the tokens, each stretch between special tokens apart, and encoded for each teacher
        with its own special tokens around it. What the tokens do not tell (letter case, spaces around punctuation,
        unknown words) stays lost. Where they do not mark the starts of words that were encoded one by one, the labels
        of tagging tell them: one other than -100 begins a word.

        Args:
            features: examples with `input_ids`; whatever else they hold is kept.

        Returns:
            The examples with the columns that [`encode`] makes for the teachers.
        """
        rows = [np.asarray(feature["input_ids"]).tolist() for feature in features]
        segments = self._segments(rows, features)

        columns: dict[str, list] = {}
        for j in self.distinct:
            encoder = self._encoders[j]
            limit = min(encoder.limit, self.limit(j))
            with unchanged(encoder.readers[0]):
                encoding, tokenization = encode_segments(encoder.readers[0], segments, limit)

            spans = batch_spans(segments.texts, [segments.tokenization, tokenization], segments.width)
            if not encoder.token_types:
                del encoding["token_type_ids"]
            columns |= _teacher_columns(j, encoding, spans, rows)

        return [
            {**feature, **{name: values[row] for name, values in columns.items()}}
            for row, feature in enumerate(features)
        ]

    def words_run_together(self, features: Sequence[Mapping[str, Any]]) -> bool:
        """Whether texts rebuilt from the student's tokens have no space between any two words, though they are long.

        Args:
            features: as for [`encode_from_tokens`].
        """
        rows = [np.asarray(feature["input_ids"]).tolist() for feature in features]
        texts = self._segments(rows, features).texts
        return not any(" " in text.strip() for text in texts) and any(len(text) > LONGEST_WORD for text in texts)

    def _segments(self, rows: list[list[int]], features: Sequence[Mapping[str, Any]]) -> Segments:
        """Rebuild the texts behind the rows of token ids of examples."""
        if self._student_surfaces is None:
            self._student_surfaces = TokenSurfaces(self.student_tokenizer)
        with unchanged(self.student_tokenizer):
            between = Template.of(self.student_tokenizer).specials[1]

        starts = word_starts(rows, features, self._student_surfaces)
        return Segments.of(rows, self._student_surfaces, between, starts)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle what the tokenizers were before any call, so that the fingerprint of `Dataset.map` stays the same."""
        plain = [_without_settings(tokenizer) for tokenizer in (self.student_tokenizer, *self.teacher_tokenizers)]
        return type(self), (plain[0], plain[1:]), {"max_lengths": self.max_lengths}

    def limit(self, source: int | None, max_length: int | None = None) -> int:
        """Return the most tokens of an encoding: `max_length`, or what all models that read it take.

        Args:
            source: j for the columns `teacher_{j}_*`, None for the student's.
            max_length: What the user asks for.
        """
        readers = zip(self.max_lengths, (None, *self._sources), strict=True)
        limits = [most for most, read in readers if read == source]
        return min(limits if max_length is None else [*limits, max_length])

    def _text_spans(
        self, encoded: Mapping[int | None, Encoded], sequences: Sequence[list[str]]
    ) -> dict[int, list[Integers]]:
        if not self.distinct:
            return {}

        texts = [*chain.from_iterable(zip(*sequences, strict=True))]
        student = encoded[None].tokenization(len(sequences))
        return {
            j: batch_spans(texts, [student, encoded[j].tokenization(len(sequences))], len(sequences))
            for j in self.distinct
        }

    def _word_spans(self, encoded: Mapping[int | None, Encoded], counts: Integers) -> dict[int, list[Integers]]:
        words = {source: np.where(one.special, -1, one.word_numbers(counts)) for source, one in encoded.items()}
        return {j: word_spans([words[None], words[j]], counts.tolist()) for j in self.distinct}


def _without_settings(tokenizer: PreTrainedTokenizerFast) -> PreTrainedTokenizerFast:
    """Copy a tokenizer without the traces of its calls: truncation, padding, warnings given."""
    tokenizer = copy.deepcopy(tokenizer)
    tokenizer.backend_tokenizer.no_truncation()
    tokenizer.backend_tokenizer.no_padding()
    tokenizer.deprecation_warnings = {}
    return tokenizer


def _teacher_columns(
    j: int, encoding: Mapping[str, list], spans: Sequence[Integers], student_rows: list[list[int]]
) -> dict[str, list]:
    student_spans, teacher_spans = spans
    columns = {
        **encoding,
        "spans": cut_rows(teacher_spans, encoding["input_ids"]),
        "student_spans": cut_rows(student_spans, student_rows),
    }
    return {teacher_column(j, name): rows for name, rows in columns.items()}
