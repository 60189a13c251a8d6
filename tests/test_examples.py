"""The examples' files: every configuration can be read, and says of each line who chose it."""

import re
import runpy
from pathlib import Path

import pytest
import yaml

from helpers.saved_encoders import save_encoder
from hf_multiteacher.recipes.arguments import read_arguments
from hf_multiteacher.recipes.configuration import read_config
from hf_multiteacher.romanian.tasks import DEFINITIONS
from hf_multiteacher.training_args import DistillationTrainingArguments

PAPER_TEACHERS = ["dumitrescustefan/bert-base-romanian-cased-v1", "readerbench/RoBERT-base"]
PAPER_STUDENT = "racai/distilbert-multi-base-romanian-cased"
EXAMPLES = Path(__file__).parent.parent / "examples"
TEACHERS_OF = {
    "distil-bert-base-ro": PAPER_TEACHERS[:1],
    "distil-robert-base": PAPER_TEACHERS[1:],
    "distilmulti-bert-base-ro": PAPER_TEACHERS,
}


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """Output folders are relative and must not exist."""
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("key", DEFINITIONS)
def test_the_configuration_of_every_task_can_be_read(key):
    config, args, _ = read_config([str(EXAMPLES / f"{key}.yaml"), "--data", "synthetic"])
    assert (config.task, config.student, config.data) == (key, PAPER_STUDENT, "synthetic")
    assert args.teachers == PAPER_TEACHERS


def test_the_configuration_of_the_masked_language_model_can_be_read():
    kind = runpy.run_path(str(EXAMPLES / "masked_lm.py"))["MaskedLMArguments"]
    masked_lm, args = read_arguments([kind, DistillationTrainingArguments], [str(EXAMPLES / "masked_lm.yaml")])
    assert masked_lm.corpus == ["wikimedia/wikipedia:20231101.ro"] and args.teachers == PAPER_TEACHERS


@pytest.fixture
def masked_lm(tmp_path, cased_tokenizer, monkeypatch):
    """Make the trainer of the example from a teacher of three layers and a corpus of five texts."""
    (tmp_path / "corpus.txt").write_text("Fata citește o carte.\n\n" * 5, encoding="utf-8")
    save_encoder(tmp_path / "teacher", cased_tokenizer, layers=3)

    def make(*words):
        common = "--corpus corpus.txt --teachers teacher --output_dir out --max_length 32 --use_cpu true".split()
        monkeypatch.setattr("sys.argv", ["masked_lm.py", *common, *words])
        return runpy.run_path(str(EXAMPLES / "masked_lm.py"))["make_trainer"]()

    return make


@pytest.mark.parametrize(("layers", "count"), [("3", 3), ("0 2", 2), ("1", 1)])
def test_one_number_is_how_many_layers_and_several_are_which(masked_lm, layers, count):
    trainer = masked_lm("--held_out", "1", "--student_layers", *layers.split())
    assert trainer.model.config.num_hidden_layers == count
    assert (len(trainer.train_dataset), len(trainer.eval_dataset)) == (4, 1)


@pytest.mark.parametrize("held_out", ["5", "0", "-1"])
def test_what_leaves_nothing_to_train_on_or_to_evaluate_is_refused(masked_lm, held_out):
    message = f"--held_out must be from 1 to 4, as the corpus has 5 examples .* but it is {held_out}."
    with pytest.raises(ValueError, match=message):
        masked_lm("--held_out", held_out, "--student_layers", "1")


@pytest.mark.parametrize("name", TEACHERS_OF)
def test_the_configurations_of_the_papers_students_can_be_read(name):
    config, args, _ = read_config([str(EXAMPLES / "configs" / f"{name}.yaml")])
    assert args.teachers == TEACHERS_OF[name]
    assert (config.student_architecture, config.student_layers) == ("distilbert", [0, 2, 4, 7, 9, 11])
    assert config.streaming and args.max_steps > 0 and len(config.corpus) == 2


@pytest.mark.parametrize("path", sorted(EXAMPLES.rglob("*.yaml")), ids=lambda path: path.stem)
def test_every_value_is_marked_as_published_or_as_our_choice(path):
    for line in path.read_text().splitlines():
        value = yaml.safe_load(line) if not line.startswith("#") else None
        if isinstance(value, list) or (isinstance(value, dict) and next(iter(value.values())) is not None):
            assert re.search(r"# (published|our choice)", line), line


def test_the_scripts_are_short_and_every_one_has_its_configuration():
    scripts = [EXAMPLES / f"{name}.py" for name in [*DEFINITIONS, "masked_lm"]]
    assert all(len(script.read_text().splitlines()) <= 120 for script in scripts)
    assert all(script.with_suffix(".yaml").is_file() for script in scripts)


def test_every_script_is_named_in_the_documentation():
    pages = [EXAMPLES.parent / "README.md", *(EXAMPLES.parent / "docs").glob("*.md")]
    text = "".join(page.read_text(encoding="utf-8") for page in pages)
    for script in EXAMPLES.glob("*.py"):
        assert script.stem in DEFINITIONS or f"examples/{script.name}" in text


def test_the_sizes_in_the_documentation_are_those_that_the_script_prints(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["student_sizes.py"])
    runpy.run_path(str(EXAMPLES / "student_sizes.py"), run_name="__main__")
    assert capsys.readouterr().out in (EXAMPLES.parent / "docs" / "students.md").read_text(encoding="utf-8")


def test_a_student_is_cut_out_of_a_teacher_and_measured(tmp_path, cased_tokenizer, sentences, monkeypatch, capsys):
    teacher = save_encoder(tmp_path / "teacher", cased_tokenizer, layers=3)
    (tmp_path / "text.txt").write_text("\n".join(f"{text} " * 9 for text in sentences[:20]), encoding="utf-8")
    words = [str(teacher), str(tmp_path / "text.txt"), "--size", "150", "--layers", "2"]
    monkeypatch.setattr("sys.argv", ["student_sizes.py", *words])
    runpy.run_path(str(EXAMPLES / "student_sizes.py"), run_name="__main__")
    teacher, student = capsys.readouterr().out.splitlines()[-2:]
    assert teacher.startswith("| teacher | 300 | 3 |") and student.startswith("| student | 150 | 2 |")
