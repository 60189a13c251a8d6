"""Real pretrained encoders, where they are; each test takes seconds on a CPU."""

import os
from pathlib import Path

import pytest
import transformers
from transformers import AutoTokenizer, BertTokenizer

from helpers.models import tiny_bert


@pytest.fixture(scope="session")
def models() -> Path:
    """The folder with the models; the test is skipped where it is not there."""
    folder = os.environ.get("HF_MULTITEACHER_MODELS")
    if not folder or not Path(folder).is_dir():
        pytest.skip("needs pretrained models: set HF_MULTITEACHER_MODELS to their folder")
    return Path(folder)


def part(models, name):
    """A model's folder; the test is skipped where that one is not there."""
    if not (models / name).is_dir():
        pytest.skip(f"needs '{name}' in the folder HF_MULTITEACHER_MODELS")
    return models / name


@pytest.fixture(scope="session")
def e5(models):
    """12 layers of 384, 250,002 pieces, 250,037 embeddings; no head, no pooler."""
    return part(models, "multilingual-e5-small")


@pytest.fixture(scope="session")
def minilm(models):
    """6 layers of 384, a lower-case WordPiece vocabulary."""
    return part(models, "all-MiniLM-L6-v2")


@pytest.fixture(scope="session")
def splade(models):
    """2 layers of 128 with a masked-LM head."""
    return part(models, "splade-tiny")


@pytest.fixture(scope="session")
def romanian(models):
    """A cased tokenizer of 32,000 Romanian pieces, which belongs to no model."""
    vocabulary = str(part(models, "rwpt-32k") / "vocab.txt")
    return BertTokenizer(vocabulary, do_lower_case=False, strip_accents=False, model_max_length=128)


@pytest.fixture
def student(romanian):
    """A small student of a given head with that vocabulary."""
    return lambda head, **config: tiny_bert(head, len(romanian), hidden_size=32, **config)


@pytest.fixture
def headed():
    """An encoder with a new head, as a fine-tuning begins, and its tokenizer."""

    def load(folder, head, **config):
        model = getattr(transformers, f"AutoModelFor{head}").from_pretrained(folder, **config)
        return model, AutoTokenizer.from_pretrained(folder)

    return load
