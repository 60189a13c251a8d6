import unicodedata

import pytest
from datasets import Dataset

from hf_multiteacher.recipes.comparison import examples as comparison_data
from hf_multiteacher.recipes.comparison.examples import load_examples
from hf_multiteacher.romanian import load_task


@pytest.mark.parametrize(
    ("task", "kind", "columns"),
    [
        ("ner", "token-classification", ["words"]),
        ("sapn", "sequence-classification", ["text", "text_pair"]),
        ("di", "sequence-classification", ["text"]),
        ("sts", "regression", ["text", "text_pair"]),
    ],
)
def test_a_romanian_task_gives_the_texts_of_its_split_and_no_labels(task, kind, columns):
    data = load_task(task, "synthetic").data
    examples = load_examples(task, "synthetic")
    assert (examples.kind, examples.split) == (kind, "test")
    assert examples.sequences == [list(data["test"][column]) for column in columns]
    validation = load_examples(task, "synthetic", "validation")
    assert validation.sequences == [list(data["validation"][column]) for column in columns]


def test_validation_is_read_where_there_is_no_test(monkeypatch):
    task = load_task("di", "synthetic")
    del task.data["test"]
    monkeypatch.setattr(comparison_data, "load_task", lambda key, data: task)
    examples = load_examples("di", "somewhere")
    assert (examples.split, examples.sequences) == ("validation", [list(task.data["validation"]["text"])])
    with pytest.raises(ValueError, match="has no split 'test' there, only train, validation"):
        load_examples("di", "somewhere", "test")


def test_a_text_file_gives_words_or_texts_or_pairs_and_blank_lines_are_nothing(tmp_path):
    file = tmp_path / "own.txt"
    file.write_text("Ana are\tmere.\n\n  \nIon\tvine.\n", encoding="utf-8")
    words = load_examples("token-classification", str(file))
    assert words.sequences == [[["Ana", "are", "mere."], ["Ion", "vine."]]]
    assert words.rows_per_example.tolist() == [3, 2]
    assert words.text(0) == "Ana are mere."
    pairs = load_examples("sequence-classification", str(file))
    assert pairs.sequences == [["Ana are", "Ion"], ["mere.", "vine."]]
    assert pairs.rows_per_example.tolist() == [1, 1]
    assert pairs.text(1) == "Ion | vine."
    file.write_text("Ana are mere.\n", encoding="utf-8")
    assert load_examples("regression", str(file)).sequences == [["Ana are mere."]]


@pytest.mark.parametrize("task", ["token-classification", "regression"])
def test_the_users_own_text_keeps_its_letters(tmp_path, task):
    (tmp_path / "own.txt").write_text("Beşiktaş ţara\n", encoding="utf-8")
    assert load_examples(task, str(tmp_path)).text(0) == "Beşiktaş ţara"


def test_all_text_files_of_a_folder_are_read(tmp_path):
    (tmp_path / "b.txt").write_text("doi\n", encoding="utf-8")
    (tmp_path / "a.txt").write_text("unu\n", encoding="utf-8")
    assert load_examples("regression", str(tmp_path)).sequences == [["unu", "doi"]]


def test_a_data_set_of_the_hub_is_asked_for_its_configuration_and_split(monkeypatch):
    asked = []

    def load_dataset(*arguments, **options):
        asked.append((arguments, options))
        decomposed = unicodedata.normalize("NFD", "țară")
        return Dataset.from_dict({"label": [0], "words": [["o", decomposed]], "text": ["o țară"]})

    monkeypatch.setattr(comparison_data, "load_dataset", load_dataset)
    assert load_examples("token-classification", "org/data:ro", "dev").sequences == [[["o", "țară"]]]
    assert load_examples("regression", "org/data").sequences == [["o țară"]]
    assert asked == [(("org/data", "ro"), {"split": "dev"}), (("org/data", None), {"split": "test"})]


@pytest.mark.parametrize(
    ("task", "content", "split", "message"),
    [
        ("nerr", "a\n", None, "no task 'nerr'; there are upos,.* regression"),
        ("regression", "\n \n", None, "holds no text"),
        ("regression", "a\tb\nc\n", None, "'c' has 0 tabs"),
        ("regression", "a\tb\tc\n", None, "has 2 tabs"),
        ("regression", "a\n", "test", "no split 'test'"),
        ("regression", None, None, "needs --data"),
    ],
)
def test_wrong_data_are_refused(tmp_path, task, content, split, message):
    (tmp_path / "own.txt").write_text(content or "", encoding="utf-8")
    with pytest.raises(ValueError, match=message):
        load_examples(task, None if content is None else str(tmp_path / "own.txt"), split)


def test_what_is_not_there_is_refused(monkeypatch):
    with pytest.raises(ValueError, match="has no split 'gold' there, only train, validation, test"):
        load_examples("di", "synthetic", "gold")
    with pytest.raises(
        ValueError, match="'org/none' is neither a file nor a folder, nor a data set with a split 'test'"
    ):
        load_examples("regression", "org/none")
    monkeypatch.setattr(comparison_data, "load_dataset", lambda *a, **o: Dataset.from_dict({"tokens": [["a"]]}))
    with pytest.raises(ValueError, match=r"the columns 'tokens', and it is not plain which is the text column"):
        load_examples("regression", "org/data")


def test_the_files_that_are_distilled_on_are_read(tmp_path):
    (tmp_path / "train.csv").write_text("mesaj,label\nunu,x\n", encoding="utf-8")
    (tmp_path / "test.csv").write_text("mesaj,label\ndoi,x\ntrei,y\n", encoding="utf-8")
    for data, columns in ((tmp_path, {"text_column": "mesaj"}), (tmp_path / "test.csv", {"text_column": "mesaj"})):
        assert load_examples("text-classification", str(data), columns=columns).sequences == [["doi", "trei"]]
    assert load_examples("regression", str(tmp_path), "train", {"text_column": "mesaj"}).sequences == [["unu"]]
    (tmp_path / "a.jsonl").write_text('{"tokens": ["Ana", "are"], "tags": ["X", "Y"]}\n', encoding="utf-8")
    tagging = load_examples("token-classification", str(tmp_path / "a.jsonl"))
    assert (tagging.sequences, tagging.split) == ([[["Ana", "are"]]], "train")
    with pytest.raises(ValueError, match="has no split 'validation', only train, test"):
        load_examples("regression", str(tmp_path), "validation")
