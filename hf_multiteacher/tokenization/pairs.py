"""Whether encoded examples are pairs of texts, as far as a tokenizer's special tokens tell."""

from collections.abc import Sequence
from itertools import groupby

from transformers import PreTrainedTokenizerFast

from .encoder import special_tokens
from .settings import unchanged


def mostly_pairs(tokenizer: PreTrainedTokenizerFast, rows: Sequence[list[int]]) -> bool:
    """Whether most examples are two texts with the tokenizer's special tokens for pairs between them.

    False where the tokenizer puts none between two texts, as nothing tells then.

    Args:
        tokenizer: The tokenizer that made the ids.
        rows: Token ids of each example.
    """
    with unchanged(tokenizer):
        between = _between(tokenizer, tokenizer("a", "a")["input_ids"])

    pairs = sum(_between(tokenizer, row) == between for row in rows)
    return bool(between) and 2 * pairs > len(rows)


def _between(tokenizer: PreTrainedTokenizerFast, row: list[int]) -> list[int]:
    """The special tokens between the two texts of a row; none where it holds another number of texts."""
    marked = zip(row, special_tokens(tokenizer, [row]).tolist(), strict=True)
    runs = [(special, [id_ for id_, _ in run]) for special, run in groupby(marked, lambda each: each[1])]
    texts = [place for place, (special, _) in enumerate(runs) if not special]

    return runs[texts[0] + 1][1] if len(texts) == 2 else []
