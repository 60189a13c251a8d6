"""The arguments of a distillation run, on top of those of `transformers.TrainingArguments`."""

import math
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Annotated, Any, Union, cast, get_args, get_type_hints

from transformers import TrainingArguments
from transformers.utils import is_torch_bf16_gpu_available, is_torch_xla_available

from .losses.problem import Ensemble
from .losses.weighting import WEIGHTINGS

OBJECTIVE = "objective"
"""Marks an argument that decides what is minimised. Not as metadata: all of those go to argparse, which refuses it."""

TEACHER_WEIGHTINGS = tuple(WEIGHTINGS)
ENSEMBLES = get_args(Ensemble)
DISTILL_POSITIONS = ("labelled", "all")
TEACHER_DTYPES = ("float32", "float16", "bfloat16")
TEACHER_CACHE_DTYPES = ("float16", "float32")
COUNTS = ("per_device_train_batch_size", "per_device_eval_batch_size", "gradient_accumulation_steps")
LOSS_WEIGHTS = ("soft_target_weight", "hard_label_weight", "hidden_state_weight")


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
    teacher_weights: Annotated[list[float] | None, OBJECTIVE] = field(
        default=None,
        metadata={"help": "One weight per teacher, scaled to sum to 1; equal weights when not given."},
    )
    teacher_weighting: Annotated[str, OBJECTIVE] = field(
        default="fixed",
        metadata={
            "help": "`fixed`: teacher_weights. `confidence`: per row, more weight to teachers that predict the label "
            "better. `entropy`: per row, more weight to teachers that are surer.",
            "choices": TEACHER_WEIGHTINGS,
        },
    )
    calibrate_teachers: bool = field(
        default=False,
        metadata={
            "help": "When the trainer is made, find on the evaluation set by which number each teacher's logits are "
            "to be divided so that it is as sure as it is right; a teacher that has a temperature keeps it. In a "
            "regression, find teacher_weights, where they are not given."
        },
    )
    temperature: Annotated[float, OBJECTIVE] = field(
        default=2.0, metadata={"help": "Softens both distributions of the soft loss; it has no meaning in regression."}
    )
    soft_target_weight: Annotated[float, OBJECTIVE] = field(
        default=0.5, metadata={"help": "Weight of the soft loss (the teachers')."}
    )
    hard_label_weight: Annotated[float, OBJECTIVE] = field(
        default=0.5, metadata={"help": "Weight of the hard loss (the labels')."}
    )
    hidden_state_weight: Annotated[float, OBJECTIVE] = field(
        default=0.0, metadata={"help": "Weight of the loss between hidden states."}
    )
    layer_map: Annotated[Union[dict, str] | None, OBJECTIVE] = field(  # noqa: UP007 (TrainingArguments parses exactly this form)
        default=None,
        metadata={
            "help": "Which hidden state of the student (key) learns from which of each teacher (value): 0 is the "
            'embeddings, negative numbers count from the end. Default: the last from the last, {"-1": -1}.'
        },
    )
    ensemble: Annotated[str | None, OBJECTIVE] = field(
        default=None,
        metadata={
            "help": "`probabilities`: one loss against the weighted mean of the teachers' probabilities. `logits`: "
            "against their weighted mean logits. `per_teacher`: the weighted sum of one loss per teacher. Default: "
            "`probabilities` when all teachers share the student's outcomes, else `per_teacher`.",
            "choices": ENSEMBLES,
        },
    )
    distill_positions: Annotated[str, OBJECTIVE] = field(
        default="labelled",
        metadata={
            "help": "Tokens on which the soft loss works: `labelled` ones (in tagging also all of a sentence in which "
            "no word has a label), or `all` that are not padding.",
            "choices": DISTILL_POSITIONS,
        },
    )
    partial_labels: bool = field(
        default=False,
        metadata={
            "help": "Let a teacher know only some of the student's labels, and others beside them: it speaks over "
            "those that both have, and all the rest is `other`. Off: other labels are refused."
        },
    )
    teacher_dtype: str | None = field(
        default=None,
        metadata={
            "help": "Precision of the teachers' weights, in which they run. Default: bfloat16 with bf16 on a GPU; "
            "else float32 weights (models that are passed in keep theirs), which run as the student's do: under "
            "autocast with bf16 or fp16.",
            "choices": TEACHER_DTYPES,
        },
    )
    teacher_device: str | None = field(
        default=None,
        metadata={
            "help": "Where the teachers run if not with the student: `cpu`, `cuda:1`, ...; `in turn`: they stay on "
            "the CPU, and each is brought to the student's device for its forward alone."
        },
    )
    teacher_cache: str | None = field(
        default=None,
        metadata={
            "help": "Folder in which the teachers' outputs are kept: computed where they are not there yet, and read "
            "in every later epoch, run, seed and student."
        },
    )
    teacher_cache_dtype: str = field(
        default="float16",
        metadata={
            "help": "Precision in which hidden states are kept, and what a vocabulary head reads; float32 takes twice "
            "the room. The logits of other tasks are always kept in float32.",
            "choices": TEACHER_CACHE_DTYPES,
        },
    )
    mask_rounds: int | None = field(
        default=None,
        metadata={
            "help": "How many masks of each text are drawn before they repeat, one per epoch. Default: every epoch "
            "has its own, so that a cache serves other runs only."
        },
    )
    skip_nonfinite_rows: bool = field(
        default=False,
        metadata={
            "help": "Leave out rows on which a teacher answers NaN or infinity, instead of stopping; the log counts "
            "them as `skipped_rows/<teacher>`. The other teachers speak on them. In the mean of the soft loss "
            "they still count, as what that is divided by is known before a teacher speaks: so accumulation and ranks "
            "change nothing."
        },
    )
    report_loyalty: bool = field(
        default=True,
        metadata={
            "help": "Run the teachers in evaluation too: soft loss, loyalty, and their own quality by "
            "`compute_metrics`. Off: no teacher runs there, and none is measured."
        },
    )

    report_speed: bool = field(
        default=False,
        metadata={
            "help": "Measure how fast student and teachers are, on a batch of the evaluation set, when the card is "
            "written after the training. Off: the card tells their sizes alone."
        },
    )

    @property
    def compared_layers(self) -> dict[int, int]:
        """Which hidden state of the student learns from which of each teacher; none where they are not compared."""
        if not self.hidden_state_weight:
            return {}
        return cast("dict[int, int]", self.layer_map or {-1: -1})

    def __post_init__(self) -> None:
        """Check the distillation arguments, after `TrainingArguments` checked its own."""
        self._check_counts()
        self._check_bf16()
        super().__post_init__()
        self._check_choices()
        self._check_temperature()
        self._check_loss_weights()
        self._check_teacher_weights()
        self._check_mask_rounds()
        self._check_skipped_rows()

        if self.layer_map is not None:
            self.layer_map = self._read_layer_map(self.layer_map)

    def _check_counts(self) -> None:
        """Refuse what `Trainer` takes, and fails over when models and data are loaded, or when it evaluates."""
        for name in COUNTS:
            value = getattr(self, name)
            if not _is_whole(value) or value < 1:
                raise ValueError(
                    f"DistillationTrainingArguments: {name} must be a whole number from 1 on, got {value!r}. Give "
                    "another, or leave it out."
                )

        if not _is_whole(self.max_steps):
            raise ValueError(
                f"DistillationTrainingArguments: max_steps must be a whole number, got {self.max_steps!r}. Give "
                "another, or leave it out: num_train_epochs may be a fraction."
            )
        if self.max_steps == 0:
            raise ValueError(
                "DistillationTrainingArguments: max_steps is 0, so the student would be saved as it is, untrained. "
                "Give a number from 1 on, or leave it out (-1): then num_train_epochs says how long."
            )
        if self.max_steps < 0 and self.num_train_epochs == 0:
            raise ValueError(
                "DistillationTrainingArguments: num_train_epochs is 0, so the student would be saved as it is, "
                "untrained. Give more (0.5 is half of the data), or max_steps."
            )

    def _check_bf16(self) -> None:
        """Say in the words of a configuration what `TrainingArguments` refuses in the same cases."""
        asked = next((name for name in ("bf16", "bf16_full_eval") if getattr(self, name)), None)
        if asked and not (self.use_cpu or is_torch_bf16_gpu_available() or is_torch_xla_available()):
            raise ValueError(
                f"DistillationTrainingArguments: {asked} needs a GPU that computes in bfloat16, but there is none "
                f"here. Leave {asked} out, or give use_cpu: true."
            )

    def _check_choices(self) -> None:
        self._expect_one_of("teacher_weighting", TEACHER_WEIGHTINGS)
        if self.ensemble is not None:
            self._expect_one_of("ensemble", ENSEMBLES)
        self._expect_one_of("distill_positions", DISTILL_POSITIONS)
        if self.teacher_dtype is not None:
            self._expect_one_of("teacher_dtype", TEACHER_DTYPES)
        self._expect_one_of("teacher_cache_dtype", TEACHER_CACHE_DTYPES)
        if self.teacher_cache == "":
            raise ValueError(
                "DistillationTrainingArguments: teacher_cache is empty. Name the folder in which outputs are kept, or "
                "leave it out."
            )
        if self.teacher_cache is None and self.teacher_cache_dtype != "float16":
            raise ValueError(
                f"DistillationTrainingArguments: teacher_cache_dtype='{self.teacher_cache_dtype}' has no effect "
                "without teacher_cache. Name the folder in which outputs are kept, or leave it out."
            )

    def _expect_one_of(self, name: str, choices: Collection[str]) -> None:
        value = getattr(self, name)
        if value not in choices:
            raise ValueError(f"DistillationTrainingArguments: {name} is one of {list(choices)}, got {value!r}.")

    def _check_temperature(self) -> None:
        if not _is_number(self.temperature) or self.temperature <= 0:
            raise ValueError(
                f"DistillationTrainingArguments: temperature must be a number above 0, got {self.temperature!r}. "
                "1 leaves the distributions as they are; 2 to 4 is usual."
            )

    def _check_loss_weights(self) -> None:
        weights = {name: getattr(self, name) for name in LOSS_WEIGHTS}

        for name, weight in weights.items():
            if not _is_number(weight) or weight < 0:
                raise ValueError(f"DistillationTrainingArguments: {name} must be a number from 0 on, got {weight!r}.")

        if not any(weights.values()):
            raise ValueError(
                f"DistillationTrainingArguments: {', '.join(weights)} are all 0, so the student would learn nothing. "
                "Set at least one of them above 0."
            )

    def _check_teacher_weights(self) -> None:
        weights = self.teacher_weights
        if weights is None:
            return

        if not all(_is_number(weight) and weight >= 0 for weight in weights) or sum(weights) <= 0:
            raise ValueError(
                "DistillationTrainingArguments: teacher_weights must be numbers from 0 on with a positive sum, got "
                f"{weights}. A teacher of weight 0 is measured but not followed."
            )

    def _check_mask_rounds(self) -> None:
        rounds = self.mask_rounds
        if rounds is not None and (not _is_whole(rounds) or rounds < 1):
            raise ValueError(
                f"DistillationTrainingArguments: mask_rounds must be a whole number from 1 on, got {rounds!r}. Leave "
                "it out to have other masks in every epoch."
            )

    def _check_skipped_rows(self) -> None:
        if self.skip_nonfinite_rows and self.hidden_state_weight:
            raise ValueError(
                "DistillationTrainingArguments: skip_nonfinite_rows leaves out rows of logits, but with "
                f"hidden_state_weight={self.hidden_state_weight} hidden states that are NaN would still be compared. "
                "Use one of the two."
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


def objective_arguments() -> tuple[str, ...]:
    """Name the arguments that decide what is minimised: a run that resumes must have the same, and a card shows them.

    Example:
        >>> from hf_multiteacher.training_args import objective_arguments
        >>> "temperature" in objective_arguments()
        True
    """
    hints = get_type_hints(DistillationTrainingArguments, include_extras=True)
    own = [name for name, hint in hints.items() if OBJECTIVE in get_args(hint)]

    # transformers declares this one, so it cannot carry the mark.
    return (*own, "label_smoothing_factor")


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    """Whether a value is a finite number; YAML reads `5e-1` as a text."""
    return isinstance(value, int | float) and math.isfinite(value)
