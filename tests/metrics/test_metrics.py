"""The evaluate modules: their figures, evaluate's ways of feeding them, their folders."""

import doctest
import gc
import inspect
import json
import re
import runpy
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import evaluate
import numpy as np
import pytest
import torch
import yaml
from evaluate.loading import import_main_class

from helpers.models import tiny_bert
from hf_multiteacher import LoyaltyMetric
from hf_multiteacher.loyalty import report as loyalty_report
from hf_multiteacher.loyalty.probability import probability_loyalty
from hf_multiteacher.loyalty.regression import regression_loyalty
from hf_multiteacher.metrics import FOLDER, NAMES, evaluate_hook
from hf_multiteacher.metrics.loyalty import loyalty as loyalty_module

STUDENT = np.random.default_rng(0).dirichlet(np.ones(3), 40)
TEACHER = np.random.default_rng(1).dirichlet(np.ones(3), 40)
FIGURES = {
    "label_loyalty": (STUDENT.argmax(axis=1) == TEACHER.argmax(axis=1)).mean(),
    "probability_loyalty": probability_loyalty(STUDENT, TEACHER),
}


@pytest.fixture
def load(tmp_path):
    """`evaluate.load` with a cache of the test's own."""
    return lambda *arguments, **options: evaluate.load(*arguments, cache_dir=str(tmp_path), **options)


def assert_close(result, expected):
    assert set(result) == set(expected)
    for key, value in expected.items():
        if isinstance(value, dict):
            assert_close(result[key], value)
        else:
            assert result[key] == pytest.approx(value, abs=1e-12)


def cases():
    for name in evaluate_hook.METRICS:
        for number, case in enumerate(runpy.run_path(str(FOLDER / name / "tests.py"))["test_cases"]):
            yield pytest.param(name, case, id=f"{name}-{number}")


@pytest.mark.parametrize(("name", "case"), list(cases()))
def test_the_worked_examples_of_the_folders_hold(load, name, case):
    metric = load(name, case.get("config_name"))
    result = metric.compute(predictions=case["predictions"], references=case["references"], **case.get("options", {}))
    assert_close(result, case["result"])


def test_the_folders_are_those_that_evaluate_is_told_of():
    assert set(NAMES) == set(evaluate_hook.METRICS)


@pytest.mark.parametrize("name", evaluate_hook.METRICS)
def test_evaluate_takes_the_class_of_that_name_from_the_script(load, name):
    assert import_main_class(f"hf_multiteacher.metrics.{name}.{name}").__module__.endswith(f".{name}")
    metric = load(name)
    assert metric.name == name
    assert isinstance(metric, LoyaltyMetric)
    assert metric.module_type == "metric"


def test_the_class_can_be_used_without_evaluate_load(tmp_path):
    metric = LoyaltyMetric("labels", cache_dir=str(tmp_path))
    assert metric.compute(predictions=[0, 1], references=[0, 2]) == {"label_loyalty": 0.5}


def test_an_unknown_configuration_is_refused_with_the_known_ones(load):
    with pytest.raises(ValueError, match="'classification', 'labels', 'regression'.* got 'label'"):
        load("loyalty", "label")
    with pytest.raises(ValueError, match=r"RegressionLoyalty has the configurations \['regression'\]"):
        load("regression_loyalty", "labels")


@pytest.mark.parametrize("keep_in_memory", [False, True])
def test_rows_added_one_by_one_or_in_batches_give_the_same(load, keep_in_memory):
    metric = load("loyalty", keep_in_memory=keep_in_memory)
    for student, teacher in zip(STUDENT[:5], TEACHER[:5], strict=True):
        metric.add(prediction=student, reference=teacher)
    metric.add_batch(predictions=STUDENT[5:30].tolist(), references=torch.tensor(TEACHER[5:30]))
    metric.add_batch(predictions=torch.tensor(STUDENT[30:], requires_grad=True), references=TEACHER[30:])
    assert metric.compute() == pytest.approx(FIGURES, abs=1e-15)


def test_a_metric_can_be_computed_again(load):
    metric = load("loyalty")
    metric.compute(predictions=TEACHER, references=TEACHER)
    assert metric.compute(predictions=STUDENT, references=TEACHER) == pytest.approx(FIGURES, abs=1e-15)


def test_any_number_of_leading_dimensions_is_taken(load):
    student, teacher = STUDENT.reshape(4, 10, 3), TEACHER.reshape(4, 10, 3)
    mask = np.arange(40).reshape(4, 10) % 3 == 0
    result = load("loyalty").compute(predictions=student, references=teacher, mask=mask)
    assert result["probability_loyalty"] == probability_loyalty(student, teacher, mask=mask)
    labels = load("loyalty", "labels").compute(predictions=[[1, 2], [3, 4]], references=[[1, 2], [3, -100]])
    assert labels == {"label_loyalty": 1.0}
    column = load("regression_loyalty").compute(predictions=STUDENT[:, :1], references=TEACHER[:, :1])
    assert column["regression_loyalty"] == regression_loyalty(STUDENT[:, 0], TEACHER[:, 0])


def test_every_option_of_compute_reaches_the_formulas(load):
    options = {"base": 2, "per_class": True, "kappa": True, "confidence_level": 0.9, "seed": 3}
    result = load("loyalty").compute(predictions=STUDENT, references=TEACHER, **options)
    assert result == loyalty_report.classification_report(STUDENT, TEACHER, **options)


def test_the_documented_defaults_may_be_said(load):
    defaults = {"from_logits": False, "base": None, "mask": None, "per_class": False, "kappa": False}
    bootstrap = {"confidence_level": None, "bootstrap_samples": 1000, "seed": 0}
    result = load("loyalty").compute(predictions=STUDENT, references=TEACHER, **defaults, **bootstrap)
    assert result == pytest.approx(FIGURES, abs=1e-15)


@pytest.mark.parametrize(
    ("config_name", "option", "message"),
    [
        ("classification", "from_logit", r"LoyaltyMetric with .* 'classification' .*'from_logits'.* \['from_logit'\]"),
        ("regression", "per_class", r"'regression' has the options \['mask', .*, but got \['per_class'\]"),
        ("labels", "student_labels", r"but got \['student_labels'\]"),
    ],
)
def test_an_option_that_does_not_exist_is_refused_with_those_that_do(load, config_name, option, message):
    rows = STUDENT if config_name == "classification" else STUDENT.argmax(axis=1)
    with pytest.raises(TypeError, match=message):
        load("loyalty", config_name).compute(predictions=rows, references=rows, **{option: True})


def test_half_precision_logits_on_a_graph_are_taken(load):
    student = torch.tensor(STUDENT, dtype=torch.bfloat16, requires_grad=True)
    result = load("probability_loyalty").compute(predictions=student, references=student, from_logits=True)
    assert result == {"probability_loyalty": 1.0}


def test_large_batches_are_stored_in_pieces(load, monkeypatch):
    sizes, to_arrow = [], loyalty_module._to_arrow
    monkeypatch.setattr(loyalty_module, "ENTRIES_AT_A_TIME", 10)
    monkeypatch.setattr(loyalty_module, "_to_arrow", lambda rows: sizes.append(rows.size) or to_arrow(rows))
    assert load("loyalty").compute(predictions=STUDENT, references=TEACHER) == pytest.approx(FIGURES, abs=1e-15)
    assert max(sizes) == 9 and sum(sizes) == STUDENT.size + TEACHER.size


def test_several_metrics_can_be_combined(load):
    combined = evaluate.combine([load("label_loyalty"), load("regression_loyalty")])
    combined.add(prediction=1, reference=1)
    combined.add_batch(predictions=[2, 3], references=[2, 4])
    assert combined.compute() == pytest.approx(
        {"label_loyalty": 2 / 3, "regression_loyalty": regression_loyalty([1, 2, 3], [1, 2, 4])}
    )


def test_combined_metrics_of_one_figure_are_told_apart_by_their_names(load):
    combined = evaluate.combine([load("loyalty", "labels"), load("label_loyalty")])
    assert combined.compute(predictions=[1], references=[1]) == {
        "loyalty_label_loyalty": 1.0,
        "label_loyalty_label_loyalty": 1.0,
    }


ONE_OF_TWO_PROCESSES = """
import sys, numpy
sys.modules["transformers"] = None  # evaluate would import it for its evaluators, and torch with it, for seconds
import evaluate
del sys.modules["transformers"]
from hf_multiteacher import LoyaltyMetric
process, cache = int(sys.argv[1]), sys.argv[2]
metric = LoyaltyMetric(cache_dir=cache, num_process=2, process_id=process, experiment_id="two")
student, teacher = (numpy.load(f"{cache}/{name}.npy")[process::2] for name in ("student", "teacher"))
metric.add_batch(predictions=student, references=teacher)
print(metric.compute())
"""


@pytest.mark.slow
def test_two_processes_give_the_figures_of_all_rows(tmp_path):
    np.save(tmp_path / "student.npy", STUDENT)
    np.save(tmp_path / "teacher.npy", TEACHER)
    commands = [[sys.executable, "-c", ONE_OF_TWO_PROCESSES, number, str(tmp_path)] for number in ("0", "1")]
    processes = [subprocess.Popen(c, cwd=FOLDER.parents[1], stdout=subprocess.PIPE, text=True) for c in commands]
    main, other = (process.communicate()[0] for process in processes)
    assert eval(main) == pytest.approx(FIGURES, abs=1e-15)
    assert other.strip() == "None"


def test_a_cache_that_cannot_be_written_is_replaced_and_cleared_away(tmp_path):
    (tmp_path / "file").touch()
    metric = LoyaltyMetric(cache_dir=str(tmp_path / "file"))
    folder = Path(metric.data_dir)
    assert metric.compute(predictions=STUDENT, references=TEACHER) == pytest.approx(FIGURES, abs=1e-15)
    assert folder.is_dir()
    del metric
    gc.collect()
    assert not folder.exists()


def test_several_processes_need_a_cache_that_can_be_written(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(PermissionError, match="cache folder that all 2 processes can write"):
        LoyaltyMetric(cache_dir=str(tmp_path / "file"), num_process=2)


@pytest.mark.parametrize(
    ("name", "predictions", "references", "message"),
    [
        ("label_loyalty", [0.7, 0.3], [1, 0], "integers, but the student's are float64"),
        ("label_loyalty", [1, 0], [1, 0, 1], "shape"),
        ("label_loyalty", [], [], "no row counts"),
        ("loyalty", [], [], "no row counts"),
        ("loyalty", [1, 0], [1, 0], "classes"),
        ("loyalty", [[2.0, -1.0]], [[0.5, 0.5]], "from_logits=True"),
        ("regression_loyalty", [[1.0, 2.0]], [[1.0, 2.0]], "one output per row"),
        ("regression_loyalty", [1.0], [1.0], "two rows"),
    ],
)
def test_wrong_input_is_a_clear_error_and_the_metric_stays_usable(load, name, predictions, references, message):
    metric = load(name)
    with pytest.raises(ValueError, match=message):
        metric.compute(predictions=predictions, references=references)
    again = [[0.5, 0.5]] if name == "loyalty" else [1, 2]
    assert 1.0 in metric.compute(predictions=again, references=again).values()


def test_a_missing_input_is_a_clear_error(load):
    with pytest.raises(TypeError, match="expects numbers from both models, but got NoneType"):
        load("loyalty").compute(predictions=STUDENT)


def test_rows_with_different_numbers_of_classes_are_refused(load):
    metric = load("loyalty")
    metric.add_batch(predictions=STUDENT, references=TEACHER)
    metric.add_batch(predictions=[[0.5, 0.5]], references=[[0.5, 0.5]])
    with pytest.raises(ValueError, match=r"rows added have \[2, 3\] classes"):
        metric.compute()


def test_a_plain_trainer_reports_loyalty_through_compute_metrics(load, tmp_path):
    from transformers import Trainer, TrainingArguments

    metric = load("loyalty")
    data = [{"input_ids": [5, i], "attention_mask": [1, 1], "labels": [1, -100]} for i in range(6, 12)]
    arguments = TrainingArguments(output_dir=str(tmp_path), use_cpu=True, report_to="none", disable_tqdm=True)
    teacher, student = (tiny_bert("TokenClassification", seed=seed, num_labels=3) for seed in (0, 1))
    references = Trainer(model=teacher, args=arguments).predict(data).predictions

    def compute_metrics(prediction):
        mask = prediction.label_ids != -100
        return metric.compute(predictions=prediction.predictions, references=references, from_logits=True, mask=mask)

    report = Trainer(model=student, args=arguments, compute_metrics=compute_metrics).evaluate(data)
    assert 0.9 < report["eval_probability_loyalty"] < 1
    itself = Trainer(model=teacher, args=arguments, compute_metrics=compute_metrics).evaluate(data)
    assert itself["eval_probability_loyalty"] == itself["eval_label_loyalty"] == 1.0


@pytest.mark.parametrize("name", evaluate_hook.METRICS)
def test_every_folder_is_complete(name):
    files = {path.name for path in (FOLDER / name).iterdir() if path.is_file()}
    assert files == {f"{name}.py", "README.md", "app.py", "requirements.txt", "tests.py", "__init__.py"}
    assert "hf-multiteacher" in (FOLDER / name / "requirements.txt").read_text(encoding="utf-8").split()


@pytest.mark.parametrize("name", evaluate_hook.METRICS)
def test_every_script_works_alone_as_evaluate_downloads_it(name, tmp_path):
    script = tmp_path / "space" / f"{name}.py"
    script.parent.mkdir()
    script.write_text((FOLDER / name / f"{name}.py").read_text(encoding="utf-8"), encoding="utf-8")
    options = {"dynamic_modules_path": evaluate.loading.init_dynamic_modules(f"space_of_{name}", tmp_path)}
    sys.path.insert(0, str(tmp_path))
    try:
        module = evaluate.loading.evaluation_module_factory(str(script), **options).module_path
        metric = import_main_class(module)(cache_dir=str(tmp_path))
    finally:
        sys.path.remove(str(tmp_path))
    assert metric.name == name
    assert type(metric).__module__ == module
    value = [[0.5, 0.5]] if "classification" in metric.reports else [1, 2]
    assert 1.0 in metric.compute(predictions=value, references=value).values()


@pytest.mark.parametrize("name", evaluate_hook.METRICS)
def test_every_card_has_the_header_of_a_space(name):
    _, header, card = (FOLDER / name / "README.md").read_text(encoding="utf-8").split("---\n", 2)
    header = yaml.safe_load(header)
    assert {"title", "emoji", "colorFrom", "colorTo", "sdk_version", "description"} <= set(header)
    assert (header["sdk"], header["app_file"]) == ("gradio", "app.py")
    assert {"evaluate", "metric"} <= set(header["tags"])
    for heading in ("How to use", "Inputs", "Output values", "Values from the paper", "Examples", "Limitations"):
        assert re.search(rf"^#+ {heading}", card, re.MULTILINE)
    assert {"2109.03228", "2112.12650"} <= set(re.findall(r"\d{4}\.\d{5}", card))


@pytest.mark.parametrize("name", evaluate_hook.METRICS)
def test_every_card_and_description_lists_all_inputs_and_outputs(load, name):
    card = (FOLDER / name / "README.md").read_text(encoding="utf-8")
    metric = load(name)
    for config_name, report in metric.reports.items():
        options = {
            option.name
            for option in inspect.signature(report).parameters.values()
            if option.kind is option.KEYWORD_ONLY
        }
        asked = {"confidence_level": 0.9} | {name: True for name in options & {"per_class", "kappa"}}
        rows = STUDENT if config_name == "classification" else STUDENT.argmax(axis=1)
        outputs = set(load(name, config_name).compute(predictions=rows, references=rows, **asked))
        for expected in {"predictions", "references"} | options | outputs:
            assert f"**{expected}**" in card
        for expected in {"predictions", "references"} | options | {n for n in outputs if "interval" not in n}:
            assert expected in metric.inputs_description


@pytest.mark.parametrize("name", evaluate_hook.METRICS)
def test_the_examples_of_every_card_give_what_they_say(name):
    card = (FOLDER / name / "README.md").read_text(encoding="utf-8")
    blocks = "\n".join(re.findall(r"```python\n(>>>.*?)```", card, re.DOTALL))
    examples = doctest.DocTestParser().get_examples(blocks)
    names = {}
    compared = 0
    for example in examples:
        if example.want:
            assert_close(eval(example.source, names), eval(example.want))
            compared += 1
        else:
            exec(example.source, names)
    assert compared


def test_the_table_of_the_worked_example_is_right():
    for name in ("loyalty", "probability_loyalty"):
        card = (FOLDER / name / "README.md").read_text(encoding="utf-8")
        for number, row in re.findall(r"\| (row \d) ((?:\|[^|\n]+){6})\|", card):
            student, teacher, *figures = [[float(x) for x in cell.split()] for cell in row.split("|")[1:]]
            natural, two = probability_loyalty([student], [teacher]), probability_loyalty([student], [teacher], base=2)
            expected = [1 - natural, natural, 1 - two, two]
            assert [figure for (figure,) in figures] == pytest.approx(expected, abs=5e-7), number
        assert card.count("| row ") == 2


@pytest.fixture
def gradio(monkeypatch):
    """A stand-in that notes the page that would be served."""
    pages = []
    stand_in = SimpleNamespace(
        Error=type("Error", (Exception,), {}),
        Dropdown=lambda choices, value, label: choices,
        Textbox=lambda value, label: value,
        JSON=lambda label: label,
        Interface=lambda **page: SimpleNamespace(launch=lambda: pages.append(page)),
        pages=pages,
    )
    monkeypatch.setitem(sys.modules, "gradio", stand_in)
    return stand_in


@pytest.mark.parametrize("name", evaluate_hook.METRICS)
def test_the_page_of_every_space_answers_its_own_examples(gradio, name):
    runpy.run_path(str(FOLDER / name / "app.py"), run_name="__main__")
    (page,) = gradio.pages
    assert page["title"] == f"Metric: {name}"
    assert page["article"].strip().startswith("# Metric card")
    worked = runpy.run_path(str(FOLDER / name / "tests.py"))["test_cases"]
    for example, case in zip(page["examples"], worked, strict=True):
        assert_close(page["fn"](*example), json.loads(json.dumps(case["result"])))


def test_the_page_shows_our_errors(gradio):
    runpy.run_path(str(FOLDER / "label_loyalty" / "app.py"), run_name="__main__")
    (page,) = gradio.pages
    for predictions, message in (("[0.5]", "integers"), ("[", "Expecting value")):
        with pytest.raises(gradio.Error, match=message):
            page["fn"]("labels", predictions, "[1]", "{}")


@pytest.mark.parametrize("name", evaluate_hook.METRICS)
def test_the_doctests_of_every_module_run(name):
    results = doctest.testmod(sys.modules[type(evaluate.load(name)).__module__])
    assert results.attempted and not results.failed


@pytest.mark.parametrize("name", ["loyalty", "label_loyalty", "probability_loyalty", "regression_loyalty"])
def test_every_option_has_a_name_and_an_unknown_one_is_refused_before_any_work(name, load):
    metric = load(name)
    kinds = {each.kind for each in inspect.signature(type(metric)._compute).parameters.values()}
    assert not kinds & {inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL}
    with pytest.raises(TypeError, match=r"has the options \['.*'\], but got \['from_logit'\]"):
        metric.compute(predictions=[0.5], references=[0.5], from_logit=True)
