import pytest

from hf_multiteacher import DistillationTrainingArguments
from hf_multiteacher.models.task import TASKS
from hf_multiteacher.report.card_arguments import objective_terms, shown_arguments


def shown(task="masked-lm", teachers=2, **changes):
    arguments = DistillationTrainingArguments("out", use_cpu=True, **changes).to_dict()
    return shown_arguments(arguments, TASKS[task], teachers)


def test_nothing_that_is_off_or_left_open_is_listed():
    assert not [name for name, value in shown(seed=1).items() if not value or value == "None"]
    assert shown(seed=0)["seed"] == 0


@pytest.mark.parametrize(
    ("changes", "without"),
    [
        ({"soft_target_weight": 0.0}, {"soft_target_weight", "temperature", "teacher_weighting", "distill_positions"}),
        ({"teachers": 1}, {"teacher_weighting"}),
        ({"task": "sequence-classification"}, {"distill_positions"}),
        ({"optim": "sgd"}, {"adam_beta1", "adam_beta2", "adam_epsilon"}),
        ({"max_steps": 5}, {"num_train_epochs"}),
    ],
)
def test_what_has_no_effect_in_this_run_is_not_listed(changes, without):
    assert set(shown()) - set(shown(**changes)) == without


def test_a_regression_has_no_temperature_and_no_divergence():
    arguments = {"soft_target_weight": 0.5, "temperature": 2.0}
    listed = shown_arguments(arguments, TASKS["sequence-classification"], 2, "regression")
    assert [*listed] == ["soft_target_weight"]
    assert objective_terms(arguments, "regression") == "soft_target_weight * (teachers - student)²"


def test_the_objective_is_written_with_the_terms_that_it_has():
    assert objective_terms({"soft_target_weight": 0.5, "hidden_state_weight": 0.0, "hard_label_weight": 1}) == (
        "soft_target_weight * T² * KL(teachers || student) + hard_label_weight * hard loss"
    )
    assert objective_terms({}) == ""
