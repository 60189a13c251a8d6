"""The published values of the paper's models, and how they differ from ours."""

_TASKS = ("upos", "xpos", "ner", "sapn", "sar", "di", "sts")
_VALUES = {
    "readerbench/RoBERT-base": (98.02, 97.15, 85.14, 98.30, 79.40, 96.07, 81.18),
    "dumitrescustefan/bert-base-romanian-cased-v1": (98.00, 96.46, 85.88, 98.07, 79.61, 95.58, 80.30),
    "racai/distilbert-base-romanian-uncased": (97.12, 95.79, 83.11, 98.01, 79.58, 96.11, 79.80),
    "racai/distilbert-base-romanian-cased": (97.97, 97.08, 83.35, 98.20, 80.51, 96.31, 80.57),
    "racai/distilbert-multi-base-romanian-cased": (98.07, 96.83, 83.22, 98.11, 79.77, 96.18, 80.66),
}
_LOYALTY = {
    "racai/distilbert-base-romanian-uncased": (87.80, 74.76, 94.96),
    "racai/distilbert-base-romanian-cased": (84.63, 71.95, 92.24),
    "racai/distilbert-multi-base-romanian-cased": (89.75, 73.23, 94.64),
}
_SIZES = {
    "readerbench/RoBERT-base": (114, 441),
    "dumitrescustefan/bert-base-romanian-cased-v1": (124, 477),
    "racai/distilbert-base-romanian-uncased": (72, 282),
    "racai/distilbert-base-romanian-cased": (81, 312),
    "racai/distilbert-multi-base-romanian-cased": (81, 312),
}

REFERENCE = {model: dict(zip(_TASKS, values, strict=True)) for model, values in _VALUES.items()}
"""Hub id -> task -> quality in percent, from the model cards."""

REFERENCE_LOYALTY = {
    model: dict(zip(("label", "probability", "regression"), values, strict=True)) for model, values in _LOYALTY.items()
}
"""Hub id of a student -> kind of loyalty -> percent, from the authors' poster."""

REFERENCE_SIZES = {
    model: dict(zip(("million_parameters", "mebibytes"), values, strict=True)) for model, values in _SIZES.items()
}
"""Hub id -> parameters in millions and size of the 32-bit weights in MiB, from the model cards."""

REFERENCE_NOTE = (
    "Published values are from the model cards (loyalty: the authors' poster). Their UPOS and XPOS are aligned-word "
    "scores where ours are accuracy over words; their NER is F1 of exact boundaries with the type ignored, on the "
    "first version of RONEC with 16 classes, so it stands beside our boundary_f1, not beside our strict entity_f1; "
    "their tagging runs cut sentences at 128 pieces and dropped longer ones, ours predict every word. Seeds, splits "
    "of LaRoSeDa and MOROCO and the data behind the loyalty figures are not public: compare orders of magnitude, not "
    "the last digit."
)
"""What to read beside the published values."""
