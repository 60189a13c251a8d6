from dataclasses import replace

import pytest
import torch
from datasets import Dataset

from hf_multiteacher.collation.readers import CheckedCollator, Reader, expect_dataset, expect_demanded, expect_inputs
from hf_multiteacher.models.limits import UNLIMITED, Limits

INPUTS = frozenset({"input_ids", "attention_mask", "token_type_ids", "position_ids"})


def limits(positions=8, padding_id=None, embeddings=50, token_types=2, inputs=INPUTS):
    return Limits(positions, padding_id, embeddings, token_types, inputs, any_input=False)


def readers(student=None, teacher=None, source=0):
    return [Reader("The student", None, student or limits()), Reader("Teacher 't'", source, teacher or limits())]


def rows(*lengths, **columns):
    return Dataset.from_dict({"input_ids": [[7] * length for length in lengths], **columns})


def batch(*lengths, **columns):
    width = max(lengths)
    ids = torch.tensor([[7] * length + [1] * (width - length) for length in lengths])
    return {"input_ids": ids, **columns}


def expect(readers, dataset):
    """The data set as a whole, then batch by batch: both must say the same."""
    said = []
    features = {name: torch.tensor(dataset[name]) for name in dataset.column_names}
    for check in (lambda: expect_dataset(readers, dataset), lambda: CheckedCollator(dict, readers)(features)):
        try:
            check()
        except ValueError as error:
            said.append(str(error))
    assert len(set(said)) <= 1
    assert len(said) in (0, 2)
    return said[0] if said else None


TOO_LONG = "Teacher 't' has positions for 6 tokens, but 'teacher_0_input_ids' holds 7 for an example"


@pytest.mark.parametrize(
    ("teacher", "columns", "said"),
    [
        ({"positions": 7}, {"teacher_0_input_ids": [[3] * 7] * 2}, None),
        ({"positions": 6}, {"teacher_0_input_ids": [[3] * 7] * 2}, TOO_LONG),
        ({"embeddings": 8}, {"teacher_0_input_ids": [[7]] * 2}, None),
        (
            {"embeddings": 7},
            {"teacher_0_input_ids": [[7]] * 2},
            "Teacher 't' has embeddings for the input_ids 0 to 6, but 'teacher_0_input_ids' holds 7",
        ),
        ({}, {"teacher_0_input_ids": [[-100]] * 2}, "'teacher_0_input_ids' holds -100"),
        ({"token_types": 3}, {"teacher_0_token_type_ids": [[0, 2]] * 2}, None),
        (
            {},
            {"teacher_0_token_type_ids": [[0, 2]] * 2},
            "Teacher 't' has embeddings for the token_type_ids 0 to 1, but 'teacher_0_token_type_ids' holds 2",
        ),
        ({"token_types": UNLIMITED}, {"teacher_0_token_type_ids": [[0, 2]] * 2}, None),
        ({"inputs": frozenset({"input_ids"})}, {"teacher_0_token_type_ids": [[0, 2]] * 2}, None),
    ],
)
def test_a_teacher_with_columns_of_its_own_reads_these(teacher, columns, said):
    found = expect(readers(teacher=limits(**teacher)), rows(8, 8, **columns))
    assert found is None if said is None else said in found


def test_a_teacher_that_reads_the_students_tokens_is_limited_alike():
    assert expect(readers(source=None), rows(8, 8)) is None
    found = expect(readers(student=limits(positions=9), source=None), rows(9, 9))
    assert "Teacher 't' has positions for 8 tokens, but 'input_ids' holds 9" in found
    assert "max_length=8 or less, or set model_max_length=8" in found
    assert "The student has positions for 8 tokens" in expect(readers(), rows(9, 9))


def test_padding_does_not_count_where_positions_are_counted_from_it():
    counting = [Reader("It", None, limits(positions=8, padding_id=1))]
    expect_dataset(counting, Dataset.from_dict({"input_ids": [[7] * 8 + [1] * 2]}))
    CheckedCollator(dict, counting)(batch(8, 4) | {"input_ids": torch.tensor([[7] * 8 + [1] * 2])})
    with pytest.raises(ValueError, match="positions for 8 tokens, but 'input_ids' holds 9"):
        expect_dataset(counting, Dataset.from_dict({"input_ids": [[7] * 9 + [1]]}))
    with pytest.raises(ValueError, match="positions for 8 tokens, but 'input_ids' holds 11"):
        expect_dataset(counting, Dataset.from_dict({"input_ids": [[7] * 8 + [1] * 3]}))


def test_positions_that_come_with_the_data_count_instead_of_the_length():
    numbered = rows(10, 10, position_ids=[[0, 1, 2, 3, 4] * 2] * 2)
    assert expect(readers(source=None), numbered) is None
    beyond = rows(10, 10, position_ids=[[*range(10)]] * 2)
    assert "The student has embeddings for the position_ids 0 to 7, but 'position_ids' holds 9" in expect(
        readers(source=None), beyond
    )


def test_rows_that_a_selection_leaves_out_are_not_read():
    data = Dataset.from_dict({"input_ids": [[7] * 20, [99], [7] * 3]})
    expect_dataset(readers()[:1], data.select([2]))
    with pytest.raises(ValueError, match="holds 20"):
        expect_dataset(readers()[:1], data.select([2, 0]))
    with pytest.raises(ValueError, match="holds 99"):
        expect_dataset(readers()[:1], data.select([2, 1]))


def test_a_long_data_set_is_not_walked_through(monkeypatch):
    monkeypatch.setattr(Dataset, "iter", lambda *arguments: 1 / 0)
    expect_dataset(readers(), rows(*[8] * 1000, teacher_0_input_ids=[[1]] * 1000))


@pytest.mark.parametrize(
    "data", [None, [{"input_ids": [7] * 99}], Dataset.from_dict({"text": ["a"]}), rows(99).with_transform(dict)]
)
def test_what_is_not_stored_is_told_when_it_comes(data):
    expect_dataset(readers(), data)
    if isinstance(data, list):
        with pytest.raises(ValueError, match="The student has positions for 8 tokens, but 'input_ids' holds 99"):
            CheckedCollator(lambda rows: batch(*[len(row["input_ids"]) for row in rows]), readers())(data)


def test_empty_data_and_batches_of_other_kinds_pass():
    expect_dataset(readers(), Dataset.from_dict({"input_ids": [[]]}))
    checked = CheckedCollator(lambda features: features, readers())
    assert checked([1, 2]) == [1, 2]


def test_a_batch_of_no_width_is_refused_by_name():
    empty = {"input_ids": torch.ones(2, 3, dtype=int), "teacher_0_input_ids": torch.ones(2, 0, dtype=int)}
    with pytest.raises(ValueError, match="none of the 2 examples of a batch has one in 'teacher_0_input_ids'"):
        CheckedCollator(lambda features: empty, readers())([])


def test_vectors_of_one_model_are_no_text_for_another():
    with pytest.raises(ValueError, match="'inputs_embeds' are vectors of one model"):
        expect_inputs(readers(), ["inputs_embeds", "labels"])


@pytest.mark.parametrize(
    ("source", "inputs", "refused"), [(0, INPUTS, True), (None, INPUTS, False), (0, set(), False)]
)
def test_what_a_teacher_takes_and_cannot_get_is_refused(source, inputs, refused):
    known = readers(teacher=limits(inputs=frozenset(inputs)), source=source)
    expect_inputs(known, ["input_ids", "attention_mask", "token_type_ids", "labels"])
    if not refused:
        expect_inputs(known, ["position_ids"])
        return
    with pytest.raises(ValueError, match="Teacher 't' takes 'position_ids' as the student does, but has a tokenizer"):
        expect_inputs(known, ["position_ids"])


DEMANDING = frozenset({"input_ids", "attention_mask", "bbox"})


def demanding(source):
    """A student that demands nothing, and a teacher that demands boxes."""
    return [
        Reader("The student", None, limits()),
        Reader("Teacher 't'", source, replace(limits(), required=DEMANDING)),
    ]


@pytest.mark.parametrize(
    ("source", "columns", "lacking"),
    [
        (None, {}, r"\['bbox'\]"),
        (None, {"bbox": [[1]]}, None),
        (0, {"bbox": [[1]]}, r"\['bbox'\]"),
        (0, {"teacher_0_input_ids": [[7]], "teacher_0_attention_mask": [[1]], "bbox": [[1]]}, r"\['bbox'\]"),
    ],
)
def test_an_input_that_a_model_demands_and_nobody_gives_is_refused_by_name(source, columns, lacking):
    data = Dataset.from_dict({"input_ids": [[7]], "attention_mask": [[1]], **columns})
    if lacking is None:
        expect_dataset(demanding(source), data)
        CheckedCollator(dict, demanding(source))({name: torch.tensor(data[name]) for name in data.column_names})
        return

    with pytest.raises(ValueError, match=f"Teacher 't' cannot run without {lacking}"):
        expect_dataset(demanding(source), data)
    with pytest.raises(ValueError, match="Teacher 't' cannot run without"):
        CheckedCollator(dict, demanding(source))({name: torch.tensor(data[name]) for name in data.column_names})


def test_a_collator_may_make_masks_and_one_of_the_user_s_own_anything():
    data = Dataset.from_dict({"input_ids": [[7]]})
    with pytest.raises(ValueError, match="cannot run without \\['bbox'\\], for which"):
        expect_dataset(demanding(None), data)
    expect_dataset(demanding(None), data, only_its_columns=False)
    with pytest.raises(ValueError, match="cannot run without"):
        expect_dataset(demanding(0), data, only_its_columns=False)


def test_a_batch_without_a_mask_that_is_demanded_is_refused():
    with pytest.raises(ValueError, match=r"cannot run without \['attention_mask', 'bbox'\]"):
        expect_demanded(demanding(None), {"input_ids"}, encodings=True)
