"""What a demo says at its end: the table on the screen, and the student's model card."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from transformers import PreTrainedTokenizerFast

from ...models.task import MASKED_LM, SEQUENCE_CLASSIFICATION, TOKEN_CLASSIFICATION
from ...report.card import DistillationCardData, Evaluation
from ...report.tables import aligned
from ...trainer import MultiTeacherDistillationTrainer
from ..results.figures import Figures

STUDENT, ALONE = "distilled student", "student without teachers"
TEACHERS = {"cased teacher": False, "uncased teacher": True}
MASKED_LM_LOSS = "masked-LM loss"
TASKS = {"xpos": "XPOS accuracy", "dialect": "dialect accuracy"}
LOYALTIES = {"label_loyalty": "label loyalty", "probability_loyalty": "probability loyalty"}
SHORT = {"label_loyalty": "label", "probability_loyalty": "prob."}
KINDS = {
    MASKED_LM_LOSS: ("masked LM", MASKED_LM.pipeline, "loss"),
    TASKS["xpos"]: ("XPOS, fine-tuned", TOKEN_CLASSIFICATION.pipeline, "accuracy"),
    TASKS["dialect"]: ("dialect, fine-tuned", SEQUENCE_CLASSIFICATION.pipeline, "accuracy"),
}
CORPUS = "synthetic Romanian (hf_multiteacher.romanian.synthetic)"


@dataclass
class Model:
    """A model of the demo: where it is saved, its tokenizer, and what was measured of it."""

    folder: Path
    tokenizer: PreTrainedTokenizerFast
    figures: dict[str, float | str] = field(default_factory=dict)
    loyalty: dict[str, dict[str, float]] = field(default_factory=dict)
    sizes: dict[str, Any] = field(default_factory=dict)

    @property
    def scores(self) -> list[float]:
        """The quality on each task, and the mean of them."""
        scores = [float(self.figures[column]) for column in TASKS.values()]
        return [*scores, sum(scores) / len(scores)]

    def keep(self, task: str, metrics: Mapping[str, float]) -> None:
        """Keep the accuracy and the loyalty of the model fine-tuned on a task, from the metrics of its evaluation."""
        self.figures[TASKS[task]] = metrics["eval_accuracy"]

        for key, value in metrics.items():
            measure, _, teacher = key.removeprefix("eval_").partition("/")
            if measure in LOYALTIES:
                self.loyalty.setdefault(teacher, {})[f"{task} {LOYALTIES[measure]}"] = value


def table(models: Mapping[str, Model]) -> str:
    """Write quality, size and speed of every model, and the students' loyalty, as text of at most 80 columns."""
    return f"{aligned(_quality(models))}\n\n{aligned(_loyalty(models))}"


def _quality(models: Mapping[str, Model]) -> list[list[str]]:
    latency = models[next(iter(TEACHERS))].sizes["latency_ms"]
    rows = [
        ["", "masked-LM", "", "accuracy", "", "", ""],
        ["", "loss", *(task.removesuffix(" accuracy") for task in TASKS.values()), "mean", "parameters", "speed"],
    ]

    for name, model in models.items():
        size = [f"{model.sizes['parameters']:,}", f"{latency / model.sizes['latency_ms']:.2f}x"]
        rows.append([name, *map(_figure, (model.figures[MASKED_LM_LOSS], *model.scores)), *size])
    return rows


def _loyalty(models: Mapping[str, Model]) -> list[list[str]]:
    measures = [(task, measure) for task in TASKS for measure in LOYALTIES]
    rows = [
        ["loyalty of", "to", *(TASKS[task].removesuffix(" accuracy") for task, _ in measures)],
        ["", "", *(SHORT[measure] for _, measure in measures)],
    ]

    for name in (ALONE, STUDENT):
        for followed, row in models[name].loyalty.items():
            figures = [_figure(row[f"{task} {LOYALTIES[measure]}"]) for task, measure in measures]
            rows.append([name, followed, *figures])
    return rows


def figures(models: Mapping[str, Model]) -> Figures:
    """Gather what `metrics.json` says: of the student and its teachers, which a report compares."""
    quality = {
        name: {measure: value for measure, value in model.figures.items() if isinstance(value, float)}
        for name, model in models.items()
    }
    return Figures(
        student=quality[STUDENT],
        teachers={name: quality[name] for name in TEACHERS},
        ensemble={},
        losses={},
        loyalty=models[STUDENT].loyalty,
        sizes=models[STUDENT].sizes,
        teacher_sizes={name: models[name].sizes for name in TEACHERS},
        metric=next(iter(TASKS.values())),
    )


def card(
    models: Mapping[str, Model], trainer: MultiTeacherDistillationTrainer, repo_id: str, sentences: int, command: str
) -> DistillationCardData:
    """Gather what the model card says.

    Args:
        models: Name -> model, all of them measured.
        trainer: That of the student's masked-LM training.
        repo_id: The name of the student's folder.
        sentences: How many the student was trained on.
        command: What makes the same student again.
    """
    evaluations = [
        Evaluation(CORPUS, task, {name: {metric: model.figures[column]} for name, model in models.items()}, part)
        for column, (part, task, metric) in KINDS.items()
    ]

    return trainer.card_data(
        language="ro",
        model_name=STUDENT,
        dataset=f"{sentences} sentences of {CORPUS}, seed {trainer.args.seed}",
        repo_id=repo_id,
        evaluations=evaluations,
        loyalty=models[STUDENT].loyalty,
        sizes={name: model.sizes for name, model in models.items()},
        command=command,
    )


def _figure(value: float | str) -> str:
    return f"{value:.4f}" if isinstance(value, float) else "-"
