"""Folders of runs, read for a report."""

import json

import pytest

from helpers.reports import compared_answers
from helpers.toys import make_toy, make_trainer
from hf_multiteacher.recipes.results.run_folder import read_runs

METRICS = {
    "task": "text-classification",
    "measured_on": "20 examples (test)",
    "metric": "f1",
    "student": {
        "quality": {"accuracy": 0.8, "f1": 0.7},
        "parameters": 10,
        "losses": {"loss": 0.5, "soft_loss": 0.25},
    },
    "teachers": {
        "one": {
            "quality": {"accuracy": 0.9, "f1": 0.8, "coverage": 0.9},
            "parameters": 20,
            "loyalty": {"label_loyalty": 0.6},
        }
    },
    "ensemble": {"quality": {"f1": 0.85}, "loyalty": {}},
}


@pytest.fixture
def folder(tmp_path):
    """What `distill` leaves, without the models."""
    place = tmp_path / "run"
    place.mkdir()
    (place / "metrics.json").write_text(json.dumps(METRICS))
    (place / "trainer_state.json").write_text(json.dumps({"log_history": [{"step": 1, "loss": 2.0}]}))
    (place / "config.yaml").write_text("seed: 7\nteachers: [a]\nstudent_layers: 2\n")
    return place


def test_what_distill_leaves_is_read(folder):
    answers = compared_answers(["one"])
    answers.write(folder)
    (run,) = read_runs([str(folder)])
    card = run.card
    assert (run.name, run.teachers, card.measured_on) == ("run", ["one"], "20 examples (test)")
    (evaluation,) = card.evaluations
    assert evaluation.figures == {
        "run": {"accuracy": 0.8, "f1": 0.7, "loss": 0.5},
        "one": {"accuracy": 0.9, "f1": 0.8},
        "ensemble": {"f1": 0.85},
    }
    assert card.loyalty == {"one": {"label_loyalty": 0.6}} and card.log_history == [{"step": 1, "loss": 2.0}]
    assert card.sizes == {"run": {"parameters": 10}, "one": {"parameters": 20}}
    assert card.arguments == {"seed": 7, "student_layers": 2} and card.metric == "f1"
    assert run.answers == answers


def test_what_a_trainer_of_a_script_leaves_is_read_from_its_last_checkpoint(pair, tmp_path):
    toy = make_toy("single-label", pair)
    steps = {"max_steps": 10, "logging_steps": 5, "save_steps": 5, "eval_steps": 5}
    trainer = make_trainer(toy, tmp_path / "out", save_strategy="steps", eval_strategy="steps", **steps)
    trainer.train()
    (run,) = read_runs([str(tmp_path / "out")])
    own = trainer.report().runs[0]
    assert run.card.loyalty == own.card.loyalty and run.card.teachers == own.card.teachers
    assert run.card.evaluations[0].figures == own.card.evaluations[0].figures
    assert run.card.log_history == trainer.state.log_history[:-1], "but for the time, which is logged at the very end"
    assert run.card.task == "sequence-classification" and run.card.arguments["temperature"] == 2.0
    assert "trainer.report()" in run.without_answers


def test_the_class_of_the_student_tells_the_task(folder):
    (folder / "config.json").write_text('{"architectures": ["BertForMaskedLM"]}')
    (run,) = read_runs([str(folder)])
    assert run.card.task == "masked-lm"


def test_runs_are_called_by_what_tells_them_apart(folder, tmp_path):
    for name in ("a/run", "b/run"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "metrics.json").write_text(json.dumps(METRICS))
    assert [run.name for run in read_runs([str(tmp_path / "a/run"), str(tmp_path / "b/run")])] == ["a/run", "b/run"]
    with pytest.raises(ValueError, match="more than once"):
        read_runs([str(folder), f"{folder}/../run"])


def test_a_student_is_not_called_like_a_teacher(folder):
    (run,) = read_runs([str(folder.rename(folder.with_name("one")))])
    assert run.name == "one (student)" and "one (student)" in run.card.evaluations[0].figures


@pytest.mark.parametrize("file", ["metrics.json", "trainer_state.json", "teacher_manifest.json", "config.json"])
@pytest.mark.parametrize(
    "content", ["{", "[1]", '"text"', '{"teachers": 3, "student": {}, "log_history": [[]]}', "\udcff"]
)
def test_a_file_that_no_run_has_written_is_named(folder, file, content):
    (folder / file).write_bytes(content.encode("utf-8", "surrogateescape"))
    try:
        read_runs([str(folder)])
    except ValueError as error:
        assert str(folder) in str(error) and "does not hold what a run writes there" in str(error)
    else:
        assert file == "config.json", "in which only a class is looked for"


def test_a_manifest_whose_arguments_are_none_is_named_and_a_name_is_text_whatever_it_is(folder):
    (folder / "teacher_manifest.json").write_text('{"teachers": [{"name": [1]}]}')
    assert read_runs([str(folder)])[0].teachers == ["[1]"]
    (folder / "teacher_manifest.json").write_text('{"arguments": [1]}')
    with pytest.raises(ValueError, match=r"teacher_manifest\.json does not hold what a run writes there"):
        read_runs([str(folder)])


def test_what_is_no_folder_of_a_run_is_refused(tmp_path):
    for path, what in ((tmp_path, "neither metrics.json"), (tmp_path / "none", "is no folder")):
        with pytest.raises(ValueError, match=what):
            read_runs([str(path)])


def test_what_the_numbers_of_a_student_mean_is_read_from_its_configuration(folder):
    assert read_runs([str(folder)])[0].card.problem_type is None
    (folder / "config.json").write_text('{"problem_type": "regression"}')
    assert read_runs([str(folder)])[0].card.problem_type == "regression"
