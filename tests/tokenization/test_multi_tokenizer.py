"""MultiTokenizer: which encodings there are, the spans they share, what comes back where the text is gone."""

import copy
import json
import pickle
import unicodedata

import numpy as np
import pytest
from tokenizers import decoders
from transformers import PreTrainedTokenizerFast

from helpers.tokenizers import train_tokenizer
from hf_multiteacher.tokenization import multi_tokenizer as multi_tokenizer_module
from hf_multiteacher.tokenization.multi_tokenizer import MultiTokenizer


@pytest.fixture(scope="module")
def multi_tokenizer(cased_tokenizer, uncased_tokenizer, byte_level_tokenizer, unigram_tokenizer):
    return MultiTokenizer(cased_tokenizer, [uncased_tokenizer, byte_level_tokenizer, unigram_tokenizer])


def reloaded(tokenizer, **settings):
    """The same tokenizer under another class, name and settings, as another checkpoint would hold it."""
    names = {f"{role}_token": getattr(tokenizer, f"{role}_token") for role in ("pad", "unk", "mask", "cls", "sep")}
    backend = copy.deepcopy(tokenizer.backend_tokenizer)
    backend.enable_truncation(7)
    backend.enable_padding(length=20)
    backend.decoder = decoders.Fuse()
    return PreTrainedTokenizerFast(tokenizer_object=backend, **{**names, **settings})


def span_texts(text, offsets, spans):
    """The visible characters of each span."""
    result = {}
    for (start, end), span in zip(offsets, spans, strict=True):
        if span >= 0:
            result.setdefault(span, set()).update(i for i in range(start, end) if not text[i].isspace())
    return result


class TestEncodings:
    def test_a_teacher_that_tokenizes_like_the_student_costs_no_column(self, cased_tokenizer, sentences):
        multi = MultiTokenizer(cased_tokenizer, [reloaded(cased_tokenizer), cased_tokenizer])
        assert multi.distinct == {} and multi.column_names == []
        assert [multi.source_of(0), multi.source_of(1)] == [None, None]
        assert multi.encode({"s": sentences}, text="s") == dict(cased_tokenizer(sentences, truncation=True))

    def test_teachers_with_one_tokenizer_share_the_columns_of_the_first(
        self, cased_tokenizer, uncased_tokenizer, sentences
    ):
        multi = MultiTokenizer(cased_tokenizer, [cased_tokenizer, uncased_tokenizer, reloaded(uncased_tokenizer)])
        assert [multi.source_of(teacher) for teacher in range(3)] == [None, 1, 1]
        made = multi.encode({"s": sentences}, text="s")
        assert {name for name in made if name.startswith("teacher")} == set(multi.column_names)
        assert {name.split("_")[1] for name in multi.column_names} == {"1"}

    def test_tokenizers_of_one_vocabulary_that_split_differently_are_distinct(self, cased_tokenizer, sentences):
        state = json.loads(cased_tokenizer.backend_tokenizer.to_str())
        state["normalizer"]["lowercase"] = True
        backend = type(cased_tokenizer.backend_tokenizer).from_str(json.dumps(state))
        assert list(MultiTokenizer(cased_tokenizer, [reloaded_backend(cased_tokenizer, backend)]).distinct) == [0]

    def test_tokenizers_whose_special_tokens_play_other_roles_are_distinct(self, cased_tokenizer):
        other = reloaded(cased_tokenizer, mask_token=cased_tokenizer.unk_token)
        assert list(MultiTokenizer(cased_tokenizer, [other]).distinct) == [0]

    def test_every_encoding_is_what_its_tokenizer_gives(self, multi_tokenizer, sentences):
        made = multi_tokenizer.encode({"s": sentences}, text="s", max_length=12)
        for j, tokenizer in multi_tokenizer.distinct.items():
            for name, rows in tokenizer(sentences, truncation=True, max_length=12).items():
                assert made[f"teacher_{j}_{name}"] == rows
        assert "teacher_1_token_type_ids" not in made

    def test_the_student_gets_the_token_types_that_a_teacher_reading_its_encoding_takes(self, cased_tokenizer):
        student = reloaded(cased_tokenizer, model_input_names=["input_ids", "attention_mask"])
        multi = MultiTokenizer(student, [cased_tokenizer])
        made = multi.encode({"a": ["Fata"], "b": ["citește"]}, text="a", text_pair="b")
        assert made["token_type_ids"] == cased_tokenizer(["Fata"], ["citește"])["token_type_ids"]
        assert multi.column_names == ["token_type_ids"]

    def test_encoding_runs_each_distinct_tokenizer_once_and_matches_each_of_them_once(
        self, cased_tokenizer, uncased_tokenizer, byte_level_tokenizer, sentences, monkeypatch
    ):
        def noting(made, function, name):
            return lambda *arguments, **settings: made.append(name(*arguments)) or function(*arguments, **settings)

        ran, matched = [], []
        own_call = PreTrainedTokenizerFast.__call__
        names = {id(cased_tokenizer): "cased", id(uncased_tokenizer): "uncased", id(byte_level_tokenizer): "bytes"}
        monkeypatch.setattr(
            PreTrainedTokenizerFast,
            "__call__",
            noting(ran, own_call, lambda tokenizer, texts: (names.get(id(tokenizer)), len(texts))),
        )
        monkeypatch.setattr(
            multi_tokenizer_module,
            "batch_spans",
            noting(matched, multi_tokenizer_module.batch_spans, lambda texts, *_: len(texts)),
        )
        teachers = [uncased_tokenizer, byte_level_tokenizer, reloaded(cased_tokenizer), reloaded(uncased_tokenizer)]
        MultiTokenizer(cased_tokenizer, teachers).encode({"s": sentences}, text="s", max_length=512)
        assert sorted(ran) == [(name, len(sentences)) for name in ("bytes", "cased", "uncased")]
        assert matched == [len(sentences)] * 2

    def test_composed_and_decomposed_text_give_the_same(self, multi_tokenizer, sentences):
        decomposed = [unicodedata.normalize("NFD", sentence) for sentence in sentences]
        assert decomposed != sentences
        assert multi_tokenizer.encode({"s": decomposed}, text="s") == multi_tokenizer.encode(
            {"s": sentences}, text="s"
        )
        words = [sentence.split() for sentence in sentences], [sentence.split() for sentence in decomposed]
        assert multi_tokenizer.encode({"w": words[0]}, words="w") == multi_tokenizer.encode({"w": words[1]}, words="w")

    def test_an_encoding_is_no_longer_than_any_of_its_readers_takes(
        self, cased_tokenizer, uncased_tokenizer, sentences
    ):
        text = {"s": [" ".join(sentences)]}
        endless = reloaded(cased_tokenizer)
        assert endless.model_max_length > 10**20
        multi = MultiTokenizer(
            endless, [reloaded(cased_tokenizer, model_max_length=30), reloaded(uncased_tokenizer, model_max_length=40)]
        )
        made = multi.encode(text, text="s")
        assert (len(made["input_ids"][0]), len(made["teacher_1_input_ids"][0])) == (30, 40)
        made = multi.encode(text, text="s", max_length=35)
        assert (len(made["input_ids"][0]), len(made["teacher_1_input_ids"][0])) == (30, 35)
        made = MultiTokenizer(endless, []).encode(text, text="s")
        assert len(made["input_ids"][0]) > 512
        made = multi.encode(text, text="s", truncation=False)
        assert len(made["input_ids"][0]) > 512

    def test_a_slow_tokenizer_is_refused_with_the_reason(self, cased_tokenizer):
        from transformers import CanineTokenizer

        message = "teacher 0 is a CanineTokenizer.*offsets.*AutoTokenizer.*convert"
        with pytest.raises(TypeError, match=message):
            MultiTokenizer(cased_tokenizer, [CanineTokenizer()])
        with pytest.raises(TypeError, match="the student is a CanineTokenizer"):
            MultiTokenizer(CanineTokenizer(), [cased_tokenizer])


def reloaded_backend(tokenizer, backend):
    other = reloaded(tokenizer)
    other._tokenizer = backend
    return other


class TestSpans:
    def test_a_span_holds_the_same_characters_on_both_sides(self, multi_tokenizer, sentences):
        made = multi_tokenizer.encode({"s": sentences}, text="s")
        for j, tokenizer in multi_tokenizer.distinct.items():
            student = multi_tokenizer.student_tokenizer(sentences, return_offsets_mapping=True)["offset_mapping"]
            teacher = tokenizer(sentences, return_offsets_mapping=True)["offset_mapping"]
            for row, text in enumerate(sentences):
                ours = span_texts(text, student[row], made[f"teacher_{j}_student_spans"][row])
                theirs = span_texts(text, teacher[row], made[f"teacher_{j}_spans"][row])
                assert ours == theirs
                assert list(ours) == list(range(len(ours)))

    def test_the_texts_of_a_pair_have_spans_of_their_own(self, multi_tokenizer, sentences):
        firsts, seconds = sentences[:20], sentences[20:40]
        made = multi_tokenizer.encode({"a": firsts, "b": seconds}, text="a", text_pair="b")
        alone = [multi_tokenizer.encode({"s": texts}, text="s") for texts in (firsts, seconds)]
        for j in multi_tokenizer.distinct:
            for name in (f"teacher_{j}_spans", f"teacher_{j}_student_spans"):
                for row in range(20):
                    first, second = ([span for span in part[name][row] if span >= 0] for part in alone)
                    number = 1 + max(first)
                    assert [s for s in made[name][row] if s >= 0] == first + [number + span for span in second]

    def test_special_tokens_have_no_span_even_where_the_text_spells_them(self, multi_tokenizer):
        made = multi_tokenizer.encode({"s": ["Fata [SEP] citește </s>"]}, text="s")
        cased, byte_level = multi_tokenizer.student_tokenizer, multi_tokenizer.teacher_tokenizers[1]
        for tokenizer, ids, spans in [
            (cased, made["input_ids"][0], made["teacher_1_student_spans"][0]),
            (byte_level, made["teacher_1_input_ids"][0], made["teacher_1_spans"][0]),
        ]:
            assert [span for index, span in zip(ids, spans, strict=True) if index == tokenizer.sep_token_id] == [
                -1,
                -1,
            ]
        made = multi_tokenizer.encode({"w": [["Fata", "[SEP]", "citește"]]}, words="w")
        ids, spans = made["input_ids"][0], made["teacher_1_student_spans"][0]
        assert {spans[i] for i, index in enumerate(ids) if index == cased.sep_token_id} == {-1}

    def test_unknown_tokens_have_spans(self, multi_tokenizer):
        made = multi_tokenizer.encode({"s": ["a 漢 o"]}, text="s")
        assert made["input_ids"][0][2] == multi_tokenizer.student_tokenizer.unk_token_id
        assert made["teacher_1_student_spans"] == [[-1, 0, 1, 2, -1]]

    def test_text_that_one_side_truncated_has_no_span(self, multi_tokenizer, sentences):
        made = multi_tokenizer.encode({"s": [" ".join(sentences[:3])]}, text="s", max_length=16)
        for j in multi_tokenizer.distinct:
            ours, theirs = made[f"teacher_{j}_student_spans"][0], made[f"teacher_{j}_spans"][0]
            assert set(ours) == set(theirs)
            assert ours[-2] == -1 or theirs[-2] == -1

    def test_words_are_the_spans_of_pre_split_text(self, multi_tokenizer, sentences):
        words = [sentence.split() for sentence in sentences]
        made = multi_tokenizer.encode({"w": words}, words="w")
        for j, tokenizer in multi_tokenizer.distinct.items():
            encoding = tokenizer(words, is_split_into_words=True)
            for row in range(len(words)):
                expected = [-1 if word is None else word for word in encoding.word_ids(row)]
                assert made[f"teacher_{j}_spans"][row] == expected

    def test_a_word_that_one_side_truncated_has_no_span(self, multi_tokenizer, sentences):
        made = multi_tokenizer.encode({"w": [["a", ""], " ".join(sentences).split()]}, words="w", max_length=20)
        ours, theirs = made["teacher_0_student_spans"][1], made["teacher_0_spans"][1]
        assert set(ours) == set(theirs)
        assert made["teacher_0_student_spans"][0] == [-1, 0, -1]

    def test_a_words_label_stands_on_its_first_token(self, multi_tokenizer, sentences):
        words = [sentence.split() for sentence in sentences]
        labels = [[len(word) for word in row] for row in words]
        made = multi_tokenizer.encode({"w": words, "y": labels}, words="w", labels="y")
        encoding = multi_tokenizer.student_tokenizer(words, is_split_into_words=True)
        for row in range(len(words)):
            previous, expected = None, []
            for word in encoding.word_ids(row):
                expected.append(-100 if word is None or word == previous else labels[row][word])
                previous = word
            assert made["labels"][row] == expected

    def test_other_labels_pass_through(self, multi_tokenizer):
        made = multi_tokenizer.encode({"s": ["Fata", "citește"], "y": [0.5, 1.0]}, text="s", labels="y")
        assert made["labels"] == [0.5, 1.0]


class TestDataSets:
    def test_map_in_processes_and_streaming_give_what_encode_gives(self, multi_tokenizer, sentences):
        from datasets import Dataset

        data = Dataset.from_dict({"s": sentences})
        expected = multi_tokenizer.encode({"s": sentences}, text="s")
        arguments = {"batched": True, "batch_size": 7, "fn_kwargs": {"text": "s"}, "remove_columns": "s"}
        mapped = data.map(multi_tokenizer.encode, num_proc=2, **arguments)
        assert mapped.to_dict() == expected
        streamed = data.to_iterable_dataset().map(multi_tokenizer.encode, **arguments)
        assert {name: [row[name] for row in streamed] for name in expected} == expected

    def test_the_fingerprint_does_not_change_with_use(self, cased_tokenizer, uncased_tokenizer, sentences):
        from datasets.fingerprint import Hasher

        student, teacher = (
            reloaded(tokenizer, model_max_length=9) for tokenizer in (cased_tokenizer, uncased_tokenizer)
        )
        multi = MultiTokenizer(student, [teacher])
        before = Hasher.hash(multi.encode), pickle.dumps(multi)
        assert student.backend_tokenizer.truncation["max_length"] == 7  # pickling has left it as it was
        multi.encode({"s": sentences}, text="s")
        multi.shared_vocabulary(0)
        multi.encode_from_tokens([{"input_ids": [2, 30, 3]}])
        multi.student_tokenizer(" ".join(sentences))  # warns about the length, once
        assert (Hasher.hash(multi.encode), pickle.dumps(multi)) == before

    def test_the_fingerprint_differs_between_tokenizers(self, cased_tokenizer, uncased_tokenizer):
        from datasets.fingerprint import Hasher

        pairs = [(cased_tokenizer, [uncased_tokenizer]), (uncased_tokenizer, [cased_tokenizer]), (cased_tokenizer, [])]
        assert len({Hasher.hash(MultiTokenizer(*pair).encode) for pair in pairs}) == 3

    def test_the_shared_vocabulary_is_built_once_per_distinct_tokenizer(self, multi_tokenizer):
        shared = multi_tokenizer.shared_vocabulary(0)
        assert shared is multi_tokenizer.shared_vocabulary(0)
        assert len(shared.teacher_outcomes) == len(multi_tokenizer.teacher_tokenizers[0])


@pytest.fixture(scope="module")
def real_sentences(romanian_data):
    """Ten thousand real sentences."""
    with open(romanian_data / "rrt" / "ro_rrt-ud-train.conllu", encoding="utf-8") as file:
        trees = file.read().strip().split("\n\n")
    texts = [" ".join(line.split("\t")[1] for line in tree.split("\n") if line[0] != "#") for tree in trees]
    for row in json.loads((romanian_data / "ronec" / "train.json").read_text(encoding="utf-8")):
        pieces = zip(row["tokens"], row["space_after"], strict=True)
        texts.append("".join(word + " " * space for word, space in pieces).strip())
    assert len(texts) > 10_000
    return texts[:10_000]


@pytest.fixture(scope="module")
def real_tokenizers(real_sentences):
    kinds = [("wordpiece", 16_000, False), ("wordpiece", 12_000, True), ("bpe", 16_000, False)]
    return [train_tokenizer(kind, real_sentences, size, lowercase) for kind, size, lowercase in kinds]


@pytest.mark.real_data
def test_rebuilt_texts_keep_most_of_what_the_texts_give(real_sentences, real_tokenizers):
    multi = MultiTokenizer(real_tokenizers[0], real_tokenizers[1:])
    expected = multi.encode({"s": real_sentences[-1000:]}, text="s")  # as printed, with spaces
    rebuilt = multi.encode_from_tokens([{"input_ids": ids} for ids in expected["input_ids"]])
    for j, share in {0: 0.99, 1: 0.5}.items():
        same = [
            feature[f"teacher_{j}_input_ids"] == row
            for feature, row in zip(rebuilt, expected[f"teacher_{j}_input_ids"], strict=True)
        ]
        print(f"rows that teacher {j} reads as from the text: {np.mean(same):.3f}")
        assert np.mean(same) > share
