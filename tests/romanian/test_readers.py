"""Readers of the original distribution files: every variant is read, every damage is named by file and line."""

import json

import pytest

from helpers.treebank import TREEBANK, row
from hf_multiteacher.romanian.conllu import read_conllu
from hf_multiteacher.romanian.files import DataFileError
from hf_multiteacher.romanian.normalization import normalize
from hf_multiteacher.romanian.readers import read_laroseda, read_moroco, read_ro_sts, read_ronec


@pytest.fixture
def treebank(tmp_path):
    path = tmp_path / "treebank.conllu"
    path.write_text(TREEBANK, encoding="utf-8")
    return path


def broken(path, text):
    path.write_text(text, encoding="utf-8")
    return path


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


def test_another_encoding_is_named_with_its_line(tmp_path):
    path = tmp_path / "t.tsv"
    path.write_bytes("1.0\tun om\tun câine\n2.0\to casă\to mașină\n".encode("iso-8859-16"))
    with pytest.raises(DataFileError, match=r"t\.tsv, line 1: byte 0x.. is not UTF-8.*iconv"):
        read_ro_sts(path)
    path.write_bytes(b"1.0\tun om\tdoi\n" + "2.0\to casă\to".encode("cp1250"))
    with pytest.raises(DataFileError, match="line 2: byte 0x"):
        read_ro_sts(path)
    path.write_bytes("1.0\tun om\tdoi\n".encode("utf-16"))
    with pytest.raises(DataFileError, match="line 1"):
        read_ro_sts(path)


def test_a_file_padded_with_zeros_is_named(tmp_path):
    path = tmp_path / "t.tsv"
    path.write_bytes(b"1.0\tun om\tdoi\n" + bytes(20))
    with pytest.raises(DataFileError, match="line 2: zero bytes.*half downloaded"):
        read_ro_sts(path)


def test_an_empty_file_is_refused(tmp_path):
    with pytest.raises(DataFileError, match="the file is empty"):
        read_ro_sts(broken(tmp_path / "t.tsv", "\n"))


def test_sts_is_read_with_windows_line_ends(tmp_path):
    path = tmp_path / "t.tsv"
    path.write_bytes(b"1\ta\tb\r\n2\tc\td\r\n")
    assert [pair["text_pair"] for pair in read_ro_sts(path)] == ["b", "d"]


def test_sts_reads_unbalanced_quotes_as_characters(tmp_path):
    path = broken(tmp_path / "t.tsv", '2.5\t"Un om merge.\tUn om "fuge.\n0\tA\u2028B\tC"')
    assert read_ro_sts(path) == [
        {"text": '"Un om merge.', "text_pair": 'Un om "fuge.', "sts": 2.5},
        {"text": "A\u2028B", "text_pair": 'C"', "sts": 0.0},
    ]


@pytest.mark.parametrize(
    "line, message", [("3.0\tunu", "found 2"), ("3.0\tunu\tdoi\ttrei", "found 4"), ("", "found 1")]
)
def test_sts_line_with_other_column_count_is_named(tmp_path, line, message):
    path = broken(tmp_path / "t.tsv", f"1.0\ta\tb\n{line}\n1.0\ta\tb\n")
    with pytest.raises(DataFileError, match=rf"t\.tsv, line 2: expected 3 tab-separated columns.*{message}"):
        read_ro_sts(path)


@pytest.mark.parametrize("score", ["5.5", "-1", "nan", "bun", ""])
def test_sts_similarity_out_of_range_is_named(tmp_path, score):
    with pytest.raises(DataFileError, match="line 2: expected a similarity from 0 to 5"):
        read_ro_sts(broken(tmp_path / "t.tsv", f"1.0\ta\tb\n{score}\ta\tb\n"))


def ronec_record(**changes):
    record = {
        "id": 7,
        "ner_tags": ["B-GPE", "O"],
        "ner_ids": [5, 0],
        "tokens": ["Iași", "."],
        "space_after": [False, True],
    }
    return record | changes


def test_ronec_is_read(tmp_path):
    path = broken(tmp_path / "r.json", json.dumps([ronec_record()]))
    assert read_ronec(path) == [{"words": ["Iași", "."], "ner": ["B-GPE", "O"]}]


def test_ronec_record_with_too_few_tags_is_named(tmp_path):
    path = broken(tmp_path / "r.json", json.dumps([ronec_record(), ronec_record(id=9, ner_tags=["O"])]))
    with pytest.raises(DataFileError, match=r"r\.json, record 2 \(id 9\): 2 tokens and 1 tags"):
        read_ronec(path)


def test_ronec_record_without_tags_is_named(tmp_path):
    with pytest.raises(DataFileError, match=r"record 1: .*\['ner_tags'\] missing"):
        read_ronec(broken(tmp_path / "r.json", json.dumps([{"id": 1, "tokens": []}])))


@pytest.mark.parametrize("field", ["tokens", "ner_tags"])
@pytest.mark.parametrize("value", [None, "ab", ["Iași", None], [1, 2], {"a": 1, "b": 2}])
def test_ronec_record_of_another_type_is_named(tmp_path, field, value):
    path = broken(tmp_path / "r.json", json.dumps([ronec_record(), ronec_record(id=9, **{field: value})]))
    with pytest.raises(DataFileError, match=rf"record 2 \(id 9\): expected a list of texts in the field '{field}'"):
        read_ronec(path)


@pytest.mark.parametrize("content", ["{}", "[]", '"text"'])
def test_ronec_that_is_no_list_is_refused(tmp_path, content):
    with pytest.raises(DataFileError, match="expected a list of records"):
        read_ronec(broken(tmp_path / "r.json", content))


def test_half_downloaded_json_is_named_with_line_and_column(tmp_path):
    text = json.dumps([ronec_record(), ronec_record()], indent=1)
    with pytest.raises(DataFileError, match=r"r\.json, line \d+: column \d+: not valid JSON.*half downloaded"):
        read_ronec(broken(tmp_path / "r.json", text[:-40]))


def review(**changes):
    return {"index": "1", "title": "Bun", "content": "merge bine", "starRating": "5"} | changes


def test_laroseda_is_read(tmp_path):
    path = broken(tmp_path / "l.json", json.dumps({"reviews": [review(), review(starRating=2)]}))
    first, second = read_laroseda(path)
    assert first == {"text": "Bun", "text_pair": "merge bine", "sar": "5", "sapn": "positive"}
    assert (second["sar"], second["sapn"]) == ("2", "negative")


def test_laroseda_rating_of_three_is_named(tmp_path):
    path = broken(tmp_path / "l.json", json.dumps({"reviews": [review(), review(starRating="3")]}))
    with pytest.raises(DataFileError, match="record 2: expected a rating of 1, 2, 4 or 5 stars, found '3'"):
        read_laroseda(path)


@pytest.mark.parametrize("field", ["title", "content"])
@pytest.mark.parametrize("value", [None, 3, ["Bun"]])
def test_laroseda_record_of_another_type_is_named(tmp_path, field, value):
    path = broken(tmp_path / "l.json", json.dumps({"reviews": [review(), review(**{field: value})]}))
    with pytest.raises(DataFileError, match=f"record 2: expected a text in the field '{field}', found"):
        read_laroseda(path)


def test_laroseda_without_reviews_is_refused(tmp_path):
    with pytest.raises(DataFileError, match="'reviews'"):
        read_laroseda(broken(tmp_path / "l.json", "[]"))


def moroco(folder, samples, labels):
    broken(folder / "samples.txt", samples)
    broken(folder / "dialect_labels.txt", labels)
    return folder


def test_moroco_is_read_with_tabs_and_line_separators_inside_texts(tmp_path):
    folder = moroco(tmp_path, "4\tUn text\tcu tab\n9\tAlt\u0085 text\u2028\n", "4\t1\n9\t2")
    assert read_moroco(folder) == [
        {"text": "Un text\tcu tab", "di": "Moldavian"},
        {"text": "Alt\u0085 text\u2028", "di": "Romanian"},
    ]


@pytest.mark.parametrize(
    "samples, labels, message",
    [
        ("1\ta\n2\tb\n", "1\t1\n", r"dialect_labels\.txt, line 2: expected the label of sample '2'"),
        ("1\ta\n", "1\t1\n2\t1\n", r"samples\.txt, line 1: 1 samples for 2 labels: half downloaded"),
        ("1\ta\n2\tb\n", "1\t1\n3\t1\n", r"dialect_labels\.txt, line 2"),
        ("1\ta\n2 b\n", "1\t1\n2\t1\n", r"samples\.txt, line 2: expected an id, a tab"),
        ("1\ta\n2\tb\n", "1\t1\n2\t3\n", r"dialect_labels\.txt, line 2: expected 1 \(Moldavian\) or 2, found '3'"),
        ("1\ta\n2\tb\n", "1\t1\n2 1\n", r"dialect_labels\.txt, line 2: expected 2 tab-separated columns"),
    ],
)
def test_moroco_damage_is_named(tmp_path, samples, labels, message):
    with pytest.raises(DataFileError, match=message):
        read_moroco(moroco(tmp_path, samples, labels))


def test_normalization_replaces_cedilla_and_composes():
    assert normalize("Şi aţi MUNŢI ş") == "Și ați MUNȚI ș"
    assert normalize("a\u0306 a\u0302 s\u0326 s\u0327") == "ă â ș ș"
    assert normalize("façade") == "façade"
