"""Differences between arms: paired by example and by seed, against scipy and loops."""

import numpy as np
import pytest
from scipy.stats import bootstrap

from hf_multiteacher.recipes.ablation.answered import GOLD, Answered
from hf_multiteacher.recipes.ablation.intervals import (
    SAMPLES,
    Resampled,
    difference,
    draw_examples,
    mean_difference,
    resample,
)

EXAMPLES = 400


def answers(right, seed):
    """Two classes, of which so large a share is answered right."""
    generator = np.random.default_rng(seed)
    gold = generator.integers(0, 2, EXAMPLES).astype(np.int16)
    said = np.where(np.random.default_rng(seed + 1000 * int(100 * right)).random(EXAMPLES) < right, gold, 1 - gold)
    return Answered({GOLD: gold, "student": said.astype(np.int16)}, np.array(["a", "b"]))


def resampled(right, seeds=(1, 2, 3)):
    shares = draw_examples(EXAMPLES, np.random.default_rng(0))
    return resample("accuracy", "student", {seed: answers(right, 7) for seed in seeds}, shares)


def test_the_interval_over_examples_is_that_of_a_paired_bootstrap():
    one, other = answers(0.9, 7), answers(0.8, 7)
    correct = [(each.answers["student"] == each.answers[GOLD]).astype(float) for each in (one, other)]
    expected = bootstrap(
        correct, lambda a, b: a.mean() - b.mean(), paired=True, vectorized=False, method="percentile", rng=0
    ).confidence_interval
    found = difference(resampled(0.9), resampled(0.8), np.random.default_rng(0))
    assert found.value == pytest.approx(correct[0].mean() - correct[1].mean())
    assert found.rows == pytest.approx(tuple(expected), abs=0.006)
    assert found.error == pytest.approx(np.std(correct[0] - correct[1]) / np.sqrt(EXAMPLES), rel=0.1)


def test_an_arm_against_itself_gains_nothing_on_any_draw():
    same = difference(resampled(0.9), resampled(0.9), np.random.default_rng(0))
    assert same.value == 0 and not same.draws.any()


def test_seeds_that_differ_widen_the_interval():
    drawn = {seed: np.zeros(SAMPLES) for seed in (1, 2)}
    zero = Resampled({1: 0.0, 2: 0.0}, drawn)
    arm = Resampled({1: 0.1, 2: 0.3}, {seed: drawn[seed] + figure for seed, figure in ((1, 0.1), (2, 0.3))})
    found = difference(arm, zero, np.random.default_rng(0))
    assert found.value == pytest.approx(0.2)
    assert found.rows == pytest.approx((0.2, 0.2)) and found.seeds == pytest.approx((0.1, 0.3))
    assert {round(each, 6) for each in np.unique(found.draws)} == {0.1, 0.2, 0.3}


def test_only_common_seeds_are_compared():
    found = difference(resampled(0.9, (1, 2)), resampled(0.8, (2, 3)), np.random.default_rng(0))
    assert found.seeds is None
    assert difference(resampled(0.9, (1,)), resampled(0.8, (2,)), np.random.default_rng(0)) is None


def test_the_mean_over_tasks_is_drawn_task_by_task():
    gains = [difference(resampled(right), resampled(0.8), np.random.default_rng(0)) for right in (0.9, 0.7)]
    mean = mean_difference(gains)
    assert mean.value == pytest.approx((gains[0].value + gains[1].value) / 2)
    assert mean.draws == pytest.approx((gains[0].draws + gains[1].draws) / 2)
