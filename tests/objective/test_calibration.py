"""Teachers that are as sure as they are right, and have the say they deserve: found on the evaluation set."""

import copy
import math
from dataclasses import replace

import pytest
import torch

from helpers.toys import TASKS, largest_difference, make_toy, make_trainer, weights_of
from hf_multiteacher import DistillationTrainingArguments, MultiTeacherDistillationTrainer
from hf_multiteacher.losses.calibration import TEMPERATURES
from hf_multiteacher.objective.calibration import fitted_temperatures

CLASSIFY = [task for task in TASKS if task != "regression"]


def sensible(toy, folder):
    """The toy with labels that each teacher gets right in half of the evaluation set, or teachers that know words."""
    if toy.task == "masked-lm":
        for teacher, column in zip(toy.teachers, ("input_ids", "teacher_1_input_ids"), strict=True):
            words = torch.tensor(sum(toy.evaluation[column], []))
            counts = torch.bincount(words, minlength=teacher.model.config.vocab_size)
            teacher.model.cls.predictions.bias.data = 3 * (counts + 0.1).log()
        return toy

    seen = []
    make_trainer(toy, folder, compute_metrics=lambda given: seen.append(given) or {}).evaluate()
    answers = [torch.tensor(given.predictions) for given in seen[:2]]
    chosen = [each > 0 if toy.task == "multi-label" else each.argmax(-1) for each in answers]
    labels = [chosen[row % 2][row].tolist() for row in range(len(toy.evaluation))]
    column = "labels" if "labels" in toy.evaluation.column_names else "label"
    given = [[float(each) for each in row] for row in labels] if toy.task == "multi-label" else labels
    return replace(toy, evaluation=toy.evaluation.remove_columns(column).add_column(column, given))


def temperatures(trainer):
    return [teacher.temperature for teacher in trainer.teachers]


def with_temperature(toy, *temperatures):
    pairs = zip(toy.teachers, temperatures, strict=True)
    return replace(toy, teachers=[replace(teacher, temperature=each) for teacher, each in pairs])


@pytest.mark.parametrize("task", ["tagging", "single-label", "multi-label"])
def test_no_other_temperature_gives_a_teacher_a_lower_loss(task, pair, tmp_path):
    toy = make_toy(task, pair)
    toy = toy if task == "tagging" else sensible(toy, tmp_path)
    trainer = make_trainer(toy, tmp_path, calibrate_teachers=True)
    found, losses = temperatures(trainer), []
    for factor in (1.0, 0.95, 1.05):
        for teacher, temperature in zip(trainer.teachers, found, strict=True):
            teacher.temperature = factor * temperature
        losses.append(trainer.evaluate())
    inside = [name for name, each in zip(("first", "second"), found, strict=True) if each not in TEMPERATURES]
    assert inside, "or nothing is tested"
    for name in inside:
        assert losses[0][f"eval_loss/{name}"] < min(each[f"eval_loss/{name}"] for each in losses[1:])


@pytest.mark.parametrize("task", CLASSIFY)
def test_the_size_of_the_batches_changes_nothing(task, pair, tmp_path):
    toy, runs = make_toy(task, pair), []
    toy = toy if task == "tagging" else sensible(toy, tmp_path)
    for size in (5, 22):
        runs.append(
            temperatures(make_trainer(toy, tmp_path, calibrate_teachers=True, per_device_eval_batch_size=size))
        )
    assert runs[0] == pytest.approx(runs[1], abs=2e-3)
    assert len(set(runs[0])) == 2


def test_all_evaluation_sets_count_and_those_without_labels_do_not(pair, tmp_path):
    toy = make_toy("tagging", pair)
    none = toy.evaluation.map(lambda example: {"labels": [-100] * len(example["labels"])})
    halves = {"a": toy.evaluation.select(range(11)), "b": toy.evaluation.select(range(11, 22)), "none": none}
    whole, parts = (make_trainer(toy, tmp_path, calibrate_teachers=True, eval_dataset=each) for each in
                    (toy.evaluation, halves))  # fmt: skip
    assert temperatures(whole) == pytest.approx(temperatures(parts), abs=2e-3)
    with pytest.raises(ValueError, match="teacher 'first' with labels, but it has no labelled row in eval_dataset"):
        make_trainer(toy, tmp_path, calibrate_teachers=True, eval_dataset=none)


@pytest.mark.parametrize("task", ["single-label", "regression"])
def test_a_teacher_that_says_what_is_no_number_is_refused(task, pair, tmp_path):
    toy = make_toy(task, pair)
    with torch.no_grad():
        toy.teachers[1].model.classifier.bias[0] = torch.nan
    with pytest.raises(ValueError, match="teacher 'second' with labels, but on some row of eval_dataset it says"):
        make_trainer(toy, tmp_path, calibrate_teachers=True)


def test_a_teacher_to_which_a_label_is_impossible_is_refused(pair, tmp_path):
    toy = make_toy("single-label", pair)
    with torch.no_grad():
        toy.teachers[1].model.classifier.bias[toy.evaluation["label"][0]] = -torch.inf
    with pytest.raises(ValueError, match="'second' with labels, but on some row .* or that the label is impossible"):
        make_trainer(toy, tmp_path, calibrate_teachers=True)


def test_a_temperature_at_the_end_of_what_is_tried_is_said(pair, tmp_path, caplog):
    toy = make_toy("single-label", pair)
    with torch.no_grad():
        toy.teachers[0].model.classifier.weight *= 1e4
    trainer = make_trainer(with_temperature(toy, None, 32.0), tmp_path, calibrate_teachers=True)
    assert temperatures(trainer) == [32.0, 32.0]
    assert "gave teacher 'first' the temperature 32.0, the end of what is tried" in caplog.text
    assert "'second'" not in caplog.text


def test_a_temperature_that_was_given_stays(pair, tmp_path):
    toy = make_toy("single-label", pair)
    found = temperatures(make_trainer(toy, tmp_path, calibrate_teachers=True))
    given = temperatures(make_trainer(with_temperature(toy, 3.0, None), tmp_path, calibrate_teachers=True))
    assert given == [3.0, found[1]]


@pytest.mark.parametrize("task", CLASSIFY)
def test_a_teacher_with_a_temperature_is_a_teacher_whose_head_was_divided(task, pair, tmp_path):
    toy = make_toy(task, pair, torch.float64)
    divided = [copy.deepcopy(teacher.model) for teacher in toy.teachers]
    for model, temperature in zip(divided, (2.0, 0.7), strict=True):
        head = model.cls.predictions.decoder if task == "masked-lm" else model.classifier
        head.weight = torch.nn.Parameter(head.weight.detach() / temperature)
        head.bias = torch.nn.Parameter(head.bias.detach() / temperature)
    pairs = zip(toy.teachers, divided, strict=True)
    other = replace(toy, teachers=[replace(teacher, model=model) for teacher, model in pairs])
    runs = []
    for each in (with_temperature(toy, 2.0, 0.7), other):
        trainer = make_trainer(each, tmp_path, max_steps=4, teacher_weighting="confidence")
        trainer.train()
        runs.append((weights_of(trainer), trainer.evaluate()))
    assert largest_difference(runs[0][0], runs[1][0]) < 1e-9
    same = [name for name in runs[0][1] if "loss" in name or "loyalty" in name]
    assert {name: runs[0][1][name] for name in same} == pytest.approx({name: runs[1][1][name] for name in same})


def test_the_manifest_names_the_temperatures_and_a_resume_with_others_is_refused(pair, tmp_path):
    toy = make_toy("single-label", pair, max_steps=2, save_strategy="steps", save_steps=2)
    trainer = make_trainer(toy, tmp_path, calibrate_teachers=True)
    trainer.train()
    found = temperatures(trainer)
    assert [each["temperature"] for each in trainer.distillation_objective.manifest()["teachers"]] == found

    by_hand = make_trainer(with_temperature(toy, *found), tmp_path, max_steps=4)
    by_hand.train(resume_from_checkpoint=True)
    with pytest.raises(ValueError, match=rf"teachers\[0\].temperature was {found[0]} and is None"):
        make_trainer(toy, tmp_path, max_steps=4).train(resume_from_checkpoint=str(tmp_path / "checkpoint-2"))


def test_rows_of_a_rank_without_a_label_count_nothing(pair, tmp_path):
    toy = make_toy("single-label", pair)
    trainer = make_trainer(toy, tmp_path)
    batches = [*trainer.get_eval_dataloader()]
    silent = [{name: each for name, each in batch.items() if name != "labels"} for batch in batches]
    objective = trainer.distillation_objective
    runs = [fitted_temperatures(objective, some, lambda each: each) for some in (batches, batches + silent)]
    assert runs[0] == runs[1]


# ---- In a regression: how much each is to say ----


def answers(toy):
    """What each teacher says of every example of the evaluation set, one by one; float64 [teachers, examples]."""
    found = []
    for teacher, column in zip(toy.teachers, ("input_ids", "teacher_1_input_ids"), strict=True):
        model = copy.deepcopy(teacher.model).double().eval()
        found.append([model(input_ids=torch.tensor([ids])).logits.item() for ids in toy.evaluation[column]])
    return torch.tensor(found, dtype=torch.float64)


def between(toy, share):
    """The toy with gold numbers that lie between the teachers', and are not quite what either says; their answers."""
    said = answers(toy)
    noise = torch.randn(said.shape[1], generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    gold = share * said[0] + (1 - share) * said[1] + 0.3 * said.std() * noise
    evaluation = toy.evaluation.remove_columns("labels").add_column("labels", gold.tolist())
    return replace(toy, evaluation=evaluation), said, gold


@pytest.mark.parametrize("size", [5, 22])
@pytest.mark.parametrize("share", [0.8, 0.5, 0.3])
def test_a_regression_finds_the_weights_of_the_lowest_squared_error(share, size, pair, tmp_path):
    toy, said, gold = between(make_toy("regression", pair), share)
    trainer = make_trainer(toy, tmp_path, calibrate_teachers=True, per_device_eval_batch_size=size)
    best = min(range(1001), key=lambda first: sum(
        (first / 1000 * one + (1 - first / 1000) * other - truth) ** 2
        for one, other, truth in zip(*said.tolist(), gold.tolist(), strict=True)
    ))  # fmt: skip
    assert trainer.args.teacher_weights == pytest.approx([best / 1000, 1 - best / 1000], abs=2e-3)
    assert [*trainer.distillation_objective.teachers.weight_of.values()] == trainer.args.teacher_weights
    assert temperatures(trainer) == [None, None]
    assert 0.05 < trainer.args.teacher_weights[0] < 0.95, "or nothing is tested"


def test_what_a_regression_found_is_what_the_same_weights_by_hand_do(pair, tmp_path):
    toy, _, _ = between(make_toy("regression", pair, max_steps=3), 0.7)
    found = make_trainer(toy, tmp_path, calibrate_teachers=True)
    by_hand = make_trainer(
        make_toy("regression", pair, max_steps=3), tmp_path, teacher_weights=found.args.teacher_weights
    )
    for trainer in (found, by_hand):
        trainer.train()
    assert largest_difference(weights_of(found), weights_of(by_hand)) == 0
    assert found.distillation_objective.manifest() == by_hand.distillation_objective.manifest()


def test_arguments_that_two_trainers_share_keep_the_weights_of_neither(pair, tmp_path):
    toys = [between(make_toy("regression", pair), share)[0] for share in (0.8, 0.3)]
    args = DistillationTrainingArguments(str(tmp_path), use_cpu=True, calibrate_teachers=True)
    found = [
        MultiTeacherDistillationTrainer(
            toy.student, args, None, toy.train, toy.evaluation, pair[0], teachers=toy.teachers
        ).args.teacher_weights
        for toy in toys
    ]
    assert found[0][0] > found[1][0] + 0.3
    assert args.teacher_weights is None


def test_weights_of_a_regression_that_were_given_stay(pair, tmp_path):
    toy, _, _ = between(make_toy("regression", pair), 0.7)
    trainer = make_trainer(toy, tmp_path, calibrate_teachers=True, teacher_weights=[1, 3])
    assert trainer.distillation_objective.teachers.weights == [0.25, 0.75]


def test_a_regression_counts_the_rows_with_a_label_alone(pair, tmp_path):
    toy, said, gold = between(make_toy("regression", pair), 0.7)
    some = gold.where(torch.arange(len(gold)) < 15, torch.nan)
    with_labels = toy.evaluation.select(range(15))
    without = toy.evaluation.remove_columns("labels").add_column("labels", some.tolist())
    found = [
        make_trainer(toy, tmp_path, calibrate_teachers=True, eval_dataset=each).args.teacher_weights
        for each in (with_labels, without)
    ]
    assert found[0] == pytest.approx(found[1], abs=1e-3)
    none = toy.evaluation.remove_columns("labels").add_column("labels", [math.nan] * len(gold))
    with pytest.raises(ValueError, match="eval_dataset has no labelled row that all of them have"):
        make_trainer(toy, tmp_path, calibrate_teachers=True, eval_dataset=none)
