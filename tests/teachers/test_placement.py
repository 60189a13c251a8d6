"""Teachers that are somewhere else than the student say the same, and are brought to it in turn."""

from contextlib import contextmanager, nullcontext

import pytest
import torch

from helpers.models import tiny_bert
from helpers.taggers import NAMES, inputs
from helpers.toys import TASKS, largest_difference, make_toy, make_trainer, weights_of
from hf_multiteacher.teachers import placement
from hf_multiteacher.teachers.placement import CPU, Placement, brought_to

GPU = torch.device("cuda", 0)


@pytest.fixture
def brought(monkeypatch):
    """Who was brought to a device, and who is there."""
    seen, there = [], []

    @contextmanager
    def noted(model, device):
        seen.append(model)
        there.append(model)
        assert there == [model]  # nobody else at that time
        with brought_to(model, device):
            yield
        there.pop()

    monkeypatch.setattr(placement, "brought_to", noted)
    return seen


def trained(toy, folder, **changes):
    trainer = make_trainer(toy, folder, max_steps=3, hidden_state_weight=0.5, **changes)
    trainer.train()
    scores = trainer.evaluate()
    losses = {name: value for name, value in scores.items() if "loss" in name or "loyalty" in name}
    return weights_of(trainer), losses, trainer.teachers.manifest()


@pytest.mark.parametrize("task", TASKS)
def test_numbers_are_the_same_wherever_they_are(task, brought, tmp_path):
    weights, scores, manifest = trained(make_toy(task), tmp_path)
    assert brought == []

    for where in ("cpu", "in turn"):
        others = trained(make_toy(task), tmp_path, teacher_device=where)
        assert largest_difference(weights, others[0]) == 0
        assert others[1:] == (scores, manifest)


def test_each_is_brought_once_per_batch_and_never_with_another(brought, tmp_path):
    toy = make_toy("tagging")
    trainer = make_trainer(toy, tmp_path, max_steps=3, teacher_device="in turn")
    trainer.train()

    assert brought == [teacher.model for teacher in trainer.teachers] * 3


@pytest.mark.parametrize("task", ["masked-lm", "tagging"])
@pytest.mark.parametrize("where", ["cpu", "in turn"])
def test_it_goes_with_a_cache(where, task, tmp_path):
    cached = {"teacher_cache_dtype": "float32"} | ({"mask_rounds": 1} if task == "masked-lm" else {})
    plain = trained(make_toy(task), tmp_path, teacher_cache=str(tmp_path / "plain"), **cached)
    first, second = (
        trained(make_toy(task), tmp_path, teacher_cache=str(tmp_path / "cache"), teacher_device=where, **cached)
        for _ in range(2)
    )

    assert largest_difference(plain[0], first[0]) == largest_difference(first[0], second[0]) == 0
    assert plain[2] == first[2] == second[2]


def places(model):
    return [weight.data_ptr() for weight in (*model.parameters(), *model.buffers())]


@pytest.mark.parametrize("fails", [False, True])
def test_weights_are_copied_and_the_ones_at_rest_stay_in_place(fails, monkeypatch):
    monkeypatch.setattr(placement, "moved", lambda tensor, device: tensor.clone())  # as if to another device
    model = tiny_bert("TokenClassification", **NAMES)
    before = places(model)
    with (
        pytest.raises(KeyError) if fails else nullcontext(),
        Placement(CPU, CPU, in_turn=True).at_work(model),
    ):
        assert not {*before} & {*places(model)}
        if fails:
            raise KeyError

    assert places(model) == before


def test_inputs_are_brought_to_the_teacher(load):
    ensemble = load(tiny_bert("TokenClassification", **NAMES)).place(Placement(torch.device("meta"), CPU))
    given = []

    def row_forward(model, read, rows, *, index, output_hidden_states):
        given.extend([*read.values(), rows, index, *model.parameters()])
        return None, torch.zeros(1), None

    ensemble[0].row_forward = row_forward
    rows = torch.ones_like(inputs()["input_ids"], dtype=torch.bool)
    ensemble.forward(0, inputs(), rows, row_index=rows.flatten().nonzero().squeeze(1))

    assert {each.device.type for each in given} == {"meta"}


def test_answers_are_brought_to_the_student(load):
    ensemble = load(tiny_bert("TokenClassification", **NAMES), device="meta", teacher_device="cpu")
    assert ensemble[0].model.device.type == "cpu"
    logits, states = ensemble.forward(0, inputs(), output_hidden_states=True)

    assert {logits.device.type, *(state.device.type for state in states)} == {"meta"}


@pytest.mark.parametrize(
    ("named", "expected", "rests"),
    [
        (None, Placement(GPU, GPU), GPU),
        ("cpu", Placement(CPU, GPU), CPU),
        ("in turn", Placement(GPU, GPU, in_turn=True), CPU),
    ],
)
def test_where_they_run_rest_and_answer(named, expected, rests):
    found = Placement.of(named, GPU)
    assert (found, found.stays_on) == (expected, rests)


@pytest.mark.parametrize("name", ["cuda:99", "gpu", "meta", "", "in-turn"])
def test_a_device_that_is_not_there_is_refused_by_name(name, tmp_path):
    with pytest.raises(ValueError, match=rf"teacher_device names .* but '{name}' is none on this machine"):
        make_trainer(make_toy("tagging"), tmp_path, teacher_device=name)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU of CUDA")
@pytest.mark.parametrize("where", ["cpu", "in turn"])
def test_a_student_on_a_gpu_learns_from_teachers_that_are_not(where, tmp_path):
    weights, *_ = trained(make_toy("masked-lm"), tmp_path, use_cpu=False)
    others, *_ = trained(make_toy("masked-lm"), tmp_path, use_cpu=False, teacher_device=where)

    assert largest_difference(weights, others) < 1e-4
