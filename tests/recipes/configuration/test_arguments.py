"""Arguments from a YAML file, from flags, and from both."""

from dataclasses import dataclass, field

import pytest

from hf_multiteacher.recipes.configuration.arguments import read_arguments, read_values
from hf_multiteacher.training_args import DistillationTrainingArguments


@dataclass
class Own:
    """Arguments of a script."""

    corpus: list[str]
    size: int | None = None
    fast: bool = False
    names: list[str] = field(default_factory=list)


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text("corpus: a.txt\nsize: 3\nfast: true\nlearning_rate: 5e-4\nteachers: [x, y]\noutput_dir: here\n")
    return str(path)


def read(*words, defaults=None):
    return read_arguments([Own, DistillationTrainingArguments], words, defaults)


def test_a_file_gives_what_flags_would(config):
    own, args = read(config)
    assert own == Own(corpus=["a.txt"], size=3, fast=True)
    assert (args.learning_rate, args.teachers, args.output_dir) == (5e-4, ["x", "y"], "here")
    own, args = read("--corpus", "a.txt", "--size", "3", "--fast", "--learning_rate", "5e-4", "--teachers", "x", "y")
    assert own == Own(corpus=["a.txt"], size=3, fast=True)
    assert (args.learning_rate, args.teachers) == (5e-4, ["x", "y"])


def test_flags_after_a_file_override_it(config):
    own, args = read(
        config, "--corpus", "b.txt", "c.txt", "--fast", "false", "--learning_rate", "1", "--max_steps", "2"
    )
    assert own == Own(corpus=["b.txt", "c.txt"], size=3, fast=False)
    assert (args.learning_rate, args.max_steps, args.teachers) == (1.0, 2, ["x", "y"])


def test_defaults_hold_where_neither_says_anything(config):
    own, args = read(config, defaults={"size": 9, "learning_rate": 9.0, "save_strategy": "no"})
    assert (own.size, args.learning_rate, args.save_strategy) == (3, 5e-4, "no")


@pytest.mark.parametrize(
    ("words", "values"),
    [
        ("--size=3 --max-steps 4", {"size": 3, "max_steps": 4}),
        ("--fast --size 3", {"fast": True, "size": 3}),
        ("--fast no --eval_strategy no", {"fast": False, "eval_strategy": "no"}),
        ("--corpus 2024 --names 1 no x", {"corpus": ["2024"], "names": ["1", "no", "x"]}),
        ("--learning-rate 5e-4 --seed -1", {"learning_rate": 5e-4, "seed": -1}),
        ("--size 3 --size 4", {"size": 4}),
        ("--run_name a:b", {"run_name": "a:b"}),
    ],
)
def test_a_flag_is_read_as_in_yaml_or_as_the_text_that_it_is(words, values):
    assert read_values([Own, DistillationTrainingArguments], words.split()) == values


def test_a_flag_may_hold_a_mapping():
    words = ["--lr_scheduler_kwargs", "{num_cycles: 1}", "--layer_map", '{"-1": -1}']
    assert read_values([DistillationTrainingArguments], words) == {
        "lr_scheduler_kwargs": {"num_cycles": 1},
        "layer_map": {"-1": -1},
    }


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--size", "ten", "--corpus", "a"], "size must be a whole number, got 'ten'"),
        (["--corpus", "a", "--sise", "3"], "There is no argument '--sise'. Did you mean '--size'?"),
        (["--temprature", "3"], "There is no argument '--temprature'. Did you mean '--temperature'?"),
        (["--teacher_temprature", "3"], "no argument '--teacher_temprature'. Did you mean '--temperature'?"),
        (["--corpus", "a", "--zzzz", "3"], "There is no argument '--zzzz'. `hf-multiteacher distill --keys`"),
        (["--size", "3", "--corpus"], "--corpus needs a value"),
        ([], "missing .* 'corpus'"),
        (["none.yaml"], "There is no configuration 'none.yaml' that could be read: no such file or directory. Check"),
        (["--corpus", "a", "--temperature", "0"], "temperature must be a number above 0"),
    ],
)
def test_what_does_not_fit_is_said(words, message):
    with pytest.raises(ValueError, match=message):
        read(*words)


def test_what_belongs_to_no_flag_is_refused(config):
    with pytest.raises(ValueError, match="'more.yaml' belongs to no flag"):
        read(config, "more.yaml")


def read_file(tmp_path, text):
    (tmp_path / "any.name").write_text(text)
    return read(str(tmp_path / "any.name"))


def test_a_file_may_have_any_name_and_gives_numbers_without_a_point_and_single_words_of_lists(tmp_path):
    own, args = read_file(tmp_path, "corpus: a.txt\nsize: 3\nlearning_rate: 5e-4\nteachers: x\noutput_dir: here\n")
    assert own == Own(corpus=["a.txt"], size=3)
    assert (args.learning_rate, args.teachers, args.output_dir) == (5e-4, ["x"], "here")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "corpus: a\nlerning_rate: 1\n",
            "do not exist: lerning_rate. Did you mean 'learning_rate'. `hf-multiteacher distill --keys`",
        ),
        ("corpus: a\nlearning_rate: fast\n", "not fit: learning_rate must be a number, got 'fast'"),
        ("corpus: a\ntemperature: 0\n", "temperature must be a number above 0"),
        ("- a\n- b\n", "of the form `key: value`"),
    ],
)
def test_what_does_not_fit_in_a_file_is_said(tmp_path, text, message):
    with pytest.raises(ValueError, match=message):
        read_file(tmp_path, text)


def test_what_a_dataclass_fails_over_is_told_as_a_value_that_does_not_fit():
    @dataclass
    class Machine:
        device: str = "cpu"

        def __post_init__(self):
            raise RuntimeError(f"There is no {self.device}")

    with pytest.raises(ValueError, match=r"There is no gpu \(RuntimeError\)\."):
        read_arguments([Machine], ["--device", "gpu"])
