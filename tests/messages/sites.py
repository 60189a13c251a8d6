"""Where the package refuses something, read off its syntax."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "hf_multiteacher"
LONGEST = 100


class Site(NamedTuple):
    """A message: the file below the package, and how it begins."""

    file: str
    message: str


def sites_of_package() -> list[Site]:
    """Every message once, in the order of files and lines."""
    files = sorted(PACKAGE.rglob("*.py"))
    found = [site for file in files for site, _ in sites_of(ast.parse(file.read_text("utf-8")), file)]
    return [*dict.fromkeys(found)]


def sites_of(tree: ast.AST, file: Path) -> Iterator[tuple[Site, ast.AST]]:
    """What is raised with a message, told by a parser, or is a `Refusal`, and the node that does it."""
    nodes = [node for node in ast.walk(tree) if isinstance(node, ast.Raise | ast.Call)]
    for node in sorted(nodes, key=lambda node: (node.lineno, node.col_offset)):
        call = node.exc if isinstance(node, ast.Raise) else node
        if isinstance(call, ast.Call) and _arguments(call) and (call is not node or _refuses(call)):
            yield Site(file.relative_to(PACKAGE).as_posix(), _start(call)), node


def _refuses(call: ast.Call) -> bool:
    name = ast.unparse(call.func)
    return name == "Refusal" or name in ("parser.error", "self.error")


def _arguments(call: ast.Call) -> list[ast.expr]:
    return [*call.args, *(keyword.value for keyword in call.keywords)]


def _start(call: ast.Call) -> str:
    """The longest text among the arguments, or where none is written there, the code that makes it."""
    texts = [_text(argument) for argument in _arguments(call)]
    text = max(texts, key=lambda text: len(re.findall(r"\w", text)))
    if not re.search(r"\w", text):
        text = ast.unparse(_arguments(call)[0])

    words = re.sub(r"\s+", " ", text).replace("`", "'").replace("|", "/")
    return words if len(words) <= LONGEST else f"{words[:LONGEST].rpartition(' ')[0]} …"


def _text(node: ast.AST) -> str:
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(part) for part in node.values)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return _text(node.left) + _text(node.right)
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else "…"
