"""Every formula of the objective, once, on plain tensors; one file per subject.

All functions give one value per row and compute in float32 at least (float64 when given float64). A class whose logit
is minus infinity has probability zero: its log-probability reads `LOG_ZERO`, so that soft losses and their gradients
stay finite. Plus infinity and NaN are not hidden: they give NaN, because the model that made them has overflowed.
"""

from .agreement import jensen_shannon_distance, label_and_probability_agreement
from .divergences import bernoulli_logits, divergence, kl_divergence, squared_error, tempered_log_probabilities
from .ensembles import ensemble_logits, ensemble_probabilities, weighted_mean
from .hidden_states import cosine_distance, count_spans, mean_over_spans, tokens_per_span
from .label_losses import binary_cross_entropy, cross_entropy
from .numerics import IGNORED_LABEL, LOG_ZERO
from .outcomes import coarsen
from .teacher_weights import (
    confidence_weights,
    entropy_weights,
    normalised_entropy,
    renormalise,
)

__all__ = [
    "IGNORED_LABEL",
    "LOG_ZERO",
    "bernoulli_logits",
    "binary_cross_entropy",
    "coarsen",
    "confidence_weights",
    "cosine_distance",
    "count_spans",
    "cross_entropy",
    "divergence",
    "ensemble_logits",
    "ensemble_probabilities",
    "entropy_weights",
    "kl_divergence",
    "jensen_shannon_distance",
    "label_and_probability_agreement",
    "mean_over_spans",
    "normalised_entropy",
    "renormalise",
    "squared_error",
    "tempered_log_probabilities",
    "tokens_per_span",
    "weighted_mean",
]
