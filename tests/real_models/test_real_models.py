"""Real encoders as teachers and students: three vocabularies, no heads, more embeddings than pieces."""

import copy
import math

import pytest
import torch
from datasets import Dataset
from transformers import (
    AutoModelForMaskedLM,
    AutoModelForTokenClassification,
    AutoTokenizer,
    BertForSequenceClassification,
)

from helpers.tokenizers import SENTENCES
from helpers.toys import logged_losses
from hf_multiteacher import (
    DistillationTrainingArguments,
    MultiTeacherDistillationTrainer,
    MultiTokenizer,
    Teacher,
    student_from_teacher,
)
from hf_multiteacher.recipes.comparison.comparison import Comparison, load_models
from hf_multiteacher.recipes.comparison.examples import load_examples
from hf_multiteacher.tokenization.encoder import count_entries

pytestmark = pytest.mark.real_models

LABELS = {"id2label": {0: "short", 1: "middle", 2: "long"}, "label2id": {"short": 0, "middle": 1, "long": 2}}


def length(word):
    return 0 if len(word) < 4 else 1 if len(word) < 8 else 2


def tagged():
    words = [sentence.split() for sentence in SENTENCES]
    return Dataset.from_dict({"words": words, "labels": [[length(word) for word in row] for row in words]})


def classified():
    return Dataset.from_dict({"text": SENTENCES, "labels": [length(text.split()[0]) for text in SENTENCES]})


def trainer_of(folder, model, tokenizer, teachers, data, columns, **changes):
    multi_tokenizer = MultiTokenizer(tokenizer, [teacher.tokenizer for teacher in teachers])
    raw = [name for name in data.column_names if name != "labels"]
    encoded = data.map(multi_tokenizer.encode, batched=True, fn_kwargs=columns, remove_columns=raw)
    settings = {"max_steps": 6, "logging_steps": 1, "learning_rate": 3e-3, "lr_scheduler_type": "constant"}
    settings |= {"use_cpu": True, "report_to": [], "disable_tqdm": True, "save_strategy": "no"}
    settings |= {"per_device_train_batch_size": 10, "output_dir": str(folder), **changes}
    return MultiTeacherDistillationTrainer(
        model,
        DistillationTrainingArguments(**settings),
        train_dataset=encoded,
        eval_dataset=encoded,
        processing_class=tokenizer,
        teachers=teachers,
    )


def expect_falling(losses):
    assert all(math.isfinite(loss) for loss in losses)
    assert losses[-1] < losses[0]


@pytest.fixture
def teachers(e5, minilm, headed):
    """Two real teachers with new heads for the labels."""

    def make(head):
        torch.manual_seed(0)
        loaded = {"e5": headed(e5, head, **LABELS), "minilm": headed(minilm, head, **LABELS)}
        return [Teacher(model, tokenizer=tokenizer, name=name) for name, (model, tokenizer) in loaded.items()]

    return make


@pytest.mark.parametrize("bf16", [False, True])
def test_a_tagger_learns_from_two_teachers_that_see_every_word(tmp_path, student, romanian, teachers, bf16):
    model, columns = student("TokenClassification", **LABELS), {"words": "words", "labels": "labels"}
    trainer = trainer_of(
        tmp_path,
        model,
        romanian,
        teachers("TokenClassification"),
        tagged(),
        columns,
        hidden_state_weight=0.5,
        bf16=bf16,
    )
    trainer.train()
    expect_falling(logged_losses(trainer))
    first = trainer.state.log_history[0]
    assert (first["coverage/e5"], first["coverage/minilm"]) == (1, 1)


def test_a_tagger_whose_text_is_rebuilt_shares_nearly_every_word(tmp_path, student, romanian, teachers):
    """Only the student's tokens are left, as in an official script."""
    alone = tagged().map(
        MultiTokenizer(romanian, [romanian]).encode,
        batched=True,
        fn_kwargs={"words": "words", "labels": "labels"},
        remove_columns=["words"],
    )
    trainer = trainer_of(
        tmp_path,
        student("TokenClassification", **LABELS),
        romanian,
        teachers("TokenClassification"),
        tagged(),
        {"words": "words", "labels": "labels"},
    )
    trainer.train_dataset = alone
    trainer.train()
    assert min(trainer.state.log_history[0][f"coverage/{name}"] for name in ("e5", "minilm")) > 0.99


def test_a_classifier_learns_and_what_was_saved_says_the_same(tmp_path, student, romanian, teachers):
    model = student("SequenceClassification", **LABELS)
    trainer = trainer_of(
        tmp_path,
        model,
        romanian,
        teachers("SequenceClassification"),
        classified(),
        {"text": "text", "labels": "labels"},
    )
    trainer.train()
    expect_falling(logged_losses(trainer))

    metrics = trainer.evaluate()
    assert {f"eval_label_loyalty/{name}" for name in ("e5", "minilm", "ensemble")} <= metrics.keys()

    trainer.save_model()
    read = AutoTokenizer.from_pretrained(tmp_path)
    inputs = read(SENTENCES[0], return_tensors="pt")
    assert inputs["input_ids"].tolist() == romanian(SENTENCES[0], return_tensors="pt")["input_ids"].tolist()
    reloaded = type(model).from_pretrained(tmp_path)
    with torch.no_grad():
        torch.testing.assert_close(reloaded(**inputs).logits, trainer.model.eval()(**inputs).logits)


@pytest.mark.parametrize(("name", "layers", "chosen"), [("e5", 2, (0, 11)), ("minilm", 3, (0, 3, 5))])
def test_a_student_begins_with_a_real_encoders_embeddings_and_layers(request, name, layers, chosen):
    folder = request.getfixturevalue(name)
    teacher, student = AutoModelForMaskedLM.from_pretrained(folder), student_from_teacher(folder, layers)
    embeddings = student.bert.embeddings.word_embeddings.weight
    assert torch.equal(embeddings, teacher.bert.embeddings.word_embeddings.weight)
    for own, layer in zip(student.bert.encoder.layer, chosen, strict=True):
        theirs = teacher.bert.encoder.layer[layer].state_dict()
        assert all(torch.equal(weight, theirs[key]) for key, weight in own.state_dict().items())


def test_a_student_of_a_model_with_a_head_says_what_the_model_says(splade):
    student, teacher = student_from_teacher(splade, 2), AutoModelForMaskedLM.from_pretrained(splade).eval()
    inputs = AutoTokenizer.from_pretrained(splade)(SENTENCES[0], return_tensors="pt")
    with torch.no_grad():
        torch.testing.assert_close(student(**inputs).logits, teacher(**inputs).logits)


def test_a_text_longer_than_the_models_is_cut_where_no_tokenizer_states_a_limit(tmp_path, student, romanian, teachers):
    reader = copy.deepcopy(romanian)
    reader.model_max_length = int(1e30)
    given = teachers("SequenceClassification")
    for teacher in given:
        teacher.tokenizer.model_max_length = int(1e30)

    words = " ".join(SENTENCES * 20)
    data = Dataset.from_dict({"input_ids": reader([words, words])["input_ids"], "labels": [0, 1]})
    tokens = len(data["input_ids"][0])
    assert tokens > 512

    arguments = DistillationTrainingArguments(
        output_dir=str(tmp_path), max_steps=1, use_cpu=True, report_to=[], per_device_train_batch_size=2
    )
    make = {"args": arguments, "processing_class": reader, "teachers": given, "train_dataset": data}
    with pytest.raises(ValueError, match=f"The student has positions for 128 tokens, but .* holds {tokens} for an"):
        MultiTeacherDistillationTrainer(student("SequenceClassification", **LABELS), **make)

    config = student("SequenceClassification", **LABELS).config
    config.max_position_embeddings = tokens
    trainer = MultiTeacherDistillationTrainer(BertForSequenceClassification(config), **make)
    (batch,) = trainer.get_train_dataloader()
    assert [batch[f"teacher_{number}_input_ids"].shape[1] for number in (0, 1)] == [512, 512]
    trainer.train()
    assert trainer.state.global_step == 1


def test_loyalty_reads_every_word_with_the_real_tokenizers(tmp_path, e5, minilm, headed):
    for name, folder in (("pupil", e5), ("teacher", minilm)):
        torch.manual_seed(1)
        for each in headed(folder, "TokenClassification", **LABELS):
            each.save_pretrained(tmp_path / name)
    text = tmp_path / "text.txt"
    text.write_text("\n".join(SENTENCES) + "\n", encoding="utf-8")

    examples = load_examples("token-classification", str(text), None)
    student = str(tmp_path / "pupil")
    models = load_models(student, [str(tmp_path / "teacher"), student], examples.kind)
    loyalty = Comparison.of(models, examples, 4, None).loyalty()
    itself, teacher = (loyalty[name] for name in ("pupil", "teacher"))
    assert itself["label_loyalty"] == 1
    assert itself["rows"] == teacher["rows"] == sum(len(sentence.split()) for sentence in SENTENCES)
    assert teacher["probability_loyalty"] < 1


def test_masked_lm_over_250000_pieces_and_more_embeddings_than_pieces(tmp_path, e5, splade):
    tokenizers = [AutoTokenizer.from_pretrained(folder) for folder in (e5, splade)]
    model = student_from_teacher(e5, 1)
    assert (count_entries(tokenizers[0]), model.get_input_embeddings().weight.shape[0]) == (250_002, 250_037)

    same = AutoModelForMaskedLM.from_pretrained(e5)
    given = [
        Teacher(same, tokenizer=tokenizers[0], name="e5"),
        Teacher(splade, tokenizer=tokenizers[1], name="splade"),
    ]
    data = Dataset.from_dict({"text": SENTENCES[:4]})
    trainer = trainer_of(
        tmp_path, model, tokenizers[0], given, data, {"text": "text"}, max_steps=1, optim="sgd", learning_rate=0.1
    )
    trainer.train()
    assert all(math.isfinite(loss) for loss in logged_losses(trainer))
    first = trainer.state.log_history[0]
    assert first["soft_loss/e5"] > 0
    assert 0.1 < first["shared_mass/splade"] <= 1
    assert first["coverage/splade"] > 0.5

    inputs = tokenizers[0](SENTENCES[0], return_tensors="pt")
    assert int(inputs["input_ids"].max()) < 250_002
    trainer.save_model()
    reloaded = AutoModelForMaskedLM.from_pretrained(tmp_path).eval()
    with torch.no_grad():
        logits = reloaded(**inputs).logits
        torch.testing.assert_close(logits, trainer.model.eval()(**inputs).logits)
    assert logits.shape[-1] == 250_037


def test_a_sentence_encoder_has_no_head_to_teach_with(e5, student, romanian, tmp_path):
    with pytest.raises(ValueError, match=r"no weights for \['classifier.bias', 'classifier.weight'\]"):
        trainer_of(
            tmp_path,
            student("TokenClassification", **LABELS),
            romanian,
            [Teacher(str(e5), tokenizer=AutoTokenizer.from_pretrained(e5))],
            tagged(),
            {"words": "words", "labels": "labels"},
        )
    assert AutoModelForTokenClassification.from_pretrained(e5, dtype=torch.float32).num_labels == 2
