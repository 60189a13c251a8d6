"""`load_task`: features, labels, held-out parts, unseen and unknown tags, folders, the real data."""

import json
import unicodedata
from collections import Counter
from pathlib import Path

import pytest
from datasets import ClassLabel, Value

from hf_multiteacher import romanian
from hf_multiteacher.romanian import loading
from hf_multiteacher.romanian import splits as splits_module
from hf_multiteacher.romanian.description import describe, format_descriptions
from hf_multiteacher.romanian.loading import load_task
from hf_multiteacher.romanian.splits import stratified_split
from hf_multiteacher.romanian.tasks import DEFINITIONS, ENTITY_TAGS


def treebank(sentences):
    def block(words):
        return "\n".join(f"{i}\t{w}\t_\t{u}\t{x}\t_\t_\t_\t_\t_" for i, (w, u, x) in enumerate(words, 1)) + "\n\n"

    return "".join(map(block, sentences))


@pytest.fixture
def folder(tmp_path):
    """A folder with small files of all five data sets; no official validation part in LaRoSeDa and MOROCO."""
    for name in ("rrt", "ronec", "laroseda", "moroco/train", "ro_sts"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "rrt/ro_rrt-ud-train.conllu").write_text(treebank([[("Oraş", "NOUN", "Nc"), (".", "PUNCT", "P")]] * 3))
    dev = treebank([[("Da", "INTJ", "I"), ("da", "INTJ", "I"), (".", "PUNCT", "P")]])
    (tmp_path / "rrt/ro_rrt-ud-dev.conllu").write_text(dev)
    record = {"id": 1, "tokens": ["Ţara", "mea"], "ner_tags": ["B-ORGANIZATION", "B-PRODUCT"]}
    for name in ("train", "valid"):
        (tmp_path / f"ronec/{name}.json").write_text(json.dumps([record]))
    reviews = [{"index": str(i), "title": f"t{i}", "content": "c", "starRating": "12445"[i % 5]} for i in range(200)]
    (tmp_path / "laroseda/laroseda_train.json").write_text(json.dumps({"reviews": reviews}))
    (tmp_path / "moroco/train/samples.txt").write_text("".join(f"{i}\ttext {i}\n" for i in range(40)))
    (tmp_path / "moroco/train/dialect_labels.txt").write_text("".join(f"{i}\t{1 + (i < 20)}\n" for i in range(40)))
    (tmp_path / "ro_sts/RO-STS.train.tsv").write_text("".join(f"{i % 6}\ta{i}\tb\n" for i in range(60)))
    return tmp_path


def test_tagging_has_one_class_label_per_word(folder):
    task = load_task("upos", folder)
    features = task.data["train"].features
    assert features["labels"].feature == ClassLabel(names=["INTJ", "NOUN", "PUNCT"])
    assert features["words"].feature == Value("string")
    assert task.label_names == ("INTJ", "NOUN", "PUNCT")
    assert task.data["train"][0] == {"words": ["Oraș", "."], "labels": [1, 2]}
    assert (task.key, task.metric) == ("upos", "accuracy")


def test_tags_that_train_does_not_have_are_labels_and_counted(folder):
    task = load_task("xpos", folder)
    assert task.label_names == ("I", "Nc", "P")
    assert task.unseen == {"validation": Counter({"I": 2})}


def test_normalization_can_be_switched_off(folder):
    assert load_task("upos", folder, normalize=False).data["train"][0]["words"][0] == "Oraş"
    assert load_task("ner", folder, normalize=False).data["train"][0]["words"][0] == "Ţara"
    assert load_task("ner", folder).data["train"][0]["words"][0] == "Țara"


def test_entity_types_of_version_1_are_renamed_and_unknown_ones_counted(folder, caplog):
    task = load_task("ner", folder)
    labels = task.data["train"].features["labels"].feature
    assert labels.names == list(ENTITY_TAGS) and len(ENTITY_TAGS) == 31
    assert [labels.int2str(i) for i in task.data["train"][0]["labels"]] == ["B-ORG", "O"]
    assert task.unknown == Counter({"B-PRODUCT": 2})
    assert "B-PRODUCT" in caplog.text


def test_classification_has_a_class_label_and_its_texts(folder):
    task = load_task("sar", folder)
    train = task.data["train"]
    assert train.features["labels"] == ClassLabel(names=["1", "2", "4", "5"])
    assert train[0] == {"text": "t0", "text_pair": "c", "labels": 0}
    assert load_task("sapn", folder).label_names == ("negative", "positive")
    assert set(load_task("di", folder).data["train"].column_names) == {"text", "labels"}
    assert load_task("di", folder).label_names == ("Moldavian", "Romanian")
    assert load_task("di", folder).data["train"][0]["labels"] == 1


def test_regression_has_a_float(folder):
    task = load_task("sts", folder)
    assert task.label_names is None and task.data["train"].features["labels"] == Value("float32")
    assert task.data["train"].column_names == ["text", "text_pair", "labels"]


@pytest.mark.parametrize("key, size, held", [("sar", 200, 30), ("di", 40, 6), ("sts", 60, 12)])
def test_a_stratified_part_is_held_out_where_there_is_no_validation(folder, key, size, held):
    data = load_task(key, folder).data
    assert set(data) == {"train", "validation"}
    assert data["validation"].num_rows == held and data["train"].num_rows == size - held
    texts = data["train"]["text"][:] + data["validation"]["text"][:]
    assert len(set(texts)) == size
    shares = [Counter(int(label) for label in data[split]["labels"]) for split in data]
    assert all(abs(shares[1][k] - shares[0][k] * held / (size - held)) <= 1 for k in shares[0])


def test_the_held_out_part_depends_on_the_seed_alone(folder):
    first, again, other = (load_task("sar", folder, seed=seed).data["validation"]["text"][:] for seed in (0, 0, 1))
    assert first == again != other
    assert load_task("sapn", folder, seed=0).data["validation"].num_rows == 30


def test_an_official_validation_part_is_left_alone(folder):
    assert load_task("upos", folder).data["validation"].num_rows == 1
    assert load_task("upos", folder).data["train"].num_rows == 3


def test_the_folder_of_one_data_set_is_enough(folder):
    assert load_task("upos", folder / "rrt").data["train"].num_rows == 3
    assert load_task("di", folder / "moroco").data["train"].num_rows == 34


def test_a_folder_without_the_data_set_is_refused(tmp_path):
    with pytest.raises(
        FileNotFoundError, match=r"expects RONEC in .*ronec or in .*'train.json'.*, or none to download"
    ):
        load_task("ner", tmp_path)


def test_a_treebank_without_tags_is_refused_when_they_are_asked_for(folder):
    untagged = treebank([[("Da", "INTJ", "_"), (".", "PUNCT", "_")]])
    (folder / "rrt/ro_rrt-ud-dev.conllu").write_text(untagged)
    assert load_task("upos", folder).label_names == ("INTJ", "NOUN", "PUNCT")
    with pytest.raises(ValueError, match="xpos expects a tag .* all those of validation are `_`"):
        load_task("xpos", folder)


def test_a_damaged_file_is_named(folder):
    (folder / "ro_sts/RO-STS.dev.tsv").write_text("1.0\ta\tb\n1.0\ta\n")
    with pytest.raises(ValueError, match=r"RO-STS\.dev\.tsv, line 2"):
        load_task("sts", folder)


def test_an_unknown_task_is_refused():
    with pytest.raises(ValueError, match="no task 'pos'; the tasks are upos, xpos, ner, sapn, sar, di, sts"):
        load_task("pos", "synthetic")


def test_without_a_folder_the_data_set_is_downloaded(folder, monkeypatch):
    monkeypatch.setattr(splits_module, "download", lambda source: folder / source.folder)
    assert load_task("di").data["train"].num_rows == 34


@pytest.mark.parametrize("key", DEFINITIONS)
def test_synthetic_data_loads_at_once_for_every_task(key):
    task = load_task(key, "synthetic")
    assert {split: rows.num_rows for split, rows in task.data.items()} == splits_module.SYNTHETIC_SIZES
    example = task.data["train"][0]
    assert set(example) == {*task.definition.text_columns, "labels"}
    if task.definition.problem == "token-classification":
        assert len(example["words"]) == len(example["labels"])
    assert not set(task.data["train"].to_pandas().iloc[:, 0].astype(str)) & set(
        task.data["test"].to_pandas().iloc[:, 0].astype(str)
    )
    assert task.definition.source.license in task.citation
    assert not task.unknown


def test_a_stratified_split_keeps_order_and_loses_nothing():
    kinds = ["a"] * 50 + ["b"] * 30 + ["c"] * 3
    kept, held = stratified_split(kinds, 0.2, seed=1)
    assert sorted(kept + held) == list(range(83)) and kept == sorted(kept) and held == sorted(held)
    assert Counter(kinds[row] for row in held) == {"a": 10, "b": 6, "c": 1}


def test_descriptions_count_examples_and_labels(folder):
    rows = {(row.task, row.split): row for row in describe(folder)}
    assert rows["sar", "train"].labels == {"1": 40, "2": 40, "4": 80, "5": 40}
    assert rows["xpos", "validation"].unseen == 1
    assert (rows["upos", "train"].examples, rows["upos", "train"].words, rows["upos", "train"].most_words) == (3, 6, 2)
    assert ("sapn", "validation") not in rows
    table = format_descriptions(list(rows.values()))
    assert "| di | train | 40 | 80 | 2 | 2 | Moldavian: 20, Romanian: 20 |" in table
    assert "| sar | train | 200 |" in table


def test_descriptions_are_of_the_data_sets_that_are_there(folder):
    assert {row.task for row in describe(folder / "rrt")} == {"upos", "xpos"}
    assert {row.task for row in describe(folder, ["sts", "di"])} == {"sts", "di"}
    with pytest.raises(FileNotFoundError, match="expects RONEC"):
        describe(folder / "rrt", ["all", "ner"])
    with pytest.raises(FileNotFoundError, match="is not the folder of a data set, and holds none of the folders rrt"):
        describe(folder / "ronec" / "nothing")
    with pytest.raises(ValueError, match="no task 'nerr'"):
        describe(folder, ["all", "nerr"])


def test_every_public_name_is_in_the_reference_of_the_api():
    reference = (Path(__file__).parents[2] / "docs/api.md").read_text().splitlines()
    for name in romanian.__all__:
        assert f"::: {getattr(romanian, name).__module__}.{name}" in reference


def test_long_label_lists_are_counted_not_listed():
    table = format_descriptions(describe("synthetic"))
    assert "| xpos | train | 2000 |" in table and "Ncfsry" not in table and " tags" in table


@pytest.mark.real_data
def test_counts_of_the_real_data_are_those_published_with_it(romanian_data):
    rows = {(row.task, row.split): row for row in describe(romanian_data)}
    assert rows["upos", "train"].examples == rows["xpos", "train"].examples == 8043
    assert rows["upos", "validation"].examples == 752
    assert len(rows["upos", "train"].labels) == len(rows["upos", "validation"].labels) == 16
    assert (len(rows["xpos", "train"].labels), len(rows["xpos", "validation"].labels)) == (476, 320)
    assert rows["xpos", "validation"].unseen == 6
    assert rows["upos", "train"].most_words == 163
    assert (rows["ner", "train"].examples, rows["ner", "validation"].examples) == (3861, 1330)
    assert (rows["ner", "train"].most_words, rows["ner", "validation"].most_words) == (241, 352)
    assert rows["sar", "train"].labels == {"1": 4459, "2": 1541, "4": 1018, "5": 4982}
    assert rows["sapn", "train"].labels == {"negative": 6000, "positive": 6000}
    assert rows["sapn", "train"].most_words == 1059
    assert (rows["di", "train"].examples, rows["di", "validation"].examples) == (4112, 588)
    assert rows["di", "train"].most_words == 6105
    assert (rows["sts", "train"].examples, rows["sts", "validation"].examples) == (5749, 1500)


@pytest.mark.real_data
@pytest.mark.parametrize("key", DEFINITIONS)
def test_every_task_loads_from_the_real_data(romanian_data, key):
    task = load_task(key, romanian_data)
    assert {"train", "validation"} <= set(task.data)
    assert not task.unknown
    for rows in task.data.values():
        first = rows[0][task.definition.text_columns[0]]
        text = first if isinstance(first, str) else " ".join(first)
        assert unicodedata.is_normalized("NFC", text) and not set("şţŞŢ") & set(text)
    assert (
        load_task(key, romanian_data / task.definition.source.folder).data["train"].num_rows
        == task.data["train"].num_rows
    )
    if key in ("sapn", "sar"):
        assert task.data["validation"].num_rows == round(loading.VALIDATION_SHARE * 12000)
