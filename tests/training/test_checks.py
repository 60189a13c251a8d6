from types import SimpleNamespace

import pytest
import torch
from transformers import TrainingArguments

from helpers.toys import make_toy, make_trainer
from hf_multiteacher import (
    DataCollatorForDistillation,
    DistillationTrainingArguments,
    MultiTeacherDistillationTrainer,
)
from hf_multiteacher.training.checks import (
    copies_without_waiting,
    padding_multiple,
    refused_ways_to_run,
    teacher_precision,
)


@pytest.mark.parametrize(
    ("task", "changes", "message"),
    [
        ("single-label", {"compute_loss_func": lambda *_, **__: 0}, "compute_loss_func would replace"),
        ("multi-label", {"label_smoothing_factor": 0.1}, "label_smoothing_factor is defined for one label"),
        ("regression", {"label_smoothing_factor": 0.1}, "label_smoothing_factor is defined for one label"),
        ("regression", {"teacher_weighting": "entropy"}, "needs class probabilities"),
        ("regression", {"temperature": 4.0}, "temperature softens class probabilities"),
        ("single-label", {"distill_positions": "all"}, "rows of a sequence task are examples"),
        ("masked-lm", {"partial_labels": True}, "partial_labels compares labels of which a word or text has one"),
        ("multi-label", {"partial_labels": True}, "the student has no such labels"),
        ("single-label", {"label_names": ["stars"]}, r"label_names must be \['labels'\]"),
        (
            "single-label",
            {"teacher_weighting": "entropy", "teacher_weights": [2, 1]},
            "teacher_weights have no effect",
        ),
        ("tagging", {"teacher_weighting": "confidence", "teacher_weights": [2, 1]}, "teacher_weights have no effect"),
        ("tagging", {"teacher_weights": [1.0]}, r"one number for each of the teachers \['first', 'second'\]"),
        ("masked-lm", {"ensemble": "probabilities"}, r"but \['second'\] have a vocabulary or labels that are not"),
        ("masked-lm", {"ensemble": "logits"}, "Use 'per_teacher'"),
        ("masked-lm", {"hidden_state_weight": 1.0, "layer_map": {7: 1}}, "layer_map names the hidden states"),
        (
            "tagging",
            {"hidden_state_weight": 1.0, "optim": "adalomo"},
            "optim='adalomo' steps in the backward pass",
        ),
        ("tagging", {"hidden_state_weight": 1.0, "optim": "galore_adamw_layerwise"}, "Choose another optimizer"),
    ],
)
def test_what_would_mean_something_else_is_refused_by_name(task, changes, message, pair, tmp_path):
    with pytest.raises(ValueError, match=message):
        make_trainer(make_toy(task, pair), tmp_path, **changes)


@pytest.mark.parametrize(
    ("task", "changes"),
    [
        ("single-label", {"label_smoothing_factor": 0.1}),
        ("tagging", {"label_smoothing_factor": 0.1}),
        ("tagging", {"teacher_weighting": "entropy", "teacher_weights": [0, 2]}),
        ("tagging", {"teacher_weighting": "confidence", "teacher_weights": [2, 1], "hidden_state_weight": 1.0}),
        ("single-label", {"teacher_weighting": "confidence", "teacher_weights": [2, 1]}),
        ("single-label", {"label_names": ["labels"]}),
        ("tagging", {"optim": "galore_adamw_layerwise"}),
    ],
)
def test_what_has_a_meaning_is_not_refused(task, changes, pair, tmp_path):
    make_trainer(make_toy(task, pair), tmp_path, **changes)


def test_without_held_out_rows_no_teacher_is_calibrated(pair, tmp_path):
    toy = make_toy("tagging", pair)
    with pytest.raises(ValueError, match="with labels of held-out rows, but there is no eval_dataset"):
        make_trainer(toy, tmp_path, eval_dataset=None, calibrate_teachers=True)


def test_a_scheduler_that_does_not_know_the_projections_is_refused(pair, tmp_path):
    toy = make_toy("masked-lm", pair)
    optimizer = torch.optim.SGD(toy.student.parameters(), lr=0.1)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1.0)
    with pytest.raises(ValueError, match="Pass optimizers="):
        make_trainer(toy, tmp_path, optimizers=(optimizer, scheduler), hidden_state_weight=1.0)
    trainer = make_trainer(
        toy, tmp_path, optimizers=(optimizer, None), hidden_state_weight=1.0, model=toy.student, max_steps=2
    )
    start = trainer.projections[0].clone()
    trainer.train()
    assert not torch.equal(start, trainer.projections[0])


@pytest.mark.parametrize(
    ("changed", "changes", "message"),
    [
        ({"is_deepspeed_enabled": True}, {"hidden_state_weight": 1.0}, "not supported under DeepSpeed"),
        ({"tp_size": 2}, {}, "only data parallelism"),
    ],
)
def test_ways_to_run_that_would_not_train_rightly_are_refused(changed, changes, message, pair, tmp_path):
    class Changed(MultiTeacherDistillationTrainer):
        def create_accelerator_and_postprocess(self):
            super().create_accelerator_and_postprocess()
            self.__dict__.update(changed)

        def get_tp_size(self):
            return self.__dict__.get("tp_size", 1)

    with pytest.raises(ValueError, match=message):
        make_trainer(make_toy("masked-lm", pair), tmp_path, trainer=Changed, **changes)


@pytest.mark.parametrize(
    ("stage", "deepspeed", "refused"), [(1, True, False), (2, True, False), (3, True, True), (3, False, False)]
)
def test_the_stage_that_would_split_the_student_alone_is_refused(stage, deepspeed, refused, tmp_path):
    args = DistillationTrainingArguments(output_dir=str(tmp_path), use_cpu=True)
    args.deepspeed_plugin = SimpleNamespace(zero_stage=stage)
    ways = refused_ways_to_run(args, fsdp=None, deepspeed=deepspeed, model_parallel=False, own_scheduler=False)
    said = [refusal.says for refusal in ways if refusal.when]
    assert len(said) == refused
    assert not refused or "ZeRO stage 3 would split the student's weights" in said[0]


def test_the_stage_is_found_where_accelerate_has_set_it_up_before(tmp_path, monkeypatch):
    monkeypatch.setattr("hf_multiteacher.training.checks.is_deepspeed_zero3_enabled", lambda: True)
    args = DistillationTrainingArguments(output_dir=str(tmp_path), use_cpu=True)
    ways = refused_ways_to_run(args, fsdp=None, deepspeed=True, model_parallel=False, own_scheduler=False)
    assert any(refusal.when and "ZeRO stage 3" in refusal.says for refusal in ways)


@pytest.mark.parametrize(
    ("changed", "changes", "says"),
    [
        ({}, {}, None),
        ({"fsdp_version": 1}, {}, "Set fsdp_version: 2"),
        ({"cpu_ram_efficient_loading": True}, {}, "the teachers would say nothing that they have learned"),
        ({"state_dict_type": "SHARDED_STATE_DICT"}, {}, "save_model would write no student"),
        ({}, {"hidden_state_weight": 1.0}, "hidden_state_weight is not supported under FSDP"),
    ],
)
def test_settings_of_fsdp_that_would_go_wrong_in_silence_are_refused(changed, changes, says, tmp_path):
    args = DistillationTrainingArguments(output_dir=str(tmp_path), use_cpu=True, **changes)
    sound = {"fsdp_version": 2, "cpu_ram_efficient_loading": False, "state_dict_type": "FULL_STATE_DICT"}
    plugin = SimpleNamespace(**sound | changed)
    ways = refused_ways_to_run(args, fsdp=plugin, deepspeed=False, model_parallel=False, own_scheduler=False)
    said = [refusal.says for refusal in ways if refusal.when]
    assert len(said) == (says is not None) and all(says in each for each in said)


def test_a_student_that_does_not_tell_what_it_is_is_refused(pair, tmp_path):
    class PlainForTokenClassification(torch.nn.Module):
        def forward(self, input_ids, labels=None):
            raise AssertionError

    with pytest.raises(TypeError, match="PlainForTokenClassification has none"):
        make_trainer(make_toy("tagging", pair), tmp_path, model=PlainForTokenClassification())


def test_unequal_weights_of_ranks_are_refused(pair, tmp_path, monkeypatch):
    monkeypatch.setattr(TrainingArguments, "world_size", property(lambda self: 2))
    with pytest.raises(ValueError, match="average_tokens_across_devices=False"):
        make_trainer(make_toy("single-label", pair), tmp_path, average_tokens_across_devices=False)


@pytest.mark.parametrize(
    ("labels", "number", "problem"),
    [
        ([0, 2], 3, "single_label_classification"),
        ([[0.0, 1.0, 1.0], [1.0, 0.0, 0.0]], 3, "multi_label_classification"),
        ([0.5, 1.5], 1, "regression"),
        (None, 3, "single_label_classification"),
    ],
)
def test_the_problem_type_is_read_from_the_labels(labels, number, problem, pair, tmp_path):
    task = {1: "regression"}.get(number, "multi-label" if isinstance(labels and labels[0], list) else "single-label")
    toy = make_toy(task, pair)
    for model in (toy.student, *(teacher.model for teacher in toy.teachers)):
        model.config.problem_type = None
    data = toy.train.select(range(2)).remove_columns("label" if "label" in toy.train.column_names else "labels")
    data = data if labels is None else data.add_column("labels", labels)
    trainer = make_trainer(
        toy, tmp_path, train_dataset=data, eval_dataset=None, hard_label_weight=float(labels is not None)
    )
    assert trainer.distillation_objective.problem == trainer.model.config.problem_type == problem
    make_trainer(toy, tmp_path, label_smoothing_factor=0.1 if problem.startswith("single") else 0.0)


def test_without_arguments_the_defaults_are_those_of_distillation(pair, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    toy = make_toy("single-label", pair)
    trainer = MultiTeacherDistillationTrainer(toy.student, teachers=toy.teachers, processing_class=toy.tokenizer)
    assert isinstance(trainer.args, DistillationTrainingArguments)


CPU, GPU = torch.device("cpu"), torch.device("cuda", 0)


def test_batches_go_to_a_gpu_without_waiting_from_pinned_memory_alone():
    assert copies_without_waiting(GPU, pinned=True)
    assert not copies_without_waiting(GPU, pinned=False)
    assert not copies_without_waiting(CPU, pinned=True)


@pytest.mark.parametrize(
    ("device", "precision", "positions", "expected"),
    [
        (GPU, torch.bfloat16, [512, 10**20], 8),
        (GPU, torch.float16, [512], 8),
        (GPU, None, [512], None),
        (CPU, torch.bfloat16, [512], None),
        (GPU, torch.bfloat16, [512, 30], None),
    ],
)
def test_lengths_become_a_multiple_of_8_in_half_precision_on_a_gpu(device, precision, positions, expected):
    assert padding_multiple(device, precision, positions) == expected


@pytest.mark.parametrize(("teachers", "expected"), [("toy", True), ([], False)])
def test_accelerate_is_told_to_copy_without_waiting_where_there_are_teachers(
    teachers, expected, tmp_path, monkeypatch
):
    monkeypatch.setattr("hf_multiteacher.trainer.copies_without_waiting", lambda device, *, pinned: True)
    trainer = make_trainer(make_toy("tagging"), tmp_path, teachers=teachers)

    assert trainer.accelerator.non_blocking is expected
    assert trainer.get_train_dataloader()._non_blocking is expected


def test_a_collator_that_is_given_keeps_its_padding(tmp_path, monkeypatch):
    monkeypatch.setattr("hf_multiteacher.trainer.padding_multiple", lambda *_: 8)
    toy = make_toy("tagging")
    given = DataCollatorForDistillation(toy.multi_tokenizer)

    assert make_trainer(toy, tmp_path).data_collator.pad_to_multiple_of == 8
    assert make_trainer(toy, tmp_path, data_collator=given).data_collator.pad_to_multiple_of is None


@pytest.mark.parametrize(
    ("name", "device", "asked_for", "expected"),
    [
        ("bf16", GPU, False, (torch.bfloat16, None)),
        ("bf16", CPU, False, (None, torch.bfloat16)),
        ("fp16", GPU, False, (None, torch.float16)),
        ("no", GPU, False, (None, None)),
        ("bf16", GPU, True, (None, None)),
    ],
)
def test_on_a_gpu_the_teachers_have_weights_of_the_runs_precision(name, device, asked_for, expected):
    assert teacher_precision(name, device, asked_for=asked_for) == expected
