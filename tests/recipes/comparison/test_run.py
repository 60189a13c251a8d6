import json

import pytest

from helpers.models import tiny_bert
from helpers.saved_classifiers import save_classifier
from hf_multiteacher.commands.main import main
from hf_multiteacher.recipes.comparison.comparison import Comparison, load_models
from hf_multiteacher.recipes.comparison.disagreements import find_disagreements
from hf_multiteacher.recipes.comparison.examples import load_examples
from hf_multiteacher.recipes.comparison.run import table
from hf_multiteacher.romanian.datasets.ronec import ENTITY_TAGS


@pytest.fixture(scope="module")
def project(tmp_path_factory, sentences, cased_tokenizer, uncased_tokenizer):
    """A student, a teacher with its tokenizer, a teacher with another and other label order, and texts."""
    folder = tmp_path_factory.mktemp("project")
    for head, kind in (("TokenClassification", "tag"), ("SequenceClassification", "class")):
        save_classifier(folder / kind, cased_tokenizer, head, "abc", 1)
        save_classifier(folder / f"{kind}-cased", cased_tokenizer, head, "abc", 2)
        save_classifier(folder / f"{kind}-uncased", uncased_tokenizer, head, "cab", 3)
        save_classifier(folder / f"{kind}-other", cased_tokenizer, head, "abd", 4)
    (folder / "own.txt").write_text("\n".join(sentences[:30]), encoding="utf-8")
    (folder / "empty.txt").write_text("\n", encoding="utf-8")
    (folder / "own.jsonl").write_text("{}\n", encoding="utf-8")
    return folder


def run(folder, kind="tag", task="token-classification", data="own.txt", teachers=("cased", "uncased"), **options):
    """Run the command on models of the project; the exit code."""
    given = {"student": folder / kind, "task": task, "data": data if data == "synthetic" else folder / data, **options}
    words = [word for name, value in given.items() for word in (f"--{name.replace('_', '-')}", str(value))]
    return main(["loyalty", *(str(folder / f"{kind}-{teacher}") for teacher in teachers), *words])


@pytest.mark.parametrize(("kind", "task"), [("tag", "token-classification"), ("class", "sequence-classification")])
def test_table_json_and_chart_hold_what_was_measured(project, tmp_path, capsys, kind, task):
    out = tmp_path / "new" / "loyalty"
    options = {"max_length": 20, "batch_size": 7, "examples": 12, "confidence": 0.8, "seed": 5}
    assert run(project, kind, task, output_dir=out, **options) == 0
    examples = load_examples(task, str(project / "own.txt"))
    names = [f"{kind}-cased", f"{kind}-uncased"]
    models = load_models(str(project / kind), [str(project / name) for name in names], task)
    comparison = Comparison.of(models, examples, 7, 20)
    loyalty = comparison.loyalty(confidence_level=0.8, seed=5)
    report = json.loads((out / "loyalty.json").read_text("utf-8"))
    assert report["loyalty"] == loyalty and list(loyalty) == [*names, "ensemble"]
    assert report["disagreements"] == find_disagreements(comparison, 12)
    assert [report["student"], *report["teachers"]] == models.manifest()
    asked = {"task": task, "max_length": 20, "confidence_level": 0.8, "seed": 5, "examples": 30}
    assert asked.items() <= report.items()
    assert (out / "loyalty.png").read_bytes().startswith(b"\x89PNG")
    printed = capsys.readouterr().out
    assert table(loyalty, "words" if kind == "tag" else "examples") in printed
    assert printed.count("student a ") + printed.count("student b ") + printed.count("student c ") >= 10
    assert "30 examples; in brackets 80% bootstrap intervals" in printed.splitlines()
    words = sum(len(text.split()) for text in (project / "own.txt").read_text("utf-8").splitlines())
    assert {each["rows"] for each in loyalty.values()} == {words if kind == "tag" else 30}


def test_the_table_has_a_row_per_teacher_with_intervals_beside_the_figures():
    figures = {"label_loyalty": 0.5, "label_loyalty_interval": [0.25, 0.75], "cohen_kappa": None, "rows": 1234}
    assert table({"one": figures}, "words").splitlines() == [
        "student's loyalty to            label loyalty  cohen kappa  words",
        "one                   0.5000 [0.2500, 0.7500]            -  1,234",
    ]


def test_a_romanian_task_and_a_regression(project, tmp_path, capsys, cased_tokenizer, uncased_tokenizer):
    names = {"id2label": dict(enumerate(ENTITY_TAGS)), "label2id": {tag: i for i, tag in enumerate(ENTITY_TAGS)}}
    for name, seed in (("ner", 1), ("ner-one", 2)):
        tiny_bert("TokenClassification", seed=seed, **names).save_pretrained(tmp_path / name)
        cased_tokenizer.save_pretrained(tmp_path / name)
    for name, tokenizer, seed in (("sts", cased_tokenizer, 1), ("sts-one", uncased_tokenizer, 2)):
        save_classifier(tmp_path / name, tokenizer, "SequenceClassification", "a", seed, problem_type="regression")
    assert run(tmp_path, "ner", "ner", "synthetic", ["one"], output_dir=tmp_path / "1") == 0
    options = {"split": "validation", "output_dir": tmp_path / "2"}
    assert run(tmp_path, "sts", "sts", "synthetic", ["one"], **options) == 0
    printed = capsys.readouterr().out
    assert "400 examples of the split test; " in printed and "400 examples of the split validation; " in printed
    assert "regression loyalty" in printed
    report = json.loads((tmp_path / "2" / "loyalty.json").read_text("utf-8"))
    assert list(report["loyalty"]) == ["sts-one"] and report["split"] == "validation"
    assert report["disagreements"][0]["difference"] >= report["disagreements"][1]["difference"] > 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"task": "nerr"}, "There is no task 'nerr'; there are upos, xpos"),
        ({"teachers": ["missing"]}, "Teacher 'tag-missing': its configuration cannot be loaded"),
        ({"student": "missing/model"}, "Student 'missing/model': its configuration cannot be loaded"),
        ({"teachers": ["mlm"]}, "Teacher 'tag-mlm' must have a head for token-classification, but it is BertForMask"),
        ({"teachers": ["other"]}, "student has ['a', 'b', 'c'] and the teacher has ['a', 'b', 'd']"),
        ({"data": "empty.txt"}, "holds no text"),
        ({"data": "missing.txt"}, "neither a file nor a folder"),
        ({"teachers": []}, "got no TEACHER"),
        ({"max_length": 2}, "Give a larger --max-length"),
        ({"max_length": 0}, "--max-length expects a number from 1 on, but got 0"),
        ({"batch_size": 0}, "--batch-size expects a number from 1 on"),
        ({"examples": -1}, "--examples expects a number from 0 on"),
        ({"seed": -3}, "--seed expects a number from 0 on, but got -3"),
        ({"data": "own.jsonl"}, "own.jsonl' holds no example"),
        ({"confidence": 95}, "--confidence expects a share between 0 and 1"),
    ],
)
def test_what_the_user_can_mend_is_one_line_and_code_2_and_nothing_is_written(
    project, tmp_path, capsys, change, message
):
    tiny_bert("MaskedLM").save_pretrained(project / "tag-mlm")
    assert run(project, output_dir=tmp_path / "out", **change) == 2
    captured = capsys.readouterr()
    error = captured.err.strip().splitlines()[-1]
    assert error.startswith("hf-multiteacher: ") and message in error and "corpus" not in error
    assert not captured.out and not (tmp_path / "out").exists()


def test_a_folder_that_is_not_empty_is_left_alone(project, tmp_path, capsys):
    (tmp_path / "mine.txt").write_text("mine")
    assert run(project, output_dir=tmp_path) == 2
    error = capsys.readouterr().err
    assert "is not empty" in error and "resume_from_checkpoint" not in error
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


@pytest.mark.parametrize("out", ["mine.txt", "mine.txt/new"])
def test_a_folder_that_cannot_be_made_is_refused_before_the_work(project, tmp_path, capsys, out):
    (tmp_path / "mine.txt").write_text("mine")
    assert run(project, output_dir=tmp_path / out) == 2
    assert "mine.txt' is a file. Choose another output_dir." in capsys.readouterr().err
    assert (tmp_path / "mine.txt").read_text() == "mine"
