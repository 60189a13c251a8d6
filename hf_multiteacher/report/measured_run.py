"""All that a report tells of one run."""

from dataclasses import dataclass

from .card_data import DistillationCardData
from .compared_answers import ComparedAnswers

NOT_EVALUATED = "The answers of these weights are not known: call trainer.evaluate(), and make the report after it."
NOT_KEPT = (
    "The answers are not in this folder. distill leaves them in answers.json; with a trainer of your own, "
    'trainer.report().save("report.html") after trainer.evaluate() shows them.'
)


@dataclass(frozen=True)
class MeasuredRun:
    """One run: what its card says, and what the models answered.

    Args:
        card: What was measured; its student is called as the report calls it.
        answers: What the models answered; None where that is not known.
        without_answers: Why there are no answers, and how to get them.
    """

    card: DistillationCardData
    answers: ComparedAnswers | None = None
    without_answers: str = ""

    @property
    def name(self) -> str:
        """The student's name, which is the run's."""
        return self.card.name

    @property
    def teachers(self) -> list[str]:
        """The names of the teachers, in their order."""
        return [str(teacher["name"]) for teacher in self.card.teachers]
