import dataclasses
import json

import pytest
from transformers import HfArgumentParser, TrainingArguments

from hf_multiteacher import DistillationTrainingArguments
from hf_multiteacher.losses.weighting import WEIGHTINGS
from hf_multiteacher.training_args import objective_arguments


def arguments(tmp_path, **changes):
    return DistillationTrainingArguments(output_dir=str(tmp_path), use_cpu=True, **changes)


def test_no_inherited_default_is_changed(tmp_path):
    theirs = TrainingArguments(output_dir=str(tmp_path), use_cpu=True).to_dict()
    ours = arguments(tmp_path).to_dict()
    assert {name: ours[name] for name in theirs} == theirs


def test_every_argument_has_a_help_text():
    inherited = {field.name for field in dataclasses.fields(TrainingArguments)}
    own = [field for field in dataclasses.fields(DistillationTrainingArguments) if field.name not in inherited]
    assert {"teachers", "temperature", "layer_map", "ensemble", "report_loyalty"} <= {field.name for field in own}
    assert all(len(field.metadata["help"]) > 30 for field in own)


def test_the_arguments_of_the_objective_are_named_once_and_exist():
    names = objective_arguments()
    assert sorted(names) == [
        "distill_positions",
        "ensemble",
        "hard_label_weight",
        "hidden_state_weight",
        "label_smoothing_factor",
        "layer_map",
        "soft_target_weight",
        "teacher_weighting",
        "teacher_weights",
        "temperature",
    ]
    assert set(names) <= {field.name for field in dataclasses.fields(DistillationTrainingArguments)}


def test_a_parser_leaves_the_arguments_of_the_objective_as_they_are():
    names = objective_arguments()
    HfArgumentParser(DistillationTrainingArguments)
    assert objective_arguments() == names


@pytest.mark.parametrize("weighting", WEIGHTINGS)
def test_every_weighting_of_the_losses_can_be_chosen(weighting, tmp_path):
    assert arguments(tmp_path, teacher_weighting=weighting).teacher_weighting == weighting


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"per_device_train_batch_size": 0}, "per_device_train_batch_size must be a whole number from 1 on, got 0"),
        ({"per_device_eval_batch_size": 0}, "per_device_eval_batch_size must be a whole number from 1 on, got 0"),
        (
            {"gradient_accumulation_steps": None},
            "gradient_accumulation_steps must be a whole number from 1 on, got No",
        ),
        (
            {"gradient_accumulation_steps": 1.5},
            "gradient_accumulation_steps must be a whole number from 1 on, got 1.5",
        ),
        ({"max_steps": 2.5}, "max_steps must be a whole number, got 2.5"),
        ({"max_steps": 0}, "max_steps is 0, so the student would be saved as it is, untrained. Give a number from 1"),
        (
            {"num_train_epochs": 0},
            "num_train_epochs is 0, so the student would be saved as it is, untrained. Give",
        ),
        ({"teacher_cache": ""}, "teacher_cache is empty. Name the folder"),
        ({"temperature": 0.0}, "temperature must be a number above 0, got 0.0"),
        ({"temperature": float("inf")}, "temperature must be a number above 0, got inf"),
        ({"temperature": "2e-1"}, "temperature must be a number above 0, got '2e-1'"),
        ({"soft_target_weight": -1.0}, "soft_target_weight must be a number from 0 on"),
        ({"hidden_state_weight": float("nan")}, "hidden_state_weight must be a number from 0 on"),
        ({"soft_target_weight": 0.0, "hard_label_weight": 0.0}, "the student would learn nothing"),
        ({"teacher_weights": []}, "teacher_weights must be numbers from 0 on with a positive sum"),
        ({"teacher_weights": [0.0, 0.0]}, "positive sum"),
        ({"teacher_weights": [1.0, -1.0]}, "positive sum"),
        ({"teacher_weights": [1.0, float("nan")]}, "positive sum"),
        (
            {"teacher_weighting": "worst"},
            "teacher_weighting is one of .*, got 'worst'",
        ),
        ({"ensemble": "vote"}, "ensemble is one of"),
        ({"distill_positions": "some"}, "distill_positions is one of"),
        ({"teacher_dtype": "int8"}, "teacher_dtype is one of"),
        ({"layer_map": {"1": 1}}, "has no effect with hidden_state_weight=0"),
        ({"skip_nonfinite_rows": True, "hidden_state_weight": 0.5}, "hidden states that are NaN would still be"),
        ({"layer_map": [1], "hidden_state_weight": 1.0}, "layer_map maps hidden states"),
        ({"layer_map": {"first": 1}, "hidden_state_weight": 1.0}, "layer_map maps hidden states"),
    ],
)
def test_values_out_of_range_are_refused(changes, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        arguments(tmp_path, **changes)


def test_a_layer_map_is_read_from_json_and_yaml_and_python(tmp_path):
    settings = {"hidden_state_weight": 1.0}
    assert arguments(tmp_path, layer_map={3: 6}, **settings).layer_map == {3: 6}
    assert arguments(tmp_path, layer_map='{"3": 6, "-1": -1}', **settings).layer_map == {3: 6, -1: -1}
    file = tmp_path / "arguments.yaml"
    file.write_text(
        f"output_dir: {tmp_path}\nuse_cpu: true\nhidden_state_weight: 1.0\nlayer_map: {{1: 2}}\n"
        "teacher_weights: [2, 1]\nteachers: [one, two]\n"
    )
    (read,) = HfArgumentParser(DistillationTrainingArguments).parse_yaml_file(str(file))
    assert (read.layer_map, read.teacher_weights, read.teachers) == ({1: 2}, [2, 1], ["one", "two"])


def test_the_command_line_is_read(tmp_path):
    line = ["--output_dir", str(tmp_path), "--use_cpu", "--teachers", "one", "two", "--teacher_weights", "3", "1"]
    line += ["--temperature", "4", "--ensemble", "logits", "--report_loyalty", "false", "--teacher_dtype", "bfloat16"]
    (read,) = HfArgumentParser(DistillationTrainingArguments).parse_args_into_dataclasses(line)
    assert (read.teachers, read.teacher_weights, read.temperature) == (["one", "two"], [3.0, 1.0], 4.0)
    assert (read.ensemble, read.report_loyalty, read.teacher_dtype) == ("logits", False, "bfloat16")


@pytest.mark.parametrize("changes", [{}, {"hidden_state_weight": 0.5, "layer_map": {1: 2}, "teacher_weights": [1, 2]}])
def test_arguments_survive_a_round_trip_through_json(changes, tmp_path):
    first = arguments(tmp_path, **changes)
    names = {field.name for field in dataclasses.fields(first) if field.init}
    again = {name: value for name, value in json.loads(first.to_json_string()).items() if name in names}
    assert DistillationTrainingArguments(**again).to_dict() == first.to_dict()
    assert dataclasses.replace(first, temperature=3.0).layer_map == first.layer_map


@pytest.mark.parametrize("name", ["bf16", "bf16_full_eval"])
def test_bf16_without_a_gpu_for_it_says_what_to_leave_out_or_to_give(name, tmp_path, monkeypatch):
    monkeypatch.setattr("hf_multiteacher.training_args.is_torch_bf16_gpu_available", lambda: False)
    assert getattr(arguments(tmp_path, **{name: True}), name)
    with pytest.raises(ValueError, match=f"there is none here. Leave {name} out, or give use_cpu: true"):
        DistillationTrainingArguments(output_dir=str(tmp_path), **{name: True})
