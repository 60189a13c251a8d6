"""The model card of a distilled student: what was measured, in the form that the Hub reads."""

import json
import re
from collections.abc import Callable, Mapping
from logging import getLogger
from math import isfinite
from pathlib import Path

from huggingface_hub import EvalResult, ModelCard, ModelCardData

from ..models.task import TASKS
from ..whole_file import write_text
from .card_data import DistillationCardData, Evaluation
from .card_sections import USER_TEXT_END, USER_TEXT_START, Card, measures, on_the_hub
from .charts import loyalty_chart, quality_chart, training_chart
from .hub_ids import dataset_type, is_hub_id
from .markdown_text import one_line
from .private_text import without_local_paths

__all__ = [
    "DistillationCardData",
    "Evaluation",
    "model_card",
    "user_text",
    "with_user_text_of",
    "write_model_card",
]

logger = getLogger(__name__)

TAGS = ("knowledge-distillation", "multiple-teachers", "hf-multiteacher")
STRING = r'"(?:[^"\\]|\\.)*"'  # in JSON, and in Python
TEMPLATE = Path(__file__).with_name("card_template.md")


def write_model_card(data: DistillationCardData, folder: str | Path) -> Path:
    """Write `README.md`, and the charts that it shows, into the student's folder.

    Text between the card's two comments for the user is taken over from the card that is there.

    Args:
        data: What was measured.
        folder: The saved student; with an `adapter_config.json` in it, the card describes a PEFT adapter.

    Returns:
        The path of the card.
    """
    folder = Path(folder)
    card = folder / "README.md"
    charts = _draw_charts(data, folder)
    text = user_text(card.read_text("utf-8")) if card.is_file() else ""

    return write_text(card, str(model_card(data, charts, text, _base_of_adapter(data, folder))))


def _base_of_adapter(data: DistillationCardData, folder: Path) -> str | None:
    """Return the base of an adapter, empty where nobody knows it; a name that its configuration lacks is put there."""
    path = folder / "adapter_config.json"
    if not path.is_file():
        return data.adapter_of

    config = json.loads(path.read_text("utf-8"))
    written = config.get("base_model_name_or_path")
    if data.adapter_of and not written:
        write_text(path, json.dumps(config | {"base_model_name_or_path": data.adapter_of}, indent=2))
    return data.adapter_of or written or ""


def _draw_charts(data: DistillationCardData, folder: Path) -> dict[str, str]:
    """Draw what there are figures for: name of the chart -> name of its file."""
    teachers = [teacher["name"] for teacher in data.teachers]
    charts: dict[str, Callable[[Path], Path | None]] = {
        "quality": lambda path: quality_chart(measures(data), data.name, path, teachers),
        "loyalty": lambda path: loyalty_chart(data.loyalty, path, teachers),
        "training": lambda path: training_chart(data.log_history, path),
    }

    drawn = {name: _drawn(name, draw, folder / f"{name}.png") for name, draw in charts.items()}
    return {name: path.name for name, path in drawn.items() if path is not None}


def _drawn(name: str, draw: Callable[[Path], Path | None], path: Path) -> Path | None:
    """Draw a chart; one that cannot be drawn is not worth a card."""
    try:
        return draw(path)
    except OSError:
        raise
    except Exception as error:
        logger.warning("The card has no %s chart: it could not be drawn (%s: %s).", name, type(error).__name__, error)
        path.unlink(missing_ok=True)
        return None


def model_card(
    data: DistillationCardData, charts: Mapping[str, str], text: str = "", adapter_of: str | None = None
) -> ModelCard:
    """Render the card.

    Args:
        data: What was measured.
        charts: File names of the images for `quality`, `loyalty` and `training`; a missing one is not shown.
        text: The user's own, kept as it is. All the rest is freed of local paths and tokens.
        adapter_of: Hub id of the base model when the student is a PEFT adapter; empty where it is not known.
    """
    sections = Card(data, charts, adapter_of)
    card = ModelCard.from_template(metadata(data, adapter_of), template_path=str(TEMPLATE), card=sections)

    cleaned = without_local_paths(str(card))
    return ModelCard(cleaned.replace(USER_TEXT_START + "\n", USER_TEXT_START + (text or "\n"), 1))


def metadata(data: DistillationCardData, adapter_of: str | None = None) -> ModelCardData:
    """Build the card's YAML: what the Hub filters by and the student's results, without those that are missing."""
    results = _results(data)
    bases = [*data.bases, *(teacher["id"] for teacher in data.teachers if on_the_hub(teacher))]
    bases = list(dict.fromkeys([adapter_of, *bases] if adapter_of else bases))
    bases = [base for base in bases if is_hub_id(base)]
    relation = "adapter" if adapter_of else "finetune"

    return ModelCardData(
        language=[one_line(language) for language in data.languages] or None,
        license=data.license,
        library_name="transformers" if adapter_of is None else "peft",
        pipeline_tag=TASKS[data.task].pipeline,
        base_model=bases or None,
        # of the relations that the Hub knows (adapter, finetune, merge, quantized) the nearest to a distillation
        base_model_relation=relation if bases else None,
        datasets=[name for name in data.datasets if is_hub_id(name)] or None,
        metrics=list(dict.fromkeys(result.metric_type for result in results)) or None,
        tags=list(dict.fromkeys([*TAGS, *map(one_line, data.tags)])),
        model_name=one_line(data.name) if results else None,  # it would stay there by itself without results
        eval_results=results or None,
    )


def _results(data: DistillationCardData) -> list[EvalResult]:
    names: dict[tuple[str, str, str | None], set[str]] = {}
    for evaluation in data.evaluations:
        names.setdefault(_place(evaluation), set()).add(evaluation.dataset)

    return [
        EvalResult(
            task_type=evaluation.task,
            dataset_type=_place(evaluation)[1],
            dataset_name=one_line(evaluation.dataset),
            # one result would be made of several names that share an id
            dataset_config=one_line(evaluation.dataset) if len(names[_place(evaluation)]) > 1 else None,
            dataset_split=evaluation.split and one_line(evaluation.split),
            metric_type=one_line(metric),
            metric_value=figure,
        )
        for evaluation in data.evaluations
        for metric, figure in evaluation.figures.get(data.name, {}).items()
        if isinstance(figure, (int, float)) and isfinite(figure)
    ]


def _place(evaluation: Evaluation) -> tuple[str, str, str | None]:
    """What the Hub takes for one result: task, id and split."""
    return evaluation.task, dataset_type(evaluation.dataset_id or evaluation.dataset), evaluation.split


def is_our_card(card: str) -> bool:
    """Whether a card was written here: it has the comments for the user's text."""
    return USER_TEXT_START in card


def user_text(card: str) -> str:
    """Return what stands between the card's two comments for the user; empty when they are not there."""
    found = re.search(f"{re.escape(USER_TEXT_START)}(.*?){re.escape(USER_TEXT_END)}", card, re.DOTALL)
    return found.group(1) if found else ""


def with_user_text_of(other: str, card: str) -> str:
    """Return `card` with the user's text of another version of it, unless `card` has text of its own."""
    theirs, ours = user_text(other), user_text(card)

    if ours.strip() or not theirs.strip():
        if theirs.strip() not in ("", ours.strip()):
            logger.warning("Your text in the card replaces another one on the Hub, which stays in its history.")
        return card

    return card.replace(f"{USER_TEXT_START}{ours}{USER_TEXT_END}", f"{USER_TEXT_START}{theirs}{USER_TEXT_END}")


def for_repository(card: str, repo_id: str) -> str:
    """Return a card of ours with a snippet that loads the student from `repo_id`; other cards stay as they are."""
    snippet = re.search(r"^```python\n.*?^```$", card, re.DOTALL | re.MULTILINE)
    if not is_our_card(card) or snippet is None:
        return card

    loads = re.sub(rf"(?<=\bmodel=){STRING}|(?<=from_pretrained\(){STRING}", f'"{repo_id}"', snippet.group())
    return card.replace(snippet.group(), loads, 1)
