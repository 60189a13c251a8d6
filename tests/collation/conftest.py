"""Draws for the tests of this folder."""

import numpy as np
import pytest

from hf_multiteacher.collation.draws import draw_keys, example_ids


@pytest.fixture
def keys():
    ids = np.random.default_rng(0).integers(0, 50, (20_000, 10))
    return draw_keys(example_ids(ids, np.ones_like(ids)), seed=0, mask_round=0)
