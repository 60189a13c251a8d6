"""Rows padded and labels stacked."""

import copy

import numpy as np
import pytest

from hf_multiteacher.collation.padding import Layout, column_of, is_per_token, pad_encoding, stack_numbers


@pytest.mark.parametrize("side", ["right", "left"])
@pytest.mark.parametrize("multiple", [None, 4])
def test_encodings_are_padded_as_the_tokenizer_pads_them(cased_tokenizer, side, multiple):
    tokenizer = copy.deepcopy(cased_tokenizer)
    tokenizer.padding_side = side
    tokenizer.pad_token = "o"
    features = [dict(tokenizer(text)) for text in ("Fata", "", "Fata citește o carte")]
    expected = tokenizer.pad(features, pad_to_multiple_of=multiple)
    prefixed = [{f"teacher_0_{name}": row for name, row in feature.items()} for feature in features]
    batch, layout = pad_encoding(prefixed, "teacher_0_", tokenizer, multiple)
    assert {name: rows.tolist() for name, rows in batch.items()} == {f"teacher_0_{k}": v for k, v in expected.items()}
    assert np.array_equal(layout.filled, batch["teacher_0_attention_mask"])


def test_a_row_that_does_not_fit_its_tokens_is_refused(cased_tokenizer):
    layout = Layout.of([[1, 2], [1, 2, 3]], cased_tokenizer, None)
    assert layout.pad([[5, 6], np.array([7, 8, 9])], -1, "labels").tolist() == [[5, 6, -1], [7, 8, 9]]
    with pytest.raises(ValueError, match="one entry per token in column 'labels', but row 1 of the batch has 2 for 3"):
        layout.pad([[5, 6], [7, 8]], -1, "labels")


def test_rows_without_any_token_are_rows_of_padding(cased_tokenizer):
    for multiple, width in ((8, 8), (None, 1)):
        assert Layout.of([[], []], cased_tokenizer, multiple).pad([[], []], 0, "input_ids").shape == (2, width)


@pytest.mark.parametrize(
    ("values", "dtype"),
    [([1, 2], np.int64), ([True, False], np.int64), ([1, 0.5], np.float32), ([[1.0], [2.0]], np.float32)],
)
def test_numbers_are_stacked(values, dtype):
    stacked = stack_numbers(values, "labels")
    assert stacked.dtype == dtype and stacked.tolist() == values


@pytest.mark.parametrize("values", [["a", "b"], [[1.0], [1.0, 2.0]], [{"a": 1}, {"a": 2}]])
def test_what_is_no_number_is_refused(values):
    with pytest.raises(ValueError, match="numbers in column 'note', as many in each example.*remove_columns"):
        stack_numbers(values, "note")


def test_a_missing_value_is_refused():
    with pytest.raises(ValueError, match="expects 'y' in every example of a batch, but row 1 has None"):
        column_of([{"y": 1}, {"y": None}], "y")
    with pytest.raises(ValueError, match=r"expects 'y' in every example of a batch, but row 1 has only \['x'\]"):
        column_of([{"y": 1}, {"x": 1}], "y")


@pytest.mark.parametrize(
    ("labels", "expected"),
    [([1], False), ([0.5], False), ([[1.0, 0.0]], False), ([[1, 0]], True), ([np.array([1])], True)],
)
def test_lists_of_integers_are_labels_of_tokens(labels, expected):
    assert is_per_token(labels) is expected
