import json
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from datasets import Dataset
from huggingface_hub import ModelCard, metadata_load
from huggingface_hub.repocard_data import model_index_to_eval_results
from peft import LoraConfig, get_peft_model
from transformers import TrainerCallback

from helpers.card_rules import problems
from helpers.rendered_card import render, rows_under
from helpers.toys import make_toy, make_trainer
from hf_multiteacher import DataCollatorForDistillation
from hf_multiteacher.hub.files import PushError, content_to_push
from hf_multiteacher.report.benchmark import count_parameters, saved_megabytes

toy_of = cache(make_toy)


def word_accuracy(prediction):
    counted = prediction.label_ids != -100
    right = prediction.predictions.argmax(axis=-1) == prediction.label_ids
    return {"accuracy": float(np.mean(right[counted]))}


def card_of(trainer, **card):
    trainer.create_model_card(**card)
    return render(folder_of(trainer))


def folder_of(trainer):
    return Path(trainer.args.output_dir)


class EvaluateAtTwo(TrainerCallback):
    def on_step_end(self, args, state, control, **kwargs):
        control.should_evaluate = state.global_step == 2


@pytest.fixture(scope="module")
def tagger(tmp_path_factory):
    """A tagger after its training and evaluation."""
    trainer = make_trainer(toy_of("tagging"), tmp_path_factory.mktemp("run") / "tagger", compute_metrics=word_accuracy)
    trainer.train()
    trainer.measured = trainer.evaluate()
    return trainer


def test_the_card_of_a_run_is_whole_and_says_what_was_measured(tagger):
    page, measured = card_of(tagger), tagger.measured
    assert len(list(page.iter("table"))) == 7 and [image.get("src") for image in page.iter("img")] == [
        "quality.png",
        "loyalty.png",
        "training.png",
    ]
    assert rows_under(page, "Quality") == [
        ["Model", "loss ↓", "accuracy"],
        ["tagger", f"{measured['eval_loss']:.4g}", f"{measured['eval_accuracy']:.4g}"],
        *(
            [name, *(f"{measured[f'eval_{measure}/{name}']:.4g}" for measure in ("loss", "accuracy"))]
            for name in ("first", "second", "ensemble")
        ),
    ]
    names = ("label_loyalty", "probability_loyalty")
    assert rows_under(page, "Loyalty")[1:] == [
        [teacher, *(f"{measured[f'eval_{name}/{teacher}']:.4g}" for name in names)]
        for teacher in ("first", "second", "ensemble")
    ]
    text = "".join(page.itertext())
    runtime = next(entry["train_runtime"] for entry in tagger.state.log_history if "train_runtime" in entry)
    assert f"Training time: {runtime:,.1f} s for 20 optimizer steps" in text
    assert "Labels: a, b, c, d." in text and "Measured on evaluation data." in text
    kept = measured["eval_accuracy"] / max(measured[f"eval_accuracy/{name}"] for name in ("first", "second"))
    assert [item.text for item in page.find("ul")] == [
        f"Quality kept: {100 * kept:.1f} % of the accuracy of first, the best teacher",
        "Size: 36 % smaller than second, the largest teacher",
    ]
    assert ["ensemble", "probabilities"] in rows_under(page, "Training"), "what was decided, not the default None"


def test_the_metadata_comes_back(tagger):
    card_of(tagger, language="ro", license="mit", tags="toy", dataset="a corpus", dataset_tags=["org/corpus"])
    path = folder_of(tagger) / "README.md"
    found = metadata_load(path)
    name, results = model_index_to_eval_results(found.pop("model-index"))
    assert name == "tagger" and [(each.dataset_name, each.metric_type, each.metric_value) for each in results] == [
        ("a corpus", "loss", tagger.measured["eval_loss"]),
        ("a corpus", "accuracy", tagger.measured["eval_accuracy"]),
    ]
    assert found == {
        "language": ["ro"],
        "license": "mit",
        "library_name": "transformers",
        "pipeline_tag": "token-classification",
        "datasets": ["org/corpus"],
        "metrics": ["loss", "accuracy"],
        "tags": ["knowledge-distillation", "multiple-teachers", "hf-multiteacher", "toy"],
    }
    assert str(ModelCard.load(path)) == path.read_text("utf-8")


@pytest.mark.parametrize(
    ("given", "kind", "name"),
    [
        ({}, "evaluation-data", "evaluation data"),
        ({"dataset": "words in prose"}, "words-in-prose", "words in prose"),
        ({"dataset_tags": "owner/one"}, "owner/one", "owner/one"),
        ({"dataset_tags": ["owner/one"], "dataset": "words"}, "owner/one", "words"),
        ({"dataset_tags": ["owner/one", "owner/two"]}, "owner-one-owner-two", "owner/one, owner/two"),
        ({"dataset": ["one", "two"], "dataset_tags": ["owner/one", "owner/two"]}, "one-two", "one, two"),
    ],
)
def test_a_result_is_of_one_data_set_with_an_id_and_a_name(tagger, given, kind, name):
    card_of(tagger, **given)
    found = metadata_load(folder_of(tagger) / "README.md")
    assert [result["dataset"] for result in found["model-index"][0]["results"]] == [{"type": kind, "name": name}]
    assert problems((folder_of(tagger) / "README.md").read_text("utf-8"), "model") == ([], [])


def test_an_evaluation_set_with_the_name_of_a_data_set_belongs_to_it(tmp_path):
    toy = toy_of("tagging")
    sets = {"news": toy.evaluation.select(range(8)), "law": toy.evaluation.select(range(8, 20))}
    trainer = make_trainer(toy, tmp_path / "s", eval_dataset=sets)
    trainer.evaluate()
    card_of(trainer, dataset_tags=["org/news", "org/sport"])
    _, results = model_index_to_eval_results(metadata_load(tmp_path / "s" / "README.md")["model-index"])
    assert [(result.dataset_type, result.dataset_name) for result in results] == [("org/news", "news"), ("law", "law")]


def test_sizes_are_those_of_the_models(tagger):
    teacher = tagger.teachers[1].model
    rows = {row[0]: row[1:] for row in rows_under(card_of(tagger), "Size and speed")}
    assert rows["second"][0] == f"{count_parameters(teacher):,}"
    assert float(rows["second"][1]) == pytest.approx(saved_megabytes(teacher), abs=0.01)
    assert rows["Model"] == ["Parameters", "MB"], "no latency: none was measured"


@pytest.fixture
def clock(monkeypatch):
    """What a stopped clock was asked: the inputs of every measurement; the student takes 1 s, its teachers 2 and 3."""
    asked = []

    def latencies(models, inputs):
        asked.append(inputs)
        for name, model in models.items():
            model(**inputs[name])
        return {name: float(place + 1) for place, name in enumerate(models)}

    monkeypatch.setattr("hf_multiteacher.training.speed.latencies", latencies)
    return asked


def test_speed_is_measured_on_the_same_texts_when_asked_for_once_and_not_in_training(clock, tmp_path):
    toy = toy_of("tagging")
    trainer = make_trainer(toy, tmp_path / "s", report_speed=True, eval_dataset={"news": toy.evaluation})
    trainer.is_in_train = True
    assert "latency_ms" not in trainer.card_data().sizes["s"] and not clock
    trainer.is_in_train = False
    page = card_of(trainer)
    sizes = trainer.card_data().sizes
    assert [sizes[name]["latency_ms"] for name in ("s", "first", "second")] == [1000, 2000, 3000]
    assert page.find("ul")[0].text == "Speed: 2 times as fast as first, 3 times as fast as second"
    assert rows_under(page, "Size and speed")[0][3:5] == ["Latency, ms", "Latency, student = 1"]
    (inputs,) = clock
    length = min(len(toy.evaluation[0][name]) for name in ("input_ids", "teacher_1_input_ids"))
    for key, column in (("0", "input_ids"), ("1", "input_ids"), ("2", "teacher_1_input_ids")):
        assert inputs[key]["input_ids"][0, :length].tolist() == toy.evaluation[0][column][:length], "its own tokens"
        assert len(inputs[key]["input_ids"]) == 8 and "labels" not in inputs[key]


def test_speed_is_not_measured_unless_asked_for_and_not_of_a_teacher_that_is_elsewhere(clock, tmp_path):
    toy = toy_of("single-label")
    assert "latency_ms" not in make_trainer(toy, tmp_path / "s").card_data().sizes["s"] and not clock
    trainer = make_trainer(toy, tmp_path / "s", report_speed=True, teacher_device="in turn")
    assert {name for name, row in trainer.card_data().sizes.items() if "latency_ms" in row} == {"s"}


def test_a_student_in_a_folder_with_the_name_of_a_teacher_is_told_from_it(pair, tmp_path):
    toy = make_toy("single-label", pair)
    trainer = make_trainer(toy, tmp_path / "first")
    trainer.evaluate()
    card = trainer.card_data()
    assert [*card.sizes] == ["first (student)", "first", "second"] and card.repo_id == "first"
    assert card.sizes["first (student)"]["parameters"] == sum(each.numel() for each in toy.student.parameters())


def test_any_field_of_the_card_can_be_given_and_no_other(tagger):
    page = card_of(
        tagger,
        command="python train.py",
        sizes={"tagger": {"latency_ms": 3.0}},
        finetuned_from="org/start",
        tasks="named-entities",
        dataset="a corpus",
        dataset_args="test",
        model_name="tagger",
    )
    assert "python train.py" in "".join(page.itertext()) and "Data: a corpus, test." in "".join(page.itertext())
    assert rows_under(page, "Size and speed") == [["Model", "Latency, ms"], ["tagger", "3"]]
    found = metadata_load(folder_of(tagger) / "README.md")
    assert found["base_model"] == ["org/start"]
    assert found["model-index"][0]["results"][0]["task"] == {"type": "named-entities"}
    with pytest.raises(TypeError, match="licence"):
        tagger.create_model_card(licence="mit")


def test_an_evaluation_of_other_weights_is_not_claimed(tmp_path):
    trainer = make_trainer(toy_of("tagging"), tmp_path, max_steps=5, callbacks=[EvaluateAtTwo()])
    trainer.train()
    assert [entry["step"] for entry in trainer.state.log_history if "eval_loss" in entry] == [2]
    text = "".join(card_of(trainer).itertext())
    assert "Measured on" not in text and "Quality kept" not in text
    assert "model-index" not in metadata_load(tmp_path / "README.md")


def test_the_best_checkpoint_brings_its_own_evaluation(tmp_path):
    trainer = make_trainer(
        toy_of("tagging"),
        tmp_path,
        max_steps=4,
        learning_rate=0.5,  # so high that the first is the best
        eval_strategy="steps",
        save_strategy="steps",
        eval_steps=1,
        save_steps=1,
        load_best_model_at_end=True,
    )
    trainer.train()
    losses = [entry["eval_loss"] for entry in trainer.state.log_history if "eval_loss" in entry]
    assert losses[0] == min(losses) and losses[0] < losses[-1]
    assert rows_under(card_of(trainer), "Quality")[1][1] == f"{losses[0]:.4g}"
    assert trainer.evaluate()["eval_loss"] == pytest.approx(losses[0])
    assert rows_under(card_of(trainer), "Quality")[1][1] == f"{losses[0]:.4g}"


def test_several_evaluation_sets_stand_side_by_side(tmp_path):
    toy = toy_of("tagging")
    sets = {"news": toy.evaluation.select(range(8)), "law": toy.evaluation.select(range(8, 20))}
    trainer = make_trainer(toy, tmp_path / "s", eval_dataset=sets)
    trainer.evaluate()
    trainer.evaluate(toy.evaluation, metric_key_prefix="test")
    page, logged = card_of(trainer), {k: v for entry in trainer.state.log_history for k, v in entry.items()}
    keys = ("eval_news_loss", "eval_law_loss", "test_loss")
    assert rows_under(page, "Quality")[:2] == [
        ["Model", "news: loss ↓", "law: loss ↓", "test: loss ↓"],
        ["s", *(f"{logged[key]:.4g}" for key in keys)],
    ]
    assert rows_under(page, "Loyalty")[0][1:3] == ["News label loyalty", "News probability loyalty"]


@pytest.mark.parametrize(
    ("positions", "heading"), [("labelled", "Share of masked spans"), ("all", "Share of spans that take part")]
)
def test_coverage_is_the_mean_of_what_was_logged(tmp_path, positions, heading):
    trainer = make_trainer(toy_of("masked-lm"), tmp_path, distill_positions=positions)
    trainer.train()
    logged = [
        [entry[f"{name}/second"] for entry in trainer.state.log_history if f"{name}/second" in entry]
        for name in ("coverage", "shared_mass")
    ]
    assert len(logged[0]) == 4
    assert rows_under(card_of(trainer), "How the same text reached them") == [
        ["Teacher", heading, "Share of probability in shared outcomes"],
        ["second", *(f"{sum(values) / len(values):.4g}" for values in logged)],
    ]


ACTIVATIONS = {
    "regression": lambda logits: logits,
    "multi-label": torch.sigmoid,
    "single-label": lambda logits: logits.softmax(dim=-1),
}


def adapter_of(task, folder):
    """A trainer of an adapter on a base that says nothing of labels, as a pretrained checkpoint does."""
    base = make_toy(task).student
    base.save_pretrained(folder / "base")
    config = json.loads((folder / "base" / "config.json").read_text())
    kept = {name: value for name, value in config.items() if name not in ("id2label", "label2id", "problem_type")}
    (folder / "base" / "config.json").write_text(json.dumps(kept))

    student = get_peft_model(base, LoraConfig(task_type="SEQ_CLS", target_modules=["query"]))
    student.active_peft_config.base_model_name_or_path = str(folder / "base")
    return make_trainer(toy_of(task), folder / "adapter", model=student, max_steps=1)


@pytest.mark.parametrize("task", ACTIVATIONS)
def test_the_snippet_of_an_adapter_prints_the_student_s_own_number(task, tmp_path):
    trainer = adapter_of(task, tmp_path)
    trainer.train()
    trainer.save_model()
    card_of(trainer, example="Ana are mere.")
    snippet = (tmp_path / "adapter" / "README.md").read_text("utf-8").split("```python\n")[1].split("```")[0]
    printed = []
    exec(snippet.replace('"adapter"', repr(str(tmp_path / "adapter"))), {"print": printed.extend})

    inputs = trainer.processing_class("Ana are mere.", return_tensors="pt")
    scores = ACTIVATIONS[task](trainer.model.eval()(**inputs).logits[0])
    label = "LABEL_0" if task == "regression" else "abc"[scores.argmax()]
    expected = {"label": label, "score": scores.max().item()}
    assert printed == [pytest.approx(expected)]


def test_an_adapter_names_its_base_and_the_one_number_of_a_regression_is_no_label(tmp_path):
    trainer = adapter_of("regression", tmp_path)
    trainer.model.active_peft_config.base_model_name_or_path = "org/base"
    card_of(trainer)
    card = (tmp_path / "adapter" / "README.md").read_text("utf-8")
    assert metadata_load(tmp_path / "adapter" / "README.md")["base_model"] == ["org/base"]
    assert "It is an ordinary PEFT adapter and runs on its base, `org/base`." in card
    assert "Labels:" not in card and "temperature" not in card
    assert "soft_target_weight * (teachers - student)²" in card


@pytest.mark.parametrize("columns", [{"text": "text"}, {"text": "text", "text_pair": "text_pair"}])
@pytest.mark.parametrize("evaluated_only", [False, True])
def test_the_example_of_a_student_of_pairs_is_a_pair(columns, evaluated_only, tmp_path):
    toy = toy_of("regression")
    texts = Dataset.from_dict({"text": ["Ana are mere."] * 4, "text_pair": ["Are și pere."] * 4, "labels": [0.5] * 4})
    rows = texts.map(
        toy.multi_tokenizer.encode, batched=True, fn_kwargs=columns, remove_columns=texts.column_names[:2]
    )
    given = {"train_dataset": None, "eval_dataset": {"news": rows}} if evaluated_only else {"train_dataset": rows}
    trainer = make_trainer(toy, tmp_path, **given)
    trainer.create_model_card(language="ro")
    card = (tmp_path / "README.md").read_text("utf-8")
    assert ('student({"text": "București este' in card) is ("text_pair" in columns)
    trainer.create_model_card(example="Un text.")
    assert 'student("Un text.")' in (tmp_path / "README.md").read_text("utf-8")


def lora_on_a_base_in_memory(folder):
    student = get_peft_model(make_toy("tagging").student, LoraConfig(task_type="TOKEN_CLS", target_modules=["query"]))
    trainer = make_trainer(toy_of("tagging"), folder, model=student, report_loyalty=False)
    trainer.save_model()
    return trainer


def test_the_base_of_an_adapter_that_was_made_in_memory_can_be_named(tmp_path):
    trainer = lora_on_a_base_in_memory(tmp_path)
    with pytest.raises(PushError, match="names no base model.*finetuned_from='org/base'"):
        content_to_push(tmp_path / "adapter_config.json", None)
    trainer.create_model_card(finetuned_from="org/base")
    found = metadata_load(tmp_path / "README.md")
    assert (found["library_name"], found["base_model"], found["base_model_relation"]) == (
        "peft",
        ["org/base"],
        "adapter",
    )
    assert json.loads((tmp_path / "adapter_config.json").read_text())["base_model_name_or_path"] == "org/base"
    assert content_to_push(tmp_path / "adapter_config.json", None)


def test_a_save_keeps_the_card_and_the_name_of_an_adapter_s_base(tmp_path):
    trainer = lora_on_a_base_in_memory(tmp_path)
    for name in ("org/typo", "org/base"):
        trainer.create_model_card(finetuned_from=name, tags=["mine"])
        written = (tmp_path / "README.md").read_text("utf-8")
        trainer.save_model()
        assert (tmp_path / "README.md").read_text("utf-8") == written, "PEFT would put base_model: '' into it"
        assert metadata_load(tmp_path / "README.md")["base_model"] == [name]
        assert json.loads((tmp_path / "adapter_config.json").read_text())["base_model_name_or_path"] == name
    trainer.save_model(str(tmp_path / "elsewhere"))
    assert content_to_push(tmp_path / "elsewhere" / "adapter_config.json", None)
    trainer.create_model_card()
    assert metadata_load(tmp_path / "README.md")["base_model"] == ["org/base"]


def test_an_adapter_without_a_named_base_asks_for_the_base_and_not_for_none(tmp_path):
    trainer = lora_on_a_base_in_memory(tmp_path)
    trainer.create_model_card()
    card = (tmp_path / "README.md").read_text("utf-8")
    found = metadata_load(tmp_path / "README.md")
    assert found["library_name"] == "peft" and "base_model" not in found
    assert "None" not in card and "PeftModel.from_pretrained(base, " in card
    assert "PEFT adapter and runs on its base, the model that it was trained on." in card
    compile(card.split("```python\n")[1].split("```")[0], "snippet", "exec")
    assert problems(card, "model") == ([], [])


def test_a_tokenizer_that_only_the_collator_knows_is_saved_with_the_student(tmp_path):
    toy = toy_of("tagging")
    collator = DataCollatorForDistillation(toy.multi_tokenizer)
    make_trainer(toy, tmp_path, processing_class=None, data_collator=collator).save_model()
    assert (tmp_path / "tokenizer.json").is_file()
