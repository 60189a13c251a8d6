"""Columns of a data set: errors name the column, the row and the way out."""

import pytest

from hf_multiteacher.tokenization.columns import (
    TEACHER_COLUMN,
    TEACHER_PARTS,
    read_column,
    read_sequences,
    read_word_labels,
    teacher_column,
)


def read(batch, text=None, text_pair=None, words=None, labels=None):
    """Read what `MultiTokenizer.encode` reads."""
    sequences = read_sequences(batch, text, text_pair, words)
    if labels is not None:
        return read_word_labels(batch, labels, sequences[0]) if words else read_column(batch, labels)
    return sequences


@pytest.mark.parametrize(
    ("batch", "arguments", "error", "message"),
    [
        ({"s": ["a"]}, {"text": "sentence"}, ValueError, r"a column 'sentence'.*only \['s'\]"),
        ({"s": ["a"]}, {"text": "s", "text_pair": "t"}, ValueError, "a column 't'"),
        ({"s": ["a"]}, {"text": "s", "labels": "y"}, ValueError, "a column 'y'"),
        ({"s": ["a"]}, {}, ValueError, "text=None.*words=None.*Name one"),
        ({"s": ["a"], "w": [["a"]]}, {"text": "s", "words": "w"}, ValueError, "text='s'.*words='w'"),
        ({"s": ["a"], "w": [["a"]]}, {"text_pair": "s", "words": "w"}, ValueError, "text_pair='s'"),
        ({"s": ["a", None]}, {"text": "s"}, TypeError, "texts in column 's', but row 1 .* None.*filter"),
        ({"s": ["a"], "t": [3]}, {"text": "s", "text_pair": "t"}, TypeError, "column 't', but row 0 .* 3"),
        ({"s": [["a", "b"]]}, {"text": "s"}, TypeError, r"\['a', 'b'\].*words=\."),
        ({"s": "a text"}, {"text": "s"}, TypeError, "got one str.*batched=True"),
        ({"w": ["a text"]}, {"words": "w"}, TypeError, "lists of words in column 'w', but row 0.*'a text'.*text="),
        ({"w": [["a"], None]}, {"words": "w"}, TypeError, "row 1 of the batch holds None"),
        ({"w": [["a", None]]}, {"words": "w"}, TypeError, r"row 0 .*\['a', None\]"),
        (
            {"w": [["a"], ["b", "c"]], "y": [[1], [2]]},
            {"words": "w", "labels": "y"},
            ValueError,
            "row 1 .* has 1 for 2",
        ),
        ({"w": [["a"]], "y": [1]}, {"words": "w", "labels": "y"}, ValueError, "row 0 .* has no list for 1"),
        ({"w": [["a"]], "y": [["B"]]}, {"words": "w", "labels": "y"}, TypeError, "'y', but got 'B'.*ClassLabel"),
        ({"w": [["a"]], "y": [[None]]}, {"words": "w", "labels": "y"}, TypeError, "'y', but got None"),
    ],
)
def test_an_error_names_the_column_the_row_and_the_way_out(batch, arguments, error, message):
    with pytest.raises(error, match=message):
        read(batch, **arguments)


def test_a_teachers_columns_are_known_by_their_names():
    names = [teacher_column(12, part) for part in TEACHER_PARTS]
    assert names[0] == "teacher_12_input_ids" and teacher_column(None, "input_ids") == "input_ids"
    assert [TEACHER_COLUMN.fullmatch(name)[1] for name in names] == ["12"] * len(TEACHER_PARTS)
    assert not any(map(TEACHER_COLUMN.fullmatch, ["teacher_weights", "input_ids", "teacher_1_note"]))
