"""What docs/troubleshooting.md quotes is what the package says."""

import ast
import re
from pathlib import Path

import pytest

import hf_multiteacher
from helpers.pages import PAGES

PAGE = "docs/troubleshooting.md"
NOT_OURS = {
    "CUDA out of memory": "torch",
    "There were missing keys in the checkpoint model loaded": "transformers",
}
"""What somebody else says, and who."""
FILLED_IN = re.compile(r"%(?:%|[-.\d]*[a-z])")


def sayings() -> str:
    """Every text in the package, with … for what is filled in."""
    found = []
    for path in Path(hf_multiteacher.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.JoinedStr):
                found.append(
                    "".join(
                        getattr(part, "value", None) if isinstance(part, ast.Constant) else "…" for part in node.values
                    )
                )
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.append(FILLED_IN.sub("…", node.value))
    return "\n".join(found)


def quoted() -> list[str]:
    """What stands in the first column as a message: a sentence or a part of one."""
    rows = re.findall(r"^\| (.*?) \|", PAGES[PAGE], re.MULTILINE)
    codes = [code for row in rows for code in re.findall(r"`([^`]+)`", row)]
    return [code for code in codes if (code.count(" ") >= 3 or "…" in code) and code not in NOT_OURS]


@pytest.fixture(scope="module")
def said():
    return sayings()


def test_many_messages_are_quoted():
    assert len(quoted()) >= 25


@pytest.mark.parametrize("message", quoted())
def test_what_is_quoted_is_said(message, said):
    parts = [re.escape(part.strip()) for part in message.split("…") if part.strip()]
    assert re.search(r"[^\n]*?".join(parts), said)
