import gzip
import lzma

import pytest
from datasets import Dataset

from hf_multiteacher.recipes import corpus
from hf_multiteacher.recipes.corpus import load_corpus, pack, read_lines, text_files, words_that_fit


def test_text_is_read_as_it_is_written(tmp_path):
    written = "şi ţara, șapte, Beşiktaş, s\u0326"
    (tmp_path / "a.txt").write_text(written, encoding="utf-8")
    assert next(read_lines([tmp_path / "a.txt"])) == written


def test_a_data_set_of_the_hub_is_read_as_it_is_written(monkeypatch):
    written = "şi ţara\nBeşiktaş s\u0326"
    monkeypatch.setattr(corpus, "load_dataset", lambda *_, **__: Dataset.from_dict({"text": [written]}))
    assert load_corpus("org/turkish", words=9)["text"] == ["şi ţara Beşiktaş s\u0326"]


def test_plain_and_compressed_files_of_a_folder_are_read_in_the_order_of_their_names(tmp_path):
    (tmp_path / "b.txt").write_text("doi\n", encoding="utf-8")
    with lzma.open(tmp_path / "a.txt.xz", "wt", encoding="utf-8") as file:
        file.write("unu\n")
    with gzip.open(tmp_path / "c.txt.gz", "wt", encoding="utf-8") as file:
        file.write("trei")
    (tmp_path / "notes.md").write_text("not a text file")
    assert [line for line in read_lines(text_files(tmp_path)) if line] == ["unu", "doi", "trei"]


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


def test_a_damaged_file_is_named_with_its_line(tmp_path):
    whole = lzma.compress("rând\n".encode() * 10000)
    (tmp_path / "half.txt.xz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match=r"half\.txt\.xz, after line \d+: .*copy the file anew"):
        load_corpus(str(tmp_path), words=4)


def test_a_file_in_another_encoding_is_named_with_its_line(tmp_path):
    (tmp_path / "old.txt").write_bytes(b"bine\n" + "ș".encode("iso8859_16"))
    with pytest.raises(ValueError, match=r"old\.txt, after line 0|old\.txt, after line 1"):
        load_corpus(str(tmp_path), words=4)


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
