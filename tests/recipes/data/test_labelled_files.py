"""Labelled files of every kind: read as they stand, found by their names, and refused by file and line."""

import json

import pytest
from datasets import ClassLabel, Dataset, DatasetDict, Features, Value

from hf_multiteacher.recipes.data import labelled_files
from hf_multiteacher.recipes.data.labelled_files import read_file, read_parts

ROWS = [{"text": 'Ea a zis: "da", și', "label": "NA"}, {"text": "două\nrânduri", "label": "01"}]


def write(path, text):
    path.write_text(text, encoding="utf-8")
    return path


def csv_of(rows, tab=","):
    cells = [[*rows[0]], *([*row.values()] for row in rows)]
    quoted = [tab.join(f'"{cell.replace(chr(34), chr(34) * 2)}"' for cell in row) for row in cells]
    return "\ufeff" + "\r\n".join(quoted) + "\r\n\r\n"


def test_every_kind_of_file_gives_its_rows_as_they_stand(tmp_path):
    Dataset.from_list(ROWS).to_parquet(tmp_path / "a.parquet")
    files = [
        write(tmp_path / "a.csv", csv_of(ROWS)),
        write(tmp_path / "a.tsv", csv_of(ROWS, "\t")),
        write(tmp_path / "a.json", json.dumps(ROWS)),
        write(tmp_path / "b.json", json.dumps({"version": 1, "data": ROWS})),
        write(tmp_path / "c.json", "\n".join(map(json.dumps, ROWS))),
        write(tmp_path / "a.jsonl", "\n".join(map(json.dumps, ROWS)) + "\n\n"),
        tmp_path / "a.parquet",
    ]
    for file in files:
        assert read_file(file).to_list() == ROWS, file


def test_quotes_within_a_table_with_tabs_are_letters(tmp_path):
    rows = read_file(write(tmp_path / "a.tsv", 'text\tlabel\n"Da", a zis ea.\t1\n"Nu\t0\n')).to_list()
    assert rows == [{"text": '"Da", a zis ea.', "label": "1"}, {"text": '"Nu', "label": "0"}]


def test_names_of_labels_in_a_parquet_file_are_known(tmp_path):
    features = Features({"text": Value("string"), "label": ClassLabel(names=["rău", "bun"])})
    Dataset.from_dict({"text": ["a"], "label": [1]}, features=features).to_parquet(tmp_path / "a.parquet")
    assert read_file(tmp_path / "a.parquet").features["label"].names == ["rău", "bun"]


def test_sentences_are_read_from_columns(tmp_path):
    text = "-DOCSTART- -X- O O\n\n# text = Ana are\nAna NNP I B-PER\nare VBZ I O\n\n\nmere NN I O\n# x\n# SYM I O\n"
    assert read_file(write(tmp_path / "a.conll", text)).to_list() == [
        {"words": ["Ana", "are"], "labels": ["B-PER", "O"]},
        {"words": ["mere", "#"], "labels": ["O", "O"]},
    ]
    tabs = read_file(write(tmp_path / "b.conll", "Ana Maria\tB-PER\n#\tO\n")).to_list()
    assert tabs == [{"words": ["Ana Maria", "#"], "labels": ["B-PER", "O"]}]


def test_a_treebank_gives_its_parts_of_speech(tmp_path):
    lines = ["1\tAna\t_\tPROPN\tNp\t_\t2\tnsubj\t_\t_", "2\tvine\t_\tVERB\tVm\t_\t0\troot\t_\t_", ""]
    file = write(tmp_path / "a.conllu", "\n".join(lines) + "\n")
    assert read_file(file).to_list() == [{"words": ["Ana", "vine"], "labels": ["PROPN", "VERB"]}]


def test_a_folder_a_mapping_and_a_file_name_their_parts(tmp_path):
    for name in ("train.csv", "my-dev.csv", "test.jsonl", "notes.csv", "README.md"):
        write(tmp_path / name, json.dumps({"text": name}) if name.endswith("jsonl") else f"text\n{name}\n")
    found = {part: dataset["text"][0] for part, dataset in read_parts(str(tmp_path)).items()}
    assert found == {"train": "train.csv", "validation": "my-dev.csv", "test": "test.jsonl"}
    assert [*found] == ["train", "validation", "test"]
    named = {"test": str(tmp_path / "my-dev.csv"), "train": str(tmp_path / "notes.csv")}
    assert [dataset["text"][0] for dataset in read_parts(named).values()] == ["notes.csv", "my-dev.csv"]
    assert [*read_parts(str(tmp_path / "notes.csv"))] == ["train"]


def test_the_parts_of_a_data_set_are_known_by_their_names(monkeypatch):
    part = Dataset.from_dict({"text": ["a"]})
    splits = DatasetDict(train=part, dev=part, unsupervised=part)
    monkeypatch.setattr(labelled_files, "load_dataset", lambda name, config: {("glue", "sst2"): splits}[name, config])
    assert [*read_parts("glue:sst2")] == ["train", "validation"]


def test_a_data_set_without_a_part_to_learn_from_is_refused(monkeypatch):
    part = Dataset.from_dict({"text": ["a"]})
    monkeypatch.setattr(labelled_files, "load_dataset", lambda *names: DatasetDict(dev=part, extra=part))
    with pytest.raises(ValueError, match="The data set 'org/set' has no part 'train', only dev, extra"):
        read_parts("org/set")


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        (
            "a.csv",
            "text,label\na,1\nb\n",
            "a.csv, line 3: expected 2 cells, as the first row has .*, found 1",
        ),
        ("a.csv", 'text,label\n"a"b,1\n', "a.csv, line 2: .*Correct the quotes around that cell"),
        (
            "a.csv",
            "text,text\na,1\n",
            "a.csv, line 1: the first row must name each column once, found 'text', 'text'. Add",
        ),
        ("a.csv", "text,label\n", "a.csv' holds no example"),
        ("a.csv", "", "a.csv: the file is empty"),
        ("a.tsv", "text\tlabel\na\n", "a.tsv, line 2: expected 2 cells"),
        ("a.json", "[1, 2]", "a.json, record 1: expected an object of column names and values"),
        ("a.json", '[{"a": 1', "a.json, line 1: column 9: not valid JSON"),
        ("a.jsonl", '{"a": 1}\n{"a": "b"}\n', "a.jsonl, column 'a': its values are of different kinds"),
        ("a.jsonl", '{"a": 1}\n{"a"\n', "a.jsonl, line 2: column 5: not valid JSON"),
        ("a.parquet", "no parquet", "a.parquet' cannot be read as parquet"),
        ("a.conll", "Ana B-PER\nare\n", "a.conll, line 2: expected 2 columns, .* found 1"),
        ("a.conll", "\n# nothing\n\n", "a.conll: no sentence in this file"),
        ("a.docx", "x", "must be a file that ends in .csv, .*, but ends in '.docx'"),
    ],
)
def test_what_cannot_be_read_is_named_by_file_and_line(tmp_path, name, text, message):
    with pytest.raises(ValueError, match=message):
        read_file(write(tmp_path / name, text))


def test_what_is_not_there_is_named(tmp_path):
    with pytest.raises(ValueError, match="must be a file .* but there is no such file"):
        read_parts(str(tmp_path / "none.csv"))
    with pytest.raises(ValueError, match="'no/set' is neither a file .* nor a folder, nor a data set"):
        read_parts("no/set")
    with pytest.raises(ValueError, match="must hold a file named train .* but has none"):
        read_parts(str(tmp_path))
    for name in ("train.csv", "train.tsv"):
        write(tmp_path / name, "text\na\n")
    with pytest.raises(ValueError, match="has two files for train: train.csv and train.tsv"):
        read_parts(str(tmp_path))
