"""Imports run in one direction: from the text to the command line."""

import ast
import subprocess
import sys
from pathlib import Path

import hf_multiteacher

PACKAGE = Path(hf_multiteacher.__file__).parent
ORDER = """
    spans surfaces vocabulary columns encoder rebuilding tokenization masking padding data_collator heads label_space
    teacher_loading teachers student functional losses rows outcomes training_args teacher_panel student_forward
    objective loyalty loyalty_report evaluation resume step_keeper trainer_setup collator_choice metrics markdown
    benchmark report model_card_data model_card_sections pushed_files model_card hub trainer_card publishing trainer
    romanian corpus pretraining arguments pretrained distillation fine_tuning command_line experiment paper_table
    comparison_data prediction comparison disagreements loyalty_run metric_space demo_report demo cli
""".split()
OUTSIDE = {"__init__", "evaluate_hook"}


def imported_modules(path: Path) -> set[str]:
    """Modules of the package that a file imports while it is loaded, by the name of the top-level module."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.level or (node.module or "").startswith("hf_multiteacher")):
            module = (node.module or "").removeprefix("hf_multiteacher").lstrip(".")
            inside = len(path.relative_to(PACKAGE).parts) > 1 and node.level == 1
            if not inside:
                found |= {module.split(".")[0]} if module else {alias.name for alias in node.names}
    return found


def type_checking_only(path: Path) -> set[str]:
    """Modules that a file imports for the type checker alone."""
    tree = ast.parse(path.read_text("utf-8"))
    guarded = [
        node for node in tree.body if isinstance(node, ast.If) and getattr(node.test, "id", "") == "TYPE_CHECKING"
    ]
    return {
        node.module.split(".")[0]
        for guard in guarded
        for node in ast.walk(guard)
        if isinstance(node, ast.ImportFrom) and node.module
    }


def test_every_module_has_its_place_in_the_order():
    modules = {path.stem for path in PACKAGE.glob("*.py")} | {path.name for path in PACKAGE.iterdir() if path.is_dir()}
    assert modules - OUTSIDE - {"__pycache__"} == set(ORDER)


def test_imports_run_in_one_direction():
    against = []
    for place, name in enumerate(ORDER):
        paths = [PACKAGE / f"{name}.py"] if (PACKAGE / f"{name}.py").is_file() else (PACKAGE / name).rglob("*.py")
        for path in paths:
            for other in (imported_modules(path) - type_checking_only(path)) & set(ORDER):
                if ORDER.index(other) > place:
                    against.append(f"{name} imports {other}")
    assert not against


def test_importing_the_package_loads_nothing_heavy():
    heavy = ("torch", "transformers", "evaluate", "numpy")
    code = f"import sys, hf_multiteacher; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_public_name_is_documented():
    documented = (PACKAGE.parent / "docs" / "api.md").read_text("utf-8").split()
    names = {name: f"hf_multiteacher.{module}.{name}" for name, module in hf_multiteacher._MODULE_OF.items()}
    assert [name for name, path in names.items() if path not in documented] == []
    assert "hf_multiteacher.loyalty.report" in documented


def test_every_public_name_can_be_imported():
    for name in hf_multiteacher.__all__:
        assert getattr(hf_multiteacher, name) is not None
