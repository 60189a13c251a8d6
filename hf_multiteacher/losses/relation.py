"""How differently the student relates the spans of an example to one another from how its teachers do."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from .functional import count_spans, kl_divergence, mean_over_spans, span_relations, tempered_log_probabilities
from .layer_map import expect_layer_map


class RelationLoss(nn.Module):
    """KL(teacher ‖ student) between the relations of spans, on hidden states averaged over them.

    The relations of a span are the softmax of its scaled dot products with all spans of its example that both sides
    have. No vocabulary, width or tokenization is in them, so nothing is projected, and there is nothing to train.
    """

    def __init__(
        self,
        layer_map: Mapping[int, int],
        heads: int,
        *,
        student_size: int,
        student_layers: int,
        teacher_sizes: Sequence[int],
        teacher_layers: Sequence[int],
    ) -> None:
        """Check the layer map and the number of heads.

        Args:
            layer_map: As for `HiddenStateLoss`.
            heads: Into how many equal pieces hidden states are cut, each of which has relations of its own.
            student_size: The student's hidden size.
            student_layers: The student's number of layers.
            teacher_sizes: One hidden size per teacher.
            teacher_layers: One number of layers per teacher.

        Raises:
            ValueError: If the map is empty or names a layer that is not there, or `heads` does not divide every size.
        """
        super().__init__()
        expect_layer_map(layer_map, student_layers, teacher_layers)
        _expect_heads(heads, student_size, teacher_sizes)

        self.layer_map = dict(layer_map)
        self.heads = heads

    def forward(
        self,
        student_states: Sequence[Tensor],
        teacher_states: Sequence[Tensor] | Mapping[int, Tensor],
        student_spans: Tensor,
        teacher_spans: Tensor,
        num_spans: int | None = None,
        shared: Tensor | None = None,
    ) -> Tensor:
        """Divergences of the student from one teacher.

        Args:
            student_states: As for `HiddenStateLoss`.
            teacher_states: As for `HiddenStateLoss`.
            student_spans: As for `HiddenStateLoss`.
            teacher_spans: As for `HiddenStateLoss`.
            num_spans: As for `HiddenStateLoss`.
            shared: As for `HiddenStateLoss`.

        Returns:
            `[rows]` in nats, the mean over heads and layer pairs, one row per span with a token on both sides, in
            row-major order. A span that is alone in its example has nothing to relate to: 0.
        """
        num_spans = count_spans(student_spans, teacher_spans) if num_spans is None else num_spans

        divergences = []
        for student_layer, teacher_layer in self.layer_map.items():
            student, in_student = mean_over_spans(student_states[student_layer], student_spans, num_spans)
            target, in_teacher = mean_over_spans(teacher_states[teacher_layer], teacher_spans, num_spans)
            present = in_student & in_teacher
            if shared is None:
                shared = present.flatten().nonzero().squeeze(1)
            student, target = (
                span_relations(means, present, self.heads).flatten(0, 1).index_select(0, shared)
                for means in (student, target)
            )
            divergences.append(kl_divergence(student, tempered_log_probabilities(target, 1.0), 1.0).mean(dim=-1))

        return torch.stack(divergences).mean(dim=0)


def _expect_heads(heads: int, student_size: int, teacher_sizes: Sequence[int]) -> None:
    sizes = {"the student": student_size} | {f"teacher {teacher}": size for teacher, size in enumerate(teacher_sizes)}

    for model, size in sizes.items():
        if size % heads:
            raise ValueError(
                f"relation_heads cuts the hidden states of every model into equal pieces, but the hidden size of "
                f"{model}, {size}, is no multiple of {heads}. Choose a number that divides all of {[*sizes.values()]}."
            )
