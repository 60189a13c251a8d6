"""The text of an example on which models disagree."""

import numpy as np

from hf_multiteacher.objective.disputed_text import LONGEST_TEXT, disagreement

NOTHING = [-1.0] * 6


class Letters:
    """A tokenizer whose tokens are letters."""

    all_special_ids = (ord("^"), ord("?"))
    unk_token_id = ord("?")

    @staticmethod
    def decode(tokens):
        return "".join(map(chr, tokens))


def said(student, teacher, label=0.0, distance=0.5):
    """What is said of a token: the answers and how sure they are, the label, the distance."""
    return [student, 0.75, teacher, 0.25, label, distance]


def tokens(text, padding=0):
    return np.array([*map(ord, text), *[-1] * padding])


def test_words_go_from_their_first_token_to_the_next_word_s_and_those_that_nobody_disputes_are_one_part():
    rows = [NOTHING, said(0, 0), NOTHING, said(1, 1), said(0, 1, distance=0.9), NOTHING, said(1, -1), NOTHING, NOTHING]
    found = disagreement(np.array(rows), tokens("^abc?efg", 1), ["student", "one"], ["x", "y"], Letters, by_word=True)
    assert found.parts == [["ab c", None], ["?e", 0], ["fg", None]]
    assert found.rows == [{"label": "x", "answers": {"student": ["x", 0.75], "one": ["y", 0.25]}}]
    assert found.distance == 0.9


def test_a_whole_text_is_one_part_and_a_long_one_is_cut():
    rows = np.array([said(0, 1, label=-1)])
    found = disagreement(rows, tokens("^" + "a" * 1000), ["student", "one"], ["x", "y"], Letters, by_word=False)
    ((text, row),) = found.parts
    assert row is None and text == "a" * LONGEST_TEXT + "…" and found.rows[0]["label"] is None
