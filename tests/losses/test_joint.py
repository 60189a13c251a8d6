"""Soft and hard loss in one go, against the losses one by one: in float64, and chunk by chunk."""

import math

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from helpers.formulas import SINGLE, normal
from hf_multiteacher.losses import joint
from hf_multiteacher.losses.functional import coarsen, renormalise
from hf_multiteacher.losses.hard_label import HardLabelLoss
from hf_multiteacher.losses.joint import JointLoss, RowTargets, chunks
from hf_multiteacher.losses.soft_target import SoftTargetLoss
from hf_multiteacher.losses.weighting import WEIGHTINGS

ROWS, ENTRIES, TEACHERS = 23, 11, 3
FIXED = torch.tensor([0.5, 0.3, 0.2], dtype=torch.float64)
SOFT, HARD = 0.7, 0.3


class ToOutcomes:
    """Entries beyond the fourth are "other" to both."""

    entries = torch.tensor([0, 1, 2, 3, 1, *[0] * (ENTRIES - 5)])

    def of_student(self, logits):
        return coarsen(logits, self.entries, 4)

    def of_teacher(self, logits):
        return coarsen(logits, self.entries.flip(0), 4)

    def of_labels(self, labels):
        return self.entries[labels.clamp(min=0)].where(labels >= 0, labels)

    def shared_mass(self, logs):
        return 1 - logs[:, 0].exp()


def weigh_by(weighting):
    return lambda logits, labels, followed: WEIGHTINGS[weighting](
        SINGLE, logits, labels, followed, FIXED.to(logits[0].dtype)
    )


def batch(dtype, coarsenings=(None,) * TEACHERS):
    """Logits of a student and its teachers, labels and which teacher has which row."""
    student, teachers = (
        normal(ROWS, ENTRIES, seed=1, dtype=dtype),
        normal(TEACHERS, ROWS, ENTRIES, seed=2, dtype=dtype),
    )
    labels = torch.arange(ROWS) % ENTRIES
    labels[::5] = -100

    followed = (normal(TEACHERS, ROWS, seed=3, dtype=dtype) > -1) & (torch.arange(ROWS) % 7 > 0)
    return student, RowTargets([*teachers], list(coarsenings), followed, [True] * TEACHERS, labels)


def reference(student, targets, temperature, ensemble, weigh, smoothing):
    """The two losses of each row as `SoftTargetLoss` and `HardLabelLoss` say them."""
    pairs = [
        (student, logits, targets.labels)
        if each is None
        else (each.of_student(student), each.of_teacher(logits), each.of_labels(targets.labels))
        for logits, each in zip(targets.teacher_logits, targets.coarsenings, strict=True)
    ]
    weights = weigh([logits for _, logits, _ in pairs], [labels for _, _, labels in pairs], targets.followed)

    if any(each is not None for each in targets.coarsenings):
        loss = SoftTargetLoss(SINGLE, temperature)
        soft = sum(w * loss.divergence(ours, theirs) for w, (ours, theirs, _) in zip(weights, pairs, strict=True))
    else:
        soft = SoftTargetLoss(SINGLE, temperature, ensemble)(student, torch.stack(targets.teacher_logits), weights)
    return soft, HardLabelLoss(SINGLE, smoothing)(student, targets.labels)


@pytest.fixture(autouse=True)
def few_rows_at_once(monkeypatch):
    monkeypatch.setattr(joint, "CPU_ENTRIES", 5 * ENTRIES)


def compare(student, targets, temperature, ensemble, weighting, smoothing, tolerance):
    weigh, upstream = weigh_by(weighting), normal(ROWS, seed=4, dtype=student.dtype)
    ours, theirs = (student.clone().requires_grad_() for _ in range(2))

    loss, found = JointLoss(temperature, ensemble, weigh, smoothing)(ours, targets, SOFT, HARD)
    soft, hard = reference(theirs, targets, temperature, ensemble, weigh, smoothing)
    (loss * upstream).sum().backward()
    ((SOFT * soft + HARD * hard) * upstream).sum().backward()

    for value, expected in ((found.soft, soft), (found.hard, hard), (loss, SOFT * soft + HARD * hard)):
        torch.testing.assert_close(value.detach(), expected.detach(), rtol=tolerance, atol=tolerance)
    torch.testing.assert_close(ours.grad, theirs.grad, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("weighting", WEIGHTINGS)
@pytest.mark.parametrize("ensemble", ["probabilities", "logits", "per_teacher"])
@pytest.mark.parametrize("temperature", [1.0, 3.0])
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-12), (torch.float32, 1e-5)])
def test_it_says_what_the_two_losses_say(dtype, tolerance, temperature, ensemble, weighting, smoothing):
    compare(*batch(dtype), temperature, ensemble, weighting, smoothing, tolerance)


@pytest.mark.parametrize("weighting", WEIGHTINGS)
@pytest.mark.parametrize("coarsenings", [(ToOutcomes(), None, None), (None, ToOutcomes(), ToOutcomes())])
def test_teachers_of_other_vocabularies_are_compared_over_shared_outcomes(coarsenings, weighting):
    compare(*batch(torch.float64, coarsenings), 2.0, "per_teacher", weighting, 0.0, 1e-12)


@pytest.mark.parametrize("ensemble", ["probabilities", "logits", "per_teacher"])
def test_an_impossible_class_costs_what_it_does_elsewhere_and_has_no_gradient(ensemble):
    student, targets = batch(torch.float64)
    student[3, 2] = student[4, :5] = -math.inf
    targets.labels[3:5] = 10
    targets.teacher_logits[1][5, 1] = -math.inf

    compare(student, targets, 2.0, ensemble, "fixed", 0.0, 1e-12)


def test_the_gradient_is_that_of_the_value():
    student, targets = batch(torch.float64, (None, ToOutcomes(), None))
    loss = JointLoss(2.0, "per_teacher", weigh_by("fixed"), 0.1)

    assert torch.autograd.gradcheck(lambda logits: loss(logits, targets, SOFT, HARD)[0], student.requires_grad_())


def test_a_teacher_that_is_only_measured_has_a_figure_and_no_gradient():
    student, targets = batch(torch.float64)
    targets.teacher_logits[1][:] = math.nan
    followed = targets.followed & torch.tensor([True, False, True])[:, None]
    targets = RowTargets(targets.teacher_logits, targets.coarsenings, followed, [True, False, True], targets.labels)

    loss, found = JointLoss(2.0, "probabilities", weigh_by("fixed"))(student.requires_grad_(), targets, SOFT, HARD)
    loss.sum().backward()

    assert student.grad.isfinite().all()
    assert found.sound.all(dim=1).tolist() == [True, False, True]
    assert found.each[1].isnan().all()


def test_the_figure_of_each_teacher_is_its_own_divergence():
    student, targets = batch(torch.float64, (None, ToOutcomes(), None))
    found = JointLoss(2.0, "per_teacher", weigh_by("fixed"))(student, targets, SOFT, HARD)[1]

    loss = SoftTargetLoss(SINGLE, 2.0)
    torch.testing.assert_close(found.each[0], loss.divergence(student, targets.teacher_logits[0]))
    coarse = ToOutcomes().of_student(student), ToOutcomes().of_teacher(targets.teacher_logits[1])
    torch.testing.assert_close(found.each[1], loss.divergence(*coarse))
    torch.testing.assert_close(found.shared[1], 1 - coarse[1][:, 0].exp())


def test_weights_that_are_given_are_used_as_they_are():
    student, targets = batch(torch.float64)
    weights = renormalise(torch.tensor([[0.1], [0.2], [0.7]]).double(), targets.followed)
    given = RowTargets(targets.teacher_logits, targets.coarsenings, targets.followed, targets.leaders, None, weights)

    found = JointLoss(2.0, "probabilities", weigh_by("fixed"))(student, given, SOFT, None)[1]

    expected = SoftTargetLoss(SINGLE, 2.0)(student, torch.stack(targets.teacher_logits), weights)
    torch.testing.assert_close(found.soft, expected)
    assert not found.hard.any()


class Largest(TorchDispatchMode):
    """Notes the largest tensor that an operation makes, beside the one of a given size."""

    def __init__(self, apart_from):
        super().__init__()
        self.apart_from, self.numbers = apart_from, 0

    def __torch_dispatch__(self, operation, types, arguments=(), keywords=None):
        result = operation(*arguments, **(keywords or {}))
        for each in result if isinstance(result, tuple | list) else [result]:
            view = isinstance(each, torch.Tensor) and each._is_view()
            if isinstance(each, torch.Tensor) and not view and each.shape != self.apart_from:
                self.numbers = max(self.numbers, each.numel())
        return result


@pytest.mark.parametrize("rows", [40, 400])
def test_what_it_needs_beside_the_gradient_does_not_grow_with_the_batch(rows):
    student, teachers = normal(rows, 50, seed=1), normal(2, rows, 50, seed=2)
    followed = torch.ones(2, rows, dtype=torch.bool)
    targets = RowTargets([*teachers], [None, None], followed, [True, True], torch.zeros(rows, dtype=torch.long))
    weigh = lambda logits, labels, has: renormalise(torch.tensor([[0.5], [0.5]]), has)  # noqa: E731

    with Largest(student.shape) as largest:
        JointLoss(2.0, "probabilities", weigh)(student.requires_grad_(), targets, SOFT, HARD)[0].sum().backward()

    assert largest.numbers <= max(joint.CPU_ENTRIES, 3 * 2 * rows)


def test_rows_are_split_evenly():
    sizes = [len(range(*each.indices(23))) for each in chunks(torch.empty(23, ENTRIES))]

    assert sizes == [5, 5, 5, 5, 3]
    assert [*chunks(torch.empty(0, ENTRIES))] == [slice(0, 1)]


@pytest.mark.parametrize(("rows", "expected"), [(512, [512]), (513, [171, 171, 171]), (1024, [256] * 4)])
def test_a_device_that_is_no_cpu_gets_larger_chunks(rows, expected):
    logits = torch.empty(rows, 250_000, device="meta")
    assert [len(range(*each.indices(rows))) for each in chunks(logits)] == expected


def test_no_rows_give_no_losses():
    student = torch.empty(0, ENTRIES, requires_grad=True)
    none = torch.empty(3, 0, dtype=torch.bool)
    targets = RowTargets([torch.empty(0, ENTRIES)] * 3, [None] * 3, none, [True] * 3, torch.empty(0).long())

    loss, found = JointLoss(2.0, "probabilities", weigh_by("fixed"))(student, targets, SOFT, HARD)
    loss.sum().backward()

    assert loss.shape == (0,) and found.each.shape == (3, 0)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_a_loss_scale_reaches_half_precision_before_it_is_rounded(dtype):
    student, targets = batch(torch.float32)
    exact, half = student.clone().requires_grad_(), student.to(dtype).requires_grad_()

    for logits in (exact, half):
        loss = JointLoss(2.0, "probabilities", weigh_by("fixed"))(logits, targets, SOFT / 1e6, HARD / 1e6)[0]
        (loss * 2.0**16).sum().backward()

    torch.testing.assert_close(half.grad.float(), exact.grad, rtol=0.05, atol=1e-3)
