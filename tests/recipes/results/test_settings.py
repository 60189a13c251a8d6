"""Settings of a run beside those of another: by name, with both values, as they are written in files."""

from hf_multiteacher.recipes.results.settings import differing_settings


def test_each_difference_is_named_with_both_values():
    before = {"seed": 1, "seeds": [1, 2], "half": 1}
    assert differing_settings(before, {"seed": 2, "seeds": (1, 2), "steps": 3}) == [
        "seed=1 (now 2)",
        "half=1 (now default)",
        "steps=default (now 3)",
    ]
