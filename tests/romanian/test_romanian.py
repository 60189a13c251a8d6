"""The public names of the Romanian tasks."""

from pathlib import Path

from hf_multiteacher import romanian


def test_every_public_name_is_in_the_reference_of_the_api():
    reference = (Path(__file__).parents[2] / "docs/api.md").read_text().splitlines()
    for name in romanian.__all__:
        assert getattr(romanian, name).__name__ == name
        assert f"::: hf_multiteacher.romanian.{romanian._MODULE_OF[name]}.{name}" in reference
