"""Worked examples: what `compute` is given, with its options, and what it answers."""

_student = [[0.7, 0.2, 0.1], [0.1, 0.3, 0.6]]
_teacher = [[0.5, 0.3, 0.2], [0.1, 0.5, 0.4]]

test_cases = [
    {
        "predictions": _student,
        "references": _teacher,
        "result": {"probability_loyalty": 0.8506699564958702},
    },
    {
        "predictions": _student,
        "references": _teacher,
        "options": {"base": 2},
        "result": {"probability_loyalty": 0.8206363384421342},
    },
    {
        "predictions": [[1.0, 0.0]],
        "references": [[0.0, 1.0]],
        "result": {"probability_loyalty": 0.1674453888423023},
    },
    {
        "predictions": [[2.0, -1.0], [0.0, 3.0]],
        "references": [[2.0, -1.0], [1.0, 4.0]],
        "options": {"from_logits": True},
        "result": {"probability_loyalty": 1.0},
    },
]
