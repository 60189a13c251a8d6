"""Which hidden states of the student and of its teachers are compared."""

from collections.abc import Collection, Mapping, Sequence

STATE_LOSSES = ("hidden_loss", "relation_loss")
"""The components that compare hidden states: each has a part per teacher, weighed by its fixed weight."""


def expect_layer_map(layer_map: Mapping[int, int], student_layers: int, teacher_layers: Sequence[int]) -> None:
    """Refuse a layer map that compares nothing, or names a hidden state that is not there.

    Args:
        layer_map: Index into the student's `hidden_states` -> index into every teacher's (0 = embeddings, n =
            output of layer n, negative from the end).
        student_layers: The student's number of layers.
        teacher_layers: One number of layers per teacher.

    Raises:
        ValueError: If the map is empty or names a layer that is not there.
    """
    if not layer_map:
        raise ValueError("A loss between hidden states compares at least one pair of layers, but layer_map is empty.")

    _expect_layers("the student", student_layers, layer_map.keys())
    for teacher, layers in enumerate(teacher_layers):
        _expect_layers(f"teacher {teacher}", layers, layer_map.values())


def _expect_layers(model: str, layers: int, indices: Collection[int]) -> None:
    absent = [index for index in indices if not -layers - 1 <= index <= layers]
    if absent:
        raise ValueError(
            f"layer_map names the hidden states {absent} of {model}, which has {layers} layers, so its hidden states "
            f"are 0 (embeddings) to {layers}, or -1 (the last) to {-layers - 1}. Choose among these."
        )
