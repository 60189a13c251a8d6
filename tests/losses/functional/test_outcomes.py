import math

import numpy as np
import pytest
import scipy.special
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.formulas import TEMPERATURES, gradient_of, kl, normal
from hf_multiteacher.losses import functional


def grouped(seed, rows=5, vocabulary=12, outcomes=6):
    """Logits and the outcome of each entry; the last outcome has no entry."""
    generator = torch.Generator().manual_seed(seed)
    ids = torch.randint(0, outcomes - 1, (vocabulary,), generator=generator)
    return normal(rows, vocabulary, seed=seed), ids, outcomes


@settings(deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([1.0, 30.0, 1e4]))
def test_coarsen_adds_up_the_probabilities_of_each_outcome(seed, scale):
    logits, ids, outcomes = grouped(seed)
    logits = logits * scale / 3
    log_probabilities = scipy.special.log_softmax(logits.numpy(), axis=-1)
    found = functional.coarsen(logits, ids, outcomes).numpy()
    for outcome in range(outcomes):
        members = log_probabilities[:, ids.numpy() == outcome]
        expected = scipy.special.logsumexp(members, axis=-1) if members.size else functional.LOG_ZERO
        np.testing.assert_allclose(found[:, outcome], expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("scale", [3.0, 1e4])
def test_coarsen_with_one_entry_per_outcome_is_log_softmax(scale):
    logits = normal(5, 40, dtype=torch.float32, scale=scale)
    order = torch.randperm(40, generator=torch.Generator().manual_seed(0))
    expected = torch.log_softmax(logits, dim=-1)
    assert torch.equal(functional.coarsen(logits, torch.arange(40), 40), expected)
    torch.testing.assert_close(functional.coarsen(logits, order, 40)[:, order], expected)


@pytest.mark.parametrize("temperature", TEMPERATURES)
def test_coarsened_kl_of_equal_vocabularies_is_the_exact_kl(temperature):
    student, teacher = (normal(50, 300, seed=seed, dtype=torch.float32) for seed in (1, 2))
    ids = torch.arange(300)
    found = kl(functional.coarsen(student, ids, 300), functional.coarsen(teacher, ids, 300), temperature)
    torch.testing.assert_close(found.double(), kl(student.double(), teacher.double(), temperature), rtol=1e-6, atol=0)


def test_an_outcome_that_both_sides_lack_adds_nothing_and_one_that_the_student_lacks_stays_finite():
    student, teacher = normal(4, 6, seed=1), normal(4, 6, seed=2)
    ids = torch.tensor([1, 1, 2, 3, 3, 3])
    without = [functional.coarsen(logits, ids - 1, 3) for logits in (student, teacher)]
    with_other = [functional.coarsen(logits, ids, 4) for logits in (student, teacher)]
    for temperature in TEMPERATURES:
        torch.testing.assert_close(kl(*with_other, temperature), kl(*without, temperature))

    teacher_ids = torch.tensor([0, 1, 2, 3, 3, 3])
    target = functional.coarsen(teacher, teacher_ids, 4)
    gradient = gradient_of(lambda logits: kl(functional.coarsen(logits, ids, 4), target), student)
    share = target.exp()[:, 1:].sum(-1, keepdim=True)
    conditional = torch.log(target.exp()[:, 1:] / share)
    expected = gradient_of(lambda logits: kl(functional.coarsen(logits, ids - 1, 3), conditional), student)
    torch.testing.assert_close(gradient, share * expected)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_entries_at_minus_infinity_have_no_part_in_their_outcome(dtype):
    logits, ids = normal(3, 6, dtype=dtype), torch.tensor([0, 0, 1, 1, 2, 2])
    logits[:, [0, 4, 5]] = -math.inf
    found = functional.coarsen(logits, ids, 3)
    torch.testing.assert_close(found[:, :2], functional.coarsen(logits[:, 1:4], torch.tensor([0, 1, 1]), 2))
    assert found[:, 2].tolist() == [functional.LOG_ZERO] * 3
    gradient = gradient_of(lambda values: functional.coarsen(values, ids, 3) * torch.tensor([1.0, 2, 3]), logits)
    assert gradient.isfinite().all()


def test_coarsen_makes_no_matrix_of_vocabulary_by_outcomes():
    size = 10**6  # such a matrix would take 4 TB
    found = functional.coarsen(torch.zeros(1, size), torch.arange(size), size)
    torch.testing.assert_close(found[0, 0].item(), -math.log(size))


@settings(deadline=None)
@given(st.integers(0, 10**6), st.sampled_from(TEMPERATURES))
def test_models_of_equal_belief_over_vocabularies_of_different_size_have_no_loss(seed, temperature):
    generator = np.random.default_rng(seed)
    words = int(generator.integers(2, 8))
    beliefs = generator.dirichlet(np.ones(words), size=4)

    def spread(entries):
        """One model: every word has at least one entry, and splits its probability among its entries."""
        ids = generator.permutation(np.concatenate([np.arange(words), generator.integers(0, words, entries)]))
        shares = generator.uniform(0.05, 1, size=(4, len(ids)))
        totals = np.stack([np.bincount(ids, row, minlength=words) for row in shares])
        logits = np.log(beliefs[:, ids] * shares / totals[:, ids]) + generator.normal(size=(4, 1))
        return functional.coarsen(torch.from_numpy(logits), torch.from_numpy(ids), words)

    assert kl(spread(3), spread(9), temperature).abs().max() < 1e-10


@settings(deadline=None)
@given(st.integers(0, 10**6))
def test_coarsening_never_makes_the_divergence_larger(seed):
    student, ids, outcomes = grouped(seed)
    teacher = normal(5, 12, seed=seed + 1)
    coarse = kl(functional.coarsen(student, ids, outcomes), functional.coarsen(teacher, ids, outcomes))
    assert (coarse <= kl(student, teacher) + 1e-10).all()
    assert (coarse > -1e-10).all()
