"""CoNLL-U: every variant is read, every damage is named by file and line, and only the tags are written anew."""

import pytest

from helpers.files import broken
from helpers.tagging import file_accuracy
from helpers.treebank import TREEBANK, row
from hf_multiteacher.romanian.conllu import read_conllu, write_conllu
from hf_multiteacher.romanian.files import DataFileError


def test_conllu_keeps_words_and_leaves_out_ranges_empty_nodes_and_comments(treebank):
    first, second = read_conllu(treebank)
    assert first == {
        "words": ["Dă", "-mi", "cartea", "."],
        "upos": ["VERB", "PRON", "NOUN", "PUNCT"],
        "xpos": ["Vm", "Pp", "Nc", "PERIOD"],
    }
    assert second["words"] == ["#", "Da"]


@pytest.mark.parametrize("ending", [TREEBANK.rstrip("\n"), TREEBANK.rstrip("\n") + "\n", TREEBANK + "\n\n"])
def test_conllu_is_read_with_and_without_final_newline(tmp_path, ending):
    assert [len(s["words"]) for s in read_conllu(broken(tmp_path / "t.conllu", ending))] == [4, 2]


def test_conllu_is_read_with_windows_line_ends_and_byte_order_mark(tmp_path):
    path = tmp_path / "t.conllu"
    path.write_bytes(b"\xef\xbb\xbf" + TREEBANK.replace("\n", "\r\n").encode())
    assert read_conllu(path)[0]["words"][-1] == "."
    assert read_conllu(path)[0]["upos"][-1] == "PUNCT"


def test_conllu_whose_last_sentence_has_a_multiword_token_may_lack_the_final_newline(tmp_path):
    only = TREEBANK.split("\n\n")[0]
    assert [len(s["words"]) for s in read_conllu(broken(tmp_path / "t.conllu", only))] == [4]


def test_conllu_line_with_other_column_count_is_named(tmp_path):
    path = broken(tmp_path / "t.conllu", TREEBANK.replace("\tVERB\tVm", "\tVERB"))
    with pytest.raises(DataFileError, match=r"t\.conllu, line 5: .*10 tab-separated columns.*has 9"):
        read_conllu(path)


def test_conllu_that_ends_within_a_line_is_named(tmp_path):
    cut = TREEBANK[: TREEBANK.index("cartea\t") + 10]
    with pytest.raises(DataFileError, match=r"line 8: .*half downloaded"):
        read_conllu(broken(tmp_path / "t.conllu", cut))


def test_conllu_that_ends_between_two_words_of_a_sentence_is_named(tmp_path):
    cut = TREEBANK[: TREEBANK.index("4\t.\t")]
    with pytest.raises(DataFileError, match=r"line 8: .*ends inside a sentence"):
        read_conllu(broken(tmp_path / "t.conllu", cut))


def test_conllu_with_a_missing_word_is_named(tmp_path):
    text = TREEBANK.replace(row("3", "cartea", "NOUN", "Nc") + "\n", "")
    with pytest.raises(DataFileError, match=r"line 4: .*word 3 is missing \(found 4\)"):
        read_conllu(broken(tmp_path / "t.conllu", text))


def test_conllu_line_without_number_is_named(tmp_path):
    text = TREEBANK.replace("3\tcartea", "x\tcartea")
    with pytest.raises(DataFileError, match="line 8: .*found 'x'"):
        read_conllu(broken(tmp_path / "t.conllu", text))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (row("3", "cartea", "NOUN", "Nc"), row("3", "", "NOUN", "Nc"), r"line 8: .*column 2 \(word\) is empty"),
        (row("3", "cartea", "NOUN", "Nc"), row("3", "cartea", "NOUN", " "), r"line 8: .*column 5 \(xpos\) is empty"),
        ("1-2\tDă-mi", "2-1\tDă-mi", "line 4: .*range 2-1 .* ends before it starts"),
    ],
)
def test_conllu_with_an_empty_column_or_a_range_that_runs_backwards_is_named(tmp_path, old, new, message):
    with pytest.raises(DataFileError, match=message):
        read_conllu(broken(tmp_path / "t.conllu", TREEBANK.replace(old, new)))


def test_a_file_that_is_only_comments_is_refused(tmp_path):
    with pytest.raises(DataFileError, match="no sentence"):
        read_conllu(broken(tmp_path / "t.conllu", "# nothing\n"))


def test_written_conllu_keeps_everything_of_the_source_but_the_tags(treebank, tmp_path):
    tags = [["NOUN", "PRON", "NOUN", "PUNCT"], ["SYM", "NOUN"]]
    words = [s["words"] for s in read_conllu(treebank)]
    write_conllu(tmp_path / "p.conllu", words, tags, "upos", source=treebank)
    assert [s["upos"] for s in read_conllu(tmp_path / "p.conllu")] == tags
    assert file_accuracy(treebank, tmp_path / "p.conllu", 3) == 4 / 6
    changed = [
        (a, b)
        for a, b in zip(TREEBANK.split("\n"), (tmp_path / "p.conllu").read_text().split("\n"), strict=True)
        if a != b
    ]
    assert changed == [
        (row("1", "Dă", "VERB", "Vm"), row("1", "Dă", "NOUN", "Vm")),
        (row("2", "Da", "INTJ", "I"), row("2", "Da", "NOUN", "I")),
    ]


def test_conllu_is_written_without_a_source(tmp_path):
    write_conllu(tmp_path / "p.conllu", [["Un", "om"], ["Da"]], [["Ti", "Nc"], ["I"]], "xpos")
    assert [s["xpos"] for s in read_conllu(tmp_path / "p.conllu")] == [["Ti", "Nc"], ["I"]]
    assert (tmp_path / "p.conllu").read_text(encoding="utf-8").endswith("root\t_\t_\n\n")


def test_conllu_is_not_written_for_other_sentences(treebank, tmp_path):
    with pytest.raises(ValueError, match="tags would land on other words"):
        write_conllu(tmp_path / "p.conllu", [["a", "b"]], [["X", "X"]], "upos", source=treebank)
    with pytest.raises(ValueError, match="one tag for each word: sentence 0 has 2 words and 1 tags"):
        write_conllu(tmp_path / "p.conllu", [["a", "b"]], [["X"]], "upos")
    assert not (tmp_path / "p.conllu").exists()
