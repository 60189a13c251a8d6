"""Teachers of a tagger: as folders, as adapters, on the Hub."""

import shutil

import pytest
import torch
import transformers
from peft import LoraConfig, get_peft_model

from helpers.models import tiny_bert
from helpers.taggers import NAMES, inputs
from hf_multiteacher.teachers.ensemble import TeacherEnsemble


@pytest.fixture
def student():
    return tiny_bert("TokenClassification", seed=7, **NAMES)


@pytest.fixture
def load(student, cased_tokenizer):
    """Load teachers for the `student`, which reads `cased_tokenizer`."""

    def load(teachers, student=student, **settings):
        return TeacherEnsemble.load(teachers, student=student, student_tokenizer=cased_tokenizer, **settings)

    return load


@pytest.fixture
def folder(tmp_path, cased_tokenizer):
    """A teacher's folder, `RoBERT-tagger`, with model and tokenizer."""
    path = tmp_path / "RoBERT-tagger"
    tiny_bert("TokenClassification", seed=1, **NAMES).save_pretrained(path)
    cased_tokenizer.save_pretrained(path)
    return path


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """Put a folder into the cache of the Hub; gives its commit."""

    def put(name, folder, commit="0123456789abcdef0123456789abcdef01234567"):
        cache = tmp_path / "hub" / f"models--{name.replace('/', '--')}"
        shutil.copytree(folder, cache / "snapshots" / commit)
        (cache / "refs").mkdir(exist_ok=True)
        (cache / "refs" / "main").write_text(commit)
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
        return commit

    return put


@pytest.fixture
def adapter(tmp_path, uncased_tokenizer):
    """The folder of a LoRA adapter on a masked-LM checkpoint, with a trained token classification head."""
    tiny_bert("MaskedLM", seed=1).save_pretrained(tmp_path / "base")
    uncased_tokenizer.save_pretrained(tmp_path / "base")
    base = transformers.AutoModelForTokenClassification.from_pretrained(tmp_path / "base", **NAMES)
    model = get_peft_model(base, LoraConfig(task_type="TOKEN_CLS", r=2, init_lora_weights=False))
    model.save_pretrained(tmp_path / "adapter")
    base.config.save_pretrained(tmp_path / "adapter")
    torch.save(model.eval()(**inputs()).logits, tmp_path / "logits.pt")
    return tmp_path / "adapter"
