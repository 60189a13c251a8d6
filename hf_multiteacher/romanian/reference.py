"""The published values of the paper's models, and how they differ from ours."""

from .tasks import DEFINITIONS

MODELS = (
    "readerbench/RoBERT-base",
    "dumitrescustefan/bert-base-romanian-cased-v1",
    "racai/distilbert-base-romanian-uncased",
    "racai/distilbert-base-romanian-cased",
    "racai/distilbert-multi-base-romanian-cased",
)
"""The paper's models, by their ids on the Hub; the data sets' files give a task's published values in this order."""


def _reference() -> dict[str, dict[str, float]]:
    reference: dict[str, dict[str, float]] = {model: {} for model in MODELS}

    for definition in DEFINITIONS.values():
        if definition.published:
            for model, value in zip(MODELS, definition.published, strict=True):
                reference[model][definition.key] = value
    return reference


REFERENCE = _reference()
"""Hub id -> task -> quality in percent, from the model cards."""

REFERENCE_NOTE = (
    "Published values are from the model cards. Their UPOS and XPOS are aligned-word "
    "scores where ours are accuracy over words; their NER is F1 of exact boundaries with the type ignored, on the "
    "first version of RONEC with 16 classes, so it stands beside our boundary_f1, not beside our strict entity_f1; "
    "their tagging runs cut sentences at 128 pieces and dropped longer ones, ours predict every word. Seeds and "
    "the splits of LaRoSeDa and MOROCO are not public: compare orders of magnitude, not the last digit."
)
"""What to read beside the published values."""
