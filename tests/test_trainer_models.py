"""Models that take less than usual, answer in another form, or stand in another: trained, or refused at once."""

import copy

import pytest
import torch
from datasets import Dataset
from peft import LoraConfig, PromptTuningConfig, get_peft_model
from torch import nn
from torch.ao import quantization
from transformers import BertModel, BertPreTrainedModel, default_data_collator

from helpers.models import tiny_bert, tiny_model
from helpers.toys import (
    config_of,
    encode,
    largest_difference,
    logged_losses,
    make_toy,
    make_trainer,
    sharpen,
    weights_of,
)
from hf_multiteacher import DataCollatorForDistillation, MultiTokenizer, Teacher


def train(toy, folder, **changes):
    trainer = make_trainer(toy, folder, **{"max_steps": 3, "logging_steps": 1, **changes})
    trainer.train()
    return trainer


def compiled(model):
    return torch.compile(model, backend="eager")


# ---- Longer texts than a model has positions for ----


@pytest.fixture
def unlimited(pair):
    """The two tokenizers as they are loaded where nobody has written down a limit."""
    without = [copy.deepcopy(tokenizer) for tokenizer in pair]
    for tokenizer in without:
        tokenizer.model_max_length = int(1e30)
    return without


def long_toy(unlimited, architecture="bert", encoded=False):
    """A toy with one teacher that has positions for 16 tokens, and texts of some forty."""
    own, other = unlimited
    toy = make_toy("single-label", (own, other))
    positions = {"bert": 16, "roberta": 18}[architecture]
    small = tiny_model(
        architecture,
        "SequenceClassification",
        vocab_size=len(other),
        **config_of("single-label") | {"max_position_embeddings": positions},
    )
    toy.teachers = [Teacher(small, tokenizer=other, name="short")]
    toy.multi_tokenizer = MultiTokenizer(own, [other])
    data = Dataset.from_dict({"text": [" ".join(["Pisica neagră doarme"] * 8)] * 8, "label": [0, 1] * 4})
    keep = toy.multi_tokenizer if encoded else MultiTokenizer(own, [])
    toy.train = toy.evaluation = encode("single-label", data, keep)
    return toy


def test_what_was_encoded_too_long_is_refused_with_both_numbers(unlimited, tmp_path):
    toy = long_toy(unlimited, encoded=True)
    longest = len(toy.train[0]["teacher_0_input_ids"])
    with pytest.raises(ValueError, match=f"Teacher 'short' has positions for 16 tokens, .* holds {longest}"):
        make_trainer(toy, tmp_path)


@pytest.mark.parametrize("architecture", ["bert", "roberta"])
@pytest.mark.parametrize("given", [False, True], ids=["collator of the trainer", "collator of the user"])
def test_what_is_rebuilt_is_cut(architecture, given, unlimited, tmp_path):
    toy = long_toy(unlimited, architecture)
    collator = DataCollatorForDistillation(toy.multi_tokenizer) if given else None
    trainer = train(toy, tmp_path, data_collator=collator)
    batch = next(iter(trainer.get_train_dataloader()))
    assert batch["input_ids"].shape[1] > 20
    assert batch["teacher_0_input_ids"].shape[1] == 16
    assert (trainer.data_collator is collator) == given


def test_the_trainers_own_multi_tokenizer_cuts_what_it_encodes(unlimited, tmp_path):
    trainer = make_trainer(long_toy(unlimited), tmp_path)
    text = {"text": ["Pisica neagră doarme " * 100]}
    encoded = trainer.multi_tokenizer.encode(text, text="text")
    assert [len(encoded[name][0]) for name in ("input_ids", "teacher_0_input_ids")] == [128, 16]
    assert len(trainer.multi_tokenizer.encode(text, text="text", max_length=12)["teacher_0_input_ids"][0]) == 12


def test_a_stream_is_refused_at_its_first_batch_by_name(unlimited, tmp_path):
    toy = long_toy(unlimited, encoded=True)
    trainer = make_trainer(toy, tmp_path, train_dataset=toy.train.to_iterable_dataset(), eval_dataset=None)
    with pytest.raises(ValueError, match="Teacher 'short' has positions for 16 tokens"):
        trainer.train()
    with pytest.raises(ValueError, match="Teacher 'short' has positions for 16 tokens"):
        trainer.evaluate(toy.train)


@pytest.mark.parametrize("task", ["tagging", "single-label"])
def test_a_tokenizer_of_more_entries_than_the_student_knows_is_refused_where_teachers_have_their_own(
    task, pair, tmp_path
):
    toy = make_toy(task, pair)
    larger = copy.deepcopy(toy.tokenizer)
    larger.add_tokens(["foreign"])
    with pytest.raises(ValueError, match="goes up to 300 and the model has 300 embeddings"):
        make_trainer(toy, tmp_path, processing_class=larger)


def test_data_of_another_tokenizer_are_refused(pair, tmp_path):
    toy = make_toy("single-label", pair)
    foreign = toy.train.map(lambda row: {"input_ids": [*row["input_ids"][:-1], 4000]})
    with pytest.raises(ValueError, match="The student has embeddings for the input_ids 0 to 299, .* holds 4000"):
        make_trainer(toy, tmp_path, train_dataset=foreign)


# ---- Heads of different width over one vocabulary ----


def padded(pair, widths, folder, **changes):
    """Two teachers that read the student's tokens; the entries beyond the tokenizer's are the most probable ones."""
    cased = pair[0]
    toy = make_toy("masked-lm", pair, same_tokenizer=True)
    models = [tiny_bert("MaskedLM", len(cased), seed=seed) for seed in (1, 2, 3)]
    for model, width in zip(models, widths, strict=True):
        sharpen(model)
        model.resize_token_embeddings(len(cased) + width, mean_resizing=False)
        model.cls.predictions.bias.data[len(cased) :] = 50.0
    toy.student = models[0]
    toy.teachers = [Teacher(model, tokenizer=cased, name=name) for model, name in zip(models[1:], "ab", strict=True)]
    return make_trainer(toy, folder, max_steps=2, logging_steps=1, **changes)


@pytest.mark.parametrize("ensemble", ["probabilities", "logits", "per_teacher"])
@pytest.mark.parametrize("widths", [(0, 8, 0), (8, 0, 0), (1, 0, 4)])
def test_entries_that_the_tokenizer_does_not_have_take_no_part(widths, ensemble, pair, tmp_path):
    expected = padded(pair, (0, 0, 0), tmp_path, ensemble=ensemble, hard_label_weight=0.0).evaluate()
    trainer = padded(pair, widths, tmp_path, ensemble=ensemble, hard_label_weight=0.0)
    metrics = trainer.evaluate()
    compared = [name for name in expected if "soft_loss" in name or "loyalty" in name]
    assert "eval_probability_loyalty/ensemble" in compared
    for name in compared:
        assert metrics[name] == pytest.approx(expected[name], rel=1e-4), name
    trainer.train()


def test_equal_widths_are_compared_whole(pair, tmp_path):
    whole = padded(pair, (8, 8, 8), tmp_path).evaluate()
    assert whole["eval_soft_loss"] != pytest.approx(padded(pair, (0, 0, 0), tmp_path).evaluate()["eval_soft_loss"])


def test_a_student_without_an_embedding_for_each_entry_is_refused(pair, tmp_path):
    toy = make_toy("masked-lm", pair)
    with pytest.raises(ValueError, match="the tokenizer goes up to 299 and the model has 290 embeddings"):
        make_trainer(toy, tmp_path, model=tiny_bert("MaskedLM", 290))


# ---- Answers in another form ----


class OwnForTokenClassification(BertPreTrainedModel):
    """A tagger whose forward takes what it needs, and answers as `form` says."""

    form = tuple

    def __init__(self, config):
        super().__init__(config)
        self.bert = BertModel(config, add_pooling_layer=False)
        self.dropout, self.classifier = nn.Dropout(0.0), nn.Linear(config.hidden_size, config.num_labels)
        self.post_init()

    def forward(self, input_ids, attention_mask=None, token_type_ids=None, labels=None):
        states = self.bert(input_ids, attention_mask=attention_mask, token_type_ids=token_type_ids)[0]
        logits = self.classifier(states)
        return {"logits": logits} if self.form is dict else (logits,)


class NamelessForTokenClassification(OwnForTokenClassification):
    """The same, whose forward names nothing of what it takes."""

    def forward(self, **inputs):
        inputs.pop("return_dict")
        return super().forward(**inputs)


@pytest.mark.parametrize("cls", [OwnForTokenClassification, NamelessForTokenClassification])
@pytest.mark.parametrize("form", [tuple, dict])
@pytest.mark.parametrize("role", ["student", "teacher"])
def test_a_class_of_ones_own_is_trained_and_teaches_as_the_same_weights_do(cls, form, role, pair, tmp_path):
    toy = make_toy("tagging", pair)
    expected = train(toy, tmp_path, max_steps=2)
    model = toy.student if role == "student" else toy.teachers[0].model
    own = cls(model.config)
    own.load_state_dict(model.state_dict())
    own.form = form
    if role == "student":
        toy.student = own
    else:
        toy.teachers[0] = Teacher(own, tokenizer=toy.tokenizer, name="first")
    trainer = train(toy, tmp_path, max_steps=2)
    assert largest_difference(weights_of(trainer), weights_of(expected)) == 0
    expected_logits = expected.predict(toy.evaluation).predictions
    assert (trainer.predict(toy.evaluation).predictions == expected_logits).all()


@pytest.mark.parametrize("role", ["student", "teacher"])
def test_hidden_states_that_nobody_can_compare_are_refused_when_the_trainer_is_made(role, pair, tmp_path):
    toy = make_toy("tagging", pair)
    own = OwnForTokenClassification(toy.student.config)
    if role == "student":
        toy.student = own
    else:
        toy.teachers[0] = Teacher(own, tokenizer=toy.tokenizer, name="first")
    name = "the student" if role == "student" else "teacher 'first'"
    with pytest.raises(ValueError, match=f"hidden_state_weight compares hidden states, but {name} gives none"):
        make_trainer(toy, tmp_path, hidden_state_weight=0.5)


# ---- Compiled models ----


def test_a_compiled_student_is_trained_and_saved_as_itself(pair, tmp_path):
    toy = make_toy("tagging", pair)
    expected = train(toy, tmp_path / "expected", max_steps=4)
    student = compiled(copy.deepcopy(toy.student))
    trainer = train(toy, tmp_path, model=student, max_steps=4, save_strategy="steps", save_steps=2)
    assert largest_difference(weights_of(trainer), weights_of(expected)) < 1e-6
    assert trainer.model._compiled_call_impl is not None
    loaded = type(toy.student).from_pretrained(tmp_path / "checkpoint-4")
    assert largest_difference(dict(loaded.named_parameters()), weights_of(trainer)) == 0
    resumed = make_trainer(toy, tmp_path, model=compiled(copy.deepcopy(toy.student)), max_steps=4)
    resumed.train(resume_from_checkpoint=str(tmp_path / "checkpoint-2"))
    assert largest_difference(weights_of(resumed), weights_of(trainer)) < 1e-6


def test_a_compiled_student_of_a_search_is_compiled_in_place(pair, tmp_path):
    toy = make_toy("tagging", pair)
    trainer = make_trainer(toy, tmp_path, model_init=lambda: compiled(copy.deepcopy(toy.student)), max_steps=1)
    trainer.train()
    assert type(trainer.model) is type(toy.student)


@pytest.mark.parametrize("order", ["adapter of a compiled model", "compiled adapter"])
def test_a_compiled_adapter_is_saved_under_the_names_that_peft_looks_for(order, pair, tmp_path):
    toy = make_toy("tagging", pair)
    config = LoraConfig(task_type="TOKEN_CLS", r=2, target_modules=["query"])
    plain = get_peft_model(copy.deepcopy(toy.student), config)
    expected = set(plain.state_dict())
    student = compiled(plain) if order == "compiled adapter" else get_peft_model(compiled(toy.student), config)
    trainer = train(toy, tmp_path, model=student, max_steps=2)
    assert set(trainer.model.state_dict()) == expected
    trainer.save_model(str(tmp_path / "saved"))
    assert trainer.card_data().adapter_of == (plain.active_peft_config.base_model_name_or_path or "")


@pytest.mark.parametrize(
    "way",
    [
        {},
        {"teacher_cache": "cache", "teacher_cache_dtype": "float32"},
        {"teacher_device": "in turn"},
        {"teacher_dtype": "float64"},
    ],
    ids=["live", "cached", "in turn", "copied"],
)
@pytest.mark.parametrize("task", ["masked-lm", "tagging"])
def test_compiled_teachers_teach_the_same_in_every_way(task, way, pair, tmp_path, monkeypatch):
    monkeypatch.setattr("hf_multiteacher.training_args.TEACHER_DTYPES", ("float64",))  # on a CPU it is fast
    way = way | ({"teacher_cache": str(tmp_path / "cache")} if "teacher_cache" in way else {})
    toy = make_toy(task, pair, hidden_state_weight=0.5)
    plain = train(toy, tmp_path, max_steps=2)
    graphs = [
        Teacher(compiled(teacher.model), tokenizer=teacher.tokenizer, name=teacher.name) for teacher in toy.teachers
    ]
    cold, warm = (train(toy, tmp_path, max_steps=2, teachers=graphs, **way) for _ in range(2))

    assert largest_difference(weights_of(plain), weights_of(cold)) < 1e-6
    assert largest_difference(weights_of(cold), weights_of(warm)) == 0


def test_a_compiled_teacher_teaches_what_it_teaches_otherwise(pair, tmp_path):
    toy = make_toy("masked-lm", pair)
    expected = train(toy, tmp_path, max_steps=2)
    revisions = [teacher["revision"] for teacher in expected.teachers.manifest()]
    toy.teachers = [
        Teacher(compiled(teacher.model), tokenizer=teacher.tokenizer, name=teacher.name) for teacher in toy.teachers
    ]
    trainer = train(toy, tmp_path, max_steps=2)
    assert largest_difference(weights_of(trainer), weights_of(expected)) < 1e-6
    assert [teacher["revision"] for teacher in trainer.teachers.manifest()] == revisions


# ---- Adapters, further inputs, quantised teachers ----


def test_prompt_tuning_is_refused_in_tagging_and_serves_sequence_tasks(pair, tmp_path):
    toy = make_toy("tagging", pair)
    prompts = get_peft_model(toy.student, PromptTuningConfig(task_type="TOKEN_CLS", num_virtual_tokens=4))
    with pytest.raises(ValueError, match=r"the student gives logits \[1, 12, 4\] for tokens \[1, 8\]"):
        make_trainer(toy, tmp_path, model=prompts)
    toy = make_toy("single-label", pair)
    prompts = get_peft_model(toy.student, PromptTuningConfig(task_type="SEQ_CLS", num_virtual_tokens=4))
    trainer = make_trainer(toy, tmp_path, model=prompts, max_steps=2)
    start = weights_of(trainer)
    trainer.train()
    assert largest_difference(weights_of(trainer), start) > 0
    assert trainer.multi_tokenizer.max_lengths == [124, 128, 128]


def packed(tokenizer):
    """Two texts in each row, whose positions are counted anew."""
    rows = [[2, 71, 72, 3, 2, 73, 74, 3], [2, 75, 3, 2, 76, 77, 78, 3]] * 4
    return Dataset.from_dict(
        {
            "input_ids": rows,
            "labels": [[-100 if token < 5 else token % 4 for token in row] for row in rows],
            "position_ids": [[0, 1, 2, 3, 0, 1, 2, 3], [0, 1, 2, 0, 1, 2, 3, 4]] * 4,
        }
    )


@pytest.mark.parametrize("collator", [default_data_collator, None], ids=["the user's", "ours"])
def test_a_twin_that_reads_the_same_inputs_has_nothing_to_teach(collator, pair, tmp_path):
    toy = make_toy("tagging", pair)
    sharpen(toy.student)
    toy.teachers = [Teacher(copy.deepcopy(toy.student), tokenizer=toy.tokenizer, name="twin")]
    trainer = make_trainer(
        toy, tmp_path, train_dataset=packed(toy.tokenizer), eval_dataset=packed(toy.tokenizer), data_collator=collator
    )
    metrics = trainer.evaluate()
    assert metrics["eval_soft_loss"] == pytest.approx(0, abs=1e-7)
    assert metrics["eval_label_loyalty/twin"] == metrics["eval_probability_loyalty/twin"] == 1
    plain = packed(toy.tokenizer).remove_columns("position_ids")
    assert trainer.evaluate(plain)["eval_loss"] != pytest.approx(metrics["eval_loss"], rel=1e-3)


def test_an_input_that_only_the_teacher_takes_reaches_it(pair, tmp_path):
    toy = make_toy("tagging", pair)
    teacher = toy.teachers[0].model
    distil = tiny_model("distilbert", "TokenClassification", vocab_size=len(toy.tokenizer), **config_of("tagging"))
    toy.student = distil
    toy.teachers = toy.teachers[:1]
    trainer = make_trainer(toy, tmp_path, train_dataset=packed(toy.tokenizer), eval_dataset=None)
    batch = next(iter(trainer.get_train_dataloader()))
    objective = trainer.distillation_objective
    rows = objective.rows(batch)
    said = objective.teachers.forward(batch, rows, False).logits[0]
    with torch.no_grad():
        expected = teacher(**{name: batch[name] for name in ("input_ids", "attention_mask", "position_ids")}).logits
    assert torch.equal(said, expected[rows.tokens])


def test_an_input_that_a_teacher_takes_and_cannot_get_is_refused(pair, tmp_path):
    toy = make_toy("tagging", pair)
    with pytest.raises(ValueError, match="Teacher 'second' takes 'position_ids' as the student does"):
        make_trainer(toy, tmp_path, train_dataset=packed(toy.tokenizer), eval_dataset=None)


def test_a_quantised_teacher_can_be_saved_and_resumed(pair, tmp_path):
    toy = make_toy("tagging", pair)
    quantised = quantization.quantize_dynamic(toy.teachers[0].model, {nn.Linear})
    toy.teachers[0] = Teacher(quantised, tokenizer=toy.tokenizer, name="int8")
    trainer = train(toy, tmp_path, max_steps=4, save_strategy="steps", save_steps=2)
    resumed = make_trainer(toy, tmp_path, max_steps=4)
    resumed.train(resume_from_checkpoint=str(tmp_path / "checkpoint-2"))
    assert logged_losses(resumed)[-2:] == logged_losses(trainer)[-2:]
    assert largest_difference(weights_of(resumed), weights_of(trainer)) == 0


def test_a_teacher_with_quantised_embeddings_tells_their_number(pair, tmp_path):
    toy = make_toy("tagging", pair)
    model = toy.teachers[0].model
    model.bert.embeddings.word_embeddings.qconfig = quantization.float_qparams_weight_only_qconfig
    quantised = quantization.quantize_dynamic(model, {nn.Embedding: quantization.float_qparams_weight_only_qconfig})
    toy.teachers[0] = Teacher(quantised, tokenizer=toy.tokenizer, name="int8")
    trainer = train(toy, tmp_path, max_steps=1)
    assert trainer.teachers.manifest()[0]["revision"].startswith("sha256:")
