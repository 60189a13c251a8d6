import json
from functools import partial
from pathlib import Path

import pytest
from datasets import Dataset
from transformers import Trainer, TrainerCallback, TrainingArguments

from hf_multiteacher.recipes.pretraining import new_modern_bert, train_masked_lm, train_wordpiece
from hf_multiteacher.recipes.stopping import TrainingStoppedError


def test_a_trained_tokenizer_keeps_diacritics_and_its_length_through_saving(sentences, tmp_path):
    from transformers import AutoTokenizer

    tokenizer = train_wordpiece(sentences, 300, lowercase=True, max_length=32)
    assert tokenizer.decode(tokenizer("Știința Română")["input_ids"], skip_special_tokens=True) == "știința română"
    tokenizer.save_pretrained(tmp_path)
    again = AutoTokenizer.from_pretrained(tmp_path)
    assert again("Fata citește.")["input_ids"] == tokenizer("Fata citește.")["input_ids"]
    assert again.model_max_length == 32


def test_training_lowers_the_masked_lm_loss(sentences, tmp_path):
    tokenizer = train_wordpiece(sentences, 300, lowercase=False, max_length=32)
    args = TrainingArguments(
        output_dir=str(tmp_path), max_steps=30, learning_rate=5e-3, logging_steps=10, save_strategy="no",
        report_to="none", use_cpu=True, disable_tqdm=True,
    )  # fmt: skip
    model = new_modern_bert(tokenizer, layers=1, hidden_size=32)
    history = train_masked_lm(model, tokenizer, Dataset.from_dict({"text": sentences}), args).state.log_history
    assert history[2]["loss"] < history[0]["loss"] - 0.5
    assert tokenizer.backend_tokenizer.truncation is None  # it is saved with the model


class Stops(TrainerCallback):
    """What SIGTERM does, three seconds later, where `enable_jit_checkpoint` is on."""

    def on_step_end(self, args, state, control, **kwargs):
        control.should_save = control.should_training_stop = state.global_step >= 3


def test_a_teacher_that_was_stopped_goes_on_with_the_same_command(sentences, tmp_path, monkeypatch):
    tokenizer = train_wordpiece(sentences, 300, lowercase=False, max_length=32)
    texts = Dataset.from_dict({"text": sentences})

    def run():
        args = TrainingArguments(
            output_dir=str(tmp_path), max_steps=8, logging_steps=1, save_strategy="steps", save_steps=100,
            enable_jit_checkpoint=True, resume_from_checkpoint="true", report_to="none", use_cpu=True,
            disable_tqdm=True,
        )  # fmt: skip
        return train_masked_lm(new_modern_bert(tokenizer, layers=1, hidden_size=32), tokenizer, texts, args)

    with monkeypatch.context() as patched, pytest.raises(TrainingStoppedError, match="of 8"):
        patched.setattr("hf_multiteacher.recipes.pretraining.Trainer", partial(Trainer, callbacks=[Stops()]))
        run()
    before = Path(tmp_path, "checkpoint-3", "trainer_state.json").read_text("utf-8")
    history = run().state.log_history
    assert history[:3] == json.loads(before)["log_history"][:3]
    assert [row["step"] for row in history if "loss" in row] == [1, 2, 3, 4, 5, 6, 7, 8]
