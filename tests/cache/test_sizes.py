"""How many bytes there are, in words."""

import pytest

from hf_multiteacher.cache.sizes import bytes_in_words


@pytest.mark.parametrize(
    ("size", "words"),
    [(0, "0 bytes"), (999, "999 bytes"), (1000, "1.0 kB"), (156_240_000, "156.2 MB"), (4.1e12, "4,100.0 GB")],
)
def test_a_size_has_the_unit_in_which_it_is_short(size, words):
    assert bytes_in_words(size) == words
