"""Frozen teachers that stand beside the student: loaded, checked, named and run."""

import copy
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any, overload

import torch
from torch import nn
from transformers import PretrainedConfig, PreTrainedTokenizerBase

from ..cache import TeacherCache
from ..models.task import Task, task_of, without_adapters
from .kept_outputs import Asked, Keeping, KeptOutputs, manifest_of
from .labels import align_labels
from .loaded_teacher import LoadedTeacher
from .loading import check_task, commit_of, load_model, outline, weights_on_disk
from .placement import Placement, all_moved, moved
from .shared_labels import share_labels
from .teacher import Teacher
from .tokenizer import find_tokenizer, read_the_same_ids

ENSEMBLE = "ensemble"  # what figures call all teachers together


class TeacherEnsemble(Sequence[LoadedTeacher]):
    """The teachers of one student, in order; build it with `TeacherEnsemble.load`.

    It is no `nn.Module` on purpose: teachers never reach the student's state dict, its checkpoints or an optimizer.
    """

    def __init__(self, teachers: Iterable[LoadedTeacher], mixed_precision: torch.dtype | None = None) -> None:
        self._teachers = list(teachers)
        self.mixed_precision = mixed_precision
        self.kept: list[KeptOutputs] = []  # none where nothing is kept

    @classmethod
    def load(
        cls,
        teachers: Any,
        *,
        student: nn.Module,
        student_tokenizer: PreTrainedTokenizerBase | None,
        dtype: torch.dtype | str | None = None,
        default_dtype: torch.dtype | None = None,
        device: torch.device | str | None = None,
        teacher_device: str | None = None,
        mixed_precision: torch.dtype | None = None,
        keeping: Keeping | None = None,
        partial_labels: bool = False,
    ) -> "TeacherEnsemble":
        """Load, check and freeze the teachers of a student.

        Args:
            teachers: One or many ids, paths, models or `Teacher` objects.
            student: The student's model, PEFT-wrapped, compiled or neither. Its class decides the task.
            student_tokenizer: What a teacher without a tokenizer of its own may read, where the sizes agree.
            dtype: Of the teachers' weights, as `torch.bfloat16` or `"bfloat16"`; `"auto"` keeps what the file holds.
                By default, what is loaded is float32 and a model object stays as it is; of one that has another
                precision than asked for, a copy teaches.
            default_dtype: What `dtype` is where it is None; a quantised model stays as it is then.
            device: Where the student is, and they with it; by default they stay on the CPU, and a model object where
                it is.
            teacher_device: Where they run in its place, such as `"cpu"` or `"cuda:1"`, or `"in turn"` to bring each to
                `device` for its forward alone; their answers come to `device`.
            mixed_precision: What the teachers run in by autocast, whatever their weights are in; None for no autocast.
            keeping: How their outputs are kept on disk; a teacher given by id or path whose outputs are there is only
                loaded when something is missing.
            partial_labels: Whether a teacher may know only some of the student's labels, and others beside them.

        Raises:
            ValueError: A teacher cannot be loaded, is of another task, has no trained head, has other labels than the
                student, shares weights with it, has a tokenizer that does not fit it, or two have the same given name.
            TypeError: A teacher is neither an id, a path, a model nor a `Teacher`.
        """
        single = isinstance(teachers, str | os.PathLike | nn.Module | Teacher)
        given = [teachers] if single else teachers
        described = [each if isinstance(each, Teacher) else Teacher(each) for each in given]
        if not described:
            raise ValueError(
                "TeacherEnsemble.load expects at least one teacher, but got none: there is nobody to follow."
            )

        precision = _dtype_of(dtype) or default_dtype
        known = None if keeping is None else partial(keeping.open, precision=mixed_precision)
        loaded = [
            _load(teacher, name, student, student_tokenizer, precision, dtype is None, known, partial_labels)
            for teacher, name in zip(described, unique_names(described), strict=True)
        ]

        ensemble = cls(loaded, mixed_precision)
        if keeping is not None and known is not None:
            ensemble.kept = [
                KeptOutputs(teacher, keeping, known(teacher.id, teacher.identity), ensemble._precision)
                for teacher in loaded
            ]
        if student_tokenizer is None and not ensemble.known_tokenizers:
            read_the_same_ids({teacher.name: teacher.model for teacher in loaded}, student)
        return ensemble if device is None else ensemble.place(Placement.of(teacher_device, device))

    @overload
    def __getitem__(self, index: int) -> LoadedTeacher: ...
    @overload
    def __getitem__(self, index: slice) -> list[LoadedTeacher]: ...
    def __getitem__(self, index: int | slice) -> LoadedTeacher | list[LoadedTeacher]:
        return self._teachers[index]

    def __len__(self) -> int:
        return len(self._teachers)

    @property
    def names(self) -> list[str]:
        """Unique names, for logs and messages."""
        return [teacher.name for teacher in self]

    @property
    def tokenizers(self) -> list[PreTrainedTokenizerBase | None]:
        """One per teacher."""
        return [teacher.tokenizer for teacher in self]

    @property
    def known_tokenizers(self) -> list[str]:
        """The names of the teachers that have a tokenizer."""
        return [teacher.name for teacher in self if teacher.tokenizer is not None]

    def to(self, device: torch.device | str) -> "TeacherEnsemble":
        """Move every teacher to `device`."""
        return self.place(Placement.of(None, device))

    def place(self, placement: Placement) -> "TeacherEnsemble":
        """Move every teacher to where it is to be."""
        for teacher in self:
            teacher.place(placement)

        return self

    # inference_mode would make tensors that fail in the student's backward.
    @torch.no_grad()
    def forward(
        self,
        index: int,
        inputs: Mapping[str, torch.Tensor],
        rows: torch.Tensor | None = None,
        output_hidden_states: bool = False,
        *,
        row_index: torch.Tensor | None = None,
    ) -> tuple[torch.Tensor, tuple[torch.Tensor, ...] | None]:
        """Run one teacher, in eval mode and without gradients.

        Args:
            index: Which teacher.
            inputs: `input_ids`, `attention_mask`, `token_type_ids`, ... `[batch, length]`, on any device. What this
                teacher does not take is left out.
            rows: Boolean `[batch, length]`: where to give logits, for masked-LM and token classification.
            output_hidden_states: Whether to give the hidden states too.
            row_index: Where `rows` is true among all tokens, int64, if that is known already.

        Returns:
            Logits in the student's label order, `[rows, classes]` in row-major order with `rows`, else as the model
            gives them; and the hidden states `[batch, length, hidden]`, embeddings first, or None.
        """
        teacher = self[index]
        read = all_moved(inputs, teacher.device)
        wanted, at = (None if each is None else moved(each, teacher.device) for each in (rows, row_index))

        with teacher.at_work() as model, self._precision(teacher.device):
            _, logits, states = teacher.row_forward(
                model.eval(), read, wanted, index=at, output_hidden_states=output_hidden_states
            )

        logits = teacher.as_followed(teacher.answers(logits))
        return logits, None if states is None else tuple(teacher.answers(state) for state in states)

    def recall(self, index: int, asked: Asked) -> tuple[torch.Tensor, dict[int, torch.Tensor] | None]:
        """Do as `forward` does where the outputs of the teachers are kept, running only what is not there yet.

        Args:
            index: Which teacher.
            asked: What it is asked.

        Returns:
            Logits as from `forward`; and for each layer that is kept the means of its hidden states over the spans,
            [batch, spans, hidden], or None.
        """
        logits, means = self.kept[index](asked)
        return self[index].as_followed(logits), means

    def _precision(self, device: torch.device) -> AbstractContextManager[Any]:
        """Run what follows in mixed precision, where that was asked for."""
        if self.mixed_precision is None:
            return nullcontext()

        return torch.autocast(device.type, dtype=self.mixed_precision)

    def manifest(self) -> list[dict[str, Any]]:
        """Tell what each teacher is, so that a resume or a cache can see whether it is still the same.

        Returns:
            Per teacher `name`, `id` (on the Hub, or the last part of its path), `revision` (the commit on the Hub, or
            `sha256:...` over the weights), `tokenizer` (`sha256:...` over what it does; None without a fast one) and
            `dtype`; and `temperature`, where it is not 1.
        """
        return [teacher.manifest | _temperature_in_manifest(teacher) for teacher in self]


def _load(
    teacher: Teacher,
    name: str,
    student: nn.Module,
    student_tokenizer: PreTrainedTokenizerBase | None,
    dtype: torch.dtype | str | None,
    by_default: bool,
    known: Callable[[str, Mapping[str, Any]], TeacherCache] | None,
    partial_labels: bool,
) -> LoadedTeacher:
    task = task_of(student)
    if isinstance(teacher.model, nn.Module) and _shares_weights(teacher.model, student):
        raise ValueError(
            f"Teacher '{name}' must be a model of its own, but it shares weights with the student: freezing it would "
            "freeze the student, and training the student would change it. Load it a second time, or deep-copy it."
        )

    as_it_is = by_default and isinstance(teacher.model, nn.Module) and _is_quantised(teacher.model)
    own_dtype = None if as_it_is else dtype
    load = partial(_model_of, teacher, name, task, without_adapters(student).config, own_dtype)
    described = partial(_described, teacher, name, partial_labels=partial_labels)
    sketch = None if known is None or isinstance(teacher.model, nn.Module) else outline(teacher, name, task)
    weights = None if sketch is None else weights_on_disk(teacher)
    if sketch is None or weights is None or known is None:
        return described(load(), student, student_tokenizer)

    source = {"weights": weights, "dtype": str(dtype or torch.float32).removeprefix("torch.")}
    load = partial(_load_the_same, load, teacher, name, weights)
    asleep = described(sketch, student, student_tokenizer, source=source, load=load)
    asleep.known = manifest_of(known(asleep.id, asleep.identity), task.over_vocabulary)
    if asleep.known is None:
        asleep.wake()
    return asleep


def _described(
    teacher: Teacher,
    name: str,
    model: nn.Module,
    student: nn.Module,
    student_tokenizer: PreTrainedTokenizerBase | None,
    *,
    partial_labels: bool,
    **of_a_source: Any,
) -> LoadedTeacher:
    """Check a model, and bring together what is to be known of it."""
    task, student_config = task_of(student), without_adapters(student).config
    check_task(name, model, task)

    inner = without_adapters(model)
    may_share = partial_labels and not task.over_vocabulary
    shared = share_labels(student_config, inner.config, name, tagging=task.token_level) if may_share else None
    aligned = not task.over_vocabulary and shared is None
    return LoadedTeacher(
        name=name,
        model=model.requires_grad_(False).eval(),
        tokenizer=find_tokenizer(teacher, name, model, student, student_tokenizer),
        id=teacher.public_id or type(inner).__name__,
        commit=commit_of(teacher) if model is inner else None,
        task=task,
        temperature=_temperature_of(teacher, name, student_config),
        label_index=align_labels(student_config, inner.config, name) if aligned else None,
        shared_labels=shared,
        **of_a_source,
    )


def _temperature_in_manifest(teacher: LoadedTeacher) -> dict[str, float]:
    """Return what changes its logits; nothing where they stay as they are, as in manifests of before."""
    return {} if teacher.temperature is None or teacher.temperature == 1 else {"temperature": teacher.temperature}


def _temperature_of(teacher: Teacher, name: str, student_config: PretrainedConfig) -> float | None:
    if teacher.temperature is not None and student_config.problem_type == "regression":
        raise ValueError(
            f"Teacher '{name}' has a temperature of {teacher.temperature}, which makes class probabilities more or "
            "less sure, but in a regression it would change the numbers themselves. Leave it out."
        )
    return teacher.temperature


def _load_the_same(load: Callable[[], nn.Module], teacher: Teacher, name: str, weights: str) -> nn.Module:
    """Load a teacher, unless it is another one by now than when the run was set up."""
    model = load()
    if weights_on_disk(teacher) != weights:
        raise ValueError(
            f"Teacher '{name}' was changed on disk since the run was set up, so what it says would be kept as what "
            "the other one says. Start again."
        )
    return model


def _is_quantised(model: nn.Module) -> bool:
    return bool(getattr(without_adapters(model), "is_quantized", False))


def _shares_weights(first: nn.Module, second: nn.Module) -> bool:
    return not {id(weight) for weight in first.parameters()}.isdisjoint(map(id, second.parameters()))


def _model_of(
    teacher: Teacher, name: str, task: Task, student_config: PretrainedConfig, dtype: torch.dtype | str | None
) -> nn.Module:
    if not isinstance(teacher.model, nn.Module):
        return load_model(teacher, name, task, student_config, dtype or torch.float32)

    model: nn.Module = teacher.model
    if not isinstance(dtype, torch.dtype) or {weight.dtype for weight in model.parameters()} <= {dtype}:
        return model

    return copy.deepcopy(model).to(dtype)  # the object is the user's, who may go on with it


def _dtype_of(dtype: torch.dtype | str | None) -> torch.dtype | str | None:
    named = getattr(torch, dtype, dtype) if isinstance(dtype, str) else dtype
    if named in (None, "auto") or (isinstance(named, torch.dtype) and named.is_floating_point):
        return named

    raise ValueError(
        f"Teachers expect a dtype like 'float32', 'bfloat16', 'float16' or 'auto', but got {dtype!r}: no weights can "
        "be loaded in it. Use one of these."
    )


def unique_names(teachers: Sequence[Teacher]) -> list[str]:
    """Return the names of teachers in logs, figures and data: their own, or the last part of an id or path.

    Args:
        teachers: All of them; a name that is there already gets a number.

    Raises:
        ValueError: Two were given the same name.
    """
    given = [teacher.name for teacher in teachers if teacher.name is not None]
    if len(set(given)) < len(given):
        raise ValueError(f"Teachers expect names of their own, but got {given}: their logs would mix. Rename one.")

    names: list[str] = []
    for index, teacher in enumerate(teachers):
        plain = teacher.name or Path(teacher.public_id).name or f"teacher_{index}"
        name, count = plain, 1
        while teacher.name is None and name in {*given, *names}:
            count += 1
            name = f"{plain}-{count}"
        names.append(name)

    return names
