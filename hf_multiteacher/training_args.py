"""The arguments of a distillation run, on top of those of `transformers.TrainingArguments`."""

import math
from dataclasses import dataclass, field
from typing import Any, Union

from transformers import TrainingArguments

CHOICES = {
    "teacher_weighting": ("fixed", "confidence", "entropy"),
    "ensemble": ("probabilities", "logits", "per_teacher"),
    "distill_positions": ("labelled", "all"),
    "teacher_dtype": ("float32", "float16", "bfloat16"),
}
WEIGHTS = ("soft_target_weight", "hard_label_weight", "hidden_state_weight")


@dataclass
class DistillationTrainingArguments(TrainingArguments):
    """`TrainingArguments` with what `MultiTeacherDistillationTrainer` needs; read by `HfArgumentParser` and YAML.

    The objective is `soft_target_weight * T**2 * KL(teachers || student) + hard_label_weight * CE(labels)
    + hidden_state_weight * (1 - cos)`, with `T = temperature`; every part is a mean over its own rows.

    Raises:
        ValueError: A value that is out of range or not one of an argument's choices.

    Example:
        >>> from hf_multiteacher import DistillationTrainingArguments
        >>> args = DistillationTrainingArguments(output_dir="out", temperature=4.0, teacher_weights=[3, 1])
        >>> args.teacher_weights
        [3, 1]
    """

    _VALID_DICT_FIELDS = [*TrainingArguments._VALID_DICT_FIELDS, "layer_map"]

    teachers: list[str] | None = field(
        default=None, metadata={"help": "Hub ids or folders of the teachers; the trainer's `teachers=` overrides it."}
    )
    teacher_weights: list[float] | None = field(
        default=None,
        metadata={"help": "One weight per teacher, scaled to sum to 1; equal weights when not given."},
    )
    teacher_weighting: str = field(
        default="fixed",
        metadata={
            "help": "`fixed`: teacher_weights. `confidence`: per row, more weight to teachers that predict the label "
            "better. `entropy`: per row, more weight to teachers that are surer.",
            "choices": CHOICES["teacher_weighting"],
        },
    )
    temperature: float = field(
        default=2.0, metadata={"help": "Softens both distributions of the soft loss; it has no meaning in regression."}
    )
    soft_target_weight: float = field(default=0.5, metadata={"help": "Weight of the soft loss (the teachers')."})
    hard_label_weight: float = field(default=0.5, metadata={"help": "Weight of the hard loss (the labels')."})
    hidden_state_weight: float = field(default=0.0, metadata={"help": "Weight of the loss between hidden states."})
    layer_map: Union[dict, str] | None = field(  # noqa: UP007 (TrainingArguments parses exactly this form)
        default=None,
        metadata={
            "help": "Which hidden state of the student (key) learns from which of each teacher (value): 0 is the "
            'embeddings, negative numbers count from the end. Default: the last from the last, {"-1": -1}.'
        },
    )
    ensemble: str | None = field(
        default=None,
        metadata={
            "help": "`probabilities`: one loss against the weighted mean of the teachers' probabilities. `logits`: "
            "against their weighted mean logits. `per_teacher`: the weighted sum of one loss per teacher. Default: "
            "`probabilities` when all teachers share the student's outcomes, else `per_teacher`.",
            "choices": CHOICES["ensemble"],
        },
    )
    distill_positions: str = field(
        default="labelled",
        metadata={
            "help": "Tokens on which the soft loss works: `labelled` ones, or `all` that are not padding.",
            "choices": CHOICES["distill_positions"],
        },
    )
    teacher_dtype: str | None = field(
        default=None,
        metadata={
            "help": "Precision in which the teachers run. Default: float32 for those that are loaded, and models that "
            "are passed in stay as they are.",
            "choices": CHOICES["teacher_dtype"],
        },
    )
    report_loyalty: bool = field(
        default=True,
        metadata={"help": "Run the teachers in evaluation too: soft loss and loyalty. Off: no teacher runs there."},
    )

    def __post_init__(self) -> None:
        """Check the distillation arguments, after `TrainingArguments` checked its own."""
        super().__post_init__()
        for name, choices in CHOICES.items():
            value = getattr(self, name)
            if value not in choices and not (value is None and name in ("ensemble", "teacher_dtype")):
                raise ValueError(f"DistillationTrainingArguments: {name} is one of {list(choices)}, got {value!r}.")
        if not _is_number(self.temperature) or self.temperature <= 0:
            raise ValueError(
                f"DistillationTrainingArguments: temperature must be a number above 0, got {self.temperature!r}. "
                "1 leaves the distributions as they are; 2 to 4 is usual."
            )
        for name in WEIGHTS:
            weight = getattr(self, name)
            if not _is_number(weight) or weight < 0:
                raise ValueError(f"DistillationTrainingArguments: {name} must be a number from 0 on, got {weight!r}.")
        if not any(getattr(self, name) for name in WEIGHTS):
            raise ValueError(
                f"DistillationTrainingArguments: {', '.join(WEIGHTS)} are all 0, so the student would learn nothing. "
                "Set at least one of them above 0."
            )
        self._check_teacher_weights()
        if self.layer_map is not None:
            self.layer_map = self._read_layer_map(self.layer_map)

    def _check_teacher_weights(self) -> None:
        weights = self.teacher_weights
        if weights is None or (all(_is_number(weight) and weight >= 0 for weight in weights) and sum(weights) > 0):
            return
        raise ValueError(
            "DistillationTrainingArguments: teacher_weights must be numbers from 0 on with a positive sum, got "
            f"{weights}. A teacher of weight 0 is measured but not followed."
        )

    def _read_layer_map(self, layer_map: Any) -> dict[int, int]:
        if not self.hidden_state_weight:
            raise ValueError(
                f"DistillationTrainingArguments: layer_map={layer_map} has no effect with hidden_state_weight=0. Set "
                "a weight above 0, or leave layer_map out."
            )
        try:
            return {int(student): int(teacher) for student, teacher in layer_map.items()}
        except (AttributeError, TypeError, ValueError):
            raise ValueError(
                "DistillationTrainingArguments: layer_map maps hidden states of the student to hidden states of the "
                f'teachers, like {{"3": 6, "6": 12}}, got {layer_map!r}.'
            ) from None


def _is_number(value: Any) -> bool:
    """Whether a value is a finite number; YAML reads `5e-1` as a text."""
    return isinstance(value, int | float) and math.isfinite(value)
