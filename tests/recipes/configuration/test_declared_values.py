"""A value of a YAML file is what its key declares, or one line says what it should be."""

from dataclasses import fields

import pytest
import yaml

from hf_multiteacher.recipes.configuration.configuration import DistillationConfig
from hf_multiteacher.recipes.configuration.declared_values import declared_values
from hf_multiteacher.training_args import DistillationTrainingArguments

KINDS = (DistillationConfig, DistillationTrainingArguments)
NAMES = [field.name for kind in KINDS for field in fields(kind) if field.init]


def read(line):
    """The value of one line of YAML."""
    (value,) = declared_values(KINDS, yaml.safe_load(line)).values()
    return value


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("learning_rate: 5e-4", 5e-4),
        ("learning_rate: '0.1'", 0.1),
        ("num_train_epochs: '3'", 3.0),
        ("num_train_epochs: 3", 3),
        ("max_length: '64'", 64),
        ("megabytes: 1e3", 1000.0),
        ("teacher_weights: [1e-1, '2', 3]", [0.1, 2.0, 3]),
        ("teacher_weights: 1", [1]),
        ("teachers: one", ["one"]),
        ("student_layers: [0, 1]", [0, 1]),
        ("student_layers: '2'", 2),
        ("student_layers: last", "last"),
        ("student_vocabulary: trim", "trim"),
        ("student_vocabulary: {size: 16000}", {"size": 16000}),
        ("student_vocabulary: {size: '16000'}", {"size": 16000}),
        ("student_vocabulary: '{a folder'", "{a folder"),
        ("corpus: [a, b]", ["a", "b"]),
        ("data: {train: a.csv, test: b.csv}", {"train": "a.csv", "test": "b.csv"}),
        ("streaming: no", False),
        ("eval_strategy: no", "no"),
        ("save_strategy: epoch", "epoch"),
        ("resume_from_checkpoint: true", True),
        ("resume_from_checkpoint: here", "here"),
        ("layer_map: {-1: -1}", {-1: -1}),
        ("""layer_map: '{"-1": -1}'""", '{"-1": -1}'),
        ("include_num_input_tokens_seen: non_padding", "non_padding"),
        ("run_name: null", None),
        ("trackio_static_space_id: false", False),
    ],
)
def test_what_is_meant_is_taken(line, value):
    assert read(line) == value and type(read(line)) is type(value)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("streaming: 'no'", "streaming must be true or false, got 'no'. Write true or false, without quotes"),
        ("use_cpu: 1", "use_cpu must be true or false, got 1. Correct that line"),
        ("learning_rate: fast", "learning_rate must be a number, got 'fast'"),
        ("learning_rate: true", "learning_rate must be a number, got true"),
        ("learning_rate: .nan", "learning_rate must be a number, got nan"),
        ("learning_rate: [1.0]", r"learning_rate must be a number, got \[1.0\]"),
        (
            "learning_rate:",
            "learning_rate must be a number, got nothing .null.. Give it a value, or leave the line out",
        ),
        ("max_length: 64.0", "max_length must be a whole number, got 64.0"),
        ("max_length: 1e3", "max_length must be a whole number, got '1e3'"),
        ("seed: '1.5'", "seed must be a whole number, got '1.5'"),
        ("output_dir: 2024", "output_dir must be a text, got 2024. Put it in quotes if it is meant as a text"),
        ("run_name: 2024-01-01", "run_name must be a text, got 2024-01-01. Put it in quotes"),
        ("corpus: [1]", "corpus must be a text or a list of which each is a text, got"),
        ("teachers: {a: b}", "teachers must be a list of which each is a text, got {'a': 'b'}. Correct that line"),
        ("eval_strategy: never", "eval_strategy must be one of no, steps, epoch, got 'never'"),
        (
            "teacher_weighting: x",
            "teacher_weighting must be one of fixed, confidence, .*, got 'x'",
        ),
        ("student_architecture: x", "student_architecture must be one of same, distilbert, got 'x'"),
        ("student_layers: middle", "student_layers must be .* or one of first, last, spread, got 'middle'"),
        (
            "student_vocabulary: {size: big}",
            "must be a text or a mapping of size to a whole number, got {'size': 'big'}",
        ),
        ("student_vocabulary: {count: 5}", "student_vocabulary must be a text or a mapping of size to a whole number"),
        ("student_vocabulary: {}", "student_vocabulary must be a text or a mapping of size to a whole number, got {}"),
        ("data: {training: a.csv}", "data must be .* or a mapping of train, validation, test to a text, got"),
        ("student_vocabulary: 16000", "student_vocabulary must be .* got 16000. Put it in quotes"),
        ("optim: best", r"optim must be one of adamw_torch, .*, \.\.\., got 'best'"),
        ("layer_map: '{'", "layer_map must be .*a mapping of keys to values or the name of a JSON file, got '{'"),
        ("layer_map: [1]", "layer_map must be .*a mapping of keys to values"),
        ("parallelism_config: {}", "parallelism_config must be left out of a file, got {}"),
        ("accelerator_config: {a: 1}", "accelerator_config must be a mapping of split_batches, .*, got the key 'a'"),
        ("accelerator_config: '{\"a\": 1}'", "accelerator_config must be a mapping of .*, got the key 'a'"),
    ],
)
def test_what_does_not_fit_is_said_by_key_type_and_value(line, says):
    with pytest.raises(ValueError, match=says):
        read(line)


def test_a_value_of_any_size_is_shown_in_a_few_letters():
    endless = yaml.safe_load("learning_rate: &a [*a, " + "x" * 10_000 + "]")
    with pytest.raises(ValueError, match="learning_rate must be a number") as error:
        declared_values(KINDS, endless)
    assert len(str(error.value)) < 300


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("value", ["a text", "no", 7, 7.5, True, None, [None], {"a": 1}, [[]]])
def test_every_key_takes_a_value_of_its_type_or_names_itself(name, value):
    try:
        taken = declared_values(KINDS, {name: value})[name]
    except ValueError as error:
        assert str(error).startswith(f"{name} must be ") and len(str(error)) < 500
    else:
        assert taken == value or taken == [value]


@pytest.mark.parametrize("kind", KINDS)
def test_the_declared_default_fits_every_key(kind):
    for field in fields(kind):
        if field.init and isinstance(field.default, int | float | str | bool):
            if field.name == "debug":  # "" stands for an empty list
                continue
            assert declared_values([kind], {field.name: field.default}) == {field.name: field.default}
