"""What is public of the recipes."""

from pathlib import Path

import pytest

from hf_multiteacher import recipes


def test_public_names_are_there_and_documented():
    reference = (Path(__file__).parents[2] / "docs/api.md").read_text().splitlines()
    for name in recipes.__all__:
        assert name in dir(recipes) and callable(getattr(recipes, name))
        assert f"::: hf_multiteacher.recipes.{recipes._MODULE_OF[name]}.{name}" in reference


def test_other_names_are_not_there():
    with pytest.raises(AttributeError, match="'hf_multiteacher.recipes' has no attribute 'load_corpse'"):
        recipes.load_corpse  # noqa: B018 (to ask for it is the test)
