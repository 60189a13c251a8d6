"""One text as several tokenizers see it."""

import numpy as np
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from hf_multiteacher.tokenization.spans import text_spans

PRINTED = st.text(st.sampled_from("aăâîșțAĂÎȘȚebc -.,!0123é日\n"), max_size=60)
RELAXED = settings(deadline=None, max_examples=200, suppress_health_check=[HealthCheck.too_slow])


def encode(tokenizer, text, max_length=None):
    """Offsets and special tokens mask of one text."""
    encoding = tokenizer(
        text,
        return_offsets_mapping=True,
        return_special_tokens_mask=True,
        truncation=max_length is not None,
        max_length=max_length,
    )
    return np.array(encoding["offset_mapping"]), np.array(encoding["special_tokens_mask"])


def spans_of(text, encodings):
    """The spans of one text as lists."""
    return [spans.tolist() for spans in text_spans(text, *zip(*encodings, strict=True))]
