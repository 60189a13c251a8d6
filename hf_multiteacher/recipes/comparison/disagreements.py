"""The examples on which a student and its teachers are farthest apart, and what each of them says there."""

from typing import Any

import numpy as np
from scipy.special import softmax

from ...loyalty.probability import probability_agreement
from .comparison import STUDENT, Comparison


def find_disagreements(comparison: Comparison, count: int) -> list[dict[str, Any]]:
    """Find the examples on which the student is farthest from its teachers, on average over them and over words.

    Args:
        comparison: What all models say.
        count: How many examples at most.

    Returns:
        Per example, the farthest first: its number, `text`, `agreement` (mean probability agreement; in regression
        `difference`, mean absolute difference) and `answers`, one per row, the farthest first: `word` in tagging, the
        row's own `agreement` or `difference`, and what the `student` and each of the `teachers` say.
    """
    examples = comparison.examples
    counts = examples.rows_per_example
    owner = np.repeat(np.arange(len(examples)), counts)

    distance = _distances(comparison)
    sums = np.bincount(owner, distance, len(examples))
    means = np.divide(sums, counts, out=np.full(len(examples), -np.inf), where=counts > 0)

    found = []
    for example in np.argsort(-means, kind="stable")[: min(count, (counts > 0).sum())]:
        own = np.flatnonzero(owner == example)
        first = own[0]
        own = own[np.argsort(-distance[own], kind="stable")]
        words = examples.sequences[0][example]

        answers = [
            ({"word": words[row - first]} if examples.tagging else {})
            | _score(comparison, distance[row])
            | _opinions(comparison, row)
            for row in own.tolist()
        ]
        place = {"example": int(example), "text": examples.text(example)}
        found.append(place | _score(comparison, means[example]) | {"answers": answers})

    return found


def describe(disagreement: dict[str, Any], words: int = 3, width: int = 100) -> str:
    """Write one of `find_disagreements` in a few lines: the start of its text, and the first of its answers."""
    score = disagreement.get("agreement", disagreement.get("difference"))
    text = disagreement["text"]
    start = text if len(text) <= width else f"{text[: width - 3]}..."
    lines = [f"{score:.4f}  {start}"]

    for answer in disagreement["answers"][:words]:
        opinions = {STUDENT: answer[STUDENT]} | answer["teachers"]
        word = f"{answer['word']}: " if "word" in answer else ""
        lines.append(f"        {word}{', '.join(f'{name} {_short(opinion)}' for name, opinion in opinions.items())}")

    return "\n".join(lines)


def _distances(comparison: Comparison) -> np.ndarray:
    """Distance of the student from its teachers, the mean over them, for each row."""
    student = comparison.student
    teachers = comparison.teachers.values()

    if comparison.regression:
        each = [np.abs(teacher - student) for teacher in teachers]
    else:
        each = [1 - probability_agreement(student, teacher, from_logits=True) for teacher in teachers]

    return np.mean([values.reshape(len(student), -1).mean(axis=1) for values in each], axis=0)


def _score(comparison: Comparison, distance: float) -> dict[str, float]:
    return {"difference": float(distance)} if comparison.regression else {"agreement": float(1 - distance)}


def _opinions(comparison: Comparison, row: int) -> dict[str, Any]:
    teachers = {name: _opinion(comparison, each[row]) for name, each in comparison.teachers.items()}
    return {STUDENT: _opinion(comparison, comparison.student[row]), "teachers": teachers}


def _opinion(comparison: Comparison, logits: np.ndarray) -> dict[str, Any]:
    if comparison.regression:
        return {"output": float(logits[0])}
    if logits.ndim > 1:
        return {"labels": [name for name, (yes, no) in zip(comparison.labels, logits, strict=True) if yes > no]}
    best = int(logits.argmax())
    probabilities = softmax(logits.astype(np.float64))
    return {"label": comparison.labels[best], "probability": float(probabilities[best])}


def _short(opinion: dict[str, Any]) -> str:
    if "output" in opinion:
        return f"{opinion['output']:.3f}"
    if "labels" in opinion:
        return "+".join(opinion["labels"]) or "none"
    return f"{opinion['label']} {opinion['probability']:.2f}"
