"""Random inputs, and what the tests of formulas and losses share."""

import torch

from hf_multiteacher.losses import functional

TEMPERATURES = [0.5, 1.0, 2.0, 7.0]

SINGLE, MULTI, REGRESSION = "single_label_classification", "multi_label_classification", "regression"
PROBLEMS = [SINGLE, MULTI, REGRESSION]
CLASSES = {SINGLE: 4, MULTI: 4, REGRESSION: 1}

AVAILABLE = torch.tensor([[1, 1, 1, 0, 0, 0], [1, 1, 0, 1, 0, 0], [1, 0, 1, 0, 1, 0]], dtype=torch.bool)
"""Which of three teachers has which of six rows; nobody has the last."""


def normal(*shape, seed=0, dtype=torch.float64, scale=3.0):
    """Normal numbers, the same for the same seed."""
    return (scale * torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)).to(dtype)


def weights_of(teachers, rows, seed=0):
    """Weights that sum to 1 over the teachers."""
    return torch.softmax(normal(teachers, rows, seed=seed), dim=0)


def kl(student, teacher, temperature=1.0):
    """The divergence between two rows of logits."""
    target = functional.tempered_log_probabilities(teacher, temperature)
    return functional.kl_divergence(student, target, temperature)


def gradient_of(function, *inputs):
    """The gradient of the sum of a function's values; a list where there are several inputs."""
    inputs = [tensor.detach().clone().requires_grad_() for tensor in inputs]
    function(*inputs).sum().backward()
    return inputs[0].grad if len(inputs) == 1 else [tensor.grad for tensor in inputs]
