import copy
import logging
from dataclasses import replace

import numpy as np
import pytest
import torch
from transformers import Trainer

from helpers.toys import encode, make_toy, make_trainer, raw_data
from hf_multiteacher import DataCollatorForDistillation, MultiTokenizer
from hf_multiteacher.losses.functional import IGNORED_LABEL

LABELLED = ("tagging", "single-label", "multi-label", "regression")
METRICS = ("accuracy", "error", "rows", "loss")


def counted(prediction):
    """What was predicted where there is a label, and the label."""
    predicted, labels = prediction.predictions, prediction.label_ids
    if predicted.ndim == 3:
        return predicted[labels != IGNORED_LABEL], labels[labels != IGNORED_LABEL]
    return predicted, labels


def figures(prediction):
    """An accuracy or a squared error, and how many rows there are."""
    predicted, labels = counted(prediction)
    if labels.dtype.kind == "f":
        return {"error": np.mean((predicted.reshape(labels.shape) - labels) ** 2), "rows": len(labels)}
    return {"accuracy": np.mean(predicted.argmax(-1) == labels), "rows": len(labels)}


def of_teachers(metrics, prefix="eval"):
    """The figures of `figures` that are a teacher's."""
    starts = tuple(f"{prefix}_{metric}/" for metric in METRICS)
    return {name: value for name, value in metrics.items() if name.startswith(starts)}


def alone(task, teacher, args, order=None):
    """What a plain `Trainer` says of a teacher on the same data, encoded for it, with its labels in its own order."""
    itself = MultiTokenizer(teacher.tokenizer, [teacher.tokenizer])
    data = encode(task, raw_data(task, 22), itself)
    if order is not None:
        data = data.map(lambda example: {"label": order.index(example["label"])})

    args = replace(args, per_device_eval_batch_size=64)  # a plain Trainer's loss is a mean of the batches' means
    collator = DataCollatorForDistillation(itself)
    plain = Trainer(teacher.model, args, collator, eval_dataset=data, compute_metrics=figures)
    plain.model_accepts_loss_kwargs = False
    metrics = plain.evaluate()
    return {name: metrics[f"eval_{name}"] for name in METRICS if f"eval_{name}" in metrics}


@pytest.mark.parametrize("task", LABELLED)
def test_each_teacher_has_the_figures_that_a_plain_trainer_gives_it(task, pair, tmp_path):
    toy = make_toy(task, pair)
    trainer = make_trainer(toy, tmp_path, compute_metrics=figures, per_device_eval_batch_size=5)
    measured = trainer.evaluate()

    expected = {
        f"eval_{metric}/{teacher.name}": value
        for teacher in toy.teachers
        for metric, value in alone(task, teacher, trainer.args).items()
    }
    found = of_teachers(measured)
    assert {name: found[name] for name in expected} == pytest.approx(expected, rel=1e-5)
    others = {name.replace("/first", "/ensemble") for name in expected if name.endswith("/first")}
    assert set(found) == set(expected) | others


def test_labels_in_another_order_are_put_into_the_student_s(pair, tmp_path):
    toy, order = make_toy("single-label", pair), [2, 0, 1]
    teacher = toy.teachers[1].model
    teacher.config.id2label = {place: "abc"[label] for place, label in enumerate(order)}
    teacher.config.label2id = {name: place for place, name in teacher.config.id2label.items()}

    trainer = make_trainer(toy, tmp_path, compute_metrics=figures)
    expected = alone("single-label", toy.teachers[1], trainer.args, order)["accuracy"]
    assert trainer.evaluate()["eval_accuracy/second"] == pytest.approx(expected)


def test_the_ensemble_is_measured_by_what_the_teachers_say_together(pair, tmp_path):
    toy = make_toy("regression", pair)
    seen = []
    trainer = make_trainer(
        toy, tmp_path, compute_metrics=lambda given: seen.append(given) or {}, teacher_weights=[3, 1]
    )
    trainer.evaluate()
    first, second, ensemble, _ = (each.predictions for each in seen)
    np.testing.assert_allclose(ensemble, 0.75 * first + 0.25 * second, rtol=1e-5)


def test_an_ensemble_whose_weights_look_at_the_labels_is_measured_without_them(pair, tmp_path):
    toy = make_toy("single-label", pair)
    runs = [
        make_trainer(toy, tmp_path, compute_metrics=figures, teacher_weighting=each).evaluate()
        for each in ("fixed", "confidence")
    ]
    assert runs[0]["eval_accuracy/ensemble"] == runs[1]["eval_accuracy/ensemble"]
    assert runs[0]["eval_soft_loss"] != runs[1]["eval_soft_loss"], "the student does follow the surer of the two"


def cut(spans):
    """The spans of a text whose end does not reach the teacher."""
    return [span if place < 6 else -1 for place, span in enumerate(spans)]


def test_a_word_that_a_teacher_does_not_have_is_not_asked_and_the_share_of_the_others_told(pair, tmp_path):
    toy, seen = make_toy("tagging", pair), []

    def keep(prediction):
        seen.append(prediction)
        return figures(prediction)

    few = toy.evaluation.map(lambda example: {"teacher_1_spans": cut(example["teacher_1_spans"])})
    metrics = make_trainer(toy, tmp_path, compute_metrics=keep, eval_dataset=few).evaluate()
    first, second, ensemble, student = seen
    lacking = (student.label_ids != IGNORED_LABEL) & (second.label_ids == IGNORED_LABEL)
    assert lacking.any() and (second.predictions[lacking] == IGNORED_LABEL).all()
    assert metrics["eval_coverage/second"] == metrics["eval_rows/second"] / metrics["eval_rows"] < 1
    assert metrics["eval_rows/first"] == metrics["eval_rows/ensemble"] == metrics["eval_rows"]
    assert not {"eval_coverage/first", "eval_coverage/ensemble"} & set(metrics)
    assert first.predictions.shape == second.predictions.shape == student.predictions.shape


def test_the_logits_are_preprocessed_like_the_student_s_whose_call_is_the_last(pair, tmp_path):
    toy, seen = make_toy("tagging", pair), []

    def shapes(prediction):
        seen.append((prediction.predictions.shape, prediction.inputs.shape, prediction.losses is None))
        return {}

    make_trainer(
        toy,
        tmp_path,
        compute_metrics=shapes,
        preprocess_logits_for_metrics=lambda logits, labels: logits.argmax(-1) * (labels >= 0),
        per_device_eval_batch_size=5,
        include_for_metrics=["inputs", "loss"],
    ).evaluate()
    assert len(set(seen[:3])) == 1 and seen[0][:2] == seen[-1][:2] and len(seen[0][0]) == 2
    assert [each[2] for each in seen] == [True, True, True, False], "losses are the student's alone"


def test_batches_that_are_not_concatenated_stay_so(pair, tmp_path):
    toy = make_toy("tagging", pair)

    def words(prediction):
        pairs = zip(prediction.predictions, prediction.label_ids, strict=True)
        return {"right": sum(int((said.argmax(-1) == labels).sum()) for said, labels in pairs)}

    metrics = make_trainer(toy, tmp_path, compute_metrics=words, eval_do_concat_batches=False).evaluate()
    assert isinstance(metrics["eval_right/second"], int)


def test_every_set_and_a_prediction_have_them_and_they_are_logged(pair, tmp_path):
    toy = make_toy("single-label", pair)
    sets = {"news": toy.evaluation.select(range(8)), "law": toy.evaluation.select(range(8, 20))}
    trainer = make_trainer(toy, tmp_path, compute_metrics=figures, eval_dataset=sets)
    metrics = trainer.evaluate()
    assert metrics["eval_news_rows/second"] == 8 and metrics["eval_law_rows/ensemble"] == 12
    assert any("eval_law_accuracy/first" in entry for entry in trainer.state.log_history)
    predicted = trainer.predict(toy.evaluation).metrics
    assert len(of_teachers(predicted, "test")) == 9
    assert trainer.compute_metrics is figures


def test_what_is_no_number_is_the_student_s_alone(pair, tmp_path):
    toy = make_toy("single-label", pair)
    answer = {"score": np.float32(0.5), "report": {"a": 1.0}, "note": "fine", "per_label": [1.0, 2.0]}
    metrics = make_trainer(toy, tmp_path, compute_metrics=lambda prediction: dict(answer)).evaluate()
    assert {name for name in metrics if name.endswith("/first") and "lo" not in name} == {"eval_score/first"}
    assert metrics["eval_report"] == {"a": 1.0} and metrics["eval_note"] == "fine"


def test_a_teacher_that_cannot_be_measured_harms_nobody(pair, tmp_path, caplog):
    toy = make_toy("single-label", pair)
    with torch.no_grad():
        toy.teachers[1].model.classifier.bias.fill_(float("nan"))

    def strict(prediction):
        if np.isnan(prediction.predictions).any():
            raise ArithmeticError("input contains NaN")
        return {"accuracy": 1.0}

    with caplog.at_level(logging.WARNING, logger="hf_multiteacher"):
        metrics = make_trainer(toy, tmp_path, compute_metrics=strict).evaluate()
    assert metrics["eval_accuracy"] == 1.0
    names = ("accuracy/first", "loss/first", "loss/second", "loss/ensemble")
    assert set(of_teachers(metrics)) == {f"eval_{name}" for name in names}
    assert "compute_metrics could not measure second: ArithmeticError: input contains NaN" in caplog.text


def test_teachers_that_do_not_run_are_not_measured(pair, tmp_path):
    toy = make_toy("single-label", pair)
    for changes in ({"report_loyalty": False}, {"teachers": None}):
        metrics = make_trainer(toy, tmp_path, compute_metrics=figures, **changes).evaluate()
        assert "eval_accuracy" in metrics and not of_teachers(metrics)


def test_answers_that_are_kept_on_disk_are_measured_too(pair, tmp_path):
    toy = make_toy("tagging", pair)
    runs = [
        of_teachers(make_trainer(toy, tmp_path, compute_metrics=figures, teacher_cache=cache).evaluate())
        for cache in (None, str(tmp_path), str(tmp_path))
    ]
    assert len(runs[0]) == 9 and runs[0] == pytest.approx(runs[1], rel=1e-3) and runs[1] == runs[2]


def test_of_masked_lm_the_loss_of_a_teacher_with_the_student_s_vocabulary_is_told(pair, tmp_path):
    toy = make_toy("masked-lm", pair)
    metrics = make_trainer(
        toy, tmp_path, model=copy.deepcopy(toy.teachers[0].model), compute_metrics=figures
    ).evaluate()
    assert metrics["eval_loss/first"] == pytest.approx(metrics["eval_loss"], rel=1e-6)
    assert set(of_teachers(metrics)) == {"eval_loss/first"}
