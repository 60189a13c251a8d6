"""Tokenizers for the tests of this folder."""

import copy

import pytest
from tokenizers import normalizers, pre_tokenizers, processors


@pytest.fixture(scope="session")
def tokenizers(cased_tokenizer, uncased_tokenizer, byte_level_tokenizer, unigram_tokenizer):
    """Tokenizers that give their offsets in different ways."""
    without_accents = copy.deepcopy(uncased_tokenizer)
    without_accents.backend_tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True, strip_accents=True)
    trimmed = copy.deepcopy(byte_level_tokenizer)
    trimmed.backend_tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trimmed.backend_tokenizer.post_processor = processors.RobertaProcessing(("</s>", 3), ("<s>", 2), trim_offsets=True)
    unprefixed = copy.deepcopy(unigram_tokenizer)
    unprefixed.backend_tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="never")
    own = [cased_tokenizer, uncased_tokenizer, byte_level_tokenizer, unigram_tokenizer]
    return [*own, without_accents, trimmed, unprefixed]
