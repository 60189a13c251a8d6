"""What was made before the modules moved into folders still loads: runs, pickles, Spaces, documented imports.

`tests/data/before_the_move/make.py` says how it was made.
"""

import importlib
import json
import pickle
import runpy
import shutil
import sys
from pathlib import Path

import evaluate
import pytest
import torch
from transformers import AutoTokenizer

from hf_multiteacher import DistillationTrainingArguments, MultiTokenizer, moved

DATA = Path(__file__).parent / "data" / "before_the_move"
DOCUMENTED = {
    "benchmark": ["compare", "describe_machine"],
    "data_collator": ["DataCollatorForDistillation"],
    "loyalty": [
        *("as_array", "same_labels", "same_outputs", "same_shape", "score_rows", "predicted_labels"),
        *("label_agreement", "label_loyalty", "probability_agreement", "probability_loyalty", "regression_loyalty"),
        *("moments", "correlation", "labelled_rows", "mean_over_rows"),
    ],
    "loyalty_report": [
        *("label_report", "probability_report", "classification_report", "regression_report"),
        *("bootstrap_interval", "class_figures", "cohen_kappa"),
    ],
    "model_card": ["write_model_card", "Evaluation", "DistillationCardData"],
    "model_card_data": ["DistillationCardData", "Evaluation"],
    "spans": ["batch_spans", "flatten_offsets", "join_spans", "one_to_one", "text_spans", "word_spans"],
    "student": ["student_from_teacher"],
    "teachers": ["LoadedTeacher", "Teacher", "TeacherEnsemble"],
    "tokenization": ["MultiTokenizer"],
    "vocabulary": ["SharedVocabulary", "shared_mass"],
}


@pytest.fixture
def made(tmp_path, monkeypatch):
    """The current folder, with a copy of what was made."""
    shutil.copytree(DATA, tmp_path / "made")
    monkeypatch.chdir(tmp_path / "made")
    return runpy.run_path("make.py")


def test_training_arguments_load_as_their_class_with_their_values():
    arguments = torch.load(DATA / "checkpoint-2" / "training_args.bin", weights_only=False)
    assert type(arguments) is DistillationTrainingArguments
    assert arguments.teachers == ["teacher-0", "teacher-1"]
    assert (arguments.teacher_weights, arguments.hidden_state_weight) == ([0.6, 0.4], 0.5)
    assert (arguments.temperature, arguments.soft_target_weight, arguments.hard_label_weight) == (2.0, 0.5, 0.5)
    assert (arguments.max_steps, arguments.learning_rate, arguments.optim) == (4, 0.1, "sgd")


def test_a_checkpoint_goes_on_as_it_would_have(made):
    trainer = made["trainer"]("run")
    trainer.train(resume_from_checkpoint="checkpoint-2")
    logged = json.loads((DATA / "logged.json").read_text("utf-8"))[2:]
    resumed = [entry for entry in trainer.state.log_history if entry.get("step", 0) > 2 and "loss" in entry]
    assert [entry["step"] for entry in logged] == [3, 4]
    for entry, expected in zip(resumed, logged, strict=True):
        assert entry == pytest.approx(expected, rel=1e-5)


def test_a_pickled_multi_tokenizer_encodes(made):
    multi_tokenizer = pickle.loads(Path("multi_tokenizer.pickle").read_bytes())
    assert type(multi_tokenizer) is MultiTokenizer
    tokenizers = [AutoTokenizer.from_pretrained(teacher) for teacher in made["TEACHERS"]]
    expected = MultiTokenizer(tokenizers[0], tokenizers).encode({"text": made["TEXTS"]}, text="text")
    assert multi_tokenizer.encode({"text": made["TEXTS"]}, text="text") == expected
    assert any(name.startswith("teacher_1_") for name in expected)


def test_a_pushed_space_computes(tmp_path, monkeypatch):
    own_modules = evaluate.loading.init_dynamic_modules
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(
        evaluate.loading, "init_dynamic_modules", lambda: own_modules("before_the_move", str(tmp_path / "modules"))
    )
    for case in runpy.run_path(str(DATA / "loyalty" / "tests.py"))["test_cases"]:
        metric = evaluate.load(str(DATA / "loyalty"), case.get("config_name"), cache_dir=str(tmp_path))
        assert type(metric).__module__.startswith("before_the_move")
        result = metric.compute(
            predictions=case["predictions"], references=case["references"], **case.get("options", {})
        )
        assert result == pytest.approx(case["result"], abs=1e-12)


@pytest.mark.parametrize("module", DOCUMENTED)
def test_a_documented_module_still_gives_its_names(module):
    found = importlib.import_module(f"hf_multiteacher.{module}")
    assert [name for name in DOCUMENTED[module] if not hasattr(found, name)] == []


@pytest.mark.parametrize("module", moved.PLACE_OF)
def test_every_old_module_leads_to_where_its_content_is_now(module):
    assert importlib.import_module(module) is importlib.import_module(moved.PLACE_OF[module])


def test_an_old_module_can_be_imported_in_every_way():
    import hf_multiteacher.data_collator as old
    from hf_multiteacher.data_collator import DataCollatorForDistillation

    from hf_multiteacher import collation, data_collator

    assert old is data_collator is collation
    assert DataCollatorForDistillation is collation.DataCollatorForDistillation
