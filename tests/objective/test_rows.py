import numpy as np
import pytest
import torch

from hf_multiteacher.objective.row_finder import RowFinder
from hf_multiteacher.objective.row_sets import hidden_rows, hidden_spans, row_sets, set_sizes
from hf_multiteacher.objective.rows import find_rows, real_tokens, teacher_inputs, teacher_tokens
from hf_multiteacher.tokenization.matching import first_token_counterparts

SINGLE = "single_label_classification"


@pytest.fixture
def inputs():
    """Two examples, the second padded at its end; teacher 1 reads other tokens."""
    return {
        "input_ids": torch.tensor([[2, 7, 8, 3], [2, 9, 3, 0]]),
        "attention_mask": torch.tensor([[1, 1, 1, 1], [1, 1, 1, 0]]),
        "labels": torch.tensor([[-100, 5, 6, -100], [-100, 4, -100, -100]]),
        "teacher_1_input_ids": torch.tensor([[1, 5, 6, 7, 2], [1, 8, 9, 2, 0]]),
        "teacher_1_attention_mask": torch.tensor([[1, 1, 1, 1, 1], [1, 1, 1, 1, 0]]),
        "teacher_1_positions": torch.tensor([[-1, 3, 1, -1], [-1, -1, -1, -1]]),
        "teacher_1_student_spans": torch.tensor([[-1, 0, 1, -1], [-1, 0, -1, -1]]),
        "teacher_1_spans": torch.tensor([[-1, 1, 1, 0, -1], [-1, 2, 2, -1, -1]]),
    }


def test_labelled_tokens_are_rows(inputs):
    rows = find_rows(inputs, [None, 1], SINGLE, "labelled")
    assert rows.tokens.tolist() == [[False, True, True, False], [False, True, False, False]]
    assert rows.labels.tolist() == [5, 6, 4]
    assert rows.available[:, rows.mask].tolist() == [[True, True, True], [True, True, False]]
    assert torch.equal(rows.labelled, rows.mask)


def test_all_tokens_but_padding_are_rows(inputs):
    rows = find_rows(inputs, [None, 1], SINGLE, "all")
    assert torch.equal(rows.mask, inputs["attention_mask"].bool())
    assert rows.labelled.sum() == 3
    assert rows.labels.tolist() == [-100, 5, 6, -100, -100, 4, -100]
    assert rows.available.sum(dim=(1, 2)).tolist() == [7, 2]


@pytest.mark.parametrize("known", [True, False])
def test_in_tagging_a_sentence_without_labels_has_the_rows_that_labels_would_have(known, inputs):
    inputs["labels"][1] = -100
    starts = np.packbits(np.isin(np.arange(10), [7, 9])).tobytes() if known else None
    rows = RowFinder({"same": None}, [True], SINGLE, "labelled", False, True, starts)(inputs)
    assert rows.mask.tolist() == [[False, True, True, False], [not known, True, not known, False]]
    assert rows.labelled.sum() == 2


@pytest.mark.parametrize("unlabelled", [False, True])
def test_where_words_start_is_unpacked_for_sentences_without_labels_alone(unlabelled, inputs, monkeypatch):
    unpacked, unpack = [], np.unpackbits
    monkeypatch.setattr(np, "unpackbits", lambda starts: unpacked.append(starts) or unpack(starts))
    if unlabelled:
        inputs["labels"][1] = -100
    RowFinder({"same": None}, [True], SINGLE, "labelled", False, True, bytes(2))(inputs)
    assert len(unpacked) == unlabelled


def test_a_labelled_token_is_a_row_even_where_the_attention_mask_is_0(inputs):
    inputs["labels"][1, 3] = 1
    for positions in ("labelled", "all"):
        rows = find_rows(inputs, [None], SINGLE, positions)
        assert rows.labelled[1, 3]
        assert rows.mask[1, 3]


def test_where_a_teacher_may_not_speak_it_has_no_row(inputs):
    inputs["teacher_mask"] = torch.tensor([[False, True], [True, True]])
    rows = find_rows(inputs, [None, 1], SINGLE, "labelled")
    assert rows.available[:, rows.mask].tolist() == [[False, False, True], [True, True, False]]
    assert (rows.has[0].tolist(), rows.taught.tolist()) == ([2], [0, 1, 2])
    assert rows.labelled.sum() == 3
    assert hidden_rows(inputs, None, 0).sum() == 3
    assert hidden_rows(inputs, 1, 1).tolist() == [[True, True, False], [False, False, False]]


def test_where_nobody_may_speak_nobody_teaches_and_the_label_stays(inputs):
    inputs["teacher_mask"] = torch.tensor([[True, True], [False, False]])
    finder = RowFinder({"a": None, "b": 1}, [True, True], SINGLE, "labelled", hidden_states=True)
    sizes = set_sizes(finder(inputs), ["a", "b"])
    assert (sizes["hard"], sizes["soft"], sizes["soft/a"], sizes["soft/b"]) == (3, 2, 2, 2)
    assert sizes["hidden/a"] == 4
    assert "teacher_mask" not in teacher_inputs(inputs, None)


def test_without_labels_there_are_rows_only_where_all_tokens_are(inputs):
    del inputs["labels"]
    assert find_rows(inputs, [None, 1], SINGLE, "labelled").mask.sum() == 0
    rows = find_rows(inputs, [None, 1], SINGLE, "all")
    assert rows.mask.sum() == 7
    assert (rows.labels, int(rows.labelled.sum())) == (None, 0)


def test_without_labels_a_words_first_tokens_are_counterparts(inputs):
    del inputs["labels"]
    spans = [inputs[f"teacher_1_{name}"].numpy() for name in ("student_spans", "spans")]
    inputs["teacher_1_positions"] = torch.from_numpy(first_token_counterparts(*spans))  # as the collator does
    rows = find_rows(inputs, [1], SINGLE, "all")
    assert rows.available[0].tolist() == [[False, True, True, False], [False, False, False, False]]
    found = teacher_tokens(inputs, 1, rows.available[0])
    assert found.wanted.nonzero().tolist() == [[0, 1], [0, 3]]
    assert (found.index.tolist(), found.place.tolist()) == ([1, 3], [1, 0])


@pytest.mark.parametrize("followed", [None, [True, False], [False, True]])
@pytest.mark.parametrize("positions", ["labelled", "all", None])
def test_what_the_masks_say_is_there_as_indices(positions, followed, inputs):
    if positions is None:
        inputs["labels"] = torch.tensor([1, -100])
    rows = find_rows(inputs, [None, 1], SINGLE, positions, followed)

    leaders = rows.available if followed is None else rows.available[followed]
    assert rows.index.tolist() == rows.mask.flatten().nonzero().flatten().tolist()
    assert rows.hard.tolist() == rows.labelled[rows.mask].nonzero().flatten().tolist()
    assert rows.taught.tolist() == leaders.any(dim=0)[rows.mask].nonzero().flatten().tolist()
    for has, available in zip(rows.has, rows.available, strict=True):
        assert has.tolist() == available[rows.mask].nonzero().flatten().tolist()


@pytest.mark.parametrize("hidden", [True, False])
def test_every_set_has_as_many_rows_as_its_mask_marks(hidden, inputs):
    sources, followed = {"same": None, "own": 1}, [False, True]
    rows = RowFinder(sources, followed, SINGLE, "all", hidden)(inputs)
    masks = row_sets(inputs, rows, sources, followed, hidden_states=hidden)

    assert set_sizes(rows, [*sources]) == {name: int(mask.sum()) for name, mask in masks.items()}


def test_something_can_be_done_to_every_tensor_of_the_rows(inputs):
    rows = RowFinder({"same": None, "own": 1}, [True, True], SINGLE, "all", True)(inputs)
    seen = []
    copies = rows.each(lambda tensor: seen.append(tensor) or tensor.clone())

    assert len(seen) == 7 + 2 + 3 + 2
    assert (rows.spans[1].count, copies.tokens_of[0]) == (copies.spans[1].count, None)
    assert torch.equal(copies.tokens_of[1].place, rows.tokens_of[1].place)


def test_examples_are_the_rows_of_a_sequence_task(inputs):
    inputs["labels"] = torch.tensor([1, -100])
    rows = find_rows(inputs, [None, 1], SINGLE, None)
    assert (rows.tokens, rows.mask.tolist(), rows.labelled.tolist()) == (None, [True, True], [True, False])
    assert rows.available.all()
    inputs["labels"] = torch.tensor([[0.0, 1.0], [1.0, 1.0]])
    rows = find_rows(inputs, [None], "multi_label_classification", None)
    assert rows.labelled.all()
    assert rows.labels.shape == (2, 2)


def test_an_example_none_of_whose_labels_is_there_is_unlabelled(inputs):
    inputs["labels"] = torch.tensor([[-100.0, 1.0], [-100.0, -100.0]])
    rows = find_rows(inputs, [None], "multi_label_classification", None)
    assert (rows.mask.tolist(), rows.labelled.tolist()) == ([True, True], [True, False])


def test_a_teachers_tokens_are_found_and_put_into_the_students_order(inputs):
    has = find_rows(inputs, [1], SINGLE, "labelled").available[0]
    found = teacher_tokens(inputs, 1, has)
    assert found.wanted.nonzero().tolist() == [[0, 1], [0, 3]]
    # The student's token 1 stands at 3, the second of the wanted ones; its token 2 stands at 1.
    assert found.place.tolist() == [1, 0]


def test_a_teacher_reads_the_students_columns_or_its_own(inputs):
    assert teacher_inputs(inputs, None).keys() == {"input_ids", "attention_mask"}
    assert teacher_inputs(inputs | {"bbox": inputs["input_ids"]}, None).keys() == {
        "input_ids",
        "attention_mask",
        "bbox",
    }
    assert torch.equal(teacher_inputs(inputs, 1)["input_ids"], inputs["teacher_1_input_ids"])


def test_hidden_states_are_compared_over_tokens_or_over_shared_spans(inputs):
    spans, same = hidden_spans(inputs, None)
    assert spans is same
    assert spans.tolist() == [[0, 1, 2, 3], [0, 1, 2, -1]]
    assert hidden_rows(inputs, None, 0).sum() == 7
    assert hidden_rows(inputs, 1, 1).tolist() == [[True, True, False], [False, False, False]]


def test_without_an_attention_mask_every_token_is_real(inputs):
    del inputs["attention_mask"]
    assert real_tokens(inputs).all()
