"""In what precision teachers and students run: the training's, float32, or the one asked for."""

import copy

import pytest
import torch
import transformers
from peft import LoraConfig, get_peft_model

from helpers.models import tiny_bert
from helpers.saved_encoders import save_encoder
from helpers.taggers import NAMES
from helpers.toys import largest_difference, make_toy, make_trainer, weights_of
from hf_multiteacher.models.student import student_from_teacher
from hf_multiteacher.recipes.pretrained import load_for_labels
from hf_multiteacher.training.checks import teacher_precision

GPU = torch.device("cuda", 0)


def precisions(toy, folder, **changes):
    """In what the head of each teacher computed in two steps and an evaluation, and the trainer."""
    trainer = make_trainer(toy, folder, max_steps=2, **changes)
    seen = [set(), set()]
    for teacher, types in zip(trainer.teachers, seen, strict=True):
        head = getattr(teacher.model, "classifier", None) or teacher.model.cls.predictions.decoder
        head.register_forward_hook(lambda module, inputs, output, types=types: types.add(output.dtype))
    trainer.train()
    trainer.evaluate()
    return seen, trainer


@pytest.mark.parametrize("task", ["masked-lm", "tagging", "single-label", "multi-label", "regression"])
def test_with_bf16_the_teachers_run_as_the_student_does(tmp_path, task):
    toy = make_toy(task, hidden_state_weight=0.5)
    seen, trainer = precisions(toy, tmp_path, bf16=True)
    assert seen == [{torch.bfloat16}] * 2
    assert all(weight.dtype == torch.float32 for teacher in toy.teachers for weight in teacher.model.parameters())
    assert [row["dtype"] for row in trainer.teachers.manifest()] == ["float32"] * 2  # checkpoints made before resume
    assert all(weight.isfinite().all() for weight in trainer.model.parameters())


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, torch.float32),
        ({"bf16": True, "teacher_dtype": "float32"}, torch.float32),
        ({"teacher_dtype": "bfloat16"}, torch.bfloat16),
    ],
)
def test_the_precision_asked_for_wins(tmp_path, changes, expected):
    assert precisions(make_toy("tagging"), tmp_path, **changes)[0] == [{expected}] * 2


def test_bf16_changes_only_what_rounding_does(tmp_path):
    exact, rounded = (precisions(make_toy("tagging"), tmp_path, bf16=bf16)[1] for bf16 in (False, True))
    assert 0 < largest_difference(weights_of(exact), weights_of(rounded)) < 2e-3


def test_a_teacher_that_is_passed_in_keeps_its_weights_and_a_copy_teaches(load):
    model = tiny_bert("TokenClassification", **NAMES)
    before = copy.deepcopy(model.state_dict())
    (teacher,) = load(model, dtype="bfloat16")
    assert teacher.model is not model
    assert teacher.model.dtype == torch.bfloat16
    assert model.state_dict().keys() == before.keys()
    assert all(torch.equal(weight, before[name]) for name, weight in model.state_dict().items())
    assert model.dtype == torch.float32


def test_with_bf16_on_a_gpu_copies_in_bfloat16_teach_without_autocast(tmp_path, monkeypatch):
    decided = []
    monkeypatch.setattr(
        "hf_multiteacher.trainer.teacher_precision",
        lambda name, _, *, asked_for: decided.append(asked_for) or teacher_precision(name, GPU, asked_for=asked_for),
    )
    toy = make_toy("masked-lm", hidden_state_weight=0.5)
    seen, trainer = precisions(toy, tmp_path, bf16=True)

    assert decided == [False]
    assert seen == [{torch.bfloat16}] * 2
    assert trainer.teachers.mixed_precision is None
    assert [row["dtype"] for row in trainer.teachers.manifest()] == ["bfloat16"] * 2
    assert all(weight.dtype == torch.float32 for teacher in toy.teachers for weight in teacher.model.parameters())
    assert all(weight.isfinite().all() for weight in trainer.model.parameters())


def test_a_quantised_teacher_stays_as_it_is_where_nobody_asks_for_another(load):
    model = tiny_bert("TokenClassification", **NAMES)
    model.is_quantized = True

    assert load(model, default_dtype=torch.bfloat16)[0].model is model
    assert load(model, default_dtype=torch.bfloat16, dtype="float32")[0].model is model


def test_the_precision_asked_for_is_that_of_weights_not_the_default(load):
    model = tiny_bert("TokenClassification", **NAMES)

    assert load(model, default_dtype=torch.bfloat16, dtype="float32")[0].model is model
    assert load(model, default_dtype=torch.bfloat16)[0].model.dtype == torch.bfloat16
    assert model.dtype == torch.float32


def test_a_teacher_that_has_the_precision_asked_for_is_not_copied(load):
    model = tiny_bert("TokenClassification", **NAMES)
    assert load(model, dtype="float32")[0].model is model


def test_the_student_cannot_teach_as_a_copy_of_itself_either(load, student):
    with pytest.raises(ValueError, match="shares weights with the student"):
        load(student, dtype="bfloat16")


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_what_is_stored_in_half_precision_is_loaded_in_float32(tmp_path, cased_tokenizer, dtype):
    folder = save_encoder(tmp_path, cased_tokenizer)
    transformers.BertForMaskedLM.from_pretrained(folder).to(dtype).save_pretrained(folder)
    models = [student_from_teacher(folder, 1), load_for_labels(folder, "The model", ["a", "b"], tagging=True)]
    assert {weight.dtype for model in models for weight in model.parameters()} == {torch.float32}


def test_a_student_in_half_precision_gets_one_warning_with_the_remedy(tmp_path, caplog):
    toy = make_toy("tagging")
    make_trainer(toy, tmp_path, model=copy.deepcopy(toy.student).bfloat16())
    said = [record.getMessage() for record in caplog.records if "student's weights are in" in record.getMessage()]
    assert len(said) == 1
    assert "bfloat16" in said[0]
    assert "dtype=torch.float32" in said[0]


@pytest.mark.parametrize("base", [torch.float32, torch.bfloat16])
def test_a_student_whose_trained_weights_are_in_float32_gets_none(tmp_path, caplog, base):
    toy = make_toy("tagging")
    student = get_peft_model(copy.deepcopy(toy.student).to(base), LoraConfig(r=2, target_modules=["query"]))
    assert {weight.dtype for weight in student.parameters() if weight.requires_grad} == {torch.float32}
    make_trainer(toy, tmp_path, model=student)
    assert "student's weights are in" not in caplog.text
