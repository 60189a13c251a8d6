import json
import re
import runpy
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from hf_multiteacher import __version__
from hf_multiteacher.hub.files import PushError
from hf_multiteacher.hub.metric_space import push_metric
from hf_multiteacher.loyalty.report import classification_report, label_report, probability_report, regression_report
from hf_multiteacher.metrics import FOLDER, evaluate_hook

STUDENT, TEACHER = np.random.default_rng(0).normal(size=(2, 50, 4))
LABELS = STUDENT.argmax(axis=1), TEACHER.argmax(axis=1)
FILES = {"README.md", "__init__.py", "app.py", "requirements.txt", "tests.py"}


@pytest.fixture(scope="module")
def somebody(running, tmp_path_factory):
    with running.client(tmp_path_factory.mktemp("somebody"), token=None) as client:
        yield client


@pytest.fixture
def command(hub, client):
    """`hf-multiteacher loyalty` in a process whose Hub is ours: exit code, lines on stdout and stderr."""

    def run(*words):
        code = f"""
import contextlib, io, json
from hf_multiteacher.commands.main import main
out, err = io.StringIO(), io.StringIO()
with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
    code = main({["loyalty", *words]!r})
print(json.dumps([code, out.getvalue().splitlines(), err.getvalue().splitlines()]))
"""
        return json.loads(client.run(code))

    return run


def measured(client, space, configuration, student, teacher, **options):
    """What the Space's metric answers to somebody who has it from `evaluate.load`."""
    arguments = f"predictions={student.tolist()}, references={teacher.tolist()}, **{options!r}"
    client.run(f"import evaluate; metric = evaluate.load({space!r}, {configuration!r})")
    assert "evaluate_modules" in client.run("print(type(metric).__module__)"), "it came from the Hub"
    return json.loads(client.run(f"import json; print(json.dumps(metric.compute({arguments})))"))


@pytest.mark.parametrize("space", ["org/loyalty", "org/my-own_loyalty"])
def test_a_pushed_space_loads_with_evaluate_and_answers_as_the_packaged_metric(hub, command, somebody, space):
    name = space.partition("/")[2]
    code, lines, errors = command("--push-space", space)
    assert (code, errors) == (0, [])
    assert set(hub.files(space, "space")) == FILES | {f"{name}.py", ".gitattributes"}
    head = hub.repositories["space", space].branches["main"]
    assert lines[:-1] == sorted({*FILES, f"{name}.py"})
    assert lines[-1].endswith(f": {hub.url}/{space}/commit/{head}")
    options = {"from_logits": True, "kappa": True, "confidence_level": 0.9}
    figures = measured(somebody, space, "classification", STUDENT, TEACHER, **options)
    assert figures == classification_report(STUDENT, TEACHER, **options)
    assert measured(somebody, space, "labels", *LABELS) == label_report(*LABELS)
    numbers = STUDENT[:, 0], TEACHER[:, 0]
    assert measured(somebody, space, "regression", *numbers) == regression_report(*numbers)


@pytest.mark.parametrize("metric", evaluate_hook.METRICS[1:])
def test_the_other_metrics_can_be_pushed_too(command, somebody, metric):
    space = f"org/figure-{metric}"
    assert command("--push-space", space, "--metric", metric)[0] == 0
    report, rows, options = {
        "label_loyalty": (label_report, LABELS, {}),
        "probability_loyalty": (probability_report, (STUDENT, TEACHER), {"from_logits": True}),
        "regression_loyalty": (regression_report, (STUDENT[:, 0], TEACHER[:, 0]), {}),
    }[metric]
    assert measured(somebody, space, None, *rows, **options) == report(*rows, **options)


def test_the_page_and_the_card_of_a_space_with_another_name_name_it(hub, command, tmp_path, monkeypatch):
    command("--push-space", "org/mine")
    for name, content in hub.files("org/mine", "space").items():
        (tmp_path / name).write_bytes(content)
    launched = []
    monkeypatch.setitem(sys.modules, "hf_multiteacher.metrics.widget", SimpleNamespace(launch=launched.append))
    runpy.run_path(str(tmp_path / "app.py"), run_name="__main__")
    assert launched == [tmp_path / "mine.py"] and launched[0].is_file()
    card = (tmp_path / "README.md").read_text("utf-8")
    assert 'evaluate.load("org/mine")' in card and "ORG/NAME" not in card
    assert (tmp_path / "requirements.txt").read_text().splitlines() == [f"hf-multiteacher>={__version__}"]


def test_a_dry_run_lists_the_files_and_asks_the_hub_nothing(hub, command):
    code, lines, errors = command("--push-space", "org/mine", "--dry-run")
    assert (code, errors) == (0, [])
    assert lines[:-1] == sorted({*FILES, "mine.py"})
    assert lines[-1].endswith(": not pushed to org/mine: this is a dry run")
    assert not hub.log and not hub.repositories


def test_a_space_can_be_private_and_on_a_branch(hub, command):
    assert command("--push-space", "org/mine", "--private", "--revision", "trial")[0] == 0
    assert hub.repositories["space", "org/mine"].private
    assert "mine.py" in hub.files("org/mine", "space", "trial") and "mine.py" not in hub.files("org/mine", "space")


@pytest.mark.parametrize(
    ("space", "message"),
    [
        ("loyalty", "evaluate loads a Space as ORG/NAME of letters, digits, '-' and '_', not 'loyalty'"),
        ("org/my.loyalty", "not 'org/my.loyalty'"),
        ("another/loyalty", r"the token may not write there \(403\).* No local file was changed"),
    ],
)
def test_a_push_that_is_refused_is_one_line_and_code_2(hub, command, space, message):
    code, lines, errors = command("--push-space", space)
    assert (code, lines) == (2, []) and not hub.repositories
    (error,) = errors
    assert re.search(f"^hf-multiteacher: Nothing pushed.*{message}", error) and "/tmp" not in error


def test_the_packaged_folder_is_not_changed():
    before = {path: path.read_bytes() for path in (FOLDER / "loyalty").iterdir() if path.is_file()}
    push_metric("org/mine", dry_run=True)
    assert before == {path: path.read_bytes() for path in (FOLDER / "loyalty").iterdir() if path.is_file()}
    with pytest.raises(PushError, match="^Nothing pushed: evaluate loads"):
        push_metric("a/b/c")


def test_a_metric_that_there_is_not_is_refused():
    with pytest.raises(PushError, match="there is no metric 'loyality'; there are "):
        push_metric("org/mine", "loyality")
