"""The log of a training, taken apart: losses, weights and loyalty over its steps."""

from collections.abc import Mapping, Sequence
from typing import Any

from ..charts import is_drawable, of_one_curve

Points = list[tuple[float, float]]
WEIGHT, LOYALTY = "teacher_weight", "_loyalty"
EVALUATED = "eval_"
CONSTANT = 1e-6
ORDER = ("loss", "soft_loss", "hard_loss", "hidden_loss")


def losses(history: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, Points]]:
    """Find the curves of the losses that the whole student has: component -> `training`, `evaluation` -> points.

    What an evaluation calls the loss is the hard loss alone.
    """
    names = [name for name in _names(history) if name.endswith("loss") and name != "train_loss"]
    found: dict[str, dict[str, Points]] = {}
    for name in names:
        evaluated = name.startswith(EVALUATED)
        component = name.removeprefix(EVALUATED)
        if evaluated and component == "loss" and "hard_loss" in names:
            component = "hard_loss"
        points = _points(history, name)
        if len(points) > 1 and (evaluated or not name.startswith("eval")):
            found.setdefault(component, {})["evaluation" if evaluated else "training"] = points
    return {name: found[name] for name in sorted(found, key=_place_of)}


def of_teachers(history: Sequence[Mapping[str, Any]], measure: str) -> dict[str, Points]:
    """Find the curves of what was logged for each teacher: name -> points, at least two each."""
    names = [name for name in _names(history) if name.startswith(f"{measure}/")]
    curves = {name.partition("/")[2]: _points(history, name) for name in names}
    return {name: points for name, points in curves.items() if len(points) > 1}


def loyalties(history: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, Points]]:
    """Find how loyalty went, where it was measured more than once: measure -> teacher -> points."""
    named = [name.partition("/")[0] for name in _names(history) if name.startswith(EVALUATED)]
    measures = [measure for measure in dict.fromkeys(named) if measure.endswith(LOYALTY)]
    curves = {measure.removeprefix(EVALUATED): of_teachers(history, measure) for measure in measures}
    return {measure: found for measure, found in curves.items() if found}


def is_constant(curves: Mapping[str, Points]) -> bool:
    """Whether no curve moves."""
    return all(abs(value - points[0][1]) < CONSTANT for points in curves.values() for _, value in points)


def _place_of(component: str) -> int:
    """Put the whole loss first, then its parts."""
    return ORDER.index(component) if component in ORDER else len(ORDER)


def _names(history: Sequence[Mapping[str, Any]]) -> list[str]:
    return [*dict.fromkeys(name for entry in history for name in entry)]


def _points(history: Sequence[Mapping[str, Any]], name: str) -> Points:
    """Return what was logged under a name; the last, where there is more than one at a step."""
    found = {entry["step"]: entry[name] for entry in of_one_curve(history) if name in entry and "step" in entry}
    return sorted((float(step), float(value)) for step, value in found.items() if is_drawable(value))
