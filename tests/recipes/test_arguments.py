"""Arguments from a YAML file, from flags, and from both."""

from dataclasses import dataclass, field

import pytest

from hf_multiteacher.recipes.arguments import read_arguments, read_configuration
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
    ("words", "message"),
    [
        (["--size", "ten", "--corpus", "a"], "size: invalid int value: 'ten'"),
        (["--corpus", "a", "--sise", "3"], "There is no argument '--sise'"),
        (["--corpus", "a", "--siz", "3"], "There is no argument '--siz'"),
        ([], "required: --corpus"),
        (["none.yaml"], "'none.yaml' cannot be read"),
        (["config.json"], "'config.json' must be a YAML file, whose name ends in .yaml or .yml"),
        (["--corpus", "a", "--temperature", "0"], "temperature must be a number above 0"),
    ],
)
def test_what_does_not_fit_is_said(words, message):
    with pytest.raises(ValueError, match=message):
        read(*words)


def test_an_unknown_key_of_a_file_is_named(tmp_path):
    (tmp_path / "config.yml").write_text("corpus: a\nlerning_rate: 1\n")
    with pytest.raises(ValueError, match="keys that do not exist: lerning_rate"):
        read(str(tmp_path / "config.yml"))


def test_a_file_of_another_form_is_refused(tmp_path):
    (tmp_path / "config.yml").write_text("- a\n- b\n")
    with pytest.raises(ValueError, match="of the form `key: value`"):
        read(str(tmp_path / "config.yml"))


def read_file(tmp_path, text):
    (tmp_path / "any.name").write_text(text)
    return read_configuration([Own, DistillationTrainingArguments], tmp_path / "any.name", required=("corpus", "size"))


def test_a_file_alone_may_have_any_name_and_gives_numbers_without_a_point_and_single_words_of_lists(tmp_path):
    own, args = read_file(tmp_path, "corpus: a.txt\nsize: 3\nlearning_rate: 5e-4\nteachers: x\noutput_dir: here\n")
    assert own == Own(corpus=["a.txt"], size=3)
    assert (args.learning_rate, args.teachers, args.output_dir) == (5e-4, ["x"], "here")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("size: 0\n", "lacks corpus, size. Add a line for each"),
        ("corpus: a\nsize: 1\nsise: 2\n", "do not exist: sise. They are those of Own and DistillationTrainingArg"),
        (
            "corpus: a\nsize: 1\nlearning_rate: fast\n",
            "not fit: learning_rate must be a number, got 'fast'",
        ),
        ("corpus: a\nsize: 1\ntemperature: 0\n", "has a value that does not fit: .* temperature must be a number"),
    ],
)
def test_what_a_file_alone_lacks_or_has_too_much_is_said(tmp_path, text, message):
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
