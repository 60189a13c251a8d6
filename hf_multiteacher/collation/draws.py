"""Which spans are masked: draws that depend on seed, round and example, and on nothing else.

Every draw is a hash of a counter (the finaliser of SplitMix64, Steele, Lea and Flood 2014), so batches, workers and
ranks need no generator, and no state has to be saved.
"""

import numpy as np
from numpy.typing import NDArray

from ..tokenization.spans import Booleans, Integers

UNTOUCHED, MASK, RANDOM, KEEP = range(4)
MASK_SHARE, RANDOM_SHARE = 0.8, 0.1
GOLDEN = np.uint64(0x9E3779B97F4A7C15)
Keys = NDArray[np.uint64]


def scramble(values: Keys) -> Keys:
    """Hash 64-bit numbers one by one; any shape."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


def example_ids(input_ids: Integers, attention_mask: Integers) -> Keys:
    """Give each example a number that depends on its unmasked tokens alone, not on padding or batch; [batch].

    Args:
        input_ids: the student's, before masking; [batch, length].
        attention_mask: 0 for padding; [batch, length].
    """
    real = attention_mask != 0
    places = np.cumsum(real, axis=1).astype(np.uint64)
    tokens = scramble(input_ids.astype(np.uint64) + places * GOLDEN)
    return scramble(np.sum(tokens, axis=1, where=real, dtype=np.uint64))


def draw_keys(examples: Keys, seed: int, mask_round: int) -> Keys:
    """The start of each example's series of draws in one round; [batch]."""
    seeds = scramble(np.array([seed], np.int64).astype(np.uint64) * GOLDEN + GOLDEN)
    rounds = scramble(seeds + np.array([mask_round], np.int64).astype(np.uint64) * GOLDEN)
    return scramble(examples ^ rounds)


def draw(keys: Keys, counters: Integers) -> Keys:
    """Draw 64 random bits for each counter, [batch or 1, counters], of each example's series; [batch, counters]."""
    return scramble(keys[:, None] + (counters.astype(np.uint64) + np.uint64(1)) * GOLDEN)


def draw_actions(
    keys: Keys,
    eligible: Booleans,
    probability: float,
    mask_share: float = MASK_SHARE,
    random_share: float = RANDOM_SHARE,
) -> Integers:
    """Decide for each span whether it is masked, replaced, kept and predicted, or left alone.

    Args:
        keys: [batch], from [`draw_keys`].
        eligible: whether the span may be drawn, [batch, spans].
        probability: share of the spans that is drawn; 80 % of these are masked, 10 % replaced, 10 % kept (Devlin et
            al. 2019), where nobody says otherwise.
        mask_share: which share of those that are drawn is masked.
        random_share: which share of them is replaced.

    Returns:
        [batch, spans]: `UNTOUCHED`, `MASK`, `RANDOM` or `KEEP`.
    """
    bits = draw(keys, np.arange(eligible.shape[1])[None])
    first = (bits >> np.uint64(32)) / 2.0**32
    second = (bits & np.uint64(2**32 - 1)) / 2.0**32

    actions = np.where(second < mask_share, MASK, np.where(second < mask_share + random_share, RANDOM, KEEP))
    return np.where(eligible & (first < probability), actions, UNTOUCHED)
