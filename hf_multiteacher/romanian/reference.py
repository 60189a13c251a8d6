"""The published values of the paper's models, and how they differ from ours."""

_TASKS = ("upos", "xpos", "ner", "sapn", "sar", "di", "sts")
_VALUES = {
    "readerbench/RoBERT-base": (98.02, 97.15, 85.14, 98.30, 79.40, 96.07, 81.18),
    "dumitrescustefan/bert-base-romanian-cased-v1": (98.00, 96.46, 85.88, 98.07, 79.61, 95.58, 80.30),
    "racai/distilbert-base-romanian-uncased": (97.12, 95.79, 83.11, 98.01, 79.58, 96.11, 79.80),
    "racai/distilbert-base-romanian-cased": (97.97, 97.08, 83.35, 98.20, 80.51, 96.31, 80.57),
    "racai/distilbert-multi-base-romanian-cased": (98.07, 96.83, 83.22, 98.11, 79.77, 96.18, 80.66),
}

REFERENCE = {model: dict(zip(_TASKS, values, strict=True)) for model, values in _VALUES.items()}
"""Hub id -> task -> quality in percent, from the model cards."""

REFERENCE_NOTE = (
    "Published values are from the model cards. Their UPOS and XPOS are aligned-word "
    "scores where ours are accuracy over words; their NER is F1 of exact boundaries with the type ignored, on the "
    "first version of RONEC with 16 classes, so it stands beside our boundary_f1, not beside our strict entity_f1; "
    "their tagging runs cut sentences at 128 pieces and dropped longer ones, ours predict every word. Seeds and "
    "the splits of LaRoSeDa and MOROCO are not public: compare orders of magnitude, not the last digit."
)
"""What to read beside the published values."""
