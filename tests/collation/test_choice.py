import copy
import logging

import pytest
from transformers import (
    DataCollatorForLanguageModeling,
    DataCollatorForTokenClassification,
    DataCollatorWithPadding,
    DefaultDataCollator,
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


def test_masking_that_ours_does_not_do_is_refused(pair, tmp_path):
    toy = make_toy("masked-lm", pair)
    given = DataCollatorForLanguageModeling(toy.tokenizer, mlm=False)
    with pytest.raises(ValueError, match="DataCollatorForLanguageModeling with mlm=False: a masked language model"):
        make_trainer(toy, tmp_path, data_collator=given)


@pytest.mark.filterwarnings("ignore:Random token replacement")
@pytest.mark.parametrize("same", [True, False], ids=["one tokenizer", "two tokenizers"])
def test_every_setting_of_masking_is_kept(same, pair, tmp_path):
    toy = make_toy("masked-lm", pair, same_tokenizer=same)
    settings = {"mask_replace_prob": 0.5, "random_replace_prob": 0.25, "mlm_probability": 0.9}
    for whole, shares in ((False, (0.5, 0.25)), (True, (1.0, 0.0))):
        given = DataCollatorForLanguageModeling(toy.tokenizer, whole_word_mask=whole, **settings)
        batch = make_trainer(toy, tmp_path, data_collator=given).data_collator([*toy.train])
        drawn = batch["labels"] != -100
        assert drawn.sum() / (batch["attention_mask"].sum() - 2 * len(drawn)) == pytest.approx(0.9, abs=0.05)
        masked = (batch["input_ids"] == toy.tokenizer.mask_token_id)[drawn].float().mean()
        other = (batch["input_ids"] != batch["labels"])[drawn].float().mean() - masked
        assert (masked.item(), other.item()) == pytest.approx(shares, abs=0.05)


@pytest.mark.parametrize("given", [DataCollatorWithPadding, DataCollatorForTokenClassification])
@pytest.mark.parametrize("max_length", [64, 3, None], ids=["longer", "shorter", "as the tokenizer says"])
def test_padding_to_one_length_is_kept(given, max_length, pair, tmp_path):
    toy = make_toy("tagging", pair)
    toy.tokenizer.model_max_length, before = 48, toy.tokenizer.model_max_length
    try:
        collator = given(toy.tokenizer, padding="max_length", max_length=max_length)
        batch = make_trainer(toy, tmp_path, data_collator=collator).data_collator([*toy.train.select(range(4))])
        theirs = DataCollatorForTokenClassification(toy.tokenizer, padding="max_length", max_length=max_length or 48)
        names = ("input_ids", "attention_mask", "labels")
        rows = [{name: row[name] for name in names} for row in toy.train.select(range(4) if max_length != 3 else [0])]
        width = theirs(rows)["input_ids"].shape[1]
    finally:
        toy.tokenizer.model_max_length = before
    if max_length == 3:
        width = max(len(row) for row in toy.train[:4]["input_ids"])
    assert batch["input_ids"].shape == batch["labels"].shape == (4, width)
    longest = max(len(row) for row in toy.train[:4]["teacher_1_input_ids"])
    lengths = {64: 64, 3: longest, None: 128}  # its tokenizer says 512, but its model has 128 positions
    assert batch["teacher_1_input_ids"].shape == (4, lengths[max_length])


def test_padding_goes_no_further_than_the_models_read(pair, tmp_path):
    toy = make_toy("tagging", pair)  # its models have 128 positions
    data = toy.train.select(range(16))
    given = DataCollatorWithPadding(toy.tokenizer, padding="max_length", max_length=200)
    trainer = make_trainer(toy, tmp_path, data_collator=given, train_dataset=data, max_steps=1)
    batch = next(iter(trainer.get_train_dataloader()))
    assert batch["input_ids"].shape == batch["teacher_1_input_ids"].shape == (16, 128)
    trainer.train()


def test_padding_to_one_length_needs_one(pair, tmp_path):
    toy = make_toy("tagging", pair)
    given = DataCollatorWithPadding(toy.tokenizer, padding="max_length", max_length=30, pad_to_multiple_of=8)
    batch = make_trainer(toy, tmp_path, data_collator=given).data_collator([toy.train[0]])
    assert batch["input_ids"].shape[1] == batch["teacher_1_input_ids"].shape[1] == 32
    multi = copy.deepcopy(toy.multi_tokenizer)
    multi.student_tokenizer.model_max_length = int(1e30)
    with pytest.raises(ValueError, match="Give max_length"):
        DataCollatorForDistillation(multi, padding="max_length")
    with pytest.raises(ValueError, match="'longest' or 'max_length', but got 'never'"):
        DataCollatorForDistillation(toy.multi_tokenizer, padding="never")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"label_pad_token_id": -1}, "label_pad_token_id=-1: losses and metrics leave out"),
        ({"return_tensors": "np"}, "return_tensors='np': the models read PyTorch"),
        ({"padding": False}, "padding=False: some teachers read tokens of their own"),
        ({"padding": "do_not_pad"}, "padding='do_not_pad': some teachers read tokens of their own"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_settings_that_ours_cannot_keep_are_refused_with_the_reason(settings, message, pair, tmp_path):
    toy = make_toy("tagging", pair)
    given = DataCollatorForTokenClassification(toy.tokenizer, **settings)
    with pytest.raises(ValueError, match=f"DataCollatorForTokenClassification with {message}"):
        make_trainer(toy, tmp_path, data_collator=given)


def test_a_collator_with_another_tokenizer_is_refused(pair, tmp_path):
    toy = make_toy("tagging", pair)
    left = copy.deepcopy(toy.tokenizer)
    make_trainer(toy, tmp_path, data_collator=DataCollatorWithPadding(left))
    left.padding_side = "left"
    with pytest.raises(ValueError, match="pads on the left, as processing_class pads on the right"):
        make_trainer(toy, tmp_path, data_collator=DataCollatorWithPadding(left))
    with pytest.raises(ValueError, match="another tokenizer than processing_class"):
        make_trainer(toy, tmp_path, data_collator=DataCollatorWithPadding(pair[1]))


def test_default_collators_are_replaced_too(pair, tmp_path):
    toy = make_toy("single-label", pair)
    for given in (default_data_collator, DefaultDataCollator()):
        chosen = make_trainer(toy, tmp_path, data_collator=given).data_collator
        assert type(chosen) is DataCollatorForDistillation


def test_a_subclass_that_masks_stays_where_all_models_read_one_encoding(pair, tmp_path):
    class Own(DataCollatorForLanguageModeling):
        pass

    toy = make_toy("masked-lm", pair, same_tokenizer=True)
    own = Own(toy.tokenizer)
    trainer = make_trainer(toy, tmp_path, data_collator=own, max_steps=2)
    assert trainer.data_collator is own
    trainer.train()
    with pytest.raises(ValueError, match=r"Own here: it would not mask what the teachers \[1\] read"):
        make_trainer(make_toy("masked-lm", pair), tmp_path, data_collator=own)


@pytest.mark.parametrize("same", [True, False], ids=["one tokenizer", "two tokenizers"])
def test_a_collator_that_masks_is_refused_for_another_student(same, pair, tmp_path):
    toy = make_toy("single-label", pair, same_tokenizer=same)
    with pytest.raises(ValueError, match="it masks words, but the student is no masked language model"):
        make_trainer(toy, tmp_path, data_collator=DataCollatorForLanguageModeling(toy.tokenizer))


def test_a_collator_that_is_exchanged_later_is_chosen_or_refused_with_the_next_loader(pair, tmp_path, caplog):
    toy = make_toy("single-label", pair)
    trainer = make_trainer(toy, tmp_path)
    trainer.data_collator = DataCollatorWithPadding(toy.tokenizer, pad_to_multiple_of=16)
    with caplog.at_level(logging.WARNING, logger="hf_multiteacher"):
        batch = next(iter(trainer.get_train_dataloader()))
    assert "DataCollatorWithPadding is replaced by DataCollatorForDistillation" in caplog.text
    assert batch["teacher_1_input_ids"].shape[1] % 16 == 0
    chosen = trainer.data_collator
    trainer.get_eval_dataloader()
    assert trainer.data_collator is chosen
    trainer.data_collator = lambda rows: {}
    with pytest.raises(ValueError, match="cannot use the collator <lambda> here"):
        trainer.evaluate()


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
    trainer = make_trainer(toy, tmp_path)
    for evaluate in (trainer.evaluate, trainer.predict):
        with pytest.raises(ValueError, match=r"but not \['teacher_1_"):
            evaluate(permuted)


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
