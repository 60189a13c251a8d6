"""Where the names of labels may stand in a configuration."""

import pytest
from transformers import BertConfig

from hf_multiteacher.models.labels import copy_names, has_names, label_names, restore_names


def config(id2label=None, label2id=None, outputs=2):
    made = BertConfig(num_labels=outputs)
    made.id2label = id2label or made.id2label
    made.label2id = label2id or made.label2id
    return made


@pytest.mark.parametrize(
    ("id2label", "label2id", "names"),
    [
        ({0: "neg", 1: "pos"}, {"neg": 0, "pos": 1}, ["neg", "pos"]),
        ({0: "neg", 1: "pos"}, None, ["neg", "pos"]),
        (None, {"pos": 0, "neg": 1}, ["pos", "neg"]),
        (None, {"pos": "1", "neg": "0"}, ["neg", "pos"]),
        ({"1": "pos", "0": "neg"}, {"NEG ": 0, "pos": 1}, ["neg", "pos"]),
        ({0: "neg", 1: "LABEL_1"}, {"pos": 1}, ["neg", "pos"]),
        ({0: "neg", 1: "pos"}, {"neg": 0, "negative": 0, "pos": 1}, ["neg", "pos"]),
        (None, {"neg": 0, "pos": 1, "hidden": -1}, ["neg", "pos"]),
        ({0: "LABEL_1", 1: "LABEL_0"}, {"LABEL_1": 0, "LABEL_0": 1}, ["LABEL_1", "LABEL_0"]),
    ],
)
def test_names_are_found_on_either_side(id2label, label2id, names):
    made = config(id2label, label2id)
    assert label_names(made) == names
    assert has_names(made)


def test_without_names_there_are_numbers():
    assert label_names(config()) == ["LABEL_0", "LABEL_1"]
    assert not has_names(config())


@pytest.mark.parametrize("names", ["ba", "cab"])
def test_names_survive_a_folder_though_loading_forgets_those_of_two_labels(tmp_path, names):
    made = config(label2id={name: place for place, name in enumerate(names)}, outputs=len(names))
    made.save_pretrained(tmp_path)
    loaded = BertConfig.from_pretrained(tmp_path)
    loaded.name_or_path = tmp_path  # as a model's from_pretrained does
    assert label_names(loaded) == list(names)
    restore_names(loaded)
    assert loaded.label2id == made.label2id
    loaded.id2label = {place: name.upper() for place, name in enumerate(names)}
    loaded.label2id = {name: place for place, name in loaded.id2label.items()}
    assert label_names(loaded) == list(names.upper())  # what was set since counts


@pytest.mark.parametrize("place", ["nowhere", "org/none", "", "a b//c"])
def test_a_place_that_is_not_there_tells_nothing(place):
    made = config()
    made.name_or_path = place
    assert label_names(made) == ["LABEL_0", "LABEL_1"]


def test_names_are_copied_to_both_places():
    target = config()
    copy_names(config(), target)
    assert target.label2id == {"LABEL_0": 0, "LABEL_1": 1}
    copy_names(config(label2id={"pos": 0, "neg": 1}), target)
    assert (target.id2label, target.label2id) == ({0: "pos", 1: "neg"}, {"pos": 0, "neg": 1})


@pytest.mark.parametrize(
    ("id2label", "label2id"),
    [
        ({0: "neg", 1: "pos"}, {"pos": 0, "neg": 1}),
        ({0: "neg", 1: "pos"}, {"neg": 0, "good": 1}),
        ({0: "neg", 1: "LABEL_1"}, {"neg": 1}),
        (None, {"neg": 0, "bad": 0, "pos": 1}),
        (None, {"LABEL_1": 0, "LABEL_0": 1}),
    ],
)
def test_sides_that_contradict_each_other_are_refused(id2label, label2id):
    with pytest.raises(ValueError, match="The configuration of teacher 'x' must name each label once") as error:
        label_names(config(id2label, label2id), "teacher 'x'")
    assert str(label2id) in str(error.value)


def test_a_position_that_is_no_number_is_refused():
    with pytest.raises(ValueError, match=r"the position of its logit, but says \{'neg': 'first'\}"):
        label_names(config(label2id={"neg": "first"}))
