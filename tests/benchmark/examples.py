"""Made-up examples as long as sentences are; the masks are drawn later, once for all contenders."""

import numpy as np

from .settings import Settings
from .tokenizers import CLS, SEP, SPECIAL

# Pieces of a sentence of Romanian news under a vocabulary of 50,000: median 33, mean 40, one in a hundred above 128.
MEDIAN, SPREAD, SHORTEST = 33.0, 0.6, 5
Example = dict[str, list[int]]


def draw_examples(settings: Settings, lengths: str) -> list[Example]:
    """Draw the examples of a run in the order in which they are read; `natural` and `grouped` have the same ones."""
    generator = np.random.default_rng(settings.seed)
    drawn = [_example(generator, settings, length) for length in _lengths(generator, settings, settings.examples)]

    if lengths == "full":
        return [_example(generator, settings, settings.length) for _ in drawn]
    return _grouped(generator, drawn, settings) if lengths == "grouped" else drawn


def draw_tagged_examples(settings: Settings) -> list[Example]:
    """Draw sentences whose tokens have labels."""
    generator = np.random.default_rng(settings.seed)
    drawn = [_example(generator, settings, length) for length in _lengths(generator, settings, settings.sentences)]
    return [example | {"labels": _labels(generator, settings, len(example["input_ids"]))} for example in drawn]


def _lengths(generator: np.random.Generator, settings: Settings, count: int) -> list[int]:
    drawn = generator.lognormal(np.log(MEDIAN), SPREAD, size=count)
    return [int(length) for length in drawn.round().clip(SHORTEST, settings.length)]


def _example(generator: np.random.Generator, settings: Settings, length: int) -> Example:
    words = generator.integers(len(SPECIAL), settings.vocabulary, size=length - 2)
    return {"input_ids": [CLS, *words.tolist(), SEP], "attention_mask": [1] * length}


def _labels(generator: np.random.Generator, settings: Settings, length: int) -> list[int]:
    return [-100, *generator.integers(settings.labels, size=length - 2).tolist(), -100]


def _grouped(generator: np.random.Generator, drawn: list[Example], settings: Settings) -> list[Example]:
    """Put examples of like length into one batch, and the batches into any order; the warm-up stays as it is."""
    uncounted = settings.batch * settings.warmup
    counted = sorted(drawn[uncounted:], key=lambda example: len(example["input_ids"]))

    order = generator.permutation(settings.steps) * settings.batch
    return drawn[:uncounted] + [example for start in order for example in counted[start : start + settings.batch]]
