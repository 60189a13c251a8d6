"""The same words hidden in every encoding of a batch: drawn once per span, carried out in each tokenizer's way."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from transformers import PreTrainedTokenizerFast

from ..losses.functional import IGNORED_LABEL
from ..tokenization.columns import teacher_column
from ..tokenization.matching import join_spans, one_to_one
from ..tokenization.multi_tokenizer import MultiTokenizer
from ..tokenization.spans import Booleans, Integers
from ..tokenization.vocabulary import SharedVocabulary
from ..tokenization.word_marks import WordMarks
from .draws import (
    MASK,
    MASK_SHARE,
    RANDOM,
    RANDOM_SHARE,
    UNTOUCHED,
    Keys,
    draw,
    draw_actions,
    draw_keys,
    example_ids,
    scramble,
)
from .padding import Arrays


@dataclass(frozen=True)
class Replacer:
    """Carries decisions out in one encoding.

    Attributes:
        mask_id: the tokenizer's mask token.
        ordinary_ids: its ids that are no special tokens, which replacements are drawn from.
        series: a number of its own for each encoding, so that their replacements are drawn apart.
    """

    mask_id: int
    ordinary_ids: Integers
    series: int

    @classmethod
    def of(cls, tokenizer: PreTrainedTokenizerFast, series: int) -> "Replacer":
        """Read the ids off a tokenizer."""
        ordinary = sorted({*tokenizer.get_vocab().values()} - {*tokenizer.all_special_ids})
        return cls(tokenizer.mask_token_id, np.array(ordinary, np.int64), series)

    def apply(self, ids: Integers, attention_mask: Integers, actions: Integers, keys: Keys) -> Integers:
        """Mask and replace tokens; all arrays [batch, length], `keys` [batch]."""
        places = np.cumsum(attention_mask, axis=1)
        bits = draw(scramble(keys + np.array([self.series + 1], np.uint64)), places)
        replacements = self.ordinary_ids[(bits % np.uint64(len(self.ordinary_ids))).astype(np.int64)]
        return np.where(actions == MASK, self.mask_id, np.where(actions == RANDOM, replacements, ids))


class SpanMasking:
    """Masks the same spans in every encoding of a batch.

    Args:
        multi_tokenizer: the tokenizers of the student and of the teachers.
        whole_words: join the spans of what is one word to any of them.
        mask_share: share of the drawn spans that is masked.
        random_share: share of the drawn spans that is replaced by random tokens.
    """

    def __init__(
        self,
        multi_tokenizer: MultiTokenizer,
        *,
        whole_words: bool = False,
        mask_share: float = MASK_SHARE,
        random_share: float = RANDOM_SHARE,
    ) -> None:
        self._shares = mask_share, random_share
        self._student_tokenizer = multi_tokenizer.student_tokenizer
        self._replacers: dict[int | None, Replacer] = {None: Replacer.of(self._student_tokenizer, 0)}
        for series, (j, tokenizer) in enumerate(multi_tokenizer.distinct.items(), start=1):
            self._replacers[j] = Replacer.of(tokenizer, series)

        tokenizers = [(None, self._student_tokenizer), *multi_tokenizer.distinct.items()] if whole_words else []
        self._words = {j: WordMarks(tokenizer) for j, tokenizer in tokenizers}
        self._outcomes = {j: multi_tokenizer.shared_vocabulary(j) for j in multi_tokenizer.distinct}

    def mask(self, batch: Arrays, *, probability: float, seed: int, mask_round: int) -> None:
        """Mask a padded batch in place; its `labels` and the teachers' `positions` are added.

        Args:
            batch: arrays as `DataCollatorForDistillation` pads them.
            probability: share of the spans that the student has to predict.
            seed: start of all draws.
            mask_round: another one draws other spans.
        """
        student_ids, student_spans = batch["input_ids"], self._joint_spans(batch)
        keys = draw_keys(example_ids(student_ids, batch["attention_mask"]), seed, mask_round)
        actions = draw_actions(keys, self._eligible(student_ids, student_spans), probability, *self._shares)
        student_actions = spread(actions, student_spans, UNTOUCHED)

        for j, shared in self._outcomes.items():
            pair_spans, teacher_spans = batch[teacher_column(j, "student_spans")], batch[teacher_column(j, "spans")]
            positions = one_to_one(pair_spans, teacher_spans)
            teacher_ids = batch[teacher_column(j, "input_ids")]
            batch[teacher_column(j, "positions")] = same_outcome(positions, student_ids, teacher_ids, shared)

            joint_spans = translate(pair_spans, student_spans, teacher_spans)
            self._apply(j, batch, spread(actions, joint_spans, UNTOUCHED), keys)

        batch["labels"] = np.where(student_actions == UNTOUCHED, IGNORED_LABEL, student_ids)
        self._apply(None, batch, student_actions, keys)

    def _joint_spans(self, batch: Arrays) -> Integers:
        """The joint span of each of the student's tokens; [batch, length]. Without other tokenizers, every token."""
        spans = [batch[teacher_column(j, "student_spans")] for j in self._outcomes] + [*self._word_spans(batch)]
        if spans:
            return join_spans(spans)

        real = batch["attention_mask"] != 0
        return np.where(real, np.cumsum(real, axis=1) - 1, -1)

    def _word_spans(self, batch: Arrays) -> Iterator[Integers]:
        """Number the student's tokens, [batch, length], by its own words and by those of every other tokenizer.

        Where only a part of a teacher's word has spans, they have no number: masking could not hide the whole word.
        """
        for j, words in self._words.items():
            names = (teacher_column(j, part) for part in ("input_ids", "attention_mask"))
            numbers = words.number(*(batch[name] for name in names))
            if j is None:
                yield numbers
                continue

            spans = batch[teacher_column(j, "spans")]
            yield translate(spans, join_spans([spans, numbers]), batch[teacher_column(j, "student_spans")])

    def _eligible(self, student_ids: Integers, student_spans: Integers) -> Booleans:
        """Which joint spans may be drawn: those without a special or unknown token of the student; [batch, spans]."""
        eligible = np.ones((len(student_ids), int(student_spans.max(initial=-1)) + 1), bool)
        special = special_or_unknown(student_ids, self._student_tokenizer)
        rows, columns = np.nonzero(special & (student_spans >= 0))
        eligible[rows, student_spans[rows, columns]] = False
        return eligible

    def _apply(self, source: int | None, batch: Arrays, actions: Integers, keys: Keys) -> None:
        name = teacher_column(source, "input_ids")
        attention_mask = batch[teacher_column(source, "attention_mask")]
        batch[name] = self._replacers[source].apply(batch[name], attention_mask, actions, keys)


def special_or_unknown(ids: Integers, tokenizer: PreTrainedTokenizerFast) -> Booleans:
    """Whether each token is a special token or the unknown one; any shape."""
    return np.isin(ids, tokenizer.all_special_ids)


def spread(values: Integers, spans: Integers, fill: int) -> Integers:
    """Give each token, [batch, tokens], the value of its span, [batch, spans], and `fill` where it has no span."""
    return np.where(spans >= 0, np.take_along_axis(np.pad(values, ((0, 0), (0, 1))), spans, axis=1), fill)


def translate(from_spans: Integers, to_spans: Integers, spans: Integers) -> Integers:
    """Renumber `spans` as tokens of both numberings tell; -1 where none does.

    Args:
        from_spans: one numbering of some tokens, [batch, tokens].
        to_spans: another numbering of the same tokens, [batch, tokens].
        spans: numbers of the one numbering, [batch, other tokens].
    """
    size = int(max(from_spans.max(initial=-1), spans.max(initial=-1))) + 1

    table = np.full((len(spans), size), -1, np.int64)
    rows, columns = np.nonzero(from_spans >= 0)
    table[rows, from_spans[rows, columns]] = to_spans[rows, columns]
    return spread(table, spans, -1)


def same_outcome(
    positions: Integers, student_ids: Integers, teacher_ids: Integers, shared: SharedVocabulary
) -> Integers:
    """Keep the counterparts whose unmasked tokens are one shared outcome; [batch, length].

    Args:
        positions: where in the teacher's encoding the counterpart of each student token stands, or -1.
        student_ids: [batch, length], before masking.
        teacher_ids: [batch, teacher length], before masking.
        shared: the outcomes of the two vocabularies.
    """
    student_outcomes = shared.student_outcomes[student_ids]
    teacher_outcomes = np.take_along_axis(shared.teacher_outcomes[teacher_ids], np.maximum(positions, 0), axis=1)
    return np.where((student_outcomes > 0) & (student_outcomes == teacher_outcomes), positions, -1)
