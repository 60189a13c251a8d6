import numpy as np
import pytest
import torch
from datasets import Dataset
from scipy.spatial.distance import jensenshannon
from scipy.special import expit, softmax
from scipy.stats import pearsonr
from sklearn.metrics import accuracy_score, cohen_kappa_score

from helpers.models import tiny_bert
from helpers.saved_classifiers import save_classifier
from hf_multiteacher.recipes.comparison.comparison import Comparison, load_models
from hf_multiteacher.recipes.comparison.examples import Examples
from hf_multiteacher.romanian.windows import split_long_sentences
from hf_multiteacher.tokenization.words import spaced_words

DRAWS = np.random.default_rng(0)
WORDS = Examples("token-classification", [[["a"] * 5, ["b"] * 3, ["c"] * 12]])
TEXTS = Examples("sequence-classification", [["a"] * 20])
NUMBERS = Examples("regression", [["a"] * 20])
BOOTSTRAP = {"confidence_level": 0.9, "seed": 3}


def outputs(*shape):
    return DRAWS.normal(size=(20, *shape)).astype(np.float32)


def figures(student, teacher):
    """Label and probability loyalty and kappa of probabilities, from the libraries that define them."""
    chosen = student.argmax(axis=-1).ravel(), teacher.argmax(axis=-1).ravel()
    pairs = zip(teacher.reshape(-1, teacher.shape[-1]), student.reshape(-1, student.shape[-1]), strict=True)
    return {
        "label_loyalty": accuracy_score(*chosen),
        "probability_loyalty": np.mean([1 - jensenshannon(*pair) for pair in pairs]),
        "cohen_kappa": cohen_kappa_score(*chosen),
    }


def test_each_teacher_and_the_mean_of_their_probabilities_are_compared_on_every_word():
    student, one, two = outputs(4), outputs(4), outputs(4)
    loyalty = Comparison(WORDS, "abcd", student, {"one": one, "two": two}).loyalty(**BOOTSTRAP)
    assert list(loyalty) == ["one", "two", "ensemble"]
    p = {"student": student, "one": one, "two": two}
    p = {name: softmax(each.astype(float), axis=-1) for name, each in p.items()}
    p["ensemble"] = (p["one"] + p["two"]) / 2
    for name in loyalty:
        expected = figures(p["student"], p[name])
        assert {key: loyalty[name][key] for key in expected} == pytest.approx(expected, abs=1e-6)
        assert loyalty[name]["rows"] == 20
        for measure in ("label_loyalty", "probability_loyalty"):
            low, high = loyalty[name][f"{measure}_interval"]
            assert low < loyalty[name][measure] < high


def test_sentences_are_read_in_windows_that_fit_every_model(
    tmp_path, cased_tokenizer, byte_level_tokenizer, sentences
):
    student = save_classifier(tmp_path / "s", cased_tokenizer, "TokenClassification", "abc", 1)
    teacher = save_classifier(tmp_path / "t", byte_level_tokenizer, "TokenClassification", "cab", 2)
    models = load_models(student, [teacher], "token-classification")
    words = [*(sentence.split() for sentence in sentences[:8]), [], ["Ana", "\u200b", "are"]]
    comparison = Comparison.of(models, Examples("token-classification", [words]), 3, 9)

    windows = split_long_sentences(
        Dataset.from_dict({"words": words, "labels": [[1] * len(row) for row in words]}),
        [model.tokenizer for model in models],
        9,
        spaced_words,
    )
    said = {"student": [], "t": []}
    for window in windows:
        for name, loaded, order in zip(said, models, ([0, 1, 2], [1, 2, 0]), strict=True):
            (spaced,) = spaced_words(loaded.tokenizer, [window["words"]])
            if not spaced:
                continue
            tokens = loaded.tokenizer(
                spaced, is_split_into_words=True, return_tensors="pt", truncation=True, max_length=9
            )
            with torch.no_grad():
                logits = loaded.model(**tokens).logits[0][:, order].numpy()
            places = tokens.word_ids(0)
            said[name] += [logits[places.index(i)] for i, label in enumerate(window["labels"]) if label == 1]

    assert len(windows) > len(words) and len(said["t"]) == sum(map(len, words))
    np.testing.assert_allclose(comparison.student, said["student"], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(comparison.teachers["t"], said["t"], rtol=1e-4, atol=1e-5)


def test_one_teacher_is_no_ensemble():
    loyalty = Comparison(TEXTS, "ab", outputs(2), {"one": outputs(2)}).loyalty(**BOOTSTRAP)
    assert list(loyalty) == ["one"]
    assert loyalty["one"]["rows"] == 20


def test_the_seed_and_the_confidence_reach_the_intervals():
    comparison = Comparison(TEXTS, "ab", outputs(2), {"one": outputs(2)})

    def interval(**bootstrap):
        return comparison.loyalty(**bootstrap)["one"]["probability_loyalty_interval"]

    narrow, other = interval(confidence_level=0.5, seed=0), interval(confidence_level=0.99, seed=0)
    assert other[0] < narrow[0] < narrow[1] < other[1]
    assert interval(confidence_level=0.5, seed=1) != narrow == interval(confidence_level=0.5, seed=0)


def test_regression_is_a_correlation_and_the_ensemble_the_mean_output():
    student, one, two = outputs(1), outputs(1), outputs(1)
    loyalty = Comparison(NUMBERS, "a", student, {"one": one, "two": two}).loyalty(**BOOTSTRAP)
    teachers = {"one": one, "two": two, "ensemble": (one + two) / 2}
    for name, teacher in teachers.items():
        expected = pearsonr(student[:, 0], teacher[:, 0]).statistic
        assert loyalty[name]["regression_loyalty"] == pytest.approx(expected, abs=1e-6)


def test_several_labels_at_once_are_so_many_yes_or_no_rows(tmp_path, cased_tokenizer, sentences):
    config = {"problem_type": "multi_label_classification"}
    student = save_classifier(tmp_path / "s", cased_tokenizer, "SequenceClassification", "abc", 1)  # was not told
    teacher = save_classifier(tmp_path / "t", cased_tokenizer, "SequenceClassification", "cab", 2, **config)
    models = load_models(student, [teacher], "sequence-classification")
    comparison = Comparison.of(models, Examples("sequence-classification", [sentences[:12]]), 5, None)
    loyalty = comparison.loyalty(**BOOTSTRAP)["t"]
    yes = []
    for loaded, order in zip(models, ([0, 1, 2], [1, 2, 0]), strict=True):
        tokens = loaded.tokenizer(sentences[:12], return_tensors="pt", padding=True)
        with torch.no_grad():
            yes.append(expit(loaded.model(**tokens).logits[:, order].numpy().astype(float)))
    expected = figures(*(np.stack([each, 1 - each], axis=-1) for each in yes))
    assert {key: loyalty[key] for key in expected} == pytest.approx(expected, abs=1e-5)
    assert loyalty["rows"] == 12


def test_kappa_is_not_there_where_all_rows_have_one_label():
    one_sided = np.tile(np.float32([1, 0]), (20, 1))
    assert Comparison(TEXTS, "ab", one_sided, {"one": one_sided}).loyalty(**BOOTSTRAP)["one"]["cohen_kappa"] is None


def test_what_cannot_be_measured_is_refused_with_the_teachers_name():
    constant = np.ones((20, 1), np.float32)
    with pytest.raises(ValueError, match="constant-teacher: .*are all 1"):
        Comparison(NUMBERS, "a", outputs(1), {"constant-teacher": constant}).loyalty(**BOOTSTRAP)
    with pytest.raises(ValueError, match="one: .*not finite|one: .*NaN"):
        Comparison(WORDS, "ab", outputs(2), {"one": np.full((20, 2), np.nan, np.float32)}).loyalty(**BOOTSTRAP)


@pytest.fixture(scope="module")
def saved(tmp_path_factory, cased_tokenizer):
    """A function that saves a classifier and returns its folder."""
    folder = tmp_path_factory.mktemp("saved")

    def save(name, labels="abc", head="SequenceClassification", **config):
        return save_classifier(folder / name, cased_tokenizer, head, labels, 1, **config)

    return save


def test_a_model_is_fully_loyal_to_itself_with_its_labels_in_another_order(saved, sentences):
    folder = saved("itself")
    models = load_models(folder, [folder], "sequence-classification")
    assert models.names == ["student", "itself"]
    other = models[1].model
    order = [2, 0, 1]
    with torch.no_grad():
        other.classifier.weight.copy_(other.classifier.weight[order])
        other.classifier.bias.copy_(other.classifier.bias[order])
    other.config.id2label, other.config.label2id = {0: "c", 1: "a", 2: "b"}, {"c": 0, "a": 1, "b": 2}
    other.save_pretrained(folder + "-turned")
    models[1].tokenizer.save_pretrained(folder + "-turned")
    models = load_models(folder, [folder + "-turned"], "sequence-classification")
    comparison = Comparison.of(models, Examples("sequence-classification", [sentences]), 16, None)
    loyalty = comparison.loyalty(**BOOTSTRAP)["itself-turned"]
    assert loyalty["label_loyalty"] == 1.0
    assert loyalty["probability_loyalty"] == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize(
    ("student", "teacher", "kind", "message"),
    [
        ({}, {"labels": "abd"}, "sequence-classification", r"student has \['a', 'b', 'c'\] .* has \['a', 'b', 'd'\]"),
        ({}, {"head": "TokenClassification"}, "sequence-classification", "Teacher 't' must have a head"),
        ({"head": "TokenClassification"}, {}, "sequence-classification", "^Student 's' must have a head"),
        ({"labels": "a"}, {"labels": "a"}, "sequence-classification", "^Student 's' .*, but it is one for regression"),
        ({}, {}, "regression", "^Student 's' must be a model for regression, but it is one for sequence-class"),
        ({"problem_type": "regression"}, {}, "regression", "^Student 's' must have one output .* it has 3"),
    ],
)
def test_models_that_cannot_be_compared_are_refused(saved, student, teacher, kind, message):
    with pytest.raises(ValueError, match=message):
        load_models(saved("s", **student), [saved("t", **teacher)], kind)


def test_a_student_that_is_no_classifier_or_has_no_tokenizer_is_refused(tmp_path, saved):
    tiny_bert("MaskedLM").save_pretrained(tmp_path / "mlm")
    tiny_bert("SequenceClassification").save_pretrained(tmp_path / "bare")
    for name, message in (
        ("mlm", "it is BertForMaskedLM"),
        ("bare", "without a tokenizer"),
        ("none", "cannot be load"),
    ):
        with pytest.raises(ValueError, match=f"^Student '{name}'.*{message}"):
            load_models(str(tmp_path / name), [saved("t")], "sequence-classification")


@pytest.mark.parametrize("name", ["ensemble", "student"])
def test_a_teacher_called_as_all_teachers_together_or_as_the_student_is_refused(saved, name):
    with pytest.raises(ValueError, match=f"is named '{name}'"):
        load_models(saved("s"), [saved("t"), saved(name)], "sequence-classification")
