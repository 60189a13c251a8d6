"""How far the student's hidden states are from its teachers'."""

from collections.abc import Collection, Mapping, Sequence
from typing import cast

import torch
from torch import Tensor, nn

from .functional import cosine_distance, count_spans, mean_over_spans


class HiddenStateLoss(nn.Module):
    """Cosine distance between the hidden states of the student and of its teachers, averaged over spans.

    Where the sizes differ, the student's states pass through a linear projection without bias, one per teacher and
    layer pair, owned by this module: to be trained, saved and resumed beside the student, in float32 (float64 for a
    float64 student), to which the states are brought first.
    """

    def __init__(
        self,
        layer_map: Mapping[int, int],
        *,
        student_size: int,
        student_layers: int,
        teacher_sizes: Sequence[int],
        teacher_layers: Sequence[int],
    ) -> None:
        """Check the layer map and make the projections.

        Args:
            layer_map: Index into the student's `hidden_states` -> index into every teacher's (0 = embeddings, n =
                output of layer n, negative from the end).
            student_size: The student's hidden size.
            student_layers: The student's number of layers.
            teacher_sizes: One hidden size per teacher.
            teacher_layers: One number of layers per teacher.

        Raises:
            ValueError: If the map is empty or names a layer that is not there.
        """
        super().__init__()
        if not layer_map:
            raise ValueError("The hidden-state loss compares at least one pair of layers, but layer_map is empty.")
        _expect_layers("the student", student_layers, layer_map.keys())
        for teacher, layers in enumerate(teacher_layers):
            _expect_layers(f"teacher {teacher}", layers, layer_map.values())

        self.layer_map = dict(layer_map)
        self.projections = nn.ModuleList(
            nn.ModuleList(_projection(student_size, size) for _ in self.layer_map) for size in teacher_sizes
        )

    def forward(
        self,
        student_states: Sequence[Tensor],
        teacher_states: Sequence[Tensor] | Mapping[int, Tensor],
        teacher: int,
        student_spans: Tensor,
        teacher_spans: Tensor,
        num_spans: int | None = None,
        shared: Tensor | None = None,
    ) -> Tensor:
        """Distances between the student and one teacher.

        Args:
            student_states: The student's `hidden_states`, each `[batch, length, size]`.
            teacher_states: The teacher's `hidden_states`, each `[batch, teacher length, teacher size]`; those of
                `layer_map` are enough.
            teacher: The teacher's number.
            student_spans: `[batch, length]`, the span of each token, -1 for none; where the two read one encoding,
                every token that is no padding is a span.
            teacher_spans: `[batch, teacher length]`, the same numbering.
            num_spans: Number of spans, above every id, if that is known already: to find it out makes a GPU wait.
            shared: Likewise which of all `[batch * num_spans]` have a token on both sides, int64 `[rows]`.

        Returns:
            `[rows]`, the mean over the layer pairs, one row per span with a token on both sides, in row-major order.
        """
        num_spans = count_spans(student_spans, teacher_spans) if num_spans is None else num_spans
        projections = cast(nn.ModuleList, self.projections[teacher])

        distances = []
        for (student_layer, teacher_layer), projection in zip(self.layer_map.items(), projections, strict=True):
            student, in_student = mean_over_spans(student_states[student_layer], student_spans, num_spans)
            target, in_teacher = mean_over_spans(teacher_states[teacher_layer], teacher_spans, num_spans)
            if shared is None:
                shared = (in_student & in_teacher).flatten().nonzero().squeeze(1)
            student, target = (each.flatten(0, 1).index_select(0, shared) for each in (student, target))
            distances.append(cosine_distance(projection(student), target))

        return torch.stack(distances).mean(dim=0)


def _projection(student_size: int, teacher_size: int) -> nn.Module:
    if student_size == teacher_size:
        return nn.Identity()
    return nn.Linear(student_size, teacher_size, bias=False)


def _expect_layers(model: str, layers: int, indices: Collection[int]) -> None:
    absent = [index for index in indices if not -layers - 1 <= index <= layers]
    if absent:
        raise ValueError(
            f"layer_map names the hidden states {absent} of {model}, which has {layers} layers, so its hidden states "
            f"are 0 (embeddings) to {layers}, or -1 (the last) to {-layers - 1}. Choose among these."
        )
