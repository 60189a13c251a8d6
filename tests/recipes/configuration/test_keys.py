"""The explanation of every key, on the screen and in the documentation."""

import re
from dataclasses import fields

from hf_multiteacher.recipes.configuration.configuration import KINDS, DistillationConfig
from hf_multiteacher.recipes.configuration.keys import NEEDED, explain

OWN = [*NEEDED, *(each.name for each in fields(DistillationConfig))]


def test_every_key_is_explained_once_within_80_columns():
    text = explain()
    assert max(map(len, text.splitlines())) <= 80
    explained = re.findall(r"^  (\w+): ", text, re.MULTILINE)
    listed = text.partition("by name")[2].replace(",", " ").split()
    names = [each.name for kind in KINDS for each in fields(kind) if each.init]
    assert sorted([*explained, *listed]) == sorted({*names})
    assert explained[: len(OWN)] == OWN
