"""How far the student is from the gold labels."""

from typing import get_args

from torch import Tensor, nn

from .functional import binary_cross_entropy, cross_entropy, squared_error
from .problem import Problem, expect_one_of


class HardLabelLoss(nn.Module):
    """The loss with the gold labels: cross entropy, binary cross entropy or squared error, as the problem says."""

    def __init__(self, problem: Problem, label_smoothing: float = 0.0) -> None:
        """Choose the loss.

        Args:
            problem: What the logits mean.
            label_smoothing: ε in [0, 1), for single-label problems only.

        Raises:
            ValueError: If the problem is unknown or cannot be smoothed.
        """
        super().__init__()
        expect_one_of("problem", problem, get_args(Problem))
        if not 0 <= label_smoothing < 1:
            raise ValueError(f"HardLabelLoss expects label_smoothing in [0, 1), not {label_smoothing}.")
        if label_smoothing and problem != "single_label_classification":
            raise ValueError(
                f"Label smoothing spreads one gold label over the other classes, which {problem} does not have. "
                "Set label_smoothing_factor to 0."
            )

        self.problem = problem
        self.label_smoothing = label_smoothing

    def forward(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Loss of each row.

        Args:
            logits: `[rows, classes]`; in regression `[rows]` or `[rows, outputs]`.
            labels: `[rows]` integers; multi-label `[rows, classes]` in [0, 1], -100 for none; in regression as the
                logits.

        Returns:
            `[rows]`; 0 for a row labelled -100, regression apart.
        """
        if self.problem == "regression":
            return squared_error(logits, labels)
        if self.problem == "multi_label_classification":
            return binary_cross_entropy(logits, labels)
        return cross_entropy(logits, labels, self.label_smoothing)
