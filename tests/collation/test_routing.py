import numpy as np
import pytest
import torch
from datasets import Dataset
from transformers import default_data_collator

from hf_multiteacher.collation.routing import Routed, expect_routes

TEACHERS = ["first", "second"]


def test_a_batch_says_who_may_speak_about_which_example_and_the_collator_sees_no_names():
    seen = []
    collator = Routed(lambda features: seen.extend(features) or default_data_collator(features), TEACHERS)
    names = [np.array(["second"]), [], None, ("second", "first")]
    batch = collator(
        [{"input_ids": [row], "taught_by": each} for row, each in enumerate(names)] + [{"input_ids": [4]}]
    )
    assert batch["teacher_mask"].tolist() == [[False, True], [False, False], [True, True], [True, True], [True, True]]
    assert batch["teacher_mask"].dtype == torch.bool
    assert seen == [{"input_ids": [row]} for row in range(5)]


def test_without_the_column_a_batch_is_as_it_was():
    assert set(Routed(default_data_collator, TEACHERS)([{"input_ids": [1]}])) == {"input_ids"}


@pytest.mark.parametrize("names", [["third"], "first", ["first", "third"], 1])
def test_who_is_no_teacher_is_refused(names):
    with pytest.raises(ValueError, match=r"lists in each example which of \['first', 'second'\] may speak"):
        Routed(default_data_collator, TEACHERS)([{"input_ids": [1], "taught_by": names}])


def test_a_stored_data_set_is_looked_at_before_but_not_at_the_rows_that_it_leaves_out():
    data = Dataset.from_dict({"taught_by": [["first"], None, [], ["third"]]})
    with pytest.raises(ValueError, match=r"but one has \['third'\]: nobody knows who is meant"):
        expect_routes(data, TEACHERS)
    expect_routes(data.select(range(3)), TEACHERS)
    expect_routes(data.remove_columns("taught_by"), TEACHERS)
