"""The file of an ablation: what is refused, and the keys that each arm ends up with."""

import pytest
import yaml

from hf_multiteacher.recipes.ablation.arms import arms_of, teachers_arm
from hf_multiteacher.recipes.ablation.configuration import fine_tuning_of, read_ablation, tasks_of

GOOD = {
    "task": "di",
    "teachers": {"A": "org/a", "B": "org/b"},
    "arms": {"alone": {"teachers": []}, "A": {"teachers": ["A"]}, "both": {"temperature": 4}},
    "output_dir": "out",
    "labelled_rows": 10,
    "temperature": 3.0,
    "learning_rate": "1e-3",
}


@pytest.fixture
def read(tmp_path):
    def read(*flags, **changes):
        (tmp_path / "a.yaml").write_text(yaml.safe_dump(GOOD | changes, sort_keys=False), encoding="utf-8")
        return read_ablation([str(tmp_path / "a.yaml"), *flags])

    return read


def arms(config, shared):
    return {(arm.task, arm.name): arm.keys for arm in arms_of(config, shared, tasks_of(config, shared))}


def test_an_arm_has_the_shared_keys_and_its_own(read):
    keys = arms(*read())
    both, one, alone = (keys["di", name] for name in ("both", "A", "alone"))
    assert (both["temperature"], both["learning_rate"], both["save_strategy"]) == (4, 1e-3, "no")
    assert "teacher_weights" not in both and one["teacher_weights"] == [1.0, 0.0]
    assert (alone["soft_target_weight"], alone["hard_label_weight"], alone["unlabelled_rows"]) == (0.0, 1.0, 0)
    assert "temperature" not in alone and alone["labelled_rows"] == 10


def test_weights_are_those_of_the_teachers_that_an_arm_names(read):
    three = {"A": "a", "B": "b", "C": "c"}
    config = {"weighed": {"teachers": ["C", "A"], "teacher_weights": [3, 1]}}
    assert arms(*read(teachers=three, arms=config))["di", "weighed"]["teacher_weights"] == [1, 0.0, 3]
    config = {"in turn": {"teachers": ["C", "A", "B"], "teacher_weights": [3, 1, 2]}}
    assert arms(*read(teachers=three, arms=config))["di", "in turn"]["teacher_weights"] == [1, 2, 3]


def test_tasks_have_keys_of_their_own_between_the_shared_ones_and_those_of_arms(read):
    tasks = {"di": {"temperature": 5.0, "max_length": 32}, "sts": None}
    keys = arms(*read(tasks=tasks))
    assert (keys["di", "A"]["temperature"], keys["di", "both"]["temperature"]) == (5.0, 4)
    assert (keys["sts", "A"]["temperature"], keys["sts", "A"]["task"]) == (3.0, "sts")
    assert [task for task, _ in arms(*read(tasks=["sts", "di"]))][::3] == ["sts", "di"]


def test_tasks_that_flags_name_keep_the_keys_of_the_file(read):
    tasks = {"di": {"temperature": 5.0, "fine_tuning": {"max_steps": 7}}, "sts": None}
    config, shared = read("--tasks", "di", tasks=tasks)
    assert tasks_of(config, shared) == {"di": {"temperature": 5.0, "task": "di"}}
    with pytest.raises(ValueError, match="--tasks names 'ner', but the file has keys for di, sts alone"):
        read("--tasks", "di", "ner", tasks=tasks)
    assert fine_tuning_of(config, "di", "A") == {"max_steps": 7}

    config, shared = read("--tasks", "{di: {temperature: 1}, sts: }", tasks=tasks)
    assert tasks_of(config, shared) == {"di": {"temperature": 1.0, "task": "di"}, "sts": {"task": "sts"}}
    assert fine_tuning_of(config, "di", "A") == {"max_steps": 7}


def test_a_task_may_say_how_its_teachers_learn(read):
    tasks = {"di": {"fine_tuning": {"learning_rate": 1e-5, "B": {"max_steps": 7}}, "max_length": 32}, "sts": None}
    config, shared = read(tasks=tasks, fine_tuning={"learning_rate": 1e-4, "max_steps": 9, "A": {"seed": 1}})
    assert tasks_of(config, shared) == {"di": {"max_length": 32, "task": "di"}, "sts": {"task": "sts"}}
    assert fine_tuning_of(config, "di", "A") == {"learning_rate": 1e-5, "max_steps": 9, "seed": 1}
    assert fine_tuning_of(config, "di", "B") == {"learning_rate": 1e-5, "max_steps": 7}
    assert fine_tuning_of(config, "sts", "B") == {"learning_rate": 1e-4, "max_steps": 9}


def test_teachers_learn_from_the_labels_alone(read):
    _, shared = read(student_layers=2, teacher_weighting="entropy", unlabelled_rows=5)
    keys = teachers_arm("di", shared, {"learning_rate": 1e-5}).keys
    assert (keys["learning_rate"], keys["unlabelled_rows"], keys["labelled_rows"]) == (1e-5, 0, 10)
    assert not {"student_layers", "temperature", "teacher_weighting"} & keys.keys()


def test_flags_override_and_lists_are_named_by_their_last_parts(read):
    flags = ["--seeds", "4", "5", "--half", "2", "--temperature", "1"]
    config, shared = read(*flags, teachers=["org/a", "x/b"], arms={"both": None})
    assert (config.seeds, config.half, shared["temperature"]) == ([4, 5], 2, 1)
    assert config.sources == {"a": "org/a", "b": "x/b"} and config.keys_of_arms == {"both": {}}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"arms": {}}, "The ablation lacks arms"),
        ({"teachers": []}, "The ablation lacks teachers"),
        ({"output_dir": None}, "The ablation lacks output_dir"),
        ({"output_dir": ""}, "The ablation lacks output_dir"),
        ({"teachers": ["org/a", "x/a"]}, "have the same name"),
        ({"reference": "C"}, "reference is 'C', which is none of the arms alone, A, both"),
        ({"arms": {"C": {"teachers": ["C"]}}}, "The arm 'C' follows 'C', which is none of the teachers A, B"),
        ({"arms": {"C": ["x"]}}, "The arm 'C' must be a mapping of keys to values"),
        ({"arms": {"C": {"temprature": 2}}}, "which a distillation has not. Did you mean 'temperature'"),
        ({"arms": {"C": {"seed": 2}}}, "The arm 'C' has the key 'seed', which is the same for all"),
        ({"arms": {"C": {"temperature": "x"}}}, "The arm 'C': temperature must be a number"),
        ({"arms": {"C": {"teachers": ["A"], "teacher_weights": [1, 2]}}}, "its teacher_weights are \\[1, 2\\]"),
        ({"teachers": {"gold": "a", "B": "b"}}, "No teacher can be called 'gold'"),
        ({"teachers": ["org/a", "x/student"]}, "No teacher can be called 'student'"),
        ({"seed": 3}, "An ablation has seeds, so seed has no effect"),
        ({"tasks": []}, "tasks names none"),
        ({"tasks": ["masked-lm"]}, "masked-lm has none"),
        ({"tasks": ["di", "foo"]}, "The task 'foo': task must be one of masked-lm, .*, sts, got 'foo'"),
        ({"tasks": {"di": {"output_dir": "x"}}}, "The task 'di' has the key 'output_dir'"),
        ({"tasks": {"di": {"teachers": ["A"]}}}, "The task 'di' has the key 'teachers', which is the same for all"),
        ({"arms": {"C": {"teachers": ["A", "A"]}}}, "The arm 'C' follows a teacher twice: A, A"),
        ({"seeds": [-1]}, "A seed must be a number from 0"),
        ({"seeds": []}, "seeds lists none"),
        ({"arms": {"C": {"teachers": 3}}}, "The arm 'C' follows 3, which is no list of teachers"),
        ({"arms": {"C": {"teachers": None}}}, "The arm 'C' follows None, which is no list of teachers"),
    ],
)
def test_what_does_not_fit_is_refused(read, changes, message):
    with pytest.raises(ValueError, match=message):
        arms(*read(**changes))
