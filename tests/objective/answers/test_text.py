"""The text of an example on which models disagree."""

import numpy as np

from hf_multiteacher.objective.answers.text import LONGEST_CONTEXT, LONGEST_TEXT, around, named, segments, words

NOTHING = [-1.0] * 10


class Letters:
    """A tokenizer whose tokens are letters."""

    all_special_ids = (*map(ord, "^?_"),)
    sep_token_id = ord("^")
    unk_token_id = ord("?")
    mask_token_id = ord("_")

    @staticmethod
    def decode(tokens):
        return "".join(map(chr, tokens))

    @staticmethod
    def convert_ids_to_tokens(token):
        return f"<{token}>" if token < 100 else ""


def said(student, teacher):
    """What is said of a token: the answers of two models, how sure, right and alike; the label, the distance."""
    return [student, 0.75, 1, 1, teacher, 0.25, 0, float(student == teacher), 0, 0.5]


def tokens(text, padding=0):
    return np.array([*map(ord, text), *[-1] * padding])


def test_words_go_from_their_first_token_to_the_next_word_s_and_those_that_nobody_disputes_are_one_part():
    rows = [NOTHING, said(0, 0), NOTHING, said(1, 1), said(0, 1), NOTHING, said(1, -1), NOTHING, NOTHING]
    assert words(tokens("^abc?efg", 1), np.array(rows), [4], Letters) == [["ab c", None], ["?e", 0], ["fg", None]]


def test_a_whole_text_is_one_part_and_a_long_one_is_cut():
    assert segments(tokens("^" + "a" * 1000), Letters) == [["a" * LONGEST_TEXT + "…", None]]


def test_the_texts_of_a_pair_are_two_parts_and_no_text_is_an_empty_one():
    assert segments(tokens("^ab c^^de_^", 3), Letters) == [["ab c", None], ["de_", None]]
    assert segments(tokens("^^", 3), Letters) == [["", None]]


def test_a_masked_word_stands_between_what_is_read_before_it_and_behind_it():
    assert around(tokens("^ab_c_?^", 1), 5, "word", Letters) == [["ab_c", None], ["word", 0], ["?", None]]
    assert around(tokens("^_^"), 1, "word", Letters) == [["word", 0]]
    before, _, after = around(tokens("a" * 500 + "_" + "b" * 500), 500, "word", Letters)
    assert before[0] == "…" + "a" * LONGEST_CONTEXT and after[0] == "b" * LONGEST_CONTEXT + "…"


def test_a_token_that_is_nothing_to_read_is_called_by_its_own_name():
    assert [named(token, Letters) for token in (ord("a"), 32, 133)] == ["a", "<32>", "[133]"]
