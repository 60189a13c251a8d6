"""Bare models and data that somebody encoded elsewhere: one encoding for all, where the sizes fit."""

import pytest
import torch
from datasets import Dataset

from helpers.models import tiny_bert
from helpers.toys import config_of, largest_difference, make_toy, make_trainer, weights_of
from hf_multiteacher import DistillationTrainingArguments, MultiTeacherDistillationTrainer, Teacher

WARNING = "No tokenizer is known"
HEADS = {"masked-lm": "MaskedLM", "tagging": "TokenClassification", "single-label": "SequenceClassification"}


def encoded(task):
    ids = [[2, *(5 + (row * 7 + k) % 90 for k in range(6)), 3] for row in range(12)]
    labels = [row % 3 for row in range(12)] if task == "single-label" else [[-100, *row[1:-1], -100] for row in ids]
    if task == "tagging":
        labels = [[label if label < 0 else label % 4 for label in row] for row in labels]
    return Dataset.from_dict({"input_ids": ids, "attention_mask": [[1] * 8] * 12, "labels": labels})


def bare(task, seed, size=100, **config):
    return tiny_bert(HEADS[task], size, seed=seed, **{**config_of(task), **config})


def make(folder, task, teachers, **changes):
    arguments = DistillationTrainingArguments(
        output_dir=str(folder), use_cpu=True, report_to=[], disable_tqdm=True, max_steps=2, save_strategy="no"
    )
    settings = {"train_dataset": encoded(task), "eval_dataset": encoded(task), **changes}
    return MultiTeacherDistillationTrainer(bare(task, 0), arguments, teachers=teachers, **settings)


@pytest.mark.parametrize("task", HEADS)
def test_all_read_the_student_s_ids_with_one_warning(tmp_path, caplog, task):
    trainer = make(tmp_path, task, [bare(task, 1), bare(task, 2)])
    assert [record.getMessage().split(",")[0] for record in caplog.records].count(WARNING) == 1
    assert "without a tokenizer" not in caplog.text
    trainer.train()
    metrics = trainer.evaluate()
    assert {"eval_label_loyalty/teacher_0", "eval_label_loyalty/teacher_1"} <= metrics.keys()
    trainer.save_model()
    trainer.create_model_card()
    assert (tmp_path / "model.safetensors").is_file()
    assert not (tmp_path / "tokenizer.json").exists()


def test_a_teacher_equal_to_the_student_has_nothing_to_say(tmp_path):
    trainer = make(tmp_path, "tagging", bare("tagging", 0))
    assert abs(trainer.evaluate()["eval_soft_loss"]) < 1e-6
    assert trainer.evaluate()["eval_label_loyalty/teacher_0"] == 1


def test_it_trains_as_with_the_tokenizer(tmp_path):
    trained = []
    for known in (True, False):
        toy = make_toy("single-label", same_tokenizer=True)
        width = max(map(len, toy.train["input_ids"]))
        padded = toy.train.map(lambda row, width=width: _padded(row, width))
        changes = {} if known else {"processing_class": None, "teachers": [each.model for each in toy.teachers]}
        trainer = make_trainer(toy, tmp_path, max_steps=3, train_dataset=padded, eval_dataset=None, **changes)
        trainer.train()
        trained.append(weights_of(trainer))
    assert largest_difference(*trained) < 1e-6


def _padded(row, width):
    names = ("input_ids", "attention_mask", "token_type_ids")
    return {name: row[name] + [0] * (width - len(row[name])) for name in names if name in row}


def test_embeddings_that_do_not_fit_are_named(tmp_path):
    with pytest.raises(ValueError, match="Teacher 'teacher_1' .* has 101 embeddings where the student has 100"):
        make(tmp_path, "tagging", [bare("tagging", 1), bare("tagging", 2, 101)])


def test_heads_that_do_not_fit_are_named(tmp_path):
    wide = bare("masked-lm", 1)
    wide.cls.predictions.decoder = torch.nn.Linear(16, 104)
    with pytest.raises(
        ValueError, match="Teacher 'teacher_0' has a head over 104 entries and the student has one over 100"
    ):
        make(tmp_path, "masked-lm", wide)


def test_a_teacher_with_a_tokenizer_needs_the_student_s(tmp_path, cased_tokenizer):
    teacher = Teacher(bare("tagging", 1, 300), tokenizer=cased_tokenizer, name="knows")
    with pytest.raises(ValueError, match="teacher 'knows' has one. Pass processing_class=tokenizer"):
        make(tmp_path, "tagging", [teacher])


def test_columns_for_other_encodings_need_the_tokenizers(tmp_path):
    data = encoded("tagging").add_column("teacher_0_input_ids", [[2, 3]] * 12)
    with pytest.raises(ValueError, match="the data set has the columns .'teacher_0_input_ids'.*Pass processing_class"):
        make(tmp_path, "tagging", bare("tagging", 1), train_dataset=data)
