import lzma
import random

import pytest
from datasets import Dataset

from hf_multiteacher.recipes.data import corpus
from hf_multiteacher.recipes.data.corpus import load_corpus, pack, words_that_fit
from hf_multiteacher.recipes.data.text_files import BLOCK, read_words


def test_a_data_set_of_the_hub_is_read_as_it_is_written(monkeypatch):
    written = "şi ţara\nBeşiktaş s\u0326"
    monkeypatch.setattr(corpus, "load_dataset", lambda *_, **__: Dataset.from_dict({"text": [written]}))
    assert load_corpus("org/turkish", words=9)["text"] == ["şi ţara Beşiktaş s\u0326"]


@pytest.mark.parametrize("length", [1, 0, -5])
def test_a_length_that_holds_no_word_is_refused(length):
    assert words_that_fit(2) == 1
    with pytest.raises(ValueError, match=f"max_length is {length}, which leaves no room for a word"):
        words_that_fit(length)


def test_no_text_runs_from_one_document_into_the_next():
    assert list(pack(["a b c", "", "d", "e"], words=2)) == ["a b", "c", "d e"]


def test_every_word_of_the_corpus_is_kept_once():
    words = [str(number) for number in range(1000)]
    lines = [" ".join(words[start : start + 7]) for start in range(0, 1000, 7)]
    assert " ".join(pack(lines, words=30)).split() == words


def test_a_text_of_words_that_are_none_is_cut_where_nobody_could_encode_it():
    text = "ab " * 2 + "x" * 9000 + " c " + "d" * 4000 + " " + "e" * 4000
    texts = list(pack([text], words=9))
    assert [len(each) for each in texts] == [5, 4096, 4096, 810, 4000, 4000]
    assert "".join(texts).replace(" ", "") == text.replace(" ", "")
    (whole,) = pack(["x" * 29 + " " + "y" * 4500], words=200)
    assert len(whole) == 4530


def test_a_stream_gives_the_same_texts_as_a_list(tmp_path):
    (tmp_path / "corpus.txt").write_text("unu doi trei\npatru cinci\n\nșase\n", encoding="utf-8")
    whole = load_corpus(str(tmp_path / "corpus.txt"), words=4)
    stream = load_corpus(str(tmp_path / "corpus.txt"), words=4, streaming=True)
    assert whole["text"] == [example["text"] for example in stream] == ["unu doi trei patru", "cinci", "șase"]


@pytest.mark.parametrize("streaming", [False, True])
def test_several_sources_give_a_text_each_in_turn_to_the_end_of_the_longest(tmp_path, streaming):
    (tmp_path / "a.txt").write_text("a1\n\na2\n\na3\n", encoding="utf-8")
    (tmp_path / "b.txt").write_text("b1\n", encoding="utf-8")
    corpus = load_corpus([str(tmp_path / "a.txt"), str(tmp_path / "b.txt")], words=4, streaming=streaming)
    assert [example["text"] for example in corpus] == ["a1", "b1", "a2", "a3"]


def test_generated_text_is_a_corpus_too():
    corpus = load_corpus("synthetic", words=40)
    assert len(corpus) > 500 and len(set(corpus["text"])) > 0.9 * len(corpus)


def test_megabytes_limit_the_characters(tmp_path):
    (tmp_path / "corpus.txt").write_text("\n".join(["un rând de text"] * 100), encoding="utf-8")
    corpus = load_corpus(str(tmp_path / "corpus.txt"), words=4, megabytes=0.0003)
    assert 250 < sum(len(text) for text in corpus["text"]) <= 300


def test_a_long_line_costs_what_is_asked_for_and_not_more(tmp_path, monkeypatch):
    read = []
    monkeypatch.setattr(corpus, "read_words", lambda files: map(counted(read), read_words(files)))
    with lzma.open(tmp_path / "long.txt.xz", "wb") as file:
        file.write(b"un om " * 200_000)
    texts = load_corpus(str(tmp_path), words=5, megabytes=0.05)["text"]
    assert len(texts) == 50_000 // len(texts[0]) and max(read) <= 2 * BLOCK and sum(read) <= 2 * BLOCK


def counted(lengths):
    """Note how long a piece is, and give it on."""
    return lambda piece: lengths.append(len(piece)) or piece


def test_a_stream_of_a_file_that_was_cut_is_refused_before_it_is_read(tmp_path):
    whole = lzma.compress(random.Random(0).randbytes(9000).hex().encode())
    (tmp_path / "half.txt.xz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match=r"half\.txt\.xz, at its end"):
        load_corpus(str(tmp_path), words=4, streaming=True)


@pytest.mark.parametrize("content", ["", "\n \n"])
def test_an_empty_corpus_is_refused(tmp_path, content):
    (tmp_path / "empty.txt").write_text(content)
    with pytest.raises(ValueError, match="holds no text"):
        load_corpus(str(tmp_path / "empty.txt"), words=4)


def test_a_folder_without_text_is_refused(tmp_path):
    with pytest.raises(ValueError, match="has none"):
        load_corpus(str(tmp_path), words=4)


def test_what_is_neither_a_path_nor_a_data_set_is_refused():
    with pytest.raises(ValueError, match="neither a file nor a folder, nor a data set"):
        load_corpus("no/such-corpus", words=4)


def test_a_data_set_without_the_column_of_texts_is_refused(monkeypatch):
    monkeypatch.setattr(corpus, "load_dataset", lambda *names, **options: Dataset.from_dict({"sentence": ["one"]}))
    with pytest.raises(ValueError, match=r"The data set 'org/news' has no column 'text'\. Name its text column"):
        load_corpus("org/news", words=8)
