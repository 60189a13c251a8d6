"""A fine-tuned student beside its fine-tuned teachers on the same rows, and its loyalty to each of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isnan
from typing import Any

import numpy as np
import torch
from scipy.special import log_softmax, logsumexp
from transformers import PretrainedConfig

from ...losses.functional import bernoulli_logits
from ...loyalty.report import classification_report, regression_report
from ...models.labels import label_names
from ...models.task import SEQUENCE_CLASSIFICATION, TASKS, TOKEN_CLASSIFICATION, without_adapters
from ...teachers.ensemble import ENSEMBLE, TeacherEnsemble
from ...teachers.loaded_teacher import LoadedTeacher
from ...teachers.loading import commit_of, load_model
from ...teachers.teacher import Teacher
from ...teachers.tokenizer import find_tokenizer
from .examples import REGRESSION, Examples
from .prediction import input_limit, predict
from .windows import cut_sentences

STUDENT = "student"


def load_models(student: str, teachers: Sequence[str], kind: str) -> TeacherEnsemble:
    """Load a fine-tuned student and the fine-tuned teachers that it is compared with.

    Args:
        student: A folder or an id on the Hub.
        teachers: The same, one or more.
        kind: One of `examples.KINDS`.

    Returns:
        The student, then the teachers, each with its tokenizer, on the GPU where there is one.

    Raises:
        ValueError: A model or its tokenizer cannot be loaded, has no trained head of that kind, or other labels.
    """
    task = TASKS.get(kind, SEQUENCE_CLASSIFICATION)
    source = Teacher(student)
    name = source.public_id

    try:
        model = load_model(source, name, task, PretrainedConfig(), torch.float32).requires_grad_(False).eval()
        tokenizer = find_tokenizer(source, name, model, model, None)
    except ValueError as error:  # these functions take whom they load for a teacher
        raise ValueError(str(error).replace("Teacher '", "Student '", 1)) from error

    if tokenizer is None:
        raise ValueError(f"Student '{name}' comes without a tokenizer. Save it beside the model.")
    _check_outputs(name, without_adapters(model).config, kind)

    loaded = TeacherEnsemble.load(teachers, student=model, student_tokenizer=tokenizer)
    for taken, meaning in ((ENSEMBLE, "all of them together"), (STUDENT, "the student")):
        if taken in loaded.names:
            raise ValueError(f"A teacher is named '{taken}', as the report calls {meaning}. Rename its folder.")

    itself = LoadedTeacher(STUDENT, model, tokenizer, name, commit_of(source), task, None)
    return TeacherEnsemble([itself, *loaded]).to("cuda" if torch.cuda.is_available() else "cpu")


def _check_outputs(name: str, config: PretrainedConfig, kind: str) -> None:
    outputs = len(label_names(config, f"student '{name}'"))
    regression = config.problem_type == "regression" or outputs == 1
    if kind != TOKEN_CLASSIFICATION.name and regression != (kind == REGRESSION):
        found = REGRESSION if regression else SEQUENCE_CLASSIFICATION.name
        raise ValueError(
            f"Student '{name}' must be a model for {kind}, but it is one for {found}. Name another --task, or another "
            "model."
        )

    if kind == REGRESSION and outputs > 1:
        raise ValueError(f"Student '{name}' must have one output for regression loyalty, but it has {outputs}.")


@dataclass(frozen=True)
class Comparison:
    """What a student and its teachers say about the same rows (words in tagging, else examples).

    Attributes:
        examples: What they have read.
        labels: Names of the classes, in the order of the logits.
        student: The student's logits: `[rows, classes]`, `[rows, labels, 2]` (yes, no) where several labels may hold,
            `[rows, 1]` in regression.
        teachers: Those of each teacher, of the same shape.
    """

    examples: Examples
    labels: Sequence[str]
    student: np.ndarray
    teachers: Mapping[str, np.ndarray]

    @classmethod
    def of(cls, models: TeacherEnsemble, examples: Examples, batch_size: int, max_length: int | None) -> "Comparison":
        """Run the models of `load_models` over all examples; arguments as for `predict`.

        Sentences of words that are longer than some model reads are cut into windows, the same for all, so that every
        model has an answer for every word.
        """
        models_read, rows = examples, np.ones(len(examples), bool)
        if examples.tagging:
            max_length = min(input_limit(models, index, examples, max_length) for index in range(len(models)))
            models_read, rows = cut_sentences(examples, [model.tokenizer for model in models], max_length)

        outputs = [
            predict(models, index, models_read, batch_size=batch_size, max_length=max_length)[rows]
            for index in range(len(models))
        ]
        configs = [without_adapters(model.model).config for model in models]
        if any(config.problem_type == "multi_label_classification" for config in configs):
            outputs = [_yes_or_no(each) for each in outputs]

        teachers = dict(zip(models.names[1:], outputs[1:], strict=True))
        return cls(examples, label_names(configs[0]), outputs[0], teachers)

    @property
    def regression(self) -> bool:
        """Whether the outputs are numbers, not classes."""
        return self.examples.kind == REGRESSION

    def loyalty(self, **bootstrap: Any) -> dict[str, dict[str, Any]]:
        """Measure the loyalty to each teacher and, where there are several, to their ensemble (the mean of them).

        Args:
            **bootstrap: `confidence_level` and `seed`, as in `classification_report`.

        Returns:
            Name -> the figures of `classification_report` or `regression_report`, and `rows`: how many were compared.

        Raises:
            ValueError: There is no row, or an output is NaN, or constant in regression.
        """
        compared = dict(self.teachers)
        if len(compared) > 1:
            compared[ENSEMBLE] = self._ensemble()
        return {name: self._loyalty_to(name, teacher, bootstrap) for name, teacher in compared.items()}

    def _ensemble(self) -> np.ndarray:
        logits = np.stack([*self.teachers.values()])
        if self.regression:
            return logits.mean(axis=0)
        return logsumexp(log_softmax(logits, axis=-1), axis=0)  # a softmax makes it the mean

    def _loyalty_to(self, name: str, teacher: np.ndarray, bootstrap: Mapping[str, Any]) -> dict[str, Any]:
        try:
            if self.regression:
                figures = regression_report(self.student, teacher, **bootstrap)
            else:
                figures = classification_report(self.student, teacher, from_logits=True, kappa=True, **bootstrap)
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from error

        if isnan(figures.get("cohen_kappa", 0)):
            figures["cohen_kappa"] = None
        return figures | {"rows": len(teacher)}


def _yes_or_no(logits: np.ndarray) -> np.ndarray:
    """Turn one logit per label into two, yes and no, where several labels may hold."""
    return bernoulli_logits(torch.from_numpy(logits)).numpy()
