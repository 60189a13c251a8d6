"""How sure a difference between two arms is: other examples, and other seeds, drawn with replacement."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from .answered import Answered
from .statistics import MEASURES

SAMPLES, CONFIDENCE = 2000, 0.95
Interval = tuple[float, float]


@dataclass(frozen=True)
class Resampled:
    """The figure of an arm on the examples that there are, and on others of their kind.

    Attributes:
        figures: Seed -> its figure.
        drawn: Seed -> figures [samples]; two arms of a task have the same examples drawn.
    """

    figures: Mapping[int, float]
    drawn: Mapping[int, np.ndarray]


@dataclass(frozen=True)
class Difference:
    """What an arm gains over another: the mean over the seeds that both have.

    Attributes:
        value: The gain.
        draws: The gain with other examples and seeds, [samples].
        rows: 95 % interval with other examples alone; None for a mean over tasks.
        seeds: With other seeds alone; None where there is one seed, or for a mean over tasks.
    """

    value: float
    draws: np.ndarray
    rows: Interval | None = None
    seeds: Interval | None = None

    @property
    def both(self) -> Interval:
        """The 95 % interval with other examples and other seeds."""
        return interval(self.draws)

    @property
    def error(self) -> float:
        """The standard error: the spread of the draws."""
        return float(self.draws.std())


def draw_examples(examples: int, generator: np.random.Generator) -> np.ndarray:
    """Draw as many examples as there are, again and again: the share of each in a sample, [samples, examples]."""
    return generator.multinomial(examples, np.full(examples, 1 / examples), SAMPLES) / examples


def figure_of(metric: str, owner: str, answered: Answered) -> float:
    """Compute a figure on the examples that there are.

    Args:
        metric: One of `MEASURES`.
        owner: Whose answers.
        answered: The answers.

    Raises:
        ValueError: It is a correlation of numbers that are all the same.
    """
    measure = MEASURES[metric]
    return float(measure.figure(measure.rows(answered, owner).mean(axis=0)))


def resample(metric: str, owner: str, answered: Mapping[int, Answered], shares: np.ndarray) -> Resampled:
    """Compute an arm's figures.

    Args:
        metric: One of `MEASURES`.
        owner: Whose answers.
        answered: Seed -> answers.
        shares: From `draw_examples`.
    """
    measure = MEASURES[metric]
    rows = {seed: measure.rows(each, owner) for seed, each in answered.items()}

    figures = {seed: float(measure.figure(each.mean(axis=0))) for seed, each in rows.items()}
    return Resampled(figures, {seed: measure.figure(shares @ each) for seed, each in rows.items()})


def difference(arm: Resampled, reference: Resampled, generator: np.random.Generator) -> Difference | None:
    """Compare two arms seed by seed, on the same examples; None where they have no seed in common.

    Args:
        arm: The one.
        reference: The other.
        generator: Draws the seeds.
    """
    seeds = [seed for seed in arm.figures if seed in reference.figures]
    if not seeds:
        return None

    gains = np.array([arm.figures[seed] - reference.figures[seed] for seed in seeds])
    drawn = np.stack([arm.drawn[seed] - reference.drawn[seed] for seed in seeds])
    chosen = generator.integers(len(seeds), size=(drawn.shape[1], len(seeds)))
    both = drawn[chosen, np.arange(drawn.shape[1])[:, None]].mean(axis=1)

    return Difference(
        value=float(gains.mean()),
        draws=both,
        rows=interval(drawn.mean(axis=0)),
        seeds=interval(gains[chosen].mean(axis=1)) if len(seeds) > 1 else None,
    )


def mean_difference(differences: Sequence[Difference]) -> Difference:
    """Average what an arm gains over several tasks, which were drawn one by one."""
    value = float(np.mean([each.value for each in differences]))
    return Difference(value, np.mean([each.draws for each in differences], axis=0))


def interval(draws: np.ndarray) -> Interval:
    """Return the ends between which the middle 95 % of the draws lie; draws without a figure are left out."""
    tail = (1 - CONFIDENCE) / 2
    low, high = np.nanquantile(draws, [tail, 1 - tail])
    return float(low), float(high)
