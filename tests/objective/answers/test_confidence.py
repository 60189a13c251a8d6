"""How sure and how right models are; beside real models it is tested with the record."""

import numpy as np

from hf_multiteacher.objective.answers.confidence import Confidence


def test_an_answer_counts_where_there_is_one_and_a_label_to_compare_it_with():
    confidence = Confidence()
    student, silent, unknown = [0, 0.95, 1], [-1, -1, -1], [0, 0.95, -1]
    confidence.add(
        np.array([[*each, 1, *other, 1, 0, 0.5] for each in (student, unknown) for other in (student, silent)])
    )
    found = confidence.of(["student", "one"])
    assert found["student"][9] == [2, 1.9, 2] and found["one"][9] == [2, 1.9, 2]
    assert not np.any([found[name][:9] for name in found])
