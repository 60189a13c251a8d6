"""Worked examples: what `compute` is given, with its options, and what it answers."""

test_cases = [
    {
        "predictions": [0, 1, 2, 0],
        "references": [0, 1, 1, -100],
        "result": {"label_loyalty": 0.6666666666666666},
    },
    {
        "predictions": [2, 2, 0],
        "references": [2, 2, 0],
        "result": {"label_loyalty": 1.0},
    },
    {
        "predictions": [0, 1, 1, 0],
        "references": [0, 1, 0, 0],
        "options": {"kappa": True, "per_class": True},
        "result": {
            "label_loyalty": 0.75,
            "cohen_kappa": 0.5,
            "per_class": {0: {"rows": 3, "label_loyalty": 0.6666666666666666}, 1: {"rows": 1, "label_loyalty": 1.0}},
        },
    },
]
