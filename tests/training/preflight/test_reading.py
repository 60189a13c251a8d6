"""What is said of text that models cannot read."""

import pytest

from hf_multiteacher.training.preflight.reading import cut_examples, unknown_words, unlabelled_rows


@pytest.mark.parametrize(("foreign", "level"), [(0, "ok"), (2, "warning"), (8, "stop")])
def test_words_that_a_tokenizer_does_not_know_are_counted(cased_tokenizer, sentences, foreign, level):
    words = sentences[0].split()[:10]
    text = " ".join(["字"] * foreign + words[: 10 - foreign])
    finding = unknown_words([cased_tokenizer(text)["input_ids"]], cased_tokenizer, "the student")
    assert finding.level == level
    assert finding.figures["unknown/the student"] == pytest.approx(foreign / 10, abs=0.05)


@pytest.mark.parametrize(("full", "level"), [(1, "ok"), (5, "warning")])
def test_examples_that_fill_all_tokens_may_have_been_cut(full, level):
    finding = cut_examples([16] * full + [9] * (10 - full), 16)
    assert (finding.level, finding.figures["cut"]) == (level, full / 10)
    assert bool(finding.do) == (level != "ok")


def test_an_example_is_without_label_where_none_of_its_words_has_one():
    rows = [{"labels": [-100, 1]}, {"labels": [-100, -100]}, {"labels": [-100]}, {"labels": [0]}]
    finding = unlabelled_rows(rows, needed=False)
    assert finding is not None and finding.figures == {"unlabelled": 0.5}
    numbers = unlabelled_rows([{"label": float("nan")}, {"label": 1.0}], needed=False)
    assert numbers is not None and numbers.figures == {"unlabelled": 0.5}
    assert unlabelled_rows([{"text": "a"}], needed=False) is None
