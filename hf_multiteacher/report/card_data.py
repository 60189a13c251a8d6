"""What a model card of a distilled student is made from, as plain data."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..losses.problem import Problem
from .tables import Figure


@dataclass
class Evaluation:
    """One task on one data set, with every model's figures.

    Args:
        dataset: Name of the data, in words or its Hub id.
        task: The Hub's name of the task, such as `token-classification`.
        figures: Model name -> metric (as `evaluate` calls it: `accuracy`, `f1`, `loss`) -> figure.
        split: The part of the data that was measured.
        dataset_id: Hub id of the data where `dataset` is another name; without one the card makes an id of the name.
        answered: Teacher name -> the share of the labelled words that it answers, where it is not all of them.
    """

    dataset: str
    task: str
    figures: Mapping[str, Mapping[str, Figure]]
    split: str | None = None
    dataset_id: str | None = None
    answered: Mapping[str, float] = field(default_factory=dict)


@dataclass
class DistillationCardData:
    """All that a card says, as plain data. What is not here is left out of the card, or is a string with the reason.

    Args:
        name: The student's name, and the key of its row in `evaluations` and `sizes`.
        task: `masked-lm`, `token-classification` or `sequence-classification`.
        teachers: The teachers' manifest: `name`, `id`, `revision` (commit or `sha256:...`), `tokenizer`, `dtype`, and
            `temperature` where its logits were divided by one.
        repo_id: Where the student is, or will be, on the Hub.
        arguments: `DistillationTrainingArguments.to_dict()`; only objective and hyper-parameters are shown.
        log_history: `trainer.state.log_history`.
        evaluations: One per task and data set.
        measured_on: What the quality was measured on, in words; by default the names of the evaluations' data.
        metric: The main measure of the quality; by default what chose the best checkpoint, or the first.
        loyalty: Teacher name or `ensemble` -> `label_loyalty`, ... -> figure.
        sizes: Model name -> what `benchmark.compare` gives.
        coverage: Teacher name -> `spans`, `masked_spans`, `probability_mass` -> share in [0, 1].
        machine: What `sizes` were measured on.
        languages: Language codes, such as `ro`.
        license: The licence of the student's weights.
        datasets: Hub ids of the training data.
        training_data: The training data in words.
        example: A text for the snippet (masked-lm: with `[MASK]` in it); two texts for a task on pairs. By default a
            short sentence, or two where `pairs` says so, Romanian where `ro` is among the languages.
        pairs: Whether the model was trained on pairs of texts; the trainer sees it from the data.
        labels: The label names in the order of their ids; none for the one number of a regression.
        problem_type: What a sequence classifier's logits mean, as transformers' `config.problem_type`.
        command: The command that made the student.
        tags: More tags for the Hub.
        bases: Hub ids of models that the student started from, beside the teachers.
        adapter_of: Hub id of a PEFT adapter's base model; by default what `adapter_config.json` says. Empty for
            an adapter whose base was made in memory and has no name.
    """

    name: str
    task: str
    teachers: Sequence[Mapping[str, Any]]
    repo_id: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    log_history: Sequence[Mapping[str, Any]] = ()
    evaluations: Sequence[Evaluation] = ()
    measured_on: str | None = None
    metric: str | None = None
    loyalty: Mapping[str, Mapping[str, Figure]] = field(default_factory=dict)
    sizes: Mapping[str, Mapping[str, Figure]] = field(default_factory=dict)
    coverage: Mapping[str, Mapping[str, Figure]] = field(default_factory=dict)
    machine: str | None = None
    languages: Sequence[str] = ()
    license: str | None = None
    datasets: Sequence[str] = ()
    training_data: str | None = None
    example: str | tuple[str, str] | None = None
    pairs: bool = False
    labels: Sequence[str] = ()
    problem_type: Problem | None = None
    command: str | None = None
    tags: Sequence[str] = ()
    bases: Sequence[str] = ()
    adapter_of: str | None = None
