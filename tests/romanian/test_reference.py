"""The published values."""

from hf_multiteacher.romanian.reference import REFERENCE, REFERENCE_NOTE


def test_published_values_are_complete_and_say_how_they_differ():
    assert len(REFERENCE) == 5 and all(len(values) == 7 for values in REFERENCE.values())
    assert REFERENCE["racai/distilbert-multi-base-romanian-cased"]["sts"] == 80.66
    assert "aligned-word" in REFERENCE_NOTE and "type ignored" in REFERENCE_NOTE and "loyalty" not in REFERENCE_NOTE
