"""Worked examples: what `compute` is given, with its options and configuration, and what it answers."""

_student = [[0.7, 0.2, 0.1], [0.1, 0.3, 0.6]]
_teacher = [[0.5, 0.3, 0.2], [0.1, 0.5, 0.4]]

test_cases = [
    {
        "predictions": _student,
        "references": _teacher,
        "result": {"label_loyalty": 0.5, "probability_loyalty": 0.8506699564958702},
    },
    {
        "predictions": _student,
        "references": _teacher,
        "options": {"base": 2},
        "result": {"label_loyalty": 0.5, "probability_loyalty": 0.8206363384421342},
    },
    {
        "predictions": [[2.0, -1.0], [0.0, 3.0]],
        "references": [[2.0, -1.0], [1.0, 4.0]],
        "options": {"from_logits": True},
        "result": {"label_loyalty": 1.0, "probability_loyalty": 1.0},
    },
    {
        "predictions": [0, 1, 2, 0],
        "references": [0, 1, 1, -100],
        "config_name": "labels",
        "result": {"label_loyalty": 0.6666666666666666},
    },
    {
        "predictions": [0.1, 2.1, 2.9],
        "references": [0.0, 2.0, 3.0],
        "config_name": "regression",
        "result": {"regression_loyalty": 0.998625428903524},
    },
]
