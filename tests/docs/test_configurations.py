"""Every configuration of the README and docs/ can be read, alone or as a part of the one before it on its page."""

import re
from pathlib import Path

import pytest

from helpers.pages import blocks
from hf_multiteacher.recipes.ablation.configuration import read_ablation
from hf_multiteacher.recipes.configuration.configuration import read_config
from hf_multiteacher.recipes.configuration.yaml_files import read_yaml

WHOLE = "corpus: text.txt\nteachers: [A, B]\noutput_dir: student\n"
"""What a part is added to where no whole one stands before it on its page."""
NEEDED = ("teachers", "output_dir")
NEEDS_A_PACKAGE = re.compile("^report_to: .*$", re.MULTILINE)
"""Trackers are no dependencies, and one that is not there is refused."""


def is_whole(code: str) -> bool:
    return all(re.search(rf"^{key}:", code, re.MULTILINE) for key in NEEDED)


def alternatives(code: str) -> list[str]:
    """A block that says a key several times shows several ways, a line each."""
    keys = re.findall(r"^(\w+):", code, re.MULTILINE)
    return [code] if len({*keys}) == len(keys) else code.splitlines()


def with_what_is_before(block) -> str:
    """The whole configuration that a reader of the page has by then."""
    before = [each.code for each in blocks("yaml", block.page) if each.line < block.line and is_whole(each.code)]
    return "" if is_whole(block.code) else (before or [WHOLE])[-1]


@pytest.mark.parametrize("block", blocks("yaml"), ids=str)
def test_every_configuration_can_be_read(block, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    before = with_what_is_before(block)

    for shown in alternatives(block.code):
        given = set(re.findall(r"^(\w+):", shown, re.MULTILINE))
        kept = [line for line in before.splitlines() if line.partition(":")[0] not in given]
        Path("config.yaml").write_text(NEEDS_A_PACKAGE.sub("", "\n".join([*kept, shown])), encoding="utf-8")

        read = read_ablation if "arms" in given else read_config
        read(["config.yaml", "--use_cpu"])
        assert given <= {*read_yaml("config.yaml"), "report_to"}
