"""The keys of a distillation: read from a file and from flags, checked, and told what has no effect."""

import pytest

from hf_multiteacher.recipes.configuration.configuration import DistillationConfig, read_config


def test_a_configuration_is_read_into_both_kinds_of_arguments(tmp_path):
    text = "corpus: [a, b]\nteachers: x\nmegabytes: 5e-1\nstudent_layers: [0, 2]\nlearning_rate: 5e-4\n"
    (tmp_path / "config.yaml").write_text(f"{text}output_dir: {tmp_path / 'out'}\n")
    config, args, given = read_config([str(tmp_path / "config.yaml"), "--max-steps", "3"])
    assert (config.corpus, config.megabytes, config.student_layers) == (["a", "b"], 0.5, [0, 2])
    assert (args.teachers, args.learning_rate, args.max_steps) == (["x"], 5e-4, 3)
    assert given["max_steps"] == 3 and "save_strategy" not in given


def test_flags_alone_are_enough(tmp_path):
    words = f"--task sts --data synthetic --teachers a b --output_dir {tmp_path / 'out'}".split()
    config, args, _ = read_config(words)
    assert (config.task, config.data, args.teachers, args.save_strategy) == ("sts", "synthetic", ["a", "b"], "no")


@pytest.mark.parametrize("key", ["save_steps: 2", "save_total_limit: 1"])
def test_who_speaks_of_checkpoints_gets_them(tmp_path, key):
    (tmp_path / "config.yaml").write_text(f"corpus: a\nteachers: x\noutput_dir: {tmp_path / 'out'}\n{key}\n")
    assert read_config([str(tmp_path / "config.yaml")])[1].save_strategy == "steps"


@pytest.mark.parametrize(
    ("more", "expected"),
    [("", (0.05, 500)), ("save_steps: 20", (0.05, 20)), ("logging_steps: 10", (10, 10)), ("eval_steps: 5", (0.05, 5))],
)
def test_who_wants_the_best_checkpoint_has_logs_as_often_as_others(tmp_path, more, expected):
    wanted = f"load_best_model_at_end: true\neval_strategy: steps\n{more}\nuse_cpu: true\n"
    (tmp_path / "config.yaml").write_text(f"corpus: a\nteachers: x\noutput_dir: {tmp_path / 'out'}\n{wanted}")
    args = read_config([str(tmp_path / "config.yaml")])[1]
    assert (args.logging_steps, args.eval_steps) == expected


def test_data_is_what_a_masked_language_model_calls_corpus():
    assert DistillationConfig(data="a").corpus == DistillationConfig(corpus="a").corpus == "a"


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"corpus": "a", "max_length": 0}, "max_length must be a whole number from 1 on, got 0"),
        ({"corpus": "a", "held_out": 0.5}, "held_out must be a whole number from 1 on, got 0.5"),
        ({"task": "ner", "labelled_rows": 0}, "labelled_rows must be a whole number from 1 on, got 0"),
        ({"task": "ner", "unlabelled_rows": -1}, "unlabelled_rows must be a whole number from 0 on, got -1"),
        ({"task": "ner", "unlabelled_rows": 5}, "unlabelled_rows is 5, but no example lacks a label"),
        ({"corpus": "a", "labelled_rows": 5}, "labelled_rows has no effect with task: masked-lm"),
        ({"corpus": "a", "data": "b"}, "corpus is another name for data .* but both are given"),
        ({}, "lacks corpus"),
        ({"data": {"train": "a"}}, "data of the task masked-lm must be"),
        ({"corpus": "a", "label_column": "x"}, "label_column has no effect with task: masked-lm"),
        ({"corpus": "a", "fine_tune_teachers": True}, "fine_tune_teachers has no effect with task: masked-lm"),
        ({"task": "ner", "text_column": "x"}, "text_column has no effect with task: ner"),
        ({"task": "regression", "data": "a", "streaming": True}, "streaming has no effect with task: regression"),
        ({"task": "regression", "data": "a", "words_column": "x"}, "words_column has no effect"),
        ({"task": "token-classification", "second_text_column": "x"}, "second_text_column has no effect"),
        ({"task": "regression", "data": ["a", "b"]}, "must be one source, or a mapping"),
        ({"task": "regression", "data": {"test": "b"}}, "must name the file of train, got a mapping of test"),
        ({"task": "ner", "student": "a", "student_layers": 3}, "student names a model, 'a', and student_layers makes"),
        ({"corpus": "a", "student_layers": []}, r"student_layers is \[\], so there is nothing"),
        ({"corpus": "a", "student_layers": 0}, "student_layers is 0, so there is nothing"),
    ],
)
def test_what_is_out_of_range_or_has_no_effect_is_refused(values, message):
    with pytest.raises(ValueError, match=message):
        DistillationConfig(**values)


@pytest.mark.parametrize("rows", ["--unlabelled text.txt", "--labelled_rows 10"])
def test_examples_without_labels_are_refused_where_no_teacher_is_followed(rows, tmp_path):
    words = f"--task ner --teachers a --output_dir {tmp_path} --soft_target_weight 0 --use_cpu true {rows}"
    with pytest.raises(ValueError, match="nothing would be learned from it. Leave it out"):
        read_config(words.split())
    read_config([*words.split(), "--unlabelled_rows", "0"])


def test_a_teacher_that_is_named_twice_is_refused(tmp_path):
    words = f"--task ner --teachers a b a --output_dir {tmp_path} --use_cpu true"
    with pytest.raises(ValueError, match="teachers names 'a' twice. Leave one out: teacher_weights give"):
        read_config(words.split())


@pytest.mark.parametrize("vocabulary", ["trim", {"size": 500}])
def test_a_vocabulary_of_the_corpus_is_refused_where_that_is_streamed(vocabulary):
    with pytest.raises(
        ValueError, match="reads the whole corpus before the training, but streaming reads it meanwhile"
    ):
        DistillationConfig(corpus="a", streaming=True, student_vocabulary=vocabulary)
    assert DistillationConfig(corpus="a", streaming=True, student_vocabulary="a folder").streaming


def test_text_from_which_nothing_would_be_learned_is_refused(tmp_path):
    words = ["--task", "sts", "--teachers", "a", "--output_dir", str(tmp_path / "out"), "--unlabelled", "more.txt"]
    assert read_config(words)[0].unlabelled == "more.txt"
    with pytest.raises(ValueError, match="unlabelled text is there to learn from the teachers, but"):
        read_config([*words, "--soft_target_weight", "0", "--hard_label_weight", "1"])


@pytest.mark.parametrize(
    ("words", "missing"), [("--corpus a", "teachers, output_dir"), ("--teachers a", "output_dir")]
)
def test_what_every_distillation_needs_is_named(words, missing):
    with pytest.raises(ValueError, match=f"lacks {missing}. Add a line for each, or give it as a flag"):
        read_config(words.split())
