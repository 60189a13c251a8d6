"""The floors of the house: a file imports from its own folder and from floors below, and nothing goes in a circle."""

import ast
import inspect
import subprocess
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest
from transformers import Trainer

import hf_multiteacher

PACKAGE = Path(hf_multiteacher.__file__).parent
FLOORS = (
    {"whole_file"},
    {"romanian", "tokenization", "losses", "loyalty", "cache", "version", "moved"},
    {"models"},
    {"report", "collation", "teachers", "metrics", "training_args"},
    {"hub", "training", "objective"},
    {"trainer"},
    {"recipes", "__init__"},
    {"commands"},
)
WRITING_METHODS = {"write_text", "write_bytes", "savefig", "dump", "save", "to_csv", "to_json", "to_parquet"}
WRITING_FUNCTIONS = {"save_file"}
FILES = {".".join(path.relative_to(PACKAGE).with_suffix("").parts): path for path in PACKAGE.rglob("*.py")}


def imported_files(name: str) -> set[str]:
    """Files of the package that a file imports anywhere, for the type checker alone too."""
    found = set()

    for node in ast.walk(ast.parse(FILES[name].read_text("utf-8"))):
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            package = ["hf_multiteacher", *name.split(".")][: -node.level or None] if node.level else []
            module = ".".join([*package, *([node.module] if node.module else [])])
            modules = [f"{module}.{alias.name}" for alias in node.names]
        else:
            continue
        for module in modules:
            root, _, inside = module.partition(".")
            if root == "hf_multiteacher" and (file := file_of(inside)):
                found.add(file)

    return found - {name}


def file_of(module: str) -> str | None:
    """The file that holds a module, or the name in a module, that is given by its path."""
    parts = module.split(".")
    for length in (len(parts), len(parts) - 1):
        stem = ".".join(parts[:length])
        for file in (stem, f"{stem}.__init__".lstrip(".")):
            if file in FILES:
                return file
    return None


def floor_of(room: str) -> int:
    """The number of the floor, from below."""
    return next(number for number, rooms in enumerate(FLOORS) if room in rooms)


def test_every_room_is_on_a_floor():
    assert {name.split(".")[0] for name in FILES} == set().union(*FLOORS)


def test_a_file_imports_from_its_own_folder_and_from_floors_below():
    against = [
        f"{name} imports {other}"
        for name in FILES
        for other in imported_files(name)
        if other.split(".")[0] != name.split(".")[0] and floor_of(other.split(".")[0]) >= floor_of(name.split(".")[0])
    ]
    assert against == []


def test_no_file_is_in_a_circle():
    try:
        TopologicalSorter({name: imported_files(name) for name in FILES}).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


def writes(name: str) -> list[str]:
    """Places where a file opens or writes a path that is not called `part`, as `whole_file` calls what it renames."""
    calls = [node for node in ast.walk(ast.parse(FILES[name].read_text("utf-8"))) if isinstance(node, ast.Call)]
    return [f"{name}, line {call.lineno}" for call in calls if is_writing(call) and "part" not in paths_of(call)]


def is_writing(call: ast.Call) -> bool:
    """Whether a call writes a file."""
    method = isinstance(call.func, ast.Attribute)
    function = getattr(call.func, "attr" if method else "id", "")
    if function == "open":
        return any(is_mode(value) for value in [*call.args, *(each.value for each in call.keywords)])
    return function in (WRITING_METHODS if method else WRITING_FUNCTIONS)


def paths_of(call: ast.Call) -> set[str]:
    """The names that a call is given, or is a method of."""
    given = [*call.args, getattr(call.func, "value", None)]
    return {each.id for each in given if isinstance(each, ast.Name)}


def is_mode(argument: ast.expr) -> bool:
    """Whether an argument is a mode of `open` that writes."""
    return (
        isinstance(argument, ast.Constant)
        and isinstance(argument.value, str)
        and {*argument.value} & {*"wax+"} != set()
        and {*argument.value} <= {*"rwaxbt+"}
    )


def test_every_file_is_written_beside_and_renamed():
    assert [place for name in FILES if name != "whole_file" for place in writes(name)] == []


def test_no_object_holds_the_one_that_made_it():
    assert [name for name, path in FILES.items() if "proxy(self)" in path.read_text("utf-8")] == []


def test_every_override_has_the_trainers_own_signature():
    ours = hf_multiteacher.MultiTeacherDistillationTrainer
    classes = [each for each in ours.__mro__ if each.__module__.startswith("hf_multiteacher.")]
    overrides = {name: method for each in reversed(classes) for name, method in vars(each).items()}

    compared = 0
    for name, method in overrides.items():
        theirs = getattr(Trainer, name, None)
        if not inspect.isfunction(method) or theirs is None:
            continue
        expected = inspect.signature(theirs).parameters.values()
        given = list(inspect.signature(method).parameters.values())[: len(expected)]
        assert [(each.name, each.default) for each in given] == [(each.name, each.default) for each in expected], name
        compared += 1

    assert compared > 10


def test_importing_the_package_loads_nothing_heavy():
    heavy = ("torch", "transformers", "evaluate", "numpy")
    code = f"import sys, hf_multiteacher; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_public_name_is_documented():
    documented = (PACKAGE.parent / "docs" / "api.md").read_text("utf-8").split()
    names = {name: f"hf_multiteacher.{module}.{name}" for name, module in hf_multiteacher._MODULE_OF.items()}
    assert [name for name, path in names.items() if path not in documented] == []
    assert "hf_multiteacher.loyalty" in documented


def test_every_public_name_can_be_imported():
    for name in hf_multiteacher.__all__:
        assert getattr(hf_multiteacher, name) is not None
