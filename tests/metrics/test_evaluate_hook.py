"""`evaluate.load("loyalty")` after an installation, and all the cases in which evaluate is left alone."""

import os
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace

import pytest

from hf_multiteacher.metrics import evaluate_hook

REPOSITORY = Path(__file__).parents[2]
PACKAGE = REPOSITORY / "hf_multiteacher"
NAME = "hf_multiteacher_evaluate_hook"
COMPUTE = """
import sys
sys.modules["transformers"] = None  # evaluate would import it for its evaluators, and torch with it, for seconds
import evaluate
del sys.modules["transformers"]
metric = evaluate.load("loyalty")
print(metric.name, metric.compute(predictions=[[0.5, 0.5]], references=[[0.5, 0.5]])["probability_loyalty"])
"""


def run(code, python=sys.executable, flags=(), cwd=None, **environment):
    """Run code in a fresh interpreter; its last line of output, or of its error."""
    result = subprocess.run(
        [python, *flags, "-c", code],
        cwd=cwd,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    return (result.stdout if result.returncode == 0 else result.stderr).strip().splitlines()[-1]


def loading_module():
    """A stand-in for `evaluate.loading` that notes what it is asked."""
    asked = []
    return SimpleNamespace(
        asked=asked,
        ImportableModule=lambda module_path, hash: module_path,
        files_to_hash=len,
        evaluation_module_factory=lambda *arguments, **options: asked.append((arguments, options)),
    )


@pytest.mark.parametrize("name", evaluate_hook.METRICS)
def test_our_names_lead_to_our_modules(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    loading = loading_module()
    evaluate_hook.wrap(loading)
    module = f"hf_multiteacher.metrics.{name}.{name}"
    assert loading.evaluation_module_factory(name) == module
    assert loading.evaluation_module_factory(name, module_type="metric", revision=None, download_mode=None) == module
    assert loading.asked == []


@pytest.mark.parametrize(
    ("arguments", "options"),
    [
        (("accuracy",), {}),
        (("someone/loyalty",), {}),
        (("./loyalty",), {}),
        (("loyalty",), {"revision": "main"}),
        (("loyalty", None, "v1"), {}),
        (("loyalty",), {"module_type": "comparison"}),
        (("loyalty", "measurement"), {}),
        (("loyalty",), {"force_local_path": "copy"}),
        (("loyalty", None, None, None, None, "copy"), {}),
    ],
)
def test_whatever_else_is_asked_for_is_left_to_evaluate(arguments, options, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    loading = loading_module()
    evaluate_hook.wrap(loading)
    assert loading.evaluation_module_factory(*arguments, **options) is None
    (asked, passed_on) = loading.asked[0]
    assert asked[: len(arguments)] == arguments
    assert {name: value for name, value in options.items() if name in passed_on} == passed_on


def test_a_local_script_of_that_name_wins(tmp_path, monkeypatch):
    (tmp_path / "loyalty").mkdir()
    monkeypatch.chdir(tmp_path)
    loading = loading_module()
    evaluate_hook.wrap(loading)
    assert loading.evaluation_module_factory("loyalty") == "hf_multiteacher.metrics.loyalty.loyalty"
    (tmp_path / "loyalty" / "loyalty.py").write_text("")
    loading.evaluation_module_factory("loyalty")
    assert loading.asked == [(("loyalty", None, None), {})]


def test_a_second_wrap_changes_nothing():
    loading = loading_module()
    evaluate_hook.wrap(loading)
    once = loading.evaluation_module_factory
    evaluate_hook.wrap(loading)
    assert loading.evaluation_module_factory is once


def test_a_second_installation_adds_no_second_finder(monkeypatch):
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    monkeypatch.delitem(sys.modules, "evaluate.loading", raising=False)
    evaluate_hook.install()
    evaluate_hook.install()
    assert sum(finder.__class__ is type and finder.__name__ == "LoyaltyFinder" for finder in sys.meta_path) == 1


def test_the_opt_out_variable_keeps_the_finder_away(monkeypatch):
    monkeypatch.setattr(sys, "meta_path", [])
    monkeypatch.delitem(sys.modules, "evaluate.loading", raising=False)
    monkeypatch.setenv("HF_MULTITEACHER_NO_EVALUATE_HOOK", "1")
    evaluate_hook.install()
    assert sys.meta_path == []
    monkeypatch.setenv("HF_MULTITEACHER_NO_EVALUATE_HOOK", "0")
    evaluate_hook.install()
    assert sys.meta_path == [evaluate_hook.LoyaltyFinder]


@pytest.fixture
def fake_evaluate(tmp_path):
    """A folder with a package `evaluate` that loads in no time."""
    package = tmp_path / "evaluate"
    package.mkdir()
    (package / "__init__.py").write_text("from .loading import evaluation_module_factory\n")
    (package / "loading.py").write_text("def evaluation_module_factory(path): ...\n")
    return str(tmp_path)


@pytest.mark.parametrize(
    "order",
    [
        "import hf_multiteacher, evaluate",
        "import evaluate, hf_multiteacher",
        "import hf_multiteacher, importlib, evaluate; importlib.reload(evaluate.loading)",
    ],
)
def test_importing_the_package_is_enough_in_either_order(fake_evaluate, order):
    code = f"{order}; print(hasattr(evaluate.loading.evaluation_module_factory, 'knows_loyalty'))"
    assert run(code, PYTHONPATH=os.pathsep.join([fake_evaluate, str(REPOSITORY)])) == "True"


def test_names_that_evaluate_took_from_its_loader_are_wrapped_too(fake_evaluate):
    code = "import hf_multiteacher, evaluate; print(hasattr(evaluate.evaluation_module_factory, 'knows_loyalty'))"
    assert run(code, PYTHONPATH=os.pathsep.join([fake_evaluate, str(REPOSITORY)])) == "True"


@pytest.fixture
def site_folder(tmp_path):
    """A folder with what an installation puts beside the package, read from pyproject.toml."""
    lines = (REPOSITORY / "pyproject.toml").read_text(encoding="utf-8").splitlines()
    start = lines.index("[tool.hatch.build.targets.wheel.force-include]") + 1
    for source, target in (line.split(" = ") for line in lines[start : start + 3]):
        shutil.copy(REPOSITORY / source.strip('"'), tmp_path / target.strip('"'))
    return tmp_path


def test_the_start_up_file_needs_neither_the_package_nor_more_than_os_and_sys(site_folder):
    code = f"""
import site, sys
before = set(sys.modules)
site.addsitedir({str(site_folder)!r})
print(sorted(set(sys.modules) - before), [getattr(finder, "__name__", "") for finder in sys.meta_path][0])
"""
    # Where the package is installed, the interpreter has already run its start-up file.
    assert run(code, flags=["-I"]) in (f"['{NAME}'] LoyaltyFinder", "[] LoyaltyFinder")


def test_python_starts_without_a_word_where_only_the_start_up_file_is_left(site_folder):
    (site_folder / f"{NAME}.py").unlink()
    code = f"import site, sys; site.addsitedir({str(site_folder)!r}); print('started')"
    done = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("started\n", "")


def test_the_start_file_of_newer_pythons_names_a_callable(site_folder):
    module, _, function = (site_folder / f"{NAME}.start").read_text(encoding="utf-8").strip().partition(":")
    code = f"import sys; sys.path.insert(0, {str(site_folder)!r}); import {module}; {module}.{function}(); "
    assert run(code + "print(sys.meta_path[0].__name__)", flags=["-I"]) == "LoyaltyFinder"


def test_the_package_finds_the_hook_beside_it_where_it_is_installed(site_folder):
    installed = site_folder / "hf_multiteacher"
    installed.mkdir()
    for name in ("__init__.py", "moved.py", "version.py"):
        shutil.copy(PACKAGE / name, installed)
    code = "import hf_multiteacher, sys; print(sys.meta_path[0].__module__)"
    assert run(code, cwd=site_folder, PYTHONPATH=str(site_folder)) == NAME


def test_importing_the_package_loads_neither_evaluate_nor_numpy():
    code = "import hf_multiteacher, sys; print({'evaluate', 'numpy', 'torch', 'datasets'} & set(sys.modules))"
    assert run(code, cwd=REPOSITORY, PYTHONPATH=str(REPOSITORY)) == "set()"


@pytest.fixture(scope="module")
def installation(tmp_path_factory):
    """The interpreter of a virtual environment in which a wheel of the package is installed."""
    pytest.importorskip("hatchling", reason="building the wheel needs hatchling: pip install hatchling")
    folder = tmp_path_factory.mktemp("installation")
    build = "from hatchling.build import build_wheel; import sys; build_wheel(sys.argv[1])"
    subprocess.run([sys.executable, "-c", build, str(folder)], cwd=REPOSITORY, check=True, capture_output=True)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder / "venv")], check=True)
    (site,) = (folder / "venv").glob("[Ll]ib/**/site-packages")
    (site / "dependencies.pth").write_text("\n".join(path for path in sys.path if path.endswith("site-packages")))
    python = next((folder / "venv").glob("[bS]*/python*"))
    pip = [sys.executable, "-m", "pip", "--python", str(python)]
    subprocess.run([*pip, "install", "--no-deps", "--no-index", *map(str, folder.glob("*.whl"))], check=True)
    (distribution,) = metadata.distributions(name="hf-multiteacher", path=[str(site)])
    return SimpleNamespace(python=str(python), pip=pip, site=site, distribution=distribution)


@pytest.mark.slow
@pytest.mark.parametrize("flags", [(), ("-I",)])
@pytest.mark.parametrize("first", ["", "import hf_multiteacher"])
def test_an_installed_package_is_found_in_any_directory(installation, tmp_path, flags, first):
    assert run(first + COMPUTE, installation.python, flags, cwd=tmp_path, PYTHONPATH="") == "loyalty 1.0"


@pytest.mark.slow
def test_every_module_of_an_installed_package_is_whole(installation, tmp_path):
    code = """
import importlib, pkgutil, hf_multiteacher
names = [module.name for module in pkgutil.walk_packages(hf_multiteacher.__path__, "hf_multiteacher.")]
assert "hf_multiteacher.commands.main" in names and "site-packages" in hf_multiteacher.__file__
for name in names:
    importlib.import_module(name)
print("whole")"""
    assert run(code, installation.python, ["-I"], cwd=tmp_path) == "whole"


@pytest.mark.slow
def test_an_installed_package_brings_its_files_and_no_tests(installation):
    listed = {path.as_posix() for path in installation.distribution.files}
    assert listed >= {f"{NAME}.py", f"{NAME}.pth", f"{NAME}.start"}

    start_up = {f"hf_multiteacher/metrics/evaluate_hook.{kind}" for kind in ("pth", "start")}
    others = [path for path in PACKAGE.rglob("*") if path.is_file() and path.suffix not in (".py", ".pyc")]
    names = {path.relative_to(REPOSITORY).as_posix() for path in others} - start_up
    assert names >= {
        "hf_multiteacher/py.typed",
        "hf_multiteacher/report/card_template.md",
        "hf_multiteacher/romanian/synthetic/lexicon.txt",
        "hf_multiteacher/romanian/synthetic/names.txt",
    }
    for name in names:
        assert (installation.site / name).read_bytes() == (REPOSITORY / name).read_bytes()

    assert {name.split("/")[0] for name in listed if "/" in name and ".." not in name} == {
        "__pycache__",
        "hf_multiteacher",
        Path(installation.distribution._path).name,
    }


@pytest.mark.slow
def test_an_installed_package_finds_its_lexicon_and_its_command(installation, tmp_path):
    code = """
from importlib.metadata import distribution
from hf_multiteacher.romanian.synthetic import generate_sentences
entry, = distribution("hf-multiteacher").entry_points.select(group="console_scripts")
print(entry.name, callable(entry.load()), len(generate_sentences(1)))"""
    assert run(code, installation.python, ["-I"], cwd=tmp_path) == "hf-multiteacher True 1"


@pytest.mark.slow
def test_an_installed_package_works_with_a_cache_that_cannot_be_written(installation, tmp_path):
    (tmp_path / "file").touch()
    home = str(tmp_path / "file" / "cache")
    assert run(COMPUTE, installation.python, ["-I"], cwd=tmp_path, HF_HOME=home) == "loyalty 1.0"


@pytest.mark.slow
def test_an_installed_package_can_be_switched_off(installation, tmp_path):
    error = run(COMPUTE, installation.python, ["-I"], cwd=tmp_path, HF_MULTITEACHER_NO_EVALUATE_HOOK="1")
    assert error.startswith("FileNotFoundError: Couldn't find a module script")


@pytest.mark.slow
def test_an_uninstalled_package_leaves_no_trace(installation, tmp_path):
    assert (installation.site / f"{NAME}.pth").is_file()
    subprocess.run([*installation.pip, "uninstall", "--yes", "hf-multiteacher"], check=True, capture_output=True)
    assert [path.name for path in installation.site.rglob("*hf_multiteacher*")] == []
    assert run("print('starts')", installation.python, ["-I"], cwd=tmp_path) == "starts"
