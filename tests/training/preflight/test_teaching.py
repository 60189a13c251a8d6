"""What is said of teachers that have little to say to the student."""

import pytest

from hf_multiteacher.training.preflight.teaching import coverage_findings


@pytest.mark.parametrize(
    ("figure", "share", "level"),
    [
        ("coverage", 0.9, "ok"),
        ("coverage", 0.5, "warning"),
        ("coverage", 0.01, "stop"),
        ("shared_mass", 0.9, "ok"),
        ("shared_mass", 0.2, "warning"),
        ("shared_mass", 0.0, "stop"),
    ],
)
def test_little_coverage_is_a_warning_and_none_is_in_the_way(figure, share, level):
    (finding,) = coverage_findings({f"{figure}/a": share}, ["a"])
    assert finding.level == level and finding.figures == {f"{figure}/a": share} and bool(finding.do) == (level != "ok")
