"""The tokenizer that is saved with a student: as it came, without truncation and padding of the run."""

import copy

import pytest
from tokenizers import Tokenizer

from helpers.tokenizers import WORDPIECE_SPECIAL, wordpiece
from helpers.toys import encode, make_toy, make_trainer, raw_data, tokenizers
from hf_multiteacher import MultiTokenizer


@pytest.fixture
def student_tokenizer():
    return copy.deepcopy(tokenizers()[0])


def saved(folder):
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    return tokenizer.truncation, tokenizer.padding


def trained(toy, folder, tokenizer, data, **settings):
    trainer = make_trainer(
        toy,
        folder,
        processing_class=tokenizer,
        train_dataset=data,
        max_steps=2,
        save_strategy="steps",
        save_steps=1,
        **settings,
    )
    trainer.train()
    trainer.save_model()
    return trainer


def test_the_length_of_the_run_stays_with_the_run(student_tokenizer, tmp_path):
    toy = make_toy("tagging", examples=32)
    multi = MultiTokenizer(student_tokenizer, [student_tokenizer, tokenizers()[1]])
    data = (
        raw_data("tagging", 32)
        .map(multi.encode, batched=True, fn_kwargs={"words": "words", "labels": "labels", "max_length": 8})
        .remove_columns("words")
    )
    trained(toy, tmp_path, student_tokenizer, data)
    assert saved(tmp_path) == saved(tmp_path / "checkpoint-1") == (None, None)


def test_what_a_script_has_called_its_tokenizer_with_does_not_leave(student_tokenizer, tmp_path):
    toy = make_toy("single-label", examples=32)
    data = raw_data("single-label", 32).map(
        lambda batch: student_tokenizer(batch["text"], truncation=True, padding="max_length", max_length=12),
        batched=True,
    )
    trained(toy, tmp_path, student_tokenizer, data.remove_columns("text"))
    assert student_tokenizer.backend_tokenizer.truncation["max_length"] == 12  # the script's own goes on
    assert saved(tmp_path) == saved(tmp_path / "checkpoint-2") == (None, None)


def test_settings_of_the_user_leave_with_the_tokenizer(student_tokenizer, tmp_path):
    student_tokenizer.backend_tokenizer.enable_truncation(100)
    toy = make_toy("single-label", examples=32)
    multi = MultiTokenizer(student_tokenizer, [student_tokenizer, tokenizers()[1]])
    trained(toy, tmp_path, student_tokenizer, encode("single-label", raw_data("single-label", 32), multi))
    truncation, padding = saved(tmp_path)
    assert (truncation["max_length"], padding) == (100, None)


def test_without_teachers_the_tokenizer_is_saved_as_a_trainer_saves_it(student_tokenizer, tmp_path):
    toy = make_toy("single-label", examples=32)
    data = toy.train
    student_tokenizer("Fata", truncation=True, max_length=12)
    trained(toy, tmp_path, student_tokenizer, data, teachers=None)
    assert saved(tmp_path)[0]["max_length"] == 12


@pytest.mark.parametrize("task", ["masked-lm", "tagging"])
def test_a_tokenizer_that_is_not_that_of_the_data_is_refused_before_the_first_step(tmp_path, task):
    toy = make_toy(task, examples=32)
    roles = {name: token for name, token in WORDPIECE_SPECIAL.items() if name != "unk_token"}
    smaller = wordpiece([*"abc", *roles.values()], **roles)
    data = toy.train.remove_columns([name for name in toy.train.column_names if name.startswith("teacher_")])
    trainer = make_trainer(toy, tmp_path, train_dataset=data, eval_dataset=data, processing_class=smaller, max_steps=1)
    with pytest.raises(ValueError, match="ids from 0 to 7, those of the tokenizer of the student.*processing_class"):
        trainer.train()
    assert trainer.state.global_step == 0
