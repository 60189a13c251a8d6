"""docs/migrate.md: each migrated script runs as it is printed, and so do the examples of subclassing."""

import json

import pytest
import torch

from helpers.models import tiny_bert
from helpers.pages import code_under
from helpers.toys import make_toy, make_trainer, raw_data, words_of
from hf_multiteacher import MultiTeacherDistillationTrainer

PAGE = "docs/migrate.md"
SCRIPTS = {
    "Token classification": "ner",
    "Text classification": "reviews",
    "Regression on pairs of sentences": "sts",
    "Masked-language modelling on concatenated text": "mlm",
}
LABELS = {"ner": ["O", "B-PER", "B-LOC"], "reviews": ["negative", "positive"], "sts": ["LABEL_0"]}
HEADS = {"ner": "TokenClassification", "mlm": "MaskedLM"}


@pytest.fixture(autouse=True)
def folder(pair, tmp_path, monkeypatch):
    """A working directory with a student, two teachers per task and data of each task."""
    monkeypatch.chdir(tmp_path)
    tiny_bert("MaskedLM", len(pair[0]), seed=1).save_pretrained("student")
    pair[0].save_pretrained("student")
    for task in SCRIPTS.values():
        names = LABELS.get(task, [])
        config = {"id2label": dict(enumerate(names)), "label2id": {name: index for index, name in enumerate(names)}}
        for number, (kind, tokenizer) in enumerate(zip(("cased", "uncased"), pair, strict=True)):
            model = tiny_bert(
                HEADS.get(task, "SequenceClassification"),
                len(tokenizer),
                hidden_size=16 + 8 * number,
                seed=number,
                **(config if names else {}),
            )
            model.save_pretrained(f"teachers/{task}-{kind}")
            tokenizer.save_pretrained(f"teachers/{task}-{kind}")
    rows = {
        "ner": [{"tokens": words_of(n), "ner_tags": [len(word) % 3 for word in words_of(n)]} for n in range(24)],
        "reviews": [{"sentence": " ".join(words_of(n)), "label": n % 2} for n in range(24)],
        "sts": [
            {"sentence1": " ".join(words_of(n)), "sentence2": " ".join(words_of(n + 3)), "label": n / 5}
            for n in range(24)
        ],
    }
    for task, examples in rows.items():
        (tmp_path / task).mkdir()
        for split, part in {"train": examples[:16], "validation": examples[16:]}.items():
            (tmp_path / task / f"{split}.json").write_text("\n".join(map(json.dumps, part)))
    (tmp_path / "corpus").mkdir()
    for split in ("train", "validation"):
        (tmp_path / "corpus" / f"{split}.txt").write_text("\n".join(raw_data("masked-lm", 24)["text"]))


@pytest.mark.parametrize("title", SCRIPTS)
def test_a_migrated_script_runs_as_it_is_printed(title, caplog):
    code = code_under(PAGE, title)
    assert sum(line.endswith("# changed") for line in code.splitlines()) == 3
    space = {}
    exec(compile(code, title, "exec"), space)
    task, metrics, trainer = SCRIPTS[title], space["metrics"], space["trainer"]
    entry = trainer.evaluate()
    assert {
        name: entry[name] for name in entry if "_per_" not in name and "time" not in name
    }.items() <= metrics.items()
    names = [f"{task}-cased", f"{task}-uncased"]
    assert trainer.teachers.names == names
    assert trainer.multi_tokenizer.source_of(1) == 1
    loyalty = "regression_loyalty" if task == "sts" else "probability_loyalty"
    assert {f"eval_{loyalty}/{name}" for name in names} <= metrics.keys()
    assert {"eval_accuracy", "eval_pearson"} & metrics.keys()
    assert "is replaced by DataCollatorForDistillation" in caplog.text
    assert "rebuilt from them" in caplog.text


def subclass(title):
    space = {"torch": torch, "MultiTeacherDistillationTrainer": MultiTeacherDistillationTrainer}
    code = code_under(PAGE, title)
    assert len(code.splitlines()) <= 11
    exec(compile(code, title, "exec"), space)
    return list(space.values())[-1]


@pytest.mark.parametrize("task", ["tagging", "masked-lm"])
def test_the_weighting_of_the_docs_follows_the_surest_teacher(task, pair, tmp_path):
    toy = make_toy(task, pair)
    trainer = make_trainer(
        toy,
        tmp_path,
        max_steps=3,
        logging_steps=1,
        trainer=subclass("Write your own weighting"),
        soft_target_weight=1.0,
    )
    weights = trainer.compute_teacher_weights(
        [torch.tensor([[0.0, 5.0], [0.0, 0.0], [0.0, 1.0]]), torch.tensor([[1.0, 0.0], [2.0, 0.0], [9.0, 0.0]])],
        None,
        torch.tensor([[True, True, True], [True, True, False]]),
    )
    assert weights.tolist() == [[1, 0, 1], [0, 1, 0]]
    trainer.train()
    entry = trainer.state.log_history[0]
    assert entry["teacher_weight/first"] + entry["teacher_weight/second"] == pytest.approx(1)
    plain = make_trainer(toy, tmp_path, max_steps=3, logging_steps=1, soft_target_weight=1.0)
    plain.train()
    assert entry["soft_loss"] != plain.state.log_history[0]["soft_loss"]
    assert "eval_soft_loss" in trainer.evaluate()


@pytest.mark.parametrize("task", ["tagging", "masked-lm", "single-label"])
def test_the_divergence_of_the_docs_is_the_total_variation(task, pair, tmp_path):
    trainer = make_trainer(
        make_toy(task, pair), tmp_path, max_steps=3, logging_steps=1, trainer=subclass("Write your own divergence")
    )
    one, two = torch.tensor([[0.0, 2.0]]), torch.tensor([[0.0, -2.0]])
    expected = (one / 2).softmax(-1)[0, 1] - (two / 2).softmax(-1)[0, 1]
    loss = trainer.compute_distillation_loss(one, two[None], torch.ones(1, 1))
    torch.testing.assert_close(loss, expected[None])
    trainer.train()
    entry = trainer.state.log_history[0]
    assert 0 < entry["soft_loss"] <= 1
    assert entry["loss"] == pytest.approx(0.5 * (entry["soft_loss"] + entry["hard_loss"]), rel=1e-5)


def test_the_hard_loss_of_the_docs_weighs_the_classes(pair, tmp_path):
    trainer = make_trainer(
        make_toy("single-label", pair),
        tmp_path,
        max_steps=3,
        logging_steps=1,
        trainer=subclass("Write your own hard loss"),
    )
    logits, labels = torch.tensor([[0.0, 0.0, 0.0]] * 3), torch.tensor([0, 1, 2])
    expected = torch.log(torch.tensor(3.0)) * torch.tensor([1.0, 3.0, 1.0])
    torch.testing.assert_close(trainer.compute_hard_loss(logits, labels), expected)
    trainer.train()
    entry = trainer.state.log_history[0]
    assert entry["loss"] == pytest.approx(0.5 * (entry["soft_loss"] + entry["hard_loss"]), rel=1e-5)
