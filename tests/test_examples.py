"""The examples: scripts that run as they stand and teach the public API, and files that say who chose each value."""

import ast
import json
import re
import runpy
from dataclasses import fields
from pathlib import Path
from types import SimpleNamespace

import datasets
import numpy as np
import pytest
import torch
import yaml
from peft import AutoPeftModelForSequenceClassification
from transformers import AutoConfig, AutoModelForMaskedLM, AutoTokenizer, EvalPrediction, logging

from helpers.experiments import save_models
from helpers.models import tiny_bert
from helpers.saved_encoders import save_encoder
from hf_multiteacher.recipes.configuration.configuration import read_config
from hf_multiteacher.romanian import load_task
from hf_multiteacher.romanian.tasks import DEFINITIONS
from hf_multiteacher.trainer import MultiTeacherDistillationTrainer
from hf_multiteacher.training_args import DistillationTrainingArguments

PAPER_TEACHERS = ["dumitrescustefan/bert-base-romanian-cased-v1", "readerbench/RoBERT-base"]
PAPER_STUDENT = "racai/distilbert-multi-base-romanian-cased"
EXAMPLES = Path(__file__).parent.parent / "examples"
CONFIGURATIONS = [path for path in sorted(EXAMPLES.rglob("*.yaml")) if path.parent.name != "accelerate"]
SCRIPTS = [*DEFINITIONS, "masked_lm", "own_data", "lora_student", "unlabelled_text"]
TEACHERS_OF = {
    "distil-bert-base-ro": PAPER_TEACHERS[:1],
    "distil-robert-base": PAPER_TEACHERS[1:],
    "distilmulti-bert-base-ro": PAPER_TEACHERS,
}
QUICK = "--max_steps 2 --logging_steps 1 --use_cpu true --disable_tqdm true --max_length 24".split()


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """Output folders are relative and must not exist."""
    monkeypatch.chdir(tmp_path)


# ---- What stands in the scripts ----


def source_of(name):
    return (EXAMPLES / f"{name}.py").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_is_short_and_names_three_ways_to_run_it(name):
    assert 60 <= len(source_of(name).splitlines()) <= 112
    commands = re.findall(rf"^ *python examples/{name}.py.*", ast.get_docstring(ast.parse(source_of(name))), re.M)
    assert len(commands) == 3 and "--data synthetic" in commands[-1]


@pytest.mark.parametrize("name", sorted(path.stem for path in EXAMPLES.glob("*.py")))
def test_a_script_uses_public_names_alone(name):
    imports = [node for node in ast.walk(ast.parse(source_of(name))) if isinstance(node, ast.ImportFrom)]
    own = {node.module: [alias.name for alias in node.names] for node in imports if "hf_multiteacher" in node.module}
    public = ("", ".recipes", ".report", ".romanian", ".tokenization")
    assert own.keys() <= {f"hf_multiteacher{folder}" for folder in public}
    for module, names in own.items():
        assert {*names} <= {*__import__(module, fromlist=["__all__"]).__all__}


def sections_of(name):
    """The comments of `main`, up to where they speak of the task."""
    return re.findall(r"^    # ([^.:,;]+)", source_of(name), re.M)


def test_the_scripts_of_the_tasks_have_the_same_sections():
    (sections,) = {tuple(sections_of(name)) for name in DEFINITIONS}
    assert len(sections) == 6


@pytest.mark.parametrize("name", [*DEFINITIONS, "masked_lm"])
def test_what_a_script_does_by_default_is_what_its_configuration_says(name):
    script = runpy.run_path(str(EXAMPLES / f"{name}.py"))
    own = {
        field.name: field.default_factory() if callable(field.default_factory) else field.default
        for field in fields(script["ScriptArguments"])
    }
    defaults = vars(DistillationTrainingArguments(output_dir="out")) | own | script["DEFAULTS"]

    configuration = yaml.safe_load((EXAMPLES / f"{name}.yaml").read_text(encoding="utf-8"))
    configuration["data"] = configuration.pop("corpus", configuration.get("data"))
    for key in {"task", "megabytes", "fine_tune_teachers"} & configuration.keys():
        del configuration[key]
    assert {key: type(defaults[key])(value) for key, value in configuration.items() if value is not None} == {
        key: defaults[key] for key, value in configuration.items() if value is not None
    }


# ---- What they do ----


@pytest.fixture(scope="module")
def models(tmp_path_factory, cased_tokenizer, uncased_tokenizer):
    """The pretrained encoders `cased` and `uncased`."""
    return save_models(tmp_path_factory.mktemp("models"), cased_tokenizer, uncased_tokenizer)


@pytest.fixture(scope="module")
def run(few_sentences):
    """Run a script on generated sentences, and return the student's trainer."""

    def run(name, output, *words):
        trainers = []

        def train(trainer, *args, **kwargs):
            trainers.append(trainer)
            return super(MultiTeacherDistillationTrainer, trainer).train(*args, **kwargs)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(MultiTeacherDistillationTrainer, "train", train, raising=False)
            words = [f"{name}.py", "--data", "synthetic", "--output_dir", str(output), *map(str, words), *QUICK]
            patch.setattr("sys.argv", words)
            runpy.run_path(str(EXAMPLES / f"{name}.py"), run_name="__main__")
        datasets.enable_progress_bars()
        logging.enable_progress_bar()
        (trainer,) = trainers
        return trainer

    return run


def test_a_tokenizer_that_cannot_be_used_is_refused_before_a_teacher_is_trained(run, models, tmp_path, monkeypatch):
    monkeypatch.setattr("transformers.Trainer.train", lambda *arguments, **options: pytest.fail("trained"))
    monkeypatch.setattr("hf_multiteacher.tokenization.multi_tokenizer.require_fast", refuse_the_second_teacher)
    words = ["--teachers", models / "cased", models / "uncased", "--student", models / "cased"]
    with pytest.raises(TypeError, match="a slow tokenizer"):
        run("di", tmp_path / "di", *words)


def refuse_the_second_teacher(owner, tokenizer):
    if owner == "teacher 1":
        raise TypeError("a slow tokenizer")


@pytest.fixture(scope="module")
def from_pretrained(models):
    """The flags of a script that fine-tunes its teachers."""
    return "--teachers", models / "cased", models / "uncased", "--student", models / "cased"


@pytest.fixture(scope="module")
def di(run, from_pretrained, tmp_path_factory):
    """The folder that `examples/di.py` left."""
    output = tmp_path_factory.mktemp("di")
    run("di", output, *from_pretrained)
    return output


@pytest.fixture(scope="module")
def sts(run, from_pretrained, tmp_path_factory):
    """The folder that `examples/sts.py` left."""
    output = tmp_path_factory.mktemp("sts")
    run("sts", output, "--gradient_accumulation_steps", 1, *from_pretrained)
    return output


def figures_in(folder):
    return json.loads((folder / "eval_results.json").read_text(encoding="utf-8"))


def test_long_sentences_are_measured_whole(run, from_pretrained, tmp_path):
    asked = run("ner", tmp_path / "ner", *from_pretrained).eval_dataset["labels"]
    words = load_task("ner", "synthetic").data["test"]["words"]
    assert len(asked) > len(words)
    assert sum(label != -100 for row in asked for label in row) == sum(map(len, words))

    measures = {"eval_entity_f1", "eval_boundary_f1", "eval_label_loyalty/teacher-2"}
    assert measures <= figures_in(tmp_path / "ner").keys()


def test_student_and_teachers_are_saved_with_tokenizers_label_names_and_a_card(di, cased_tokenizer, uncased_tokenizer):
    readers = {di: cased_tokenizer, di / "teacher-1": cased_tokenizer, di / "teacher-2": uncased_tokenizer}
    for folder, tokenizer in readers.items():
        assert AutoConfig.from_pretrained(folder).label2id == {"Moldavian": 0, "Romanian": 1}
        assert AutoTokenizer.from_pretrained(folder).get_vocab() == tokenizer.get_vocab()
    assert "teacher-2" in (di / "README.md").read_text(encoding="utf-8")


def test_a_regression_has_one_number_without_a_name(sts):
    config = AutoConfig.from_pretrained(sts / "teacher-2")
    assert (config.num_labels, config.problem_type) == (1, "regression")
    assert {"eval_pearson", "eval_regression_loyalty/ensemble"} <= figures_in(sts).keys()


def test_own_data_end_in_a_table_of_student_and_teachers(run, di, tmp_path, capsys):
    words = ["--teachers", di / "teacher-1", di / "teacher-2", "--student_layers", 1]
    trainer = run("own_data", tmp_path / "own", *words)
    table = [line.split() for line in capsys.readouterr().out.split("macro F1\n")[-1].splitlines()]
    figures = figures_in(tmp_path / "own")
    measured = {name.partition("/")[2]: value for name, value in figures.items() if name.startswith("eval_accuracy")}
    assert {name: float(accuracy) for name, accuracy, _ in table} == pytest.approx(
        {name or "student": value for name, value in measured.items()}, abs=1e-4
    )

    assert trainer.model.config.num_hidden_layers == 1
    assert AutoConfig.from_pretrained(tmp_path / "own").label2id == {"Moldavian": 0, "Romanian": 1}


@pytest.mark.parametrize("key", DEFINITIONS)
def test_the_configuration_of_every_task_can_be_read(key):
    config, args, _ = read_config([str(EXAMPLES / f"{key}.yaml"), "--data", "synthetic"])
    assert (config.task, config.student, config.data) == (key, PAPER_STUDENT, "synthetic")
    assert args.teachers == PAPER_TEACHERS


def test_labels_of_a_csv_are_matched_by_name_with_those_of_the_teachers(run, di, tmp_path):
    rows = "Fata citește o carte.,Romanian\nFata,Moldavian\n" * 10
    (tmp_path / "data.csv").write_text(f"review,dialect\n{rows}", encoding="utf-8")
    words = ["--data", tmp_path / "data.csv", "--text_column", "review", "--label_column", "dialect"]
    trainer = run("own_data", tmp_path / "own", *words, "--teachers", di / "teacher-1", "--student_layers", 1)

    labels = {len(row["input_ids"]) > 6: row["labels"] for row in trainer.train_dataset}
    assert {long: trainer.model.config.id2label[label] for long, label in labels.items()} == {
        True: "Romanian",
        False: "Moldavian",
    }


def test_labels_that_the_teachers_do_not_know_are_refused_by_name(run, di, tmp_path):
    (tmp_path / "data.csv").write_text("text,label\n" + "Fata citește.,Martian\n" * 10, encoding="utf-8")
    words = ["--data", tmp_path / "data.csv", "--teachers", di / "teacher-1", "--student_layers", 1]
    with pytest.raises(ValueError, match="Martian"):
        run("own_data", tmp_path / "own", *words)


@pytest.mark.parametrize(("name", "header"), [("own_data", "text,stars"), ("lora_student", "text,text_pair,stars")])
def test_columns_that_are_not_there_are_one_line_that_names_those_that_are(run, di, tmp_path, name, header):
    (tmp_path / "data.csv").write_text(f"{header}\n{re.sub('[a-z_]+', '1', header)}\n", encoding="utf-8")
    student = ["--student", di] if name == "lora_student" else ["--student_layers", 1]
    with pytest.raises(SystemExit, match=f"'{header.split(',')[-1]}'") as refused:
        run(name, tmp_path / "out", "--data", tmp_path / "data.csv", "--teachers", di / "teacher-1", *student)
    assert "\n" not in str(refused.value)


def test_teachers_speak_about_rows_without_a_label(run, di, tmp_path):
    teachers = ["--teachers", di / "teacher-1", di / "teacher-2"]
    trainer = run("unlabelled_text", tmp_path / "out", *teachers, "--student_layers", 1)
    assert trainer.train_dataset["labels"][:].count(-100) == 30 and len(trainer.train_dataset) == 42
    assert not {-100} & {*trainer.eval_dataset["labels"]}

    logged = [entry for entry in trainer.state.log_history if "soft_loss" in entry]
    assert all(entry["hard_loss"] > 0 and entry["soft_loss"] > 0 for entry in logged) and len(logged) == 2


def test_a_saved_adapter_answers_the_same_whoever_loads_it(run, sts, models, tmp_path):
    words = ["--teachers", sts / "teacher-1", sts / "teacher-2", "--student", models / "cased"]
    trainer = run("lora_student", tmp_path / "adapter", *words)
    batch = trainer.data_collator([trainer.eval_dataset[0]])
    inputs = {name: batch[name] for name in ("input_ids", "attention_mask", "token_type_ids")}

    torch.manual_seed(1)
    loaded = AutoPeftModelForSequenceClassification.from_pretrained(tmp_path / "adapter", num_labels=1)
    trained, again = (model.eval()(**inputs).logits.item() for model in (trainer.model, loaded))
    assert again == pytest.approx(trained, abs=1e-6)


@pytest.fixture
def masked_lm(run, tmp_path, cased_tokenizer):
    """Distil a student of a teacher of three layers on five lines."""
    (tmp_path / "corpus").mkdir()
    (tmp_path / "corpus" / "text.txt").write_text("Fata citește o carte.\n\n" * 5, encoding="utf-8")
    save_encoder(tmp_path / "teacher", cased_tokenizer, layers=3)

    def masked_lm(*words):
        common = ["--data", "corpus", "--teachers", "teacher", "--held_out", 1, "--student_layers"]
        return run("masked_lm", tmp_path / "out", *common, *words)

    return masked_lm


@pytest.mark.parametrize(("layers", "count"), [(["3"], 3), (["0", "2"], 2), (["1"], 1)])
def test_one_number_is_how_many_layers_and_several_are_which(masked_lm, layers, count):
    trainer = masked_lm(*layers)
    assert trainer.model.config.num_hidden_layers == count
    assert (len(trainer.train_dataset), len(trainer.eval_dataset)) == (4, 1)


def test_nothing_of_a_long_text_is_lost():
    cut = runpy.run_path(str(EXAMPLES / "masked_lm.py"))["cut"]
    assert cut({"text": ["a b c\n\nd", "e"]}, words=2) == {"text": ["a b", "c", "d", "e"]}


# ---- Their configurations ----


@pytest.mark.parametrize("name", TEACHERS_OF)
def test_the_configurations_of_the_papers_students_can_be_read(name):
    config, args, _ = read_config([str(EXAMPLES / "configs" / f"{name}.yaml")])
    assert args.teachers == TEACHERS_OF[name]
    assert (config.student_architecture, config.student_layers) == ("distilbert", [0, 2, 4, 7, 9, 11])
    assert config.streaming and args.max_steps > 0 and len(config.corpus) == 2


@pytest.mark.parametrize("path", CONFIGURATIONS, ids=lambda path: path.stem)
def test_every_value_is_marked_as_published_or_as_our_choice(path):
    for line in path.read_text().splitlines():
        value = yaml.safe_load(line) if not line.startswith("#") else None
        if isinstance(value, list) or (isinstance(value, dict) and next(iter(value.values())) is not None):
            assert re.search(r"# (published|our choice)", line), line


def test_a_teacher_is_made_from_text_alone(tmp_path, sentences, monkeypatch):
    (tmp_path / "text.txt").write_text("\n\n".join(sentences[:40]), encoding="utf-8")
    size = "--vocab_size 300 --layers 1 --hidden_size 32 --max_length 24 --lowercase true"
    words = f"--corpus {tmp_path}/text.txt --output_dir teacher {size} --max_steps 1 --use_cpu true --report_to none"
    monkeypatch.setattr("sys.argv", ["pretrain_teacher.py", *words.split()])
    runpy.run_path(str(EXAMPLES / "pretrain_teacher.py"), run_name="__main__")

    tokenizer, model = AutoTokenizer.from_pretrained("teacher"), AutoModelForMaskedLM.from_pretrained("teacher")
    assert len(tokenizer) == model.config.vocab_size <= 300 and tokenizer.model_max_length == 24
    assert tokenizer.unk_token not in tokenizer.tokenize("FATA citește") and model.config.num_hidden_layers == 1


# ---- What teachers teach that know a part ----


@pytest.fixture(scope="module")
def partial():
    return runpy.run_path(str(EXAMPLES / "partial_teachers.py"))


def test_students_of_teachers_that_know_a_part_are_measured_on_all_and_on_each_part(
    few_sentences, models, partial, monkeypatch, capsys
):
    words = f"partial_teachers.py --data synthetic --encoder {models / 'cased'} --seeds 1 2 --teacher_steps 1 --few 4"
    monkeypatch.setattr("sys.argv", [*words.split(), "--output_dir", "out", "--measured", "20", *QUICK])
    partial["main"]()
    datasets.enable_progress_bars()

    measured = json.loads(Path("out/partial_teachers.json").read_text(encoding="utf-8"))
    stored = json.loads((EXAMPLES.parent / "docs/results/partial_teachers.json").read_text(encoding="utf-8"))
    rows = [line.split(" | ")[0].strip("| ") for line in capsys.readouterr().out.splitlines()]
    for what, figures in measured.items():
        assert figures["settings"].keys() == stored[what]["settings"].keys()
        for kind in ("teachers", "students"):
            assert figures[kind].keys() == stored[what][kind].keys() and {*figures[kind]} <= {*rows}
        for seeds in figures["students"].values():
            assert seeds.keys() == {"1", "2"}
            assert all(parts.keys() == {"all", "first", "second"} for parts in seeds.values())


def test_a_widened_tagger_says_the_same_and_never_what_it_has_not_learned(partial):
    names, known = ["O", "B-PER", "B-ORG", "B-LOC"], ["O", "B-ORG"]
    labels = {"id2label": dict(enumerate(known)), "label2id": {name: number for number, name in enumerate(known)}}
    tagger = tiny_bert("TokenClassification", vocab_size=50, **labels).eval()
    ids = torch.arange(8)[None]

    wide = partial["widen"](tagger, names).eval()(ids).logits.softmax(dim=-1)
    assert wide[..., [0, 2]].sub(tagger(ids).logits.softmax(dim=-1)).abs().max() < 1e-6
    assert wide[..., [1, 3]].max() < 1e-6


@pytest.mark.parametrize(
    ("first", "second", "tag"),
    [
        ([0.9, 0.1, 0.0], [0.8, 0.0, 0.2], "O"),
        ([0.4, 0.6, 0.0], [0.9, 0.0, 0.1], "B-PER"),
        ([0.4, 0.6, 0.0], [0.1, 0.0, 0.9], "B-ORG"),
    ],
)
def test_merged_taggers_say_the_entity_of_the_surer_one(partial, first, second, tag):
    names = ["O", "B-PER", "B-ORG"]
    answers = [EvalPrediction(np.log(np.array([[said]]) + 1e-9), np.zeros((1, 1))) for said in (first, second)]
    assert names[partial["merge"](answers, names).predictions.argmax()] == tag


def test_topics_say_whose_a_text_is(partial, tmp_path):
    (tmp_path / "moroco" / "train").mkdir(parents=True)
    (tmp_path / "moroco/train/category_labels.txt").write_text("a\t1\nb\t2\nc\t6\n", encoding="utf-8")
    task = SimpleNamespace(data={"train": datasets.Dataset.from_dict({"text": ["a", "b", "c"]})})
    bench = SimpleNamespace(task=task, script=SimpleNamespace(data=str(tmp_path)))
    assert partial["with_owners"](bench, "train")["taught_by"][:] == [["first"], ["second"], ["second"]]


def test_every_script_is_named_in_the_documentation():
    pages = [EXAMPLES.parent / "README.md", *(EXAMPLES.parent / "docs").glob("*.md")]
    text = "".join(page.read_text(encoding="utf-8") for page in pages)
    for script in EXAMPLES.glob("*.py"):
        assert f"examples/{script.name}" in text


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
