"""The texts behind the student's tokens, and what the teachers make of them."""

import copy
import unicodedata

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import models, normalizers, pre_tokenizers

from helpers.tokenizers import train_tokenizer
from hf_multiteacher.tokenization.multi_tokenizer import MultiTokenizer

LETTERS = st.text(alphabet="aăâeîișțABC .,-!()0\u0306\u0326ş👍🏽é", min_size=0, max_size=40)


@pytest.fixture(scope="module")
def multi_tokenizer(cased_tokenizer, uncased_tokenizer, byte_level_tokenizer, unigram_tokenizer):
    return MultiTokenizer(cased_tokenizer, [uncased_tokenizer, byte_level_tokenizer, unigram_tokenizer])


@pytest.fixture(scope="module")
def lossless(cased_tokenizer, uncased_tokenizer, byte_level_tokenizer, unigram_tokenizer):
    """A student whose tokens hold every character of the text."""
    return MultiTokenizer(byte_level_tokenizer, [cased_tokenizer, uncased_tokenizer, unigram_tokenizer])


def features_of(multi, **columns):
    tokenizer = multi.student_tokenizer
    return [{"input_ids": ids} for ids in tokenizer(*columns.values(), truncation=True)["input_ids"]]


def test_tokens_that_hold_the_whole_text_give_what_the_text_gives(lossless, sentences):
    expected = lossless.encode({"s": sentences}, text="s")
    rebuilt = lossless.encode_from_tokens(features_of(lossless, s=sentences))
    for name in lossless.column_names:
        assert [feature[name] for feature in rebuilt] == expected[name], name


def test_the_texts_of_a_pair_are_kept_apart(lossless, sentences):
    pair = {"a": sentences[:20], "b": sentences[20:40]}
    expected = lossless.encode(pair, text="a", text_pair="b")
    rebuilt = lossless.encode_from_tokens(features_of(lossless, **pair))
    for name in lossless.column_names:
        assert [feature[name] for feature in rebuilt] == expected[name], name


@settings(max_examples=60, deadline=None)
@given(first=LETTERS, second=LETTERS)
def test_any_text_comes_back_from_lossless_tokens(lossless, first, second):
    pair = {"a": [f"a{first}"], "b": [f"b{second}"]}
    expected = lossless.encode(pair, text="a", text_pair="b")
    (rebuilt,) = lossless.encode_from_tokens([{"input_ids": expected["input_ids"][0]}])
    assert {name: rebuilt[name] for name in lossless.column_names} == {
        name: expected[name][0] for name in lossless.column_names
    }


@settings(max_examples=60, deadline=None)
@given(text=LETTERS)
def test_the_teacher_reads_all_that_the_students_tokens_show(byte_level_tokenizer, text, request):
    for kind in ("cased_tokenizer", "unigram_tokenizer"):
        student = request.getfixturevalue(kind)
        multi = MultiTokenizer(student, [byte_level_tokenizer])
        ids = student(text)["input_ids"]
        (rebuilt,) = multi.encode_from_tokens([{"input_ids": ids}])
        read = byte_level_tokenizer.decode(rebuilt["teacher_0_input_ids"], skip_special_tokens=True)
        entries = student.convert_ids_to_tokens(ids[1:-1])
        shown = "".join(entries).replace("##", "").replace("▁", "").replace(student.unk_token, "\ufffd")
        assert "".join(read.split()) == unicodedata.normalize("NFC", "".join(shown.split()))


def test_chunks_of_several_texts_keep_a_border_between_them(multi_tokenizer, sentences):
    student = multi_tokenizer.student_tokenizer
    chunk = [index for text in sentences[:3] for index in student(text)["input_ids"]][4:-4]
    (rebuilt,) = multi_tokenizer.encode_from_tokens([{"input_ids": chunk}])
    for j, tokenizer in multi_tokenizer.distinct.items():
        ids, spans = rebuilt[f"teacher_{j}_input_ids"], rebuilt[f"teacher_{j}_spans"]
        assert ids[0] == tokenizer.cls_token_id and ids[-1] == tokenizer.sep_token_id
        assert ids.count(tokenizer.sep_token_id) == 3
        assert set(spans) - {-1} == set(rebuilt[f"teacher_{j}_student_spans"]) - {-1}
        assert sorted(set(spans) - {-1}) == list(range(max(spans) + 1))
    assert set(rebuilt["teacher_0_token_type_ids"]) == {0}


def test_a_teacher_gets_no_more_than_it_takes(cased_tokenizer, uncased_tokenizer, sentences):
    short = copy.deepcopy(uncased_tokenizer)
    short.model_max_length = 10
    multi = MultiTokenizer(cased_tokenizer, [short])
    (rebuilt,) = multi.encode_from_tokens(features_of(multi, s=sentences[:1]))
    assert len(rebuilt["teacher_0_input_ids"]) == 10
    assert rebuilt["teacher_0_input_ids"][-1] == short.sep_token_id
    assert rebuilt["teacher_0_student_spans"][-2] == -1


def test_what_else_an_example_holds_is_kept(multi_tokenizer):
    feature = {"input_ids": np.array([2, 40, 41, 3]), "labels": [-100, 1, 2, -100]}
    (rebuilt,) = multi_tokenizer.encode_from_tokens([feature])
    assert set(rebuilt) == {*feature, *multi_tokenizer.column_names}
    assert rebuilt["labels"] == feature["labels"] and rebuilt["input_ids"] is feature["input_ids"]


def test_examples_without_text_have_no_spans(multi_tokenizer):
    rebuilt = multi_tokenizer.encode_from_tokens([{"input_ids": [2, 3]}, {"input_ids": [2, 3]}])
    assert [feature["teacher_0_spans"] for feature in rebuilt] == [[-1, -1]] * 2


def test_two_texts_in_a_chunk_are_no_pair(multi_tokenizer, sentences):
    student = multi_tokenizer.student_tokenizer
    chunk = [index for text in sentences[:2] for index in student(text)["input_ids"]]
    (rebuilt,) = multi_tokenizer.encode_from_tokens([{"input_ids": chunk}])
    assert rebuilt["teacher_0_input_ids"].count(multi_tokenizer.teacher_tokenizers[0].sep_token_id) == 2
    assert set(rebuilt["teacher_0_token_type_ids"]) == {0}


def test_no_space_is_put_before_a_text(cased_tokenizer, byte_level_tokenizer):
    teacher = copy.deepcopy(byte_level_tokenizer)
    teacher.backend_tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    multi = MultiTokenizer(cased_tokenizer, [teacher])
    expected = multi.encode({"s": ["Fata doarme"]}, text="s")
    (rebuilt,) = multi.encode_from_tokens([{"input_ids": expected["input_ids"][0]}])
    assert {name: [rebuilt[name]] for name in multi.column_names} == {
        name: expected[name] for name in multi.column_names
    }


def test_special_tokens_that_the_text_spells_have_no_span(lossless):
    expected = lossless.encode({"s": ["Fata [SEP] doarme"]}, text="s")
    (rebuilt,) = lossless.encode_from_tokens([{"input_ids": expected["input_ids"][0]}])
    assert rebuilt["teacher_0_input_ids"].count(lossless.teacher_tokenizers[0].sep_token_id) == 2
    assert rebuilt["teacher_0_spans"] == expected["teacher_0_spans"][0]


def test_a_combining_mark_in_a_token_of_its_own_belongs_to_its_character(byte_level_tokenizer):
    student = train_tokenizer("wordpiece", ["a"], 30)
    entries = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "##a", "##\u0306"]
    student.backend_tokenizer.model = models.WordPiece(dict(zip(entries, range(8), strict=True)), unk_token="[UNK]")
    student.backend_tokenizer.normalizer = normalizers.NFD()
    multi = MultiTokenizer(student, [byte_level_tokenizer])
    ids = student("aăa ă")["input_ids"]
    assert len(ids) == 8
    (rebuilt,) = multi.encode_from_tokens([{"input_ids": ids}])
    direct = multi.encode({"s": ["aăa ă"]}, text="s")
    assert rebuilt["teacher_0_student_spans"] == direct["teacher_0_student_spans"][0]


def test_combining_marks_that_the_student_splits_off_are_composed_again(sentences, byte_level_tokenizer):
    student = train_tokenizer("wordpiece", [unicodedata.normalize("NFD", text) for text in sentences], 300)
    student.backend_tokenizer.normalizer = normalizers.NFD()
    multi = MultiTokenizer(student, [byte_level_tokenizer])
    expected = multi.encode({"s": ["Fata citește o carte lungă"]}, text="s")
    (rebuilt,) = multi.encode_from_tokens([{"input_ids": expected["input_ids"][0]}])
    for name in multi.column_names:
        assert rebuilt[name] == expected[name][0], name


class TestWordsWithoutMarks:
    """Words that were encoded one by one by a tokenizer that marks spaces, as `run_ner.py` does it."""

    WORDS = ("Fata", "citește", "o", "carte", "lungă", ".")

    @pytest.fixture
    def multi(self, byte_level_tokenizer, cased_tokenizer):
        student = copy.deepcopy(byte_level_tokenizer)
        student.backend_tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        return MultiTokenizer(student, [cased_tokenizer])

    def example(self, multi, *, all_tokens=False, name="labels"):
        encoding = multi.student_tokenizer(list(self.WORDS), is_split_into_words=True)
        places = zip(encoding.word_ids(), [None, *encoding.word_ids()], strict=False)
        labels = [-100 if word is None or (word == last and not all_tokens) else word for word, last in places]
        return {"input_ids": encoding["input_ids"], name: labels}

    def read(self, multi, feature):
        (made,) = multi.encode_from_tokens([feature])
        return multi.teacher_tokenizers[0].decode(made["teacher_0_input_ids"], skip_special_tokens=True)

    @pytest.mark.parametrize("name", ["labels", "label", "label_ids"])
    def test_labels_tell_where_they_begin(self, multi, name, cased_tokenizer):
        feature = self.example(multi, name=name)
        ids = cased_tokenizer(list(self.WORDS), is_split_into_words=True)["input_ids"]
        assert self.read(multi, feature) == cased_tokenizer.decode(ids, skip_special_tokens=True)
        assert not multi.words_run_together([feature])

    def test_the_first_tokens_of_the_words_are_counterparts(self, multi):
        feature = self.example(multi)
        (made,) = multi.encode_from_tokens([feature])
        spans = [
            span for span, label in zip(made["teacher_0_student_spans"], feature["labels"], strict=True) if label >= 0
        ]
        assert -1 not in spans and len({*spans}) == len(self.WORDS)

    def test_without_labels_or_with_one_on_every_token_nothing_tells(self, multi):
        labelled = self.example(multi, all_tokens=True)
        for feature in ({"input_ids": labelled["input_ids"]}, labelled, labelled | {"labels": 1}):
            long = {**feature, "input_ids": feature["input_ids"][1:-1] * 2}
            if isinstance(feature.get("labels"), list):
                long["labels"] = feature["labels"][1:-1] * 2
            assert " " not in self.read(multi, long).replace(" .", ".").replace(" ", "")
            assert multi.words_run_together([long])

    def test_spaces_that_the_tokens_mark_are_enough(self, multi):
        encoding = multi.student_tokenizer("Fata citește o carte.")
        labels = [0 if place % 2 else -100 for place in range(len(encoding["input_ids"]))]
        given = {"input_ids": encoding["input_ids"]}
        assert self.read(multi, given | {"labels": labels}) == self.read(multi, given)
        assert not multi.words_run_together([given])
