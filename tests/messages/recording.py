"""Writes down which test is running when the package refuses something, in this process and in those it starts.

The package is compiled with a line before each message that notes it, so it does not matter who catches the error.
"""

import ast
import os
import resource
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import CodeType
from typing import Any

from messages.sites import PACKAGE, sites_of

NOTES = "MESSAGES_NOTES"
"""Names a file with lines `file<tab>message<tab>test`; beside it stands the name of the test that is running."""


def pytest_runtest_logstart(nodeid: str) -> None:
    """Say which test is running."""
    _running().write_text(nodeid.partition("[")[0])


def install() -> None:
    """Have every import of the package from now on note its messages."""
    sys.dont_write_bytecode = True
    sys.meta_path.insert(0, _Finder())


def noted(tree: ast.Module, file: Path) -> ast.Module:
    """Put a note before every message of a file."""
    return ast.fix_missing_locations(_Noting({id(node): site for site, node in sites_of(tree, file)}).visit(tree))


def note(file: str, message: str, refusal: Any = None) -> Any:
    """Note that the running test sees a message; a refusal only counts where it holds, and is handed back."""
    if NOTES in os.environ and (refusal is None or refusal.when):
        with _large_disk(), Path(os.environ[NOTES]).open("a", encoding="utf-8") as notes:
            notes.write(f"{file}\t{message}\t{_running().read_text()}\n")
    return refusal


@contextmanager
def _large_disk() -> Iterator[None]:
    """Have the notes written also where a test keeps files from growing."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (before[1], before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def _running() -> Path:
    return Path(f"{os.environ[NOTES]}.running")


class _Noting(ast.NodeTransformer):
    def __init__(self, sites: dict[int, Any]) -> None:
        self.sites = sites

    def visit_Raise(self, node: ast.Raise) -> Any:
        site = self.sites.get(id(node))
        return [ast.Expr(self._note(site, node)), node] if site else node

    def visit_Call(self, node: ast.Call) -> Any:
        self.generic_visit(node)
        site = self.sites.get(id(node))
        if site is None:
            return node
        if ast.unparse(node.func) == "Refusal":
            return self._note(site, node, node)
        return ast.copy_location(ast.BoolOp(ast.Or(), [self._note(site, node), node]), node)

    def _note(self, site: Any, place: ast.AST, *refusal: ast.expr) -> ast.Call:
        code = "__import__('messages.recording').recording.note"
        call = ast.Call(ast.parse(code, mode="eval").body, [*map(ast.Constant, site), *refusal], [])
        return ast.copy_location(call, place)


class _Loader(SourceFileLoader):
    def get_code(self, fullname: str) -> CodeType:
        """Compile the source, never a cache."""
        file = Path(self.get_filename(fullname))
        return compile(noted(ast.parse(file.read_bytes()), file), str(file), "exec")


class _Finder(MetaPathFinder):
    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        """Find the modules of the package."""
        if fullname.partition(".")[0] != PACKAGE.name:
            return None

        spec = PathFinder.find_spec(fullname, path)
        if spec and spec.origin and spec.origin.endswith(".py"):
            spec.loader = _Loader(fullname, spec.origin)
        return spec
