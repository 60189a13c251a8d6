"""Which column is which: named, guessed where that is plain, asked for where it is not."""

import pytest

from hf_multiteacher.recipes.data.columns import find_columns


def find(names, tagging=False, regression=False, **given):
    found = find_columns(names, tagging=tagging, regression=regression, **given)
    return found.label, found.inputs


@pytest.mark.parametrize(
    ("names", "options", "expected"),
    [
        (["id", "review", "stars"], {}, ("stars", {"text": "review"})),
        (["Text", "Label"], {}, ("Label", {"text": "Text"})),
        (["idx", "mesaj", "label"], {}, ("label", {"text": "mesaj"})),
        (["premise", "hypothesis", "label"], {}, ("label", {"text": "premise", "text_pair": "hypothesis"})),
        (
            ["sentence1", "sentence2", "score"],
            {"regression": True},
            ("score", {"text": "sentence1", "text_pair": "sentence2"}),
        ),
        (["tokens", "ner_tags"], {"tagging": True}, ("ner_tags", {"words": "tokens"})),
        (["words", "labels"], {"tagging": True}, ("labels", {"words": "words"})),
        (["a", "b", "c"], {"text_column": "b", "label_column": "c"}, ("c", {"text": "b"})),
        (
            ["text", "title", "label"],
            {"text_column": "title", "second_text_column": "text"},
            ("label", {"text": "title", "text_pair": "text"}),
        ),
        (
            ["tokens", "ner_tags", "pos_tags"],
            {"tagging": True, "label_column": "pos_tags"},
            ("pos_tags", {"words": "tokens"}),
        ),
    ],
)
def test_columns_are_found(names, options, expected):
    assert find(names, **options) == expected


@pytest.mark.parametrize(
    ("names", "options", "message"),
    [
        (
            ["tokens", "ner_tags", "pos_tags"],
            {"tagging": True},
            "'ner_tags' and 'pos_tags' may be meant. Name it: label_column",
        ),
        (["text", "title", "label"], {}, "'text' and 'title' may be meant. Name it: text_column"),
        (["a", "b", "label"], {}, "none has a usual name. Name it: text_column"),
        (["text", "gold"], {}, "none has a usual name. Name it: label_column"),
        (
            ["mesaj", "clasa"],
            {},
            "the label column: none has a usual name; nor which is the text column: none has a usual name. Name them: "
            "label_column, text_column",
        ),
        (
            ["text", "label"],
            {"label_column": "gold"},
            r"label_column is 'gold', but the data have the columns .* only",
        ),
    ],
)
def test_what_is_not_plain_is_asked_for(names, options, message):
    with pytest.raises(ValueError, match=message):
        find(names, **options)


def test_what_was_guessed_is_told_by_the_key_that_would_name_it():
    found = find_columns(["review", "label"], tagging=False, regression=False, label_column="label")
    assert found.guessed == {"text_column": "review"}
