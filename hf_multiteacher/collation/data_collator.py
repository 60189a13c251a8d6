"""Batches for student and teachers: every encoding padded, the same words masked in all of them."""

import copy
import logging
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import torch
from transformers import PreTrainedTokenizerFast

from ..losses.functional import IGNORED_LABEL
from ..tokenization.columns import LABEL_NAMES, TEACHER_COLUMN, teacher_column
from ..tokenization.encoder import NO_LIMIT, count_entries
from ..tokenization.matching import first_token_counterparts, one_to_one
from ..tokenization.multi_tokenizer import MultiTokenizer
from .draws import MASK_SHARE, RANDOM_SHARE
from .masking import SpanMasking, special_or_unknown
from .padding import (
    Arrays,
    Features,
    Layout,
    column_of,
    is_per_token,
    pad_encoding,
    pad_or_stack,
    require_whole_numbers,
    stack_numbers,
)
from .unknown_words import UnknownWords

logger = logging.getLogger(__name__)

EVALUATION_ROUND = -1
NOT_STACKED = {*LABEL_NAMES, "special_tokens_mask"}
Tokenizers = dict[int | None, PreTrainedTokenizerFast]


class DataCollatorForDistillation:
    """Pads the encodings of [`MultiTokenizer.encode`] and masks the same words in each of them.

    What is masked depends on seed, round and the example's tokens alone: it is the same in every batch, worker,
    process and resumed run, and another in every round. Without teachers that have tokenizers of their own, every
    token is drawn by itself.

    Args:
        multi_tokenizer: the tokenizers of the student and of the teachers.
        mlm: mask words for masked-language modelling; labels in the examples are then ignored.
        mlm_probability: share of the spans that the student has to predict.
        seed: start of all draws.
        pad_to_multiple_of: the length of every encoding in a batch becomes a multiple of this.
        padding: `longest` pads each encoding to its longest row of the batch, `max_length` all of them to one length.
        max_length: that length, or what the models that read an encoding take, if that is less; by default what each
            tokenizer states as its `model_max_length`.
        whole_words: draw whole words, in every encoding, instead of the spans that make them up.
        mask_replace_prob: share of the drawn spans that is masked.
        random_replace_prob: share of the drawn spans that is replaced by random tokens; the others are kept.

    Raises:
        ValueError: a tokenizer lacks a padding token, or with `mlm` a mask token; a share is none; a setting has no
            effect.
    """

    def __init__(
        self,
        multi_tokenizer: MultiTokenizer,
        *,
        mlm: bool = False,
        mlm_probability: float = 0.15,
        seed: int = 0,
        pad_to_multiple_of: int | None = None,
        padding: Literal["longest", "max_length"] = "longest",
        max_length: int | None = None,
        whole_words: bool = False,
        mask_replace_prob: float = MASK_SHARE,
        random_replace_prob: float = RANDOM_SHARE,
    ) -> None:
        self.multi_tokenizer = multi_tokenizer
        self.mlm = mlm
        self.mlm_probability = mlm_probability
        self.seed = seed
        self.pad_to_multiple_of = pad_to_multiple_of

        tokenizers: Tokenizers = dict([(None, multi_tokenizer.student_tokenizer), *multi_tokenizer.distinct.items()])
        _check(tokenizers, mlm, mlm_probability)
        _check_masking(mlm, whole_words, mask_replace_prob, random_replace_prob)
        self._widths = _widths(tokenizers, padding, max_length)
        self._entries = {source: count_entries(tokenizer) for source, tokenizer in tokenizers.items()}
        sources = {multi_tokenizer.source_of(teacher) for teacher in range(len(multi_tokenizer.teacher_tokenizers))}
        self._unknown_words = UnknownWords({source: tokenizers[source] for source in tokenizers if source in sources})
        if mlm:
            self._masking = SpanMasking(
                multi_tokenizer,
                whole_words=whole_words,
                mask_share=mask_replace_prob,
                random_share=random_replace_prob,
            )

        # In shared memory, because workers that live through several epochs never see an attribute change.
        self._round = torch.zeros((), dtype=torch.int64).share_memory_()
        self._has_warned = torch.zeros((), dtype=torch.bool).share_memory_()

    def set_round(self, round: int) -> None:
        """Choose the masks of all batches from now on, also of those that running workers make.

        Args:
            round: the epoch, or the epoch modulo the number of rounds where teachers' outputs are cached.
        """
        self._round.fill_(round)

    def for_evaluation(self) -> "DataCollatorForDistillation":
        """The same collator with masks that no round changes."""
        collator = copy.copy(self)
        collator._round = torch.tensor(EVALUATION_ROUND)
        return collator

    def __call__(self, features: Features) -> dict[str, torch.Tensor]:
        """Make a batch.

        Args:
            features: examples with the columns of [`MultiTokenizer.encode`]. Where only the student's are left, the
                teachers' are rebuilt from its tokens; one warning says so.

        Returns:
            The student's `input_ids`, `attention_mask`, `token_type_ids` [batch, length]; `labels` ([batch, length]
            for masked-language modelling and tagging, -100 = none; else [batch] or [batch, labels]); for each teacher
            tokenizer j the same as `teacher_{j}_input_ids` ..., `teacher_{j}_spans` [batch, length j] and
            `teacher_{j}_student_spans` [batch, length] (-1 = none), and for token-level tasks and without labels
            `teacher_{j}_positions` [batch, length]: where the counterpart of each student token stands in
            the encoding of teacher j, or -1.

        Raises:
            ValueError: a column is missing, or does not fit in a tensor.
        """
        self._expect_known(features, None)
        given = features
        rebuilt = self._lacks_teacher_columns(features[0])
        if rebuilt:
            features = self.multi_tokenizer.encode_from_tokens(features)

        batch, layout = self._pad(features)
        if rebuilt and not self._has_warned:
            self._warn(given, batch)
        self._unknown_words.look(batch)

        label = next((name for name in LABEL_NAMES if name in features[0]), None)
        if self.mlm:
            self._masking.mask(batch, probability=self.mlm_probability, seed=self.seed, mask_round=int(self._round))
        elif label is not None:
            self._add_labels(batch, layout, column_of(features, label), label)
        else:
            self._add_positions(batch)  # nobody knows without labels whether tokens are rows

        return {name: torch.from_numpy(values) for name, values in batch.items()}

    def _lacks_teacher_columns(self, feature: Mapping[str, Any]) -> bool:
        expected = [*filter(None, map(TEACHER_COLUMN.fullmatch, self.multi_tokenizer.column_names))]
        missing = [column for column in expected if column[0] not in feature]

        if missing and len(missing) < len(expected):
            raise ValueError(
                f"DataCollatorForDistillation expects a column '{missing[0][0]}' because teacher {missing[0][1]} has "
                f"its own tokenizer, but the data set has only {sorted(feature)}: what this teacher should read is "
                "not known. Encode it with MultiTokenizer.encode for all teachers at once."
            )
        return bool(missing)

    def _expect_known(self, features: Features, source: int | None) -> None:
        """Refuse ids that a tokenizer does not have, before they are looked up in its vocabulary."""
        name, entries = teacher_column(source, "input_ids"), self._entries[source]
        for row in column_of(features, name):
            ids = np.asarray(row)
            if ids.size and not 0 <= ids.min() <= ids.max() < entries:
                wrong = ids.min() if ids.min() < 0 else ids.max()
                raise ValueError(
                    f"DataCollatorForDistillation expects ids from 0 to {entries - 1}, those of the tokenizer of "
                    f"{_owner(source)}, in '{name}', but found {wrong}: the data was encoded with another tokenizer. "
                    "Pass the one that it was encoded with (processing_class, for the student), or encode it anew."
                )

    def _pad(self, features: Features) -> tuple[Arrays, Layout]:
        multiple = self.pad_to_multiple_of
        widths = {source: min(width, self.multi_tokenizer.limit(source)) for source, width in self._widths.items()}
        batch, layout = pad_encoding(features, "", self.multi_tokenizer.student_tokenizer, multiple, widths[None])

        for j, tokenizer in self.multi_tokenizer.distinct.items():
            self._expect_known(features, j)
            batch |= pad_encoding(features, teacher_column(j, ""), tokenizer, multiple, widths[j])[0]
            name = teacher_column(j, "student_spans")
            batch[name] = layout.pad(column_of(features, name), -1, name)

        others = [name for name in features[0] if name not in batch and name not in NOT_STACKED]
        batch |= {name: pad_or_stack(column_of(features, name), name, layout) for name in others}
        return batch, layout

    def _warn(self, features: Features, batch: Arrays) -> None:
        self._has_warned.fill_(True)
        special = special_or_unknown(batch["input_ids"], self.multi_tokenizer.student_tokenizer)
        content = (batch["attention_mask"] != 0) & ~special

        coverage = []
        for j in self.multi_tokenizer.distinct:
            counterparts = one_to_one(batch[teacher_column(j, "student_spans")], batch[teacher_column(j, "spans")])
            share = np.mean(counterparts[content] >= 0) if content.any() else 0.0
            coverage.append(f"{100 * share:.1f} % for teacher {j}")

        logger.warning(
            "The data set holds only the student's tokens, so the teachers' inputs are rebuilt from them. Of the "
            "first batch's tokens, these are one token on both sides: %s. Encode the data set with "
            "MultiTokenizer.encode to give the teachers the texts themselves.",
            ", ".join(coverage),
        )
        if self.multi_tokenizer.words_run_together(features):
            logger.warning(
                "The rebuilt texts have no spaces, so teachers with tokenizers of their own read each of them as one "
                "long word. If the texts were split into words (is_split_into_words=True), the student's tokenizer "
                "does not mark where they begin: load it with add_prefix_space=True, or encode with "
                "MultiTokenizer.encode(words=...)."
            )

    def _add_labels(self, batch: Arrays, layout: Layout, labels: list[Any], name: str) -> None:
        if not is_per_token(labels):
            batch["labels"] = stack_numbers(labels, name)
            return

        require_whole_numbers(labels, name)
        batch["labels"] = layout.pad(labels, IGNORED_LABEL, name)
        self._add_positions(batch)

    def _add_positions(self, batch: Arrays) -> None:
        """Say where the counterpart of each word's first token stands."""
        for j in self.multi_tokenizer.distinct:
            student_spans, teacher_spans = batch[teacher_column(j, "student_spans")], batch[teacher_column(j, "spans")]
            batch[teacher_column(j, "positions")] = first_token_counterparts(student_spans, teacher_spans)


def _check(tokenizers: Tokenizers, mlm: bool, mlm_probability: float) -> None:
    if not 0 < mlm_probability <= 1:
        raise ValueError(
            f"DataCollatorForDistillation expects mlm_probability above 0 and at most 1, but got {mlm_probability}: "
            "it is the share of the words that is masked, 0.15 by default."
        )

    for source, tokenizer in tokenizers.items():
        for role, work in {"pad": "padded", "mask": "masked"}.items():
            if (mlm or role == "pad") and getattr(tokenizer, f"{role}_token_id") is None:
                raise ValueError(
                    f"DataCollatorForDistillation expects a {role} token in the tokenizer of {_owner(source)} "
                    f"({type(tokenizer).__name__}), but it has none: its encoding cannot be {work}. "
                    f"Set one that its model knows, for example tokenizer.{role}_token = tokenizer.eos_token."
                )


def _check_masking(mlm: bool, whole_words: bool, mask_share: float, random_share: float) -> None:
    if whole_words and not mlm:
        raise ValueError(
            "DataCollatorForDistillation(whole_words=True) says which words are masked, but with mlm=False none is: "
            "it would have no effect. Set mlm=True, or leave whole_words out."
        )

    if min(mask_share, random_share) < 0 or mask_share + random_share > 1:
        raise ValueError(
            "DataCollatorForDistillation expects mask_replace_prob and random_replace_prob to be shares of the words "
            f"that are drawn, together at most 1, but got {mask_share} and {random_share}. 0.8 and 0.1 are usual."
        )


def _widths(tokenizers: Tokenizers, padding: str, max_length: int | None) -> dict[int | None, int]:
    """Say how wide each encoding is at least."""
    if padding not in ("longest", "max_length"):
        raise ValueError(
            f"DataCollatorForDistillation expects padding to be 'longest' or 'max_length', but got {padding!r}: rows "
            "of different lengths make no tensor. Leave it out."
        )
    if padding == "longest":
        return dict.fromkeys(tokenizers, 0)

    widths = {j: max_length or int(tokenizer.model_max_length) for j, tokenizer in tokenizers.items()}
    if max(widths.values()) >= NO_LIMIT:
        raise ValueError(
            "DataCollatorForDistillation(padding='max_length') pads to the length that each tokenizer states as its "
            "model_max_length, but one states none. Give max_length."
        )
    return widths


def _owner(source: int | None) -> str:
    return "the student" if source is None else f"teacher {source}"
