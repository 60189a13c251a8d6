import pytest
import torch
from peft import LoraConfig, get_peft_model

from helpers.models import tiny_bert, tiny_inputs
from hf_multiteacher.models.student import student_from_teacher
from hf_multiteacher.models.task import adapters_of, compiled_in_place, task_of, uncompiled, without_adapters


def compiled(model):
    return torch.compile(model, backend="eager")


def lora(model):
    return get_peft_model(model, LoraConfig(task_type="TOKEN_CLS", r=2, target_modules=["query"]))


NESTINGS = [compiled, lora, lambda model: compiled(lora(model)), lambda model: lora(compiled(model))]
IDS = ["compiled", "adapter", "compiled adapter", "adapter of a compiled model"]


@pytest.mark.parametrize("wrap", NESTINGS, ids=IDS)
def test_the_model_inside_is_found_in_any_nesting(wrap):
    model = tiny_bert("TokenClassification")
    wrapped = wrap(model)
    assert without_adapters(wrapped) is model
    assert task_of(wrapped).name == "token-classification"
    assert (adapters_of(wrapped) is None) == (wrap is compiled)
    assert uncompiled(wrapped) is (model if wrap is compiled else adapters_of(wrapped))


@pytest.mark.parametrize("wrap", NESTINGS, ids=IDS)
def test_compiled_in_place_a_model_keeps_its_class_names_and_answers(wrap):
    model = tiny_bert("TokenClassification").eval()
    wrapped = wrap(model)
    names = {name.replace("_orig_mod.", "") for name in wrapped.state_dict()}
    found = compiled_in_place(wrapped)
    assert set(found.state_dict()) == names
    assert type(found) is type(uncompiled(wrapped))
    assert without_adapters(found) is model
    assert any(module._compiled_call_impl for module in found.modules()) == (wrap is not lora)
    inputs = tiny_inputs()
    torch.testing.assert_close(found(**inputs).logits, wrapped(**inputs).logits)


def test_a_compiled_teacher_can_be_shortened():
    teacher = tiny_bert("TokenClassification")
    student = student_from_teacher(compiled(teacher), layers=1)
    assert type(student) is type(teacher)
    assert not any("_orig_mod" in name for name in student.state_dict())


def test_what_is_no_model_is_no_student():
    with pytest.raises(TypeError, match="A student is a model, but got a function, which cannot be trained"):
        compiled_in_place(lambda inputs: inputs)
