"""The user's own task: files in, a student out; what is guessed, held out and refused."""

import json
import math
import re
import shutil

import pytest
import torch
import yaml
from transformers import AutoModelForSequenceClassification, AutoModelForTokenClassification, AutoTokenizer

from helpers.models import tiny_bert
from helpers.saved_classifiers import save_classifier
from helpers.saved_encoders import save_encoder
from hf_multiteacher.commands.main import main
from hf_multiteacher.recipes.configuration.configuration import DistillationConfig
from hf_multiteacher.recipes.data.label_inventory import Names
from hf_multiteacher.recipes.data.own_task import load_own_task, scores_for

TRAINING = {"max_steps": 3, "learning_rate": 1e-3, "use_cpu": True, "disable_tqdm": True}
BEST = {"load_best_model_at_end": True, "metric_for_best_model": "accuracy"} | {
    f"{kind}_{key}": value for kind in ("eval", "save") for key, value in (("strategy", "steps"), ("steps", 2))
}
KNOWN = [Names("teacher 'a'", ["bun", "rău"], named=True)]


@pytest.fixture(scope="module")
def world(tmp_path_factory, cased_tokenizer, uncased_tokenizer, sentences):
    """A folder with data of every kind, and two fine-tuned teachers for each."""
    folder = tmp_path_factory.mktemp("world")
    tokenizers = (cased_tokenizer, uncased_tokenizer)
    for number, tokenizer in enumerate(tokenizers):
        labels = ["bun", "rău"] if number else ["rău", "bun"]
        save_classifier(folder / f"critic-{number}", tokenizer, "SequenceClassification", labels, number)
        save_classifier(folder / f"tagger-{number}", tokenizer, "TokenClassification", ["O", "B-X", "I-X"], number)
        part = ["O", "I-X", "B-Y"] if number else ["B-X", "O"]
        save_classifier(folder / f"part-{number}", tokenizer, "TokenClassification", part, number)
        save_encoder(folder / f"encoder-{number}", tokenizer, seed=number)
        scorer = tiny_bert("SequenceClassification", len(tokenizer), seed=number, num_labels=1)
        scorer.save_pretrained(folder / f"scorer-{number}")
        tokenizer.save_pretrained(folder / f"scorer-{number}")

    texts = sentences[:40]
    rows = [f'"{text}",{"bun" if "Fata" in text else "rău"}' for text in texts]
    (folder / "reviews.csv").write_text("\n".join(["review,label", *rows]), encoding="utf-8")
    tags = [["B-X", "I-X", *["O"] * (len(text.split()) - 2)] for text in texts]
    lines = [json.dumps({"tokens": text.split(), "ner_tags": row}) for text, row in zip(texts, tags, strict=True)]
    (folder / "tags.jsonl").write_text("\n".join(lines), encoding="utf-8")
    pairs = [f"{text}\t{texts[-number]}\t{number % 7 / 2}" for number, text in enumerate(texts)]
    (folder / "pairs.tsv").write_text("\n".join(["sentence1\tsentence2\tscore", *pairs]), encoding="utf-8")
    return folder


def distil(folder, output, teachers, **settings):
    """Exit code, and the folder that it leaves."""
    teachers = [str(folder / f"{teachers}-{number}") for number in range(2)]
    file = settings.pop("file")
    data = {part: str(each) for part, each in file.items()} if isinstance(file, dict) else str(folder / file)
    content = TRAINING | {"data": data, "teachers": teachers} | settings
    config = output.parent / f"{output.name}.yaml"
    config.write_text(yaml.safe_dump(content), encoding="utf-8")
    return main(["distill", str(config), "--output_dir", str(output)])


def figures(folder):
    return json.loads((folder / "metrics.json").read_text())


def answers(folder):
    return [json.loads(line) for line in (folder / "predictions.jsonl").read_text("utf-8").splitlines()]


def test_a_classifier_is_made_from_a_table_and_two_teachers(world, tmp_path, capsys):
    assert distil(world, tmp_path / "out", "critic", task="text-classification", file="reviews.csv") == 0
    printed = capsys.readouterr()
    assert "[1/3] Read the data" in printed.err and "[2/3] Distil the student from both" in printed.err
    assert "Columns taken by their names: label_column: label, text_column: review." in printed.err
    assert max(map(len, printed.err.splitlines())) <= 80
    assert "6 of the 40 examples, drawn by the seed 42, are held out" in " ".join(printed.err.split())
    assert max(map(len, printed.out.splitlines()[:-1])) <= 80

    student = AutoModelForSequenceClassification.from_pretrained(tmp_path / "out")
    assert student.config.id2label == {0: "rău", 1: "bun"} and student.config.num_hidden_layers == 1
    found = figures(tmp_path / "out")
    assert {*found["student"]["quality"]} == {"accuracy", "macro_f1"} and [*found["teachers"]] == [
        "critic-0",
        "critic-1",
    ]

    rows = answers(tmp_path / "out")
    right = sum(row["student"] == row["label"] for row in rows) / len(rows)
    assert len(rows) == 6 and found["student"]["quality"]["accuracy"] == pytest.approx(right)
    assert {"README.md", "loyalty.png", "config.yaml"} <= {path.name for path in (tmp_path / "out").iterdir()}

    assert main(["report", str(tmp_path / "out"), "--output", str(tmp_path / "report.html")]) == 0
    page = (tmp_path / "report.html").read_text("utf-8")
    assert "measured on 6 examples" in page and "hard loss" in page and " of 6 examples." in page


def test_what_is_left_repeats_the_run_and_holds_no_secret(world, tmp_path):
    settings = {"task": "text-classification", "file": "reviews.csv", "hub_token": "hf_secret", "seed": 7}
    assert distil(world, tmp_path / "out", "critic", **settings) == 0
    written = (tmp_path / "out/config.yaml").read_text("utf-8")
    assert "secret" not in written and "text_column: review" in written and "student_layers: spread" in written
    assert main(["distill", str(tmp_path / "out/config.yaml"), "--output_dir", str(tmp_path / "again")]) == 0
    assert figures(tmp_path / "again") == figures(tmp_path / "out")
    assert answers(tmp_path / "again") == answers(tmp_path / "out")


def test_a_tagger_is_made_from_json_lines(world, tmp_path):
    assert distil(world, tmp_path / "out", "tagger", task="token-classification", file="tags.jsonl") == 0
    assert AutoModelForTokenClassification.from_pretrained(tmp_path / "out").config.id2label[1] == "B-X"
    found = figures(tmp_path / "out")
    assert found["metric"] == "entity_f1" and {"accuracy", "boundary_f1"} <= {*found["student"]["quality"]}
    assert all(len(row["words"]) == len(row["labels"]) == len(row["student"]) for row in answers(tmp_path / "out"))


def test_a_tagger_is_made_from_teachers_that_know_a_part_of_its_labels(world, tmp_path):
    settings = {"task": "token-classification", "file": "tags.jsonl", "student": str(world / "encoder-0")}
    assert distil(world, tmp_path / "out", "part", **settings, partial_labels=True) == 0
    student = AutoModelForTokenClassification.from_pretrained(tmp_path / "out").config
    assert student.id2label == {0: "B-X", 1: "I-X", 2: "O"}
    assert {*figures(tmp_path / "out")["teachers"]["part-1"]["loyalty"]} == {"label_loyalty", "probability_loyalty"}


def test_a_scorer_is_made_from_pairs(world, tmp_path):
    assert distil(world, tmp_path / "out", "scorer", task="regression", file="pairs.tsv") == 0
    assert {*figures(tmp_path / "out")["student"]["quality"]} == {"pearson", "spearman"}
    assert {"text", "text_pair", "label", "student"} <= {*answers(tmp_path / "out")[0]}


def test_a_scorer_that_always_says_the_same_is_saved_with_figures_and_a_card(world, tmp_path, caplog):
    for number in range(2):
        folder = tmp_path / f"dull-{number}"
        scorer = AutoModelForSequenceClassification.from_pretrained(world / f"scorer-{number}")
        torch.nn.init.zeros_(scorer.classifier.weight)
        scorer.save_pretrained(folder)
        AutoTokenizer.from_pretrained(world / f"scorer-{number}").save_pretrained(folder)

    rows = {"task": "regression", "file": "pairs.tsv", "learning_rate": 0.0, "eval_strategy": "steps", "eval_steps": 1}
    shutil.copy(world / "pairs.tsv", tmp_path)
    assert distil(tmp_path, tmp_path / "out", "dull", **rows) == 0
    assert figures(tmp_path / "out")["student"]["quality"] == {"pearson": None, "spearman": None}
    assert "There is no correlation to report: A correlation needs values that differ" in caplog.text
    assert {"README.md", "model.safetensors", "predictions.jsonl"} <= {p.name for p in (tmp_path / "out").iterdir()}


def test_pretrained_teachers_are_fine_tuned_where_that_is_asked_for(world, tmp_path, capsys):
    settings = {
        "task": "text-classification",
        "file": "reviews.csv",
        "student_layers": [0],
        "student_vocabulary": "trim",
    }
    assert distil(world, tmp_path / "no", "encoder", **settings) == 2
    assert "fine_tune_teachers: true" in capsys.readouterr().err.strip().splitlines()[-1]
    assert not (tmp_path / "no").exists()

    assert distil(world, tmp_path / "out", "encoder", **settings, fine_tune_teachers=True) == 0
    said = capsys.readouterr().err
    assert "[3/5] Fine-tune the teacher encoder-1" in said
    assert re.search(r"\n  accuracy 0\.\d{4}\n\[4/5\]", said), (
        "what it has learned is said before a student follows it"
    )
    first = AutoModelForSequenceClassification.from_pretrained(tmp_path / "out/teacher-1")
    student = AutoModelForSequenceClassification.from_pretrained(tmp_path / "out")
    assert first.config.id2label == student.config.id2label == {0: "bun", 1: "rău"}
    assert student.config.vocab_size < first.config.vocab_size


def test_a_run_on_a_task_can_go_on_from_a_checkpoint(world, tmp_path):
    settings = {"task": "text-classification", "file": "reviews.csv", "save_steps": 2}
    assert distil(world, tmp_path / "out", "critic", **settings) == 0
    assert distil(world, tmp_path / "out", "critic", **settings, resume_from_checkpoint=True) == 0
    assert distil(world, tmp_path / "out", "critic", **settings, resume_from_checkpoint=True, temperature=3.0) == 2


def test_the_card_names_the_file_that_was_measured_on_and_the_one_that_was_learned_from(world, tmp_path):
    header, *rows = (world / "reviews.csv").read_text("utf-8").splitlines()
    parts = {"train": rows[:20], "validation": rows[20:33], "test": rows[33:]}
    files = {part: tmp_path / f"{part}_file.csv" for part in parts}
    for part, lines in parts.items():
        files[part].write_text("\n".join([header, *lines]), encoding="utf-8")

    assert distil(world, tmp_path / "out", "critic", task="text-classification", file=files) == 0
    card = (tmp_path / "out/README.md").read_text("utf-8")
    assert "Measured on test_file.csv: 7 examples (test)." in card and "name: test_file.csv" in card
    assert "Data: train_file.csv." in card and "validation_file" not in card.partition("```bash")[0]


def test_teachers_are_calibrated_on_the_validation_part_and_not_on_what_is_measured(world, tmp_path):
    header, *rows = (world / "reviews.csv").read_text("utf-8").splitlines()
    other = [f"{text},{'rău' if label == 'bun' else 'bun'}" for text, label in (row.rsplit(",", 1) for row in rows)]
    parts = {"train": rows[:14], "validation": rows[14:27], "test": rows[27:], "turned": other[27:]}
    files = {part: tmp_path / f"{part}.csv" for part in parts}
    for part, lines in parts.items():
        files[part].write_text("\n".join([header, *lines]), encoding="utf-8")

    found = {}
    for calibrated_on, measured in (("validation", "test"), ("validation", "turned"), ("turned", "test")):
        data = {"train": files["train"], "validation": files[calibrated_on], "test": files[measured]}
        output = tmp_path / f"{calibrated_on}-{measured}"
        settings = {"task": "text-classification", "file": data, "calibrate_teachers": True}
        assert distil(world, output, "critic", **settings) == 0
        card = (output / "README.md").read_text("utf-8")
        found[output.name] = re.findall(r"divided by ([\d.]+)", card)
        assert figures(output)["measured_on"] == "13 examples (test)"

    assert found["validation-test"] == found["validation-turned"] != found["turned-test"]


@pytest.mark.parametrize(("teachers", "more"), [("critic", {}), ("encoder", {"fine_tune_teachers": True})])
def test_the_best_checkpoint_is_chosen_by_the_validation_part_and_measured_on_the_test_part(
    world, tmp_path, teachers, more
):
    header, *rows = (world / "reviews.csv").read_text("utf-8").splitlines()
    parts = {"train": rows[:20], "validation": rows[20:33], "test": rows[33:]}
    (tmp_path / "data").mkdir()
    for name, lines in parts.items():
        (tmp_path / f"data/{name}.csv").write_text("\n".join([header, *lines]), encoding="utf-8")

    settings = {"task": "text-classification", "file": str(tmp_path / "data"), "per_device_eval_batch_size": 1}
    assert distil(world, tmp_path / "out", teachers, **settings, **BEST, **more) == 0
    state = json.loads((tmp_path / "out/checkpoint-3/trainer_state.json").read_text())
    evaluated = [log for log in state["log_history"] if "eval_accuracy" in log]
    thirteenths = [round(13 * log["eval_accuracy"], 6) for log in evaluated]
    assert len(thirteenths) == 2 and all(0 < share < 13 and share % 1 == 0 for share in thirteenths)
    log = json.loads((tmp_path / "out/trainer_state.json").read_text())["log_history"]
    assert [log for log in log if "eval_loss" in log and "other_data" not in log] == evaluated
    assert len(answers(tmp_path / "out")) == 7 and figures(tmp_path / "out")["measured_on"] == "7 examples (test)"
    assert "Measured on data: 7 examples (test)." in (tmp_path / "out/README.md").read_text("utf-8")


@pytest.mark.parametrize(
    ("teachers", "settings", "message"),
    [
        (
            "critic",
            {"task": "token-classification", "file": "tags.jsonl"},
            "is a BertForSequenceClassification, not one",
        ),
        ("critic", {"task": "regression", "file": "pairs.tsv"}, "not one that was fine-tuned for regression"),
        ("scorer", {"task": "text-classification", "file": "reviews.csv"}, "with 1 labels, not one that was"),
        ("tagger", {"task": "ner", "file": "tags.jsonl"}, "finds no such file"),
        ("critic", {"task": "text-classification", "file": "reviews.csv", "label_column": "x"}, "label_column is 'x'"),
        ("critic", {"task": "text-classification", "file": "none.csv"}, "there is no such file"),
        ("critic", {"task": "text-classification", "file": "reviews.csv", "max_length": 999}, "reads 128 tokens"),
        (
            "critic",
            {"task": "text-classification", "file": "reviews.csv", **BEST},
            "Leave it out, or give data with a",
        ),
        ("critic", {"task": "text-classification", "file": "reviews.csv", "student_layers": 9}, "has 2 layers"),
        ("part", {"task": "token-classification", "file": "tags.jsonl"}, "must have the same labels, in any order"),
        (
            "part",
            {"task": "token-classification", "file": "tags.jsonl", "partial_labels": True},
            "Name a pretrained model as the student",
        ),
        ("encoder", {"task": "ner", "file": "x", "resume_from_checkpoint": "critic-0"}, "no checkpoint at"),
    ],
)
def test_what_cannot_be_is_one_line_before_any_work(world, tmp_path, capsys, teachers, settings, message):
    assert distil(world, tmp_path / "out", teachers, **settings) == 2
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert error.startswith("hf-multiteacher: ") and message in error
    assert not (tmp_path / "out").exists() or not any((tmp_path / "out").iterdir())


# ---- The data alone ----


def load(tmp_path, task="text-classification", teachers=(), seed=0, **files):
    for name, text in files.items():
        (tmp_path / name.replace("_", ".")).write_text(text, encoding="utf-8")
    data = {name.split("_")[0]: str(tmp_path / name.replace("_", ".")) for name in files}
    return load_own_task(DistillationConfig(task=task, data=data), teachers, seed)


def test_labels_are_in_the_teachers_order_and_parts_are_kept(tmp_path):
    train = "text,label\na,rău\nb,bun\n"
    task = load(tmp_path, teachers=KNOWN, train_csv=train, test_csv="text,label\nc,bun\n")
    assert (task.train["labels"][:], task.test["labels"][:]) == ([1, 0], [0])
    assert (task.label_names, task.part, task.metric) == (["bun", "rău"], "test", "accuracy")


def test_what_is_held_out_is_stratified_and_drawn_by_the_seed(tmp_path):
    train = "text,label\n" + "".join(f"{number},{'ab'[number % 2]}\n" for number in range(40))
    task, other = (load(tmp_path, seed=seed, train_csv=train) for seed in (0, 1))
    assert sorted(task.test["labels"][:]) == [0, 0, 0, 1, 1, 1] and task.part == "validation"
    assert not {*task.test["text"]} & {*task.train["text"]} and len(task.train) == 34
    assert task.test["text"][:] != other.test["text"][:]


def test_a_part_that_was_published_without_labels_is_left_out(tmp_path):
    parts = {"train_csv": "text,label\na,0\nb,1\n", "validation_csv": "text,label\nc,0\n"}
    task = load(tmp_path, **parts, test_csv="text,label\nd,-1\ne,-1\n")
    assert task.part == "validation" and "The part test has no labels, so it is left out." in task.notes
    assert (task.title, task.measured_title) == ("train.csv", "validation.csv")

    parts["validation_csv"] = "text,label\nc,-1\n"
    assert load(tmp_path, **parts).measured_title == "train.csv", "what is held out is of that"


def test_tags_may_be_texts_with_spaces(tmp_path):
    task = load(tmp_path, "token-classification", train_csv="words,tags\nAna are,B-P O\nmere,O\n")
    rows = [*task.train, *task.test]
    assert {"words": ["Ana", "are"], "labels": [0, 1]} in rows and task.label_names == ["B-P", "O"]


@pytest.mark.parametrize(
    ("task", "text", "message"),
    [
        ("text-classification", "text,label\na,x\nb,\n", "Example 2 of the part train has no label in column 'label'"),
        ("text-classification", "text,label\na,\nb,\n", "The part train has no labels"),
        ("text-classification", "text,label\na,x\nb,x\n", "so there is nothing to learn"),
        ("regression", "text,score\na,1\nb,many\n", "Example 2 of the part train, column 'score': expected a number"),
        ("regression", "text,score\na,1\nb,nan\n", "Example 2 of the part train, column 'score': expected a number"),
        ("token-classification", "words,tags\na b,O\nc,O\n", "Example 1 .* a label for each of the 2 words, found 1"),
        ("token-classification", "words,tags\n,O\nc,O\n", "Example 1 .* expected a list of words"),
        ("text-classification", "text,label\na,x\n", "nothing to learn"),
    ],
)
def test_a_row_that_cannot_be_read_is_named(tmp_path, task, text, message):
    with pytest.raises(ValueError, match=message):
        load(tmp_path, task, train_csv=text)


@pytest.mark.parametrize(
    ("task", "rows", "message"),
    [
        ("text-classification", [{"text": "a", "label": ["x", "y"]}], "column 'label': expected one label, found sev"),
        ("token-classification", [{"words": ["a", "b"], "tags": ["O", None]}], "column 'tags': a word has no label"),
    ],
)
def test_a_row_of_json_lines_that_cannot_be_read_is_named(tmp_path, task, rows, message):
    with pytest.raises(ValueError, match=f"Example 1 of the part train, {message}"):
        load(tmp_path, task, train_jsonl="\n".join(map(json.dumps, rows)))


def test_data_of_which_nothing_is_left_to_learn_from_or_that_lack_a_column_are_refused(tmp_path):
    with pytest.raises(ValueError, match="The data have 1 examples, so none is left to measure on"):
        load(tmp_path, teachers=KNOWN, train_csv="text,label\na,bun\n")
    with pytest.raises(ValueError, match=r"The part test has the columns 'label', and so no 'text', which train has"):
        load(tmp_path, train_csv="text,label\na,x\nb,y\n", test_csv="label\nx\n")


def test_what_the_teachers_do_not_know_is_named_with_the_part_where_it_stands(tmp_path):
    with pytest.raises(ValueError, match="labels 'slab' .in test., which teacher 'a' does not know"):
        load(tmp_path, teachers=KNOWN, train_csv="text,label\na,bun\n", test_csv="text,label\nb,slab\n")


def test_who_may_speak_about_an_example_comes_from_the_data_in_every_part(tmp_path):
    (tmp_path / "train.csv").write_text(
        "text,label,taught_by\na,bun,one\nb,rău,two one\nc,bun,\nd,rău,a name\n", encoding="utf-8"
    )
    lines = [{"text": "e", "label": "bun", "taught_by": names} for names in (["two"], [], None)]
    (tmp_path / "test.jsonl").write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    files = {"train": str(tmp_path / "train.csv"), "test": str(tmp_path / "test.jsonl")}
    config = DistillationConfig(task="text-classification", data=files)
    task = load_own_task(config, KNOWN, 0, ["one", "two", "a name"])
    assert task.train["taught_by"][:] == [["one"], ["two", "one"], None, ["a name"]]
    assert task.test["taught_by"][:] == [["two"], [], None] and task.inputs == ["text"]


@pytest.mark.parametrize(("file", "cell"), [("a.csv", "three one"), ("a.jsonl", ["one", "x"]), ("a.jsonl", 1)])
def test_a_name_that_no_teacher_has_is_refused_with_its_example(tmp_path, file, cell):
    rows = [{"text": "a", "label": "bun", "taught_by": cell}] * 2
    text = f"text,label,taught_by\na,bun,{cell}\n" if file == "a.csv" else "\n".join(map(json.dumps, rows))
    (tmp_path / file).write_text(text, encoding="utf-8")
    config = DistillationConfig(task="text-classification", data=str(tmp_path / file))
    with pytest.raises(
        ValueError, match="Example 1 of the part train, column 'taught_by': expected names of the teach"
    ):
        load_own_task(config, KNOWN, 0, ["one", "two"])


@pytest.mark.parametrize("teachers", ["critic", "encoder"])
def test_a_teacher_speaks_about_the_examples_that_name_it_alone(teachers, world, tmp_path, sentences):
    names = [f"{teachers}-0", f"{teachers}-1"]
    rows = [
        f'"{text}",{"bun" if row % 2 else "rău"},{names[0] if row % 4 else ""}'
        for row, text in enumerate(sentences[:16])
    ]
    for part in ("train", "test"):
        (tmp_path / f"{part}.csv").write_text("\n".join(["text,label,taught_by", *rows]), encoding="utf-8")
    settings = {"task": "text-classification", "file": {each: tmp_path / f"{each}.csv" for each in ("train", "test")}}
    tuned = {"fine_tune_teachers": True} if teachers == "encoder" else {}
    assert distil(world, tmp_path / "out", teachers, **settings, **tuned) == 0
    found = figures(tmp_path / "out")["teachers"]
    assert "coverage" not in found[names[0]]["quality"] or found[names[0]]["quality"]["coverage"] == 1
    assert found[names[1]]["quality"]["coverage"] == pytest.approx(4 / 16)


def test_windows_of_a_sentence_are_taught_by_those_who_may_speak_about_it(world, tmp_path, sentences):
    lines = [
        json.dumps({"tokens": text.split(), "tags": ["O"] * len(text.split()), "taught_by": [f"tagger-{row % 2}"]})
        for row, text in enumerate(sentences[:12])
    ]
    (tmp_path / "tags.jsonl").write_text("\n".join(lines), encoding="utf-8")
    settings = {
        "task": "token-classification",
        "file": {"train": tmp_path / "tags.jsonl", "test": tmp_path / "tags.jsonl"},
    }
    assert distil(world, tmp_path / "out", "tagger", **settings, max_length=8, labelled_rows=8) == 0
    found = figures(tmp_path / "out")["teachers"]
    assert 0.3 < found["tagger-0"]["quality"]["coverage"] < 0.7


def test_a_task_needs_data():
    with pytest.raises(ValueError, match="The task regression needs data"):
        load_own_task(DistillationConfig(task="regression"), [], 0)


def test_only_tags_of_entities_are_scored_as_entities():
    assert scores_for("token-classification", ["O", "B-X", "I-X"])[1] == "entity_f1"
    assert scores_for("token-classification", ["NOUN", "O"])[1] == "accuracy"
    score, _ = scores_for("token-classification", ["O", "B-X"])
    assert math.isclose(score([["B-X", "O"]], [["B-X", "B-X"]])["entity_f1"], 2 / 3)
