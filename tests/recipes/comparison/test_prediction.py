import numpy as np
import pytest
import torch

from helpers.saved_classifiers import save_classifier
from hf_multiteacher.models.limits import position_limit
from hf_multiteacher.recipes.comparison.comparison import load_models
from hf_multiteacher.recipes.comparison.examples import Examples
from hf_multiteacher.recipes.comparison.prediction import input_limit, predict


@pytest.fixture(scope="module")
def models(tmp_path_factory, cased_tokenizer, byte_level_tokenizer):
    """A tagger with WordPiece and one with byte-level pieces, its labels in another order."""
    folder = tmp_path_factory.mktemp("models")
    student = save_classifier(folder / "one", cased_tokenizer, "TokenClassification", "abc", 1)
    teacher = save_classifier(folder / "other", byte_level_tokenizer, "TokenClassification", "cab", 2)
    return load_models(student, [teacher], "token-classification")


@pytest.fixture(scope="module")
def tagging(sentences):
    """Sentences of 1 to 16 words, one of them without any, and a word that is no token."""
    rows = [sentence.split()[: 1 + number % 16] for number, sentence in enumerate(sentences[:30])]
    return Examples("token-classification", [[*rows, [], ["Ana", "\u200b", "are"]]])


def one_by_one(loaded, words, order, limit=None):
    """The logits of each word of a sentence, in the order of `order`; None for words that are not there."""
    tokens = loaded.tokenizer(
        words, is_split_into_words=True, return_tensors="pt", truncation=limit is not None, max_length=limit
    )
    with torch.no_grad():
        logits = loaded.model(**tokens).logits[0]
    places = tokens.word_ids(0)
    return [logits[places.index(word)][order] if word in places else None for word in range(len(words))]


@pytest.mark.parametrize("limit", [None, 7])
@pytest.mark.parametrize(("index", "order"), [(0, [0, 1, 2]), (1, [1, 2, 0])])
def test_every_word_has_the_logits_of_its_first_token_in_the_students_label_order(
    models, tagging, index, order, limit
):
    outputs = predict(models, index, tagging, batch_size=4, max_length=limit)
    expected = [
        each for words in tagging.sequences[0] if words for each in one_by_one(models[index], words, order, limit)
    ]
    assert limit is None or any(each is None for each in expected)
    expected = np.stack([np.zeros(3, np.float32) if each is None else each.numpy() for each in expected])
    np.testing.assert_allclose(outputs, expected, rtol=1e-4, atol=1e-5)


def test_texts_and_pairs_have_the_logits_that_they_have_alone(tmp_path, cased_tokenizer, sentences):
    folder = save_classifier(tmp_path / "one", cased_tokenizer, "SequenceClassification", "abc", 1)
    models = load_models(folder, [folder], "sequence-classification")
    for sequences in ([sentences[:9]], [sentences[:9], sentences[5:14]]):
        outputs = predict(models, 0, Examples("sequence-classification", sequences), batch_size=4)
        for number, texts in enumerate(zip(*sequences, strict=True)):
            tokens = models[0].tokenizer(*texts, return_tensors="pt")
            expected = models[0].model(**tokens).logits[0].detach().numpy()
            np.testing.assert_allclose(outputs[number], expected, rtol=1e-4, atol=1e-5)


def test_a_text_longer_than_the_model_is_cut_to_what_it_can_take(models, sentences):
    words = " ".join(sentences[:20]).split()
    outputs = predict(models, 0, Examples("token-classification", [[words]]), batch_size=1)
    assert models[0].tokenizer.model_max_length > position_limit(models[0].model.config) == 128
    pieces = [len(models[0].tokenizer(word, add_special_tokens=False)["input_ids"]) for word in words]
    starts = np.cumsum(pieces) - pieces
    assert outputs.any(axis=1).tolist() == (starts < 126).tolist()


def test_the_limit_is_the_smallest_and_leaves_room_for_text(models, tagging):
    assert input_limit(models, 0, tagging, None) == 128
    assert input_limit(models, 0, tagging, 40) == 40
    with pytest.raises(ValueError, match="'student' would read 2 tokens.*larger --max-length"):
        input_limit(models, 0, tagging, 2)
    assert input_limit(models, 0, tagging, 3) == 3
