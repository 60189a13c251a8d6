import copy
import logging

import pytest
import torch
from datasets import Dataset
from safetensors.torch import load_file
from transformers import (
    DataCollatorForLanguageModeling,
    DataCollatorForTokenClassification,
    DataCollatorWithPadding,
    Trainer,
    TrainingArguments,
    set_seed,
)

from helpers.models import tiny_bert, tiny_model
from helpers.toys import (
    TASKS,
    config_of,
    encode,
    largest_difference,
    logged_losses,
    make_toy,
    make_trainer,
    raw_data,
    sharpen,
    weights_of,
)
from hf_multiteacher import (
    DataCollatorForDistillation,
    DistillationTrainingArguments,
    MultiTeacherDistillationTrainer,
    MultiTokenizer,
    Teacher,
)

TIMES = ("runtime", "per_second")


def train(toy, folder, **changes):
    trainer = make_trainer(toy, folder, **{"max_steps": 5, "logging_steps": 1, **changes})
    trainer.train()
    return trainer


def logs_of(trainer):
    return [
        {name: value for name, value in entry.items() if not any(part in name for part in TIMES)}
        for entry in trainer.state.log_history
    ]


# ---- Without teachers ----


def plain_collator(toy):
    choice = {"masked-lm": DataCollatorForLanguageModeling, "tagging": DataCollatorForTokenClassification}
    return choice.get(toy.task, DataCollatorWithPadding)(toy.tokenizer)


@pytest.mark.parametrize("teachers", [None, []], ids=["none", "empty list"])
@pytest.mark.parametrize("task", TASKS)
def test_without_teachers_it_is_trainer_bit_for_bit(task, teachers, pair, tmp_path):
    toy = make_toy(task, pair)
    columns = [name for name in toy.train.column_names if not name.startswith("teacher_")]
    settings = {
        "train_dataset": toy.train.select_columns(columns),
        "eval_dataset": toy.evaluation.select_columns(columns),
        "data_collator": plain_collator(toy),
        "processing_class": toy.tokenizer,
    }
    arguments = {
        "output_dir": str(tmp_path),
        "use_cpu": True,
        "disable_tqdm": True,
        "max_steps": 4,
        "logging_steps": 1,
        "eval_strategy": "steps",
        "eval_steps": 2,
        "gradient_accumulation_steps": 2,
        "save_strategy": "no",
    }
    theirs = Trainer(model=copy.deepcopy(toy.student), args=TrainingArguments(**arguments), **settings)
    ours = MultiTeacherDistillationTrainer(
        model=copy.deepcopy(toy.student),
        args=DistillationTrainingArguments(**arguments),
        teachers=teachers,
        **settings,
    )
    assert ours.data_collator is settings["data_collator"]
    assert ours.model_accepts_loss_kwargs == theirs.model_accepts_loss_kwargs
    predictions = []
    for trainer in (theirs, ours):
        set_seed(1)
        trainer.train()
        predictions.append(trainer.predict(settings["eval_dataset"]).predictions)
    assert logs_of(ours) == logs_of(theirs)
    assert largest_difference(weights_of(ours), dict(theirs.model.named_parameters())) == 0
    assert (predictions[0] == predictions[1]).all()


def test_without_teachers_plain_arguments_and_data_parallel_are_left_alone(pair, tmp_path, monkeypatch, caplog):
    toy = make_toy("single-label", pair)
    args = TrainingArguments(output_dir=str(tmp_path), use_cpu=True)
    monkeypatch.setattr(TrainingArguments, "n_gpu", property(lambda self: self._n_gpu))
    args._n_gpu = 2
    trainer = MultiTeacherDistillationTrainer(toy.student, args, None, toy.train)
    assert trainer.args is args
    assert args.n_gpu == 2
    assert isinstance(trainer._wrap_model(trainer.model), torch.nn.DataParallel)
    assert "accelerate launch" not in caplog.text


def test_teachers_given_to_the_trainer_override_the_argument(pair, tmp_path):
    toy = make_toy("single-label", pair)
    trainer = make_trainer(toy, tmp_path, teachers=[], train_dataset=toy.train)
    assert trainer._objective is None
    args = DistillationTrainingArguments(output_dir=str(tmp_path), use_cpu=True, teachers=["nobody/nothing"])
    trainer = MultiTeacherDistillationTrainer(toy.student, args, teachers=[], processing_class=toy.tokenizer)
    assert trainer._objective is None
    with pytest.raises(ValueError, match="Teacher 'nothing'"):
        MultiTeacherDistillationTrainer(toy.student, args, processing_class=toy.tokenizer)
    with pytest.raises(ValueError, match="no teachers"):
        trainer.compute_teacher_weights([], None, torch.ones(0, 0, dtype=torch.bool))


# ---- With teachers ----


def test_several_gpus_without_a_launcher_become_one_and_a_warning_names_the_launcher(
    pair, tmp_path, monkeypatch, caplog
):
    toy = make_toy("single-label", pair)
    args = DistillationTrainingArguments(output_dir=str(tmp_path), use_cpu=True, per_device_train_batch_size=3)
    monkeypatch.setattr(TrainingArguments, "n_gpu", property(lambda self: self._n_gpu))
    args._n_gpu = 2
    with caplog.at_level(logging.WARNING, logger="hf_multiteacher"):
        trainer = MultiTeacherDistillationTrainer(
            toy.student, args, None, toy.train, teachers=toy.teachers, processing_class=toy.tokenizer
        )
    assert "accelerate launch --num_processes 2" in caplog.text
    assert (args.n_gpu, trainer._train_batch_size) == (1, 3)
    assert trainer._wrap_model(trainer.model) is trainer.model


@pytest.mark.parametrize("task", TASKS)
def test_one_teacher_in_a_list_is_that_teacher_alone_bit_for_bit(task, pair, tmp_path):
    toy = make_toy(task, pair)
    data = encode(task, raw_data(task), MultiTokenizer(toy.tokenizer, [pair[1]]))
    runs = [
        train(toy, tmp_path, teachers=teachers, train_dataset=data, eval_dataset=None)
        for teachers in (toy.teachers[1], [toy.teachers[1]])
    ]
    assert largest_difference(*(weights_of(run) for run in runs)) == 0
    assert logs_of(runs[0]) == logs_of(runs[1])


@pytest.mark.parametrize("ensemble", ["probabilities", "logits", "per_teacher"])
@pytest.mark.parametrize("weighting", ["fixed", "confidence", "entropy"])
def test_equal_teachers_are_one(ensemble, weighting, pair, tmp_path):
    toy = make_toy("tagging", pair)
    model = toy.teachers[1].model
    runs = [
        train(
            toy,
            tmp_path,
            teachers=[Teacher(copy.deepcopy(model), tokenizer=pair[1]) for _ in range(count)],
            train_dataset=encode("tagging", raw_data("tagging"), MultiTokenizer(toy.tokenizer, [pair[1]] * count)),
            eval_dataset=None,
            ensemble=ensemble,
            teacher_weighting=weighting,
        )
        for count in (1, 3)
    ]
    assert largest_difference(*(weights_of(run) for run in runs)) < 1e-6


@pytest.mark.parametrize("task", ["masked-lm", "tagging", "multi-label"])
def test_the_order_of_the_teachers_changes_nothing(task, pair, tmp_path):
    toy = make_toy(task, pair, hidden_state_weight=0.5, learning_rate=0.05)
    other = encode(task, raw_data(task), MultiTokenizer(toy.tokenizer, [pair[1], pair[0]]))
    assert "teacher_0_input_ids" in other.column_names
    runs = [
        train(toy, tmp_path, teacher_weights=[3, 1]),
        train(
            toy, tmp_path, teacher_weights=[1, 3], teachers=toy.teachers[::-1], train_dataset=other, eval_dataset=None
        ),
    ]
    assert largest_difference(*(weights_of(run) for run in runs)) < 1e-6


@pytest.mark.parametrize("task", TASKS)
def test_the_amount_of_padding_changes_nothing(task, pair, tmp_path):
    toy = make_toy(task, pair, hidden_state_weight=0.5)
    runs = []
    for multiple in (None, 64):
        collator = DataCollatorForDistillation(
            toy.multi_tokenizer, mlm=task == "masked-lm", seed=42, pad_to_multiple_of=multiple
        )
        runs.append(train(toy, tmp_path, data_collator=collator))
    assert next(iter(runs[1].get_train_dataloader()))["input_ids"].shape[1] == 64
    assert largest_difference(*(weights_of(run) for run in runs)) < 1e-6


def test_the_order_of_a_teachers_labels_changes_nothing(pair, tmp_path):
    toy = make_toy("tagging", pair)
    order = [2, 0, 3, 1]
    other = copy.deepcopy(toy.teachers[1].model)
    with torch.no_grad():
        other.classifier.weight.copy_(other.classifier.weight[order])
        other.classifier.bias.copy_(other.classifier.bias[order])
    other.config.id2label = {index: "abcd"[label] for index, label in enumerate(order)}
    other.config.label2id = {name: index for index, name in other.config.id2label.items()}
    runs = [
        train(toy, tmp_path),
        train(toy, tmp_path, teachers=[toy.teachers[0], Teacher(other, tokenizer=pair[1], name="second")]),
    ]
    assert largest_difference(*(weights_of(run) for run in runs)) == 0


@pytest.mark.parametrize("task", TASKS)
def test_a_teacher_equal_to_the_student_gives_no_soft_loss(task, pair, tmp_path):
    toy = make_toy(task, pair)
    sharpen(toy.student)
    twin = Teacher(copy.deepcopy(toy.student), tokenizer=toy.tokenizer)
    trainer = train(toy, tmp_path, teachers=twin, learning_rate=0.0, max_steps=2)
    assert abs(trainer.state.log_history[0]["soft_loss"]) < 2e-6
    assert trainer.evaluate()["eval_soft_loss"] == pytest.approx(0, abs=2e-6)


def test_a_teacher_of_weight_0_is_measured_but_changes_nothing(pair, tmp_path):
    toy = make_toy("masked-lm", pair, hidden_state_weight=0.5)
    followed = train(toy, tmp_path, teachers=toy.teachers[1:], train_dataset=encode(
        "masked-lm", raw_data("masked-lm"), MultiTokenizer(toy.tokenizer, [pair[1]])
    ), eval_dataset=None)  # fmt: skip
    measured = train(toy, tmp_path, teacher_weights=[0, 1])
    assert largest_difference(weights_of(followed), weights_of(measured)) < 1e-7
    logs = [trainer.state.log_history[0] for trainer in (followed, measured)]
    assert logs[0]["soft_loss"] == pytest.approx(logs[1]["soft_loss"], rel=1e-6)
    assert logs[1]["teacher_weight/first"] == 0
    assert logs[1]["soft_loss/first"] > 0


@pytest.mark.parametrize("task", TASKS)
def test_the_student_moves_and_the_teachers_do_not(task, pair, tmp_path):
    toy = make_toy(task, pair, hidden_state_weight=0.5)
    before = [copy.deepcopy(teacher.model.state_dict()) for teacher in toy.teachers]
    trainer = make_trainer(toy, tmp_path, max_steps=3)
    start = weights_of(trainer)
    trainer.train()
    still = [name for name, weight in weights_of(trainer).items() if torch.equal(weight, start[name])]
    assert still == []
    for teacher, weights in zip(trainer.teachers, before, strict=True):
        assert not teacher.model.training
        assert all(torch.equal(weight, weights[name]) for name, weight in teacher.model.state_dict().items())
        assert not any(weight.requires_grad or weight.grad is not None for weight in teacher.model.parameters())


def test_teachers_and_projections_are_in_no_state_dict_of_the_student(pair, tmp_path):
    toy = make_toy("masked-lm", pair, hidden_state_weight=0.5)
    names = set(toy.student.state_dict())
    trainer = train(toy, tmp_path, max_steps=2, save_strategy="steps", save_steps=2)
    saved = load_file(tmp_path / "checkpoint-2" / "model.safetensors")
    assert set(trainer.model.state_dict()) == names
    assert set(saved) <= names
    size = sum(file.stat().st_size for file in (tmp_path / "checkpoint-2").glob("model*"))
    assert size < 1.2 * sum(weight.numel() * 4 for weight in toy.student.parameters())
    optimized = sum(weight.numel() for group in trainer.optimizer.param_groups for weight in group["params"])
    assert optimized == sum(weight.numel() for weight in [*toy.student.parameters(), *trainer.projections])
    reloaded = type(toy.student).from_pretrained(tmp_path / "checkpoint-2")
    assert largest_difference(dict(reloaded.named_parameters()), dict(trainer.model.named_parameters())) == 0


@pytest.mark.parametrize("task", TASKS)
def test_the_logged_loss_is_the_weighted_sum_of_the_logged_components(task, pair, tmp_path):
    weights = {"soft_target_weight": 0.6, "hard_label_weight": 0.3, "hidden_state_weight": 0.2}
    toy = make_toy(task, pair)
    trainer = train(
        toy, tmp_path, per_device_train_batch_size=4, gradient_accumulation_steps=3, logging_steps=2, **weights
    )
    entries = [entry for entry in trainer.state.log_history if "loss" in entry]
    assert len(entries) == 2
    for entry in entries:
        parts = [0.6 * entry["soft_loss"], 0.3 * entry["hard_loss"], 0.2 * entry["hidden_loss"]]
        assert entry["loss"] == pytest.approx(sum(parts), rel=1e-5)
        assert entry["hidden_loss"] == pytest.approx((entry["hidden_loss/first"] + entry["hidden_loss/second"]) / 2)
        assert entry["teacher_weight/first"] + entry["teacher_weight/second"] == pytest.approx(1)
        assert {"soft_loss/first", "soft_loss/second"} <= set(entry)
        assert ("coverage/second" in entry) == (task in ("masked-lm", "tagging"))
        assert ("shared_mass/second" in entry) == (task == "masked-lm")
    if task == "tagging":
        assert entry["soft_loss"] < entry["soft_loss/first"] + entry["soft_loss/second"]


def test_per_teacher_losses_add_up_over_the_rows_that_each_has(pair, tmp_path):
    toy = make_toy("masked-lm", pair)
    for entry in logs_of(train(toy, tmp_path, learning_rate=0.0, max_steps=3))[:3]:
        # Where only the first teacher has the row its weight is 1, else both have 0.5.
        assert entry["teacher_weight/second"] == pytest.approx(entry["coverage/second"] / 2, rel=1e-5)
        assert 0 < entry["coverage/second"] < 1
        assert 0 < entry["shared_mass/second"] < 1


def test_the_students_own_loss_is_never_asked_for(pair, tmp_path):
    toy = make_toy("single-label", pair)
    trainer, seen = make_trainer(toy, tmp_path, max_steps=2), set()
    forward = trainer.model.forward

    def spy(**inputs):
        seen.update(inputs)
        outputs = forward(**inputs)
        assert outputs.loss is None
        return outputs

    trainer.model.forward = spy
    trainer.train()
    trainer.evaluate()
    assert seen == {"input_ids", "attention_mask", "token_type_ids", "return_dict"}


def test_a_student_configured_to_show_hidden_states_learns_the_same_and_shows_them_in_predict(pair, tmp_path):
    toy = make_toy("single-label", pair)
    expected = train(toy, tmp_path, max_steps=2)
    toy.student.config.output_hidden_states = True
    trainer = train(toy, tmp_path, max_steps=2)
    assert largest_difference(weights_of(trainer), weights_of(expected)) == 0
    logits, hidden_states = trainer.predict(toy.evaluation).predictions
    assert logits.shape == (22, 3) and len(hidden_states) == 3


def test_a_distilbert_student_does_not_take_a_bert_teachers_token_types_away(pair, tmp_path):
    cased = pair[0]
    data = Dataset.from_dict({"one": ["Fata citește", "Pisica"], "two": ["o carte lungă", "doarme"], "label": [0, 1]})
    data = data.map(
        MultiTokenizer(cased, [cased]).encode,
        batched=True,
        fn_kwargs={"text": "one", "text_pair": "two", "labels": "label"},
        remove_columns=["one", "two"],
    )
    student = tiny_model("distilbert", "SequenceClassification", vocab_size=len(cased), **config_of("single-label"))
    teacher = tiny_bert("SequenceClassification", len(cased), seed=2, **config_of("single-label"))
    sharpen(teacher)
    args = DistillationTrainingArguments(output_dir=str(tmp_path), use_cpu=True)
    trainer = MultiTeacherDistillationTrainer(
        student, args, None, data, teachers=Teacher(teacher, tokenizer=cased), processing_class=cased
    )
    batch = next(iter(trainer.get_train_dataloader()))
    assert batch["token_type_ids"].sum() > 0
    objective = trainer.distillation_objective
    said = objective.teachers.forward(batch, objective.rows(batch), False).logits[0]
    inputs = {name: batch[name] for name in ("input_ids", "attention_mask", "token_type_ids")}
    with torch.no_grad():
        assert torch.equal(said, teacher(**inputs).logits)
    trainer.train()


def test_a_student_without_a_tokenizer_is_refused(pair, tmp_path):
    toy = make_toy("single-label", pair)
    with pytest.raises(ValueError, match="processing_class=tokenizer"):
        make_trainer(toy, tmp_path, processing_class=None)
    trainer = make_trainer(
        toy, tmp_path, processing_class=None, data_collator=DataCollatorForDistillation(toy.multi_tokenizer)
    )
    assert trainer.multi_tokenizer.student_tokenizer is toy.tokenizer


def test_plain_arguments_with_teachers_are_refused(pair, tmp_path):
    toy = make_toy("single-label", pair)
    with pytest.raises(TypeError, match="DistillationTrainingArguments"):
        MultiTeacherDistillationTrainer(
            toy.student,
            TrainingArguments(output_dir=str(tmp_path), use_cpu=True),
            teachers=toy.teachers,
            processing_class=toy.tokenizer,
        )


def test_projections_are_clipped_with_the_student(pair, tmp_path):
    toy = make_toy("tagging", pair, hidden_state_weight=0.5)
    trainer = make_trainer(toy, tmp_path, max_steps=1, logging_steps=1, learning_rate=1.0, max_grad_norm=1e-2)
    start = weights_of(trainer)
    trainer.train()
    moved = torch.cat([(weight - start[name]).flatten() for name, weight in weights_of(trainer).items()])
    assert moved.norm().item() == pytest.approx(1e-2, rel=1e-2)
    assert trainer.state.log_history[0]["grad_norm"] > 1e-2


def test_projections_start_from_the_seed_alone(pair, tmp_path):
    toy = make_toy("tagging", pair, hidden_state_weight=0.5)
    drawn, projections = [], []
    for seed in (1, 1, 2):
        torch.manual_seed(len(drawn))
        trainer = make_trainer(toy, tmp_path, seed=seed)
        drawn.append(torch.rand(1))
        projections.append(trainer.projections[0].detach())
    assert torch.equal(projections[0], projections[1])
    assert not torch.equal(projections[0], projections[2])
    make_trainer(toy, tmp_path, seed=1, hidden_state_weight=0.0)
    assert torch.equal(torch.rand(1), drawn[0])


def test_evaluation_has_the_same_masks_in_every_epoch(pair, tmp_path):
    trainer = make_trainer(make_toy("masked-lm", pair), tmp_path)
    first = trainer.evaluate()
    trainer.data_collator.set_round(3)
    again = trainer.evaluate()
    assert (first["eval_loss"], first["eval_soft_loss"]) == (again["eval_loss"], again["eval_soft_loss"])
    predictions = trainer.predict(trainer.eval_dataset)
    assert predictions.metrics["test_loss"] == first["eval_loss"]
    assert trainer.data_collator._round == 3


def test_a_step_without_a_label_is_a_step_without_a_loss(pair, tmp_path):
    toy = make_toy("tagging", pair)
    data = toy.train.map(
        lambda example, index: {"labels": [-100] * len(example["labels"]) if index % 2 else example["labels"]},
        with_indices=True,
    )
    settings = {"per_device_train_batch_size": 1, "max_steps": 12, "logging_nan_inf_filter": False}
    trainer = train(toy, tmp_path, train_dataset=data, soft_target_weight=0.0, **settings)
    losses = logged_losses(trainer)
    assert 0 in losses
    assert all(loss >= 0 for loss in losses)
