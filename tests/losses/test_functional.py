import math

import numpy as np
import pytest
import scipy.special
import scipy.stats
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from hf_multiteacher.losses import functional

TEMPERATURES = [0.5, 1.0, 2.0, 7.0]
HALF_MAX = torch.finfo(torch.float16).max


def normal(*shape, seed=0, dtype=torch.float64, scale=3.0):
    return (scale * torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)).to(dtype)


def weights_of(teachers, rows, seed=0):
    return torch.softmax(normal(teachers, rows, seed=seed), dim=0)


def kl(student, teacher, temperature=1.0):
    target = functional.tempered_log_probabilities(teacher, temperature)
    return functional.kl_divergence(student, target, temperature)


def gradient_of(function, *inputs):
    inputs = [tensor.detach().clone().requires_grad_() for tensor in inputs]
    function(*inputs).sum().backward()
    return inputs[0].grad if len(inputs) == 1 else [tensor.grad for tensor in inputs]


def grouped(seed, rows=5, vocabulary=12, outcomes=6):
    """Logits and the outcome of each entry; the last outcome has no entry."""
    generator = torch.Generator().manual_seed(seed)
    ids = torch.randint(0, outcomes - 1, (vocabulary,), generator=generator)
    return normal(rows, vocabulary, seed=seed), ids, outcomes


# Divergences


@pytest.mark.parametrize("temperature", TEMPERATURES)
def test_kl_divergence_is_that_of_scipy_times_the_squared_temperature(temperature):
    student, teacher = normal(6, 9, seed=1), normal(6, 9, seed=2)
    p = scipy.special.softmax(teacher.numpy() / temperature, axis=-1)
    q = scipy.special.softmax(student.numpy() / temperature, axis=-1)
    expected = temperature**2 * scipy.special.rel_entr(p, q).sum(-1)
    np.testing.assert_allclose(kl(student, teacher, temperature), expected, rtol=1e-12)
    np.testing.assert_allclose(kl(student.float(), teacher.float(), temperature), expected, rtol=1e-5)


@pytest.mark.parametrize("temperature", TEMPERATURES)
def test_kl_divergence_is_zero_for_equal_distributions_whatever_the_offset_of_the_logits(temperature):
    logits = normal(6, 9)
    offsets = normal(6, 1, seed=3)
    assert kl(logits + offsets, logits, temperature).abs().max() < 1e-12
    assert kl((logits + offsets).float(), logits.float(), temperature).abs().max() < 1e-4
    assert kl(logits, logits, temperature).abs().max() == 0


@settings(deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 40), st.sampled_from(TEMPERATURES), st.floats(0, 30))
def test_kl_divergence_is_never_negative_beyond_rounding(seed, classes, temperature, scale):
    teacher = normal(4, classes, seed=seed, scale=scale, dtype=torch.float32)
    near = teacher + 1e-3 * normal(4, classes, seed=seed + 1, dtype=torch.float32)
    for student in (near, normal(4, classes, seed=seed + 2, scale=scale, dtype=torch.float32)):
        assert kl(student, teacher, temperature).min() > -2e-7 * temperature**2


def test_kl_divergence_of_a_near_student_over_a_large_vocabulary_is_not_lost_in_rounding():
    teacher = normal(3, 50_000, dtype=torch.float32)
    student = teacher + 0.01 * normal(3, 50_000, seed=1, dtype=torch.float32)
    expected = kl(student.double(), teacher.double(), 7.0)
    torch.testing.assert_close(kl(student, teacher, 7.0).double(), expected, rtol=1e-3, atol=0)


def test_kl_divergence_refuses_shapes_that_would_broadcast():
    with pytest.raises(ValueError, match=r"one shape, but are \[4, 3\] and \[1, 3\]"):
        functional.kl_divergence(normal(4, 3), normal(1, 3), 1.0)


def test_a_class_that_the_teacher_excludes_adds_nothing_and_has_a_finite_gradient():
    student, teacher = normal(3, 5, seed=1), normal(3, 5, seed=2)
    teacher[:, 2] = -math.inf
    p = scipy.special.softmax(teacher.numpy(), axis=-1)
    expected = scipy.special.rel_entr(p, scipy.special.softmax(student.numpy(), axis=-1)).sum(-1)
    np.testing.assert_allclose(kl(student, teacher), expected, rtol=1e-12)
    gradient = gradient_of(lambda logits: kl(logits, teacher), student)
    np.testing.assert_allclose(gradient, scipy.special.softmax(student.numpy(), axis=-1) - p, atol=1e-12)


def test_a_class_that_both_exclude_adds_nothing_and_one_that_only_the_student_excludes_costs_a_finite_amount():
    student, teacher = normal(2, 4, seed=1), normal(2, 4, seed=2)
    student[:, 1] = teacher[0, 1] = -math.inf
    kept = [0, 2, 3]
    torch.testing.assert_close(kl(student, teacher)[0], kl(student[:, kept], teacher[:, kept])[0])
    assert 0 < kl(student, teacher)[1] < 1e5
    assert gradient_of(lambda logits: kl(logits, teacher), student).isfinite().all()


def test_nan_is_not_hidden():
    logits = normal(2, 3)
    logits[0, 0] = math.nan
    assert kl(logits, normal(2, 3)).isnan().tolist() == [True, False]


@pytest.mark.parametrize("temperature", TEMPERATURES)
def test_bernoulli_kl_divergence_is_the_sum_of_scipys_over_the_labels(temperature):
    student, teacher = normal(6, 4, seed=1), normal(6, 4, seed=2)
    p, q = (scipy.special.expit(logits.numpy() / temperature) for logits in (teacher, student))
    expected = temperature**2 * (scipy.special.rel_entr(p, q) + scipy.special.rel_entr(1 - p, 1 - q)).sum(-1)
    target = functional.tempered_log_probabilities(functional.bernoulli_logits(teacher), temperature)
    np.testing.assert_allclose(functional.bernoulli_kl_divergence(student, target, temperature), expected, rtol=1e-10)


def test_squared_error_takes_rows_with_one_or_several_outputs_and_refuses_a_mixture():
    outputs, targets = normal(5, 1), normal(5, seed=1)
    torch.testing.assert_close(functional.squared_error(outputs, targets), (outputs[:, 0] - targets) ** 2)
    several, goals = normal(5, 3), normal(5, 3, seed=1)
    expected = F.mse_loss(several, goals, reduction="none").mean(-1)
    torch.testing.assert_close(functional.squared_error(several, goals), expected)
    with pytest.raises(ValueError, match=r"\[5, 3\] and \[5, 1\]"):
        functional.squared_error(several, targets)


# Gold labels


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.6])
def test_cross_entropy_is_that_of_the_label_smoother(smoothing):
    from transformers.trainer_pt_utils import LabelSmoother

    logits, labels = normal(7, 5, dtype=torch.float32), torch.tensor([0, 4, -100, 2, 2, -100, 1])
    expected = LabelSmoother(epsilon=smoothing)({"logits": logits}, labels)
    losses = functional.cross_entropy(logits, labels, smoothing)
    torch.testing.assert_close(losses.sum() / 5, expected)
    torch.testing.assert_close(
        functional.cross_entropy(logits[:1], labels[:1]), F.cross_entropy(logits[:1], labels[:1])[None]
    )


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_a_row_labelled_minus_100_costs_nothing_and_has_no_gradient(smoothing):
    labels = torch.tensor([-100, 1])
    losses = functional.cross_entropy(normal(2, 3), labels, smoothing)
    assert losses[0] == 0 and losses[1] > 0
    gradient = gradient_of(lambda logits: functional.cross_entropy(logits, labels, smoothing), normal(2, 3))
    assert gradient[0].abs().max() == 0 and gradient[1].abs().max() > 0


def test_binary_cross_entropy_is_torchs_averaged_over_the_labels():
    logits, labels = normal(6, 4), (normal(6, 4, seed=1) > 0).double()
    expected = F.binary_cross_entropy_with_logits(logits, labels, reduction="none").mean(-1)
    torch.testing.assert_close(functional.binary_cross_entropy(logits, labels), expected)
    with pytest.raises(ValueError, match="one shape"):
        functional.binary_cross_entropy(logits, labels[:, :1])


def test_a_label_of_minus_100_among_several_costs_nothing():
    logits, labels = normal(1, 2), torch.tensor([[1.0, -100.0]])
    expected = F.binary_cross_entropy_with_logits(logits[:, :1], labels[:, :1].double()) / 2
    torch.testing.assert_close(functional.binary_cross_entropy(logits, labels), expected[None])
    gradient = gradient_of(lambda values: functional.binary_cross_entropy(values, labels), logits)
    assert gradient[0, 0] != 0 and gradient[0, 1] == 0


def test_normalised_entropy_is_that_of_scipy_to_the_base_of_the_number_of_outcomes():
    logits = normal(6, 9)
    expected = scipy.stats.entropy(scipy.special.softmax(logits.numpy(), axis=-1), base=9, axis=-1)
    np.testing.assert_allclose(functional.normalised_entropy(logits), expected)
    assert functional.normalised_entropy(torch.zeros(2, 5)).tolist() == pytest.approx([1, 1])
    assert functional.normalised_entropy(torch.zeros(2, 1)).tolist() == [0, 0]
    assert functional.normalised_entropy(torch.tensor([[0.0, -math.inf]])).tolist() == [0]


# Ensembles


@pytest.mark.parametrize("temperature", TEMPERATURES)
def test_ensembles_are_the_arithmetic_and_the_geometric_mean_of_the_teachers(temperature):
    logits, weights = normal(3, 5, 7), weights_of(3, 5)
    probabilities = scipy.special.softmax(logits.numpy() / temperature, axis=-1)
    mean = np.einsum("krc,kr->rc", probabilities, weights.numpy())
    found = functional.ensemble_probabilities(logits, weights, temperature)
    np.testing.assert_allclose(found.exp(), mean, rtol=1e-12)
    mean = np.einsum("krc,kr->rc", logits.numpy(), weights.numpy())
    found = functional.ensemble_logits(logits, weights, temperature)
    np.testing.assert_allclose(found.exp(), scipy.special.softmax(mean / temperature, axis=-1), rtol=1e-12)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("ensemble", [functional.ensemble_probabilities, functional.ensemble_logits])
def test_one_teacher_of_weight_one_is_that_teacher_bit_for_bit(ensemble, dtype):
    logits = normal(1, 50, 31, dtype=dtype, scale=8)
    alone = functional.tempered_log_probabilities(logits[0], 2.0)
    assert torch.equal(ensemble(logits, torch.ones(1, 50), 2.0), alone)


@pytest.mark.parametrize("ensemble", [functional.ensemble_probabilities, functional.ensemble_logits])
def test_equal_teachers_are_one_teacher_and_the_order_of_teachers_changes_nothing(ensemble):
    logits, weights = normal(4, 5, 7), weights_of(4, 5)
    same = ensemble(logits[:1].expand(4, 5, 7), weights, 2.0)
    torch.testing.assert_close(same, functional.tempered_log_probabilities(logits[0], 2.0))
    order = [2, 0, 3, 1]
    torch.testing.assert_close(ensemble(logits[order], weights[order], 2.0), ensemble(logits, weights, 2.0))


@pytest.mark.parametrize("ensemble", [functional.ensemble_probabilities, functional.ensemble_logits])
@pytest.mark.parametrize("nothing", [math.nan, -math.inf])
def test_a_teacher_of_weight_zero_has_no_say_whatever_its_logits(ensemble, nothing):
    logits, weights = normal(2, 5, 7), torch.tensor([[1.0], [0.0]]).expand(2, 5)
    expected = ensemble(logits, weights, 2.0)
    logits[1] = nothing
    assert torch.equal(ensemble(logits, weights, 2.0), expected)


@pytest.mark.parametrize("ensemble", [functional.ensemble_probabilities, functional.ensemble_logits])
def test_ensembles_of_teachers_that_exclude_a_class_are_finite(ensemble):
    logits = normal(2, 3, 4)
    logits[:, :, 0] = -math.inf
    logits[0, :, 1] = -math.inf
    found = ensemble(logits, torch.full((2, 3), 0.5), 2.0)
    assert found.isfinite().all()
    assert found[:, 0].exp().max() == 0
    assert (found[:, 1].exp() > 0).all() == (ensemble is functional.ensemble_probabilities)


def test_the_kl_to_the_mean_of_the_probabilities_has_the_gradient_of_the_mean_of_the_kls():
    student, teachers, weights = normal(5, 7, seed=9), normal(3, 5, 7), weights_of(3, 5)
    target = functional.ensemble_probabilities(teachers, weights, 2.0)
    joint = gradient_of(lambda logits: functional.kl_divergence(logits, target, 2.0), student)
    each = gradient_of(
        lambda logits: sum(w * kl(logits, t, 2.0) for w, t in zip(weights, teachers, strict=True)), student
    )
    torch.testing.assert_close(joint, each)


def test_weighted_mean_takes_rows_with_and_without_further_dimensions():
    outputs, weights = normal(3, 5, 2), weights_of(3, 5)
    expected = np.einsum("krc,kr->rc", outputs.numpy(), weights.numpy())
    np.testing.assert_allclose(functional.weighted_mean(outputs, weights), expected)
    np.testing.assert_allclose(functional.weighted_mean(outputs[..., 0], weights), expected[:, 0])


# Weights


def weights_by_formula(values, available, share):
    """The formula of confidence and entropy weights, one row after the other."""
    found = np.zeros(values.shape)
    for row in range(values.shape[1]):
        teachers = np.flatnonzero(available[:, row])
        if len(teachers) == 1:
            found[teachers, row] = 1
        elif len(teachers) > 1:
            found[teachers, row] = (1 - share(values[teachers, row])) / (len(teachers) - 1)
    return found


AVAILABLE = torch.tensor([[1, 1, 1, 0, 0, 0], [1, 1, 0, 1, 0, 0], [1, 0, 1, 0, 1, 0]], dtype=torch.bool)


@pytest.mark.parametrize(
    "function, share",
    [
        (functional.confidence_weights, scipy.special.softmax),
        (functional.entropy_weights, lambda entropies: entropies / entropies.sum()),
    ],
)
def test_weights_per_row_follow_the_formula_over_the_teachers_that_have_the_row(function, share):
    values = normal(3, 6).abs()
    found = function(values, AVAILABLE)
    np.testing.assert_allclose(found, weights_by_formula(values.numpy(), AVAILABLE.numpy(), share))
    assert found.sum(dim=0).tolist() == pytest.approx([1, 1, 1, 1, 1, 0])
    np.testing.assert_allclose(function(values), weights_by_formula(values.numpy(), np.ones((3, 6)), share))
    assert function(values[:1]).tolist() == [[1] * 6]


def test_a_teacher_nearer_to_the_gold_label_or_surer_weighs_more():
    values = torch.tensor([[0.1], [0.9]])
    for function in (functional.confidence_weights, functional.entropy_weights):
        better, worse = function(values)
        assert better > worse


def test_entropy_weights_are_equal_where_every_teacher_is_certain():
    found = functional.entropy_weights(torch.zeros(3, 6), AVAILABLE)
    torch.testing.assert_close(found, functional.renormalise(torch.ones(3, 1), AVAILABLE))


def test_a_teacher_that_excludes_the_gold_label_gets_no_confidence():
    assert functional.confidence_weights(torch.tensor([[math.inf], [2.0]])).tolist() == [[0], [1]]
    assert functional.confidence_weights(torch.tensor([[math.inf], [math.inf]])).tolist() == [[0.5], [0.5]]


def test_renormalise_shares_the_weight_among_the_teachers_that_have_the_row():
    found = functional.renormalise(torch.tensor([[0.5], [0.3], [0.2]]), AVAILABLE)
    expected = [[0.5, 0.625, 5 / 7, 0, 0, 0], [0.3, 0.375, 0, 1, 0, 0], [0.2, 0, 2 / 7, 0, 1, 0]]
    torch.testing.assert_close(found, torch.tensor(expected))
    silent = functional.renormalise(torch.tensor([[1.0], [0.0], [0.0]]), AVAILABLE)
    assert silent.tolist() == [[1, 1, 1, 0, 0, 0], [0] * 6, [0] * 6]


# Coarsening


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


# Hidden states


def test_mean_over_spans_averages_the_tokens_of_each_span_of_each_example():
    hidden = normal(3, 5, 4)
    spans = torch.tensor([[-1, 0, 0, 2, -1], [1, 1, 1, 0, 3], [-1, -1, -1, -1, -1]])
    means, valid = functional.mean_over_spans(hidden, spans, 4)
    assert means.shape == (3, 4, 4)
    for example in range(3):
        for span in range(4):
            members = hidden[example, spans[example] == span]
            assert valid[example, span] == (len(members) > 0)
            expected = members.mean(dim=0) if len(members) else torch.zeros(4).double()
            torch.testing.assert_close(means[example, span], expected)


def test_the_mean_over_a_span_of_one_token_is_that_token_bit_for_bit():
    hidden = normal(2, 5, 4, dtype=torch.float32)
    means, valid = functional.mean_over_spans(hidden, torch.arange(5).expand(2, 5), 5)
    assert torch.equal(means, hidden) and valid.all()


def test_cosine_distance_is_one_minus_torchs_similarity():
    first, second = normal(6, 8, seed=1), normal(6, 8, seed=2)
    expected = 1 - F.cosine_similarity(first, second)
    torch.testing.assert_close(functional.cosine_distance(first, second), expected)
    torch.testing.assert_close(functional.cosine_distance(1e-9 * first, 1e9 * second), expected)
    assert functional.cosine_distance(first, 5 * first).abs().max() < 1e-12
    torch.testing.assert_close(functional.cosine_distance(first, -first), torch.full((6,), 2.0).double())
    with pytest.raises(ValueError, match="one shape"):
        functional.cosine_distance(first, second[:1])


def test_a_zero_vector_is_at_distance_one_and_gets_no_gradient():
    first = torch.stack([torch.zeros(4), torch.ones(4)])
    for second in (torch.ones(2, 4), torch.zeros(2, 4)):
        assert functional.cosine_distance(first, second)[0] == 1
        gradients = gradient_of(functional.cosine_distance, first, second)
        assert all(gradient.isfinite().all() for gradient in gradients)
        assert gradients[0][0].abs().max() == 0


# Precision, gradients and edges, for every function


IDS = torch.tensor([1, 1, 2, 3, 3])
SPANS = torch.tensor([[0, 0, 2, -1], [1, -1, 1, 1]])
LABELS = torch.tensor([0, 4, 2])
TARGETS = torch.tensor([[0.0, 1.0, 0.0, 1.0, 1.0]] * 3)
OTHER = normal(3, 5, seed=5)
FUNCTIONS = {
    "kl_divergence": lambda x: kl(x, OTHER, 2.0),
    "bernoulli_kl_divergence": lambda x: functional.bernoulli_kl_divergence(
        x, functional.tempered_log_probabilities(functional.bernoulli_logits(OTHER), 2.0), 2.0
    ),
    "squared_error": lambda x: functional.squared_error(x, OTHER),
    "cross_entropy": lambda x: functional.cross_entropy(x, LABELS, 0.1),
    "binary_cross_entropy": lambda x: functional.binary_cross_entropy(x, TARGETS.double()),
    "normalised_entropy": functional.normalised_entropy,
    "coarsen": lambda x: functional.coarsen(x, IDS, 5),
    "coarsened_kl": lambda x: kl(functional.coarsen(x, IDS, 5), functional.coarsen(OTHER, IDS, 5), 2.0),
    "mean_over_spans": lambda x: functional.mean_over_spans(x[:2, :4, None].expand(2, 4, 3), SPANS, 3)[0],
    "cosine_distance": lambda x: functional.cosine_distance(x, OTHER),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_gradients_are_those_of_finite_differences(name):
    assert torch.autograd.gradcheck(FUNCTIONS[name], normal(3, 5).requires_grad_())


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_inputs_are_computed_in_full_precision(name, dtype):
    logits = normal(3, 5, dtype=dtype)
    with torch.no_grad():
        found = FUNCTIONS[name](logits)
        assert found.dtype in (torch.float32, torch.float64)
        torch.testing.assert_close(found.double(), FUNCTIONS[name](logits.double()), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("dtype, size", [(torch.float16, HALF_MAX), (torch.bfloat16, HALF_MAX), (torch.float32, 1e4)])
def test_extreme_values_give_finite_results_and_gradients(name, dtype, size):
    logits = torch.tensor([[size, -size, size, 0, 1], [-size] * 5, [0, -size, -size, -size, -size]], dtype=dtype)
    logits.requires_grad_()
    found = FUNCTIONS[name](logits)
    assert found.isfinite().all()
    found.sum().backward()
    assert logits.grad.isfinite().all()


def test_results_are_float32_for_half_and_float64_for_float64():
    for dtype, expected in ((torch.float16, torch.float32), (torch.bfloat16, torch.float32), (torch.float64,) * 2):
        logits = normal(3, 5, dtype=dtype)
        spans = torch.zeros(3, 1, dtype=torch.int64)
        found = [
            kl(logits, logits),
            functional.squared_error(logits, logits),
            functional.cross_entropy(logits, LABELS),
            functional.binary_cross_entropy(logits, TARGETS.to(dtype)),
            functional.normalised_entropy(logits),
            functional.coarsen(logits, IDS, 5),
            functional.mean_over_spans(logits[:, None], spans, 1)[0],
            functional.cosine_distance(logits, logits),
            functional.ensemble_probabilities(logits[None], torch.ones(1, 3, dtype=dtype), 2.0),
            functional.ensemble_logits(logits[None], torch.ones(1, 3, dtype=dtype), 2.0),
            functional.confidence_weights(logits),
            functional.entropy_weights(logits.abs()),
            functional.renormalise(logits.abs(), torch.ones(3, 5, dtype=torch.bool)),
        ]
        assert {tensor.dtype for tensor in found} == {expected}


def test_no_rows_give_no_values():
    logits, none = torch.zeros(0, 5, requires_grad=True), torch.zeros(0, dtype=torch.int64)
    found = [
        kl(logits, logits.detach()),
        functional.squared_error(logits, torch.zeros(0, 5)),
        functional.squared_error(logits[:, 0], torch.zeros(0)),
        functional.cross_entropy(logits, none, 0.1),
        functional.binary_cross_entropy(logits, torch.zeros(0, 5)),
        functional.coarsen(logits, IDS, 5),
        functional.cosine_distance(logits, logits),
        functional.ensemble_probabilities(logits[None], torch.ones(1, 0), 2.0),
        functional.ensemble_logits(logits[None], torch.ones(1, 0), 2.0),
        functional.confidence_weights(torch.zeros(2, 0)),
    ]
    assert all(tensor.numel() == 0 for tensor in found)
    sum(tensor.sum() for tensor in found).backward()
