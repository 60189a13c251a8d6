"""`load_task`: features, labels, held-out parts, unseen and unknown tags, folders, the real data."""

import unicodedata
from collections import Counter

import pytest
from datasets import ClassLabel, Value

from helpers.treebank import treebank
from hf_multiteacher.romanian import loading
from hf_multiteacher.romanian import splits as splits_module
from hf_multiteacher.romanian.datasets.ronec import ENTITY_TAGS
from hf_multiteacher.romanian.loading import load_task
from hf_multiteacher.romanian.tasks import DEFINITIONS


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
