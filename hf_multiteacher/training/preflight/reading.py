"""What the models can read of the text: unknown words, texts that are cut, examples without a label."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from ...collation.unknown_words import count_words, has_unknown
from ...losses.functional import IGNORED_LABEL
from ...tokenization.columns import LABEL_NAMES, teacher_column
from .finding import Finding, Level, percent

MOST_UNKNOWN, HOPELESSLY_UNKNOWN = 0.05, 0.5
MOST_CUT, HOPELESSLY_CUT = 0.2, 0.9
MOST_UNLABELLED = 0.9


def reading_findings(
    examples: Sequence[Any], tokenizers: Mapping[int | None, Any], owners: Mapping[int | None, str]
) -> Iterator[Finding]:
    """Tell which words of encoded examples tokenizers do not know.

    Args:
        examples: Some of the training's, as its data set gives them.
        tokenizers: By the number in the names of their columns; None for the student's.
        owners: Likewise, who reads with it.
    """
    for source, tokenizer in tokenizers.items():
        rows = [example[name] for example in examples if (name := teacher_column(source, "input_ids")) in example]
        if rows and tokenizer is not None and has_unknown(tokenizer):
            yield unknown_words(rows, tokenizer, owners[source])


def token_counts(examples: Sequence[Any]) -> list[int]:
    """Return how many tokens each encoded example has, in its longest encoding."""
    encoded = [[name for name in example if name.endswith("input_ids")] for example in examples]
    return [max(len(row[name]) for name in names) for row, names in zip(examples, encoded, strict=True) if names]


def unknown_words(rows: Sequence[Sequence[int]], tokenizer: Any, owner: str) -> Finding:
    """Tell what share of the words a tokenizer does not know.

    Args:
        rows: The tokens of each text.
        tokenizer: What has made them.
        owner: Who reads with it.
    """
    words, unknown = count_words(tokenizer, np.concatenate([np.asarray(row, dtype=np.int64) for row in rows]))
    share = unknown / max(words, 1)
    says = f"{percent(share)} of the words have a piece that {owner} does not know ({tokenizer.unk_token})"
    level = _level(share, MOST_UNKNOWN, HOPELESSLY_UNKNOWN)

    do = "Write the text as its tokenizer expects it (accents, cedilla or comma, case), or take another model."
    return Finding("unknown words", f"{says}.", level, "" if level == "ok" else do, {f"unknown/{owner}": share})


def cut_examples(lengths: Sequence[int], limit: int) -> Finding:
    """Tell what share of the examples is as long as an example can be, so that more of the text may be cut off.

    Args:
        lengths: Tokens of each in its longest encoding.
        limit: Tokens at most.
    """
    share = float(np.mean(np.asarray(lengths) >= limit))
    full = f"{percent(share)} of the examples fill all {limit} tokens and may have been cut"
    says = f"{full}; they have {np.mean(lengths):.0f} on average."
    level = _level(share, MOST_CUT, HOPELESSLY_CUT)

    do = "Give a larger max_length, as far as the models read it, or split the texts before."
    return Finding("length", says, "ok" if level == "ok" else "warning", "" if level == "ok" else do, {"cut": share})


def unlabelled_rows(examples: Sequence[Any], *, needed: bool) -> Finding | None:
    """Tell what share of the examples has no label; None where the data set has no column with labels.

    Args:
        examples: Some of the training's.
        needed: Whether nothing would be learned without labels.
    """
    found = [example[name] for example in examples for name in LABEL_NAMES if name in example]
    if not found:
        return None

    share = float(np.mean([_has_none(label) for label in found]))
    level: Level = "stop" if share == 1 and needed else "warning" if share > MOST_UNLABELLED else "ok"
    do = (
        "Add labels, or learn from the teachers alone: hard_label_weight=0."
        if needed
        else "The teachers alone speak there. Add labels if there are some."
    )
    says = f"{percent(share)} of the examples have no label."
    return Finding("labels", says, level, "" if level == "ok" else do, {"unlabelled": share})


def _has_none(label: Any) -> bool:
    values = np.atleast_1d(np.asarray(label, dtype=np.float64))
    return bool((np.isnan(values) | (values == IGNORED_LABEL)).all())


def _level(share: float, most: float, hopeless: float) -> Level:
    return "stop" if share > hopeless else "warning" if share > most else "ok"
