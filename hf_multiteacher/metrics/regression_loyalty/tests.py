"""Worked examples: what `compute` is given, with its options, and what it answers."""

test_cases = [
    {
        "predictions": [0.1, 2.1, 2.9],
        "references": [0.0, 2.0, 3.0],
        "result": {"regression_loyalty": 0.998625428903524},
    },
    {
        "predictions": [5.0, 3.0, 1.0],
        "references": [0.0, 1.0, 2.0],
        "result": {"regression_loyalty": -1.0},
    },
    {
        "predictions": [0.1, 2.1, 2.9, 100.0],
        "references": [0.0, 2.0, 3.0, -100.0],
        "options": {"mask": [True, True, True, False]},
        "result": {"regression_loyalty": 0.998625428903524},
    },
]
