import logging

import pytest
from transformers import (
    DataCollatorForLanguageModeling,
    DataCollatorForTokenClassification,
    DataCollatorWithPadding,
    default_data_collator,
)

from helpers.models import tiny_bert
from helpers.tokenizers import train_tokenizer
from helpers.toys import config_of, encode, make_toy, make_trainer, raw_data
from hf_multiteacher import DataCollatorForDistillation, MultiTokenizer, Teacher


def test_without_one_given_it_is_ours_for_the_students_task(pair, tmp_path):
    for task in ("masked-lm", "tagging"):
        trainer = make_trainer(make_toy(task, pair), tmp_path, data_seed=7)
        assert isinstance(trainer.data_collator, DataCollatorForDistillation)
        assert (trainer.data_collator.mlm, trainer.data_collator.seed) == (task == "masked-lm", 7)
    assert make_trainer(make_toy("tagging", pair), tmp_path, seed=5).data_collator.seed == 5


@pytest.mark.parametrize("given", [DataCollatorWithPadding, DataCollatorForTokenClassification])
def test_a_padding_collator_stays_where_all_models_read_one_encoding(given, pair, tmp_path):
    toy = make_toy("tagging", pair, same_tokenizer=True)
    collator = given(toy.tokenizer)
    assert make_trainer(toy, tmp_path, data_collator=collator).data_collator is collator


def test_a_padding_collator_is_replaced_where_a_teacher_has_its_own_tokenizer(pair, tmp_path, caplog):
    toy = make_toy("tagging", pair)
    given = DataCollatorForTokenClassification(toy.tokenizer, pad_to_multiple_of=8)
    with caplog.at_level(logging.WARNING, logger="hf_multiteacher"):
        chosen = make_trainer(toy, tmp_path, data_collator=given).data_collator
    assert "DataCollatorForTokenClassification is replaced by DataCollatorForDistillation" in caplog.text
    assert (type(chosen), chosen.mlm, chosen.pad_to_multiple_of) == (DataCollatorForDistillation, False, 8)
    chosen = make_trainer(make_toy("single-label", pair), tmp_path, data_collator=default_data_collator).data_collator
    assert isinstance(chosen, DataCollatorForDistillation)


@pytest.mark.parametrize("same", [True, False], ids=["one tokenizer", "two tokenizers"])
def test_masks_are_always_drawn_by_ours_with_the_same_probability(same, pair, tmp_path):
    toy = make_toy("masked-lm", pair, same_tokenizer=same)
    given = DataCollatorForLanguageModeling(toy.tokenizer, mlm_probability=0.3, seed=3)
    chosen = make_trainer(toy, tmp_path, data_collator=given).data_collator
    assert isinstance(chosen, DataCollatorForDistillation)
    assert (chosen.mlm, chosen.mlm_probability, chosen.seed) == (True, 0.3, 3)


@pytest.mark.parametrize(
    "settings",
    [{"mlm": False}, {"mask_replace_prob": 1.0, "random_replace_prob": 0.0}, {"whole_word_mask": True}],
    ids=lambda settings: next(iter(settings)),
)
def test_masking_that_ours_does_not_do_is_refused(settings, pair, tmp_path):
    toy = make_toy("masked-lm", pair)
    try:
        given = DataCollatorForLanguageModeling(toy.tokenizer, **settings)
    except TypeError:
        pytest.skip(f"this version of transformers has no {settings}")
    with pytest.raises(ValueError, match=f"DataCollatorForLanguageModeling with .*{next(iter(settings))}"):
        make_trainer(toy, tmp_path, data_collator=given)


def test_other_labels_on_padding_are_refused(pair, tmp_path):
    toy = make_toy("tagging", pair)
    given = DataCollatorForTokenClassification(toy.tokenizer, label_pad_token_id=-1)
    with pytest.raises(ValueError, match="label_pad_token_id"):
        make_trainer(toy, tmp_path, data_collator=given)


def test_a_collator_of_ones_own_is_refused_where_it_does_not_know_the_teachers(pair, tmp_path):
    class Own(DataCollatorWithPadding):
        pass

    toy = make_toy("single-label", pair)
    with pytest.raises(ValueError, match=r"collator Own here: it would not pad what the teachers \[1\] read"):
        make_trainer(toy, tmp_path, data_collator=Own(toy.tokenizer))
    same = make_toy("single-label", pair, same_tokenizer=True)
    own = Own(toy.tokenizer)
    assert make_trainer(same, tmp_path, data_collator=own).data_collator is own
    masked = make_toy("masked-lm", pair)
    with pytest.raises(ValueError, match="it would not mask"):
        make_trainer(masked, tmp_path, data_collator=DataCollatorWithPadding(toy.tokenizer))


def test_a_collator_for_other_teachers_or_another_task_is_refused(pair, tmp_path):
    toy = make_toy("tagging", pair)
    permuted = DataCollatorForDistillation(MultiTokenizer(toy.tokenizer, [pair[1], pair[0]]))
    with pytest.raises(ValueError, match="in the same order"):
        make_trainer(toy, tmp_path, data_collator=permuted)
    with pytest.raises(ValueError, match=r"in the same order"):
        make_trainer(toy, tmp_path, data_collator=permuted, teachers=toy.teachers[:1])
    with pytest.raises(ValueError, match="Set mlm=False"):
        make_trainer(toy, tmp_path, data_collator=DataCollatorForDistillation(toy.multi_tokenizer, mlm=True))


def test_data_encoded_for_other_teachers_is_refused(pair, tmp_path):
    toy = make_toy("single-label", pair)
    permuted = encode("single-label", raw_data("single-label"), MultiTokenizer(toy.tokenizer, [pair[1], pair[0]]))
    for name in ("train_dataset", "eval_dataset"):
        with pytest.raises(ValueError, match=r"has the columns \['teacher_0_.*, but not \['teacher_1_"):
            make_trainer(toy, tmp_path, **{name: permuted})
    make_trainer(toy, tmp_path, teachers=toy.teachers[:1])  # what nobody reads does no harm


def test_teachers_in_another_order_are_refused_although_the_columns_have_the_same_names(pair, sentences, tmp_path):
    third = train_tokenizer("wordpiece", sentences, 150)
    toy = make_toy("single-label", pair)
    model = tiny_bert("SequenceClassification", 300, **config_of("single-label"))
    teachers = [toy.teachers[1], Teacher(model, tokenizer=third)]
    right, wrong = (
        encode("single-label", raw_data("single-label", 4), MultiTokenizer(toy.tokenizer, order))
        for order in ([pair[1], third], [third, pair[1]])
    )
    make_trainer(toy, tmp_path, teachers=teachers, train_dataset=right, eval_dataset=right)
    with pytest.raises(ValueError, match="'teacher_0_input_ids' makes more sense to the tokenizer of teacher 1"):
        make_trainer(toy, tmp_path, teachers=teachers, train_dataset=right, eval_dataset=wrong)
