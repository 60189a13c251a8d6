"""Shared outcomes of two vocabularies."""

import copy
import lzma
import unicodedata
from functools import cache

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tokenizers import AddedToken, decoders, normalizers

from helpers.tokenizers import bpe, train_tokenizer, wordpiece
from hf_multiteacher.tokenization.matching import one_to_one
from hf_multiteacher.tokenization.spans import batch_spans, flatten_offsets
from hf_multiteacher.tokenization.vocabulary import SharedVocabulary, shared_mass

CEDILLA_TO_COMMA = str.maketrans("ŞşŢţ", "ȘșȚț")
RELAXED = settings(deadline=None, max_examples=200, suppress_health_check=[HealthCheck.too_slow])
TEXTS = st.lists(
    st.sampled_from(["Fata", "cărți", "ne-am", "ĂȘȚ", "școala", " ", ", ", "ﬁ", "½", "…", "İ", "😀", "##", "a", "Ġ"])
    | st.text("aăâîșțAĂÎȘȚebc -.,'", max_size=6)
).map(lambda parts: unicodedata.normalize("NFC", "".join(parts)))


@pytest.fixture(scope="module")
def lines(romanian_data):
    """Every tenth paragraph: some five megabytes."""
    lines = []
    for file in sorted((romanian_data / "text").glob("*.txt.xz")):
        with lzma.open(file, "rt", encoding="utf-8") as stream:
            kept = [line.strip() for number, line in enumerate(stream) if number % 10 == 0 and line.strip()]
        lines += [unicodedata.normalize("NFC", line).translate(CEDILLA_TO_COMMA) for line in kept]
    return lines


@pytest.fixture(scope="module")
def real_student(lines):
    """The cased student's tokenizer."""
    return train_tokenizer("wordpiece", lines, 16_000)


def outcomes(student, teacher):
    """The shared outcomes as a set of pairs of sets of entries."""
    shared = SharedVocabulary.from_tokenizers(student, teacher)
    sides = [(student, shared.student_outcomes), (teacher, shared.teacher_outcomes)]
    return {
        tuple(frozenset(t.convert_ids_to_tokens(np.flatnonzero(o == outcome).tolist())) for t, o in sides)
        for outcome in range(1, shared.num_outcomes)
    }


def pairs(*entries):
    """What `outcomes` gives when each outcome is one entry on both sides."""
    return {(frozenset([student]), frozenset([teacher])) for student, teacher in entries}


class TestOutcomes:
    def test_marks_are_dropped(self):
        student = wordpiece(["carte", "##le", "cărți"])
        teacher = bpe(["Ġcarte", "le", "cÄĥrÈĽi", "x"], decoders.ByteLevel())
        assert outcomes(student, teacher) == pairs(("carte", "Ġcarte"), ("##le", "le"), ("cărți", "cÄĥrÈĽi"))
        teacher = bpe(["▁carte", "le"], decoders.Metaspace())
        assert outcomes(student, teacher) == pairs(("carte", "▁carte"), ("##le", "le"))

    def test_other_tokenizers_marks_are_text(self):
        student = wordpiece(["▁", "Ġa", "x"])
        teacher = bpe(["##a", "a", "Ġ", "x"], decoders.ByteLevel())
        assert outcomes(student, teacher) == pairs(("x", "x"))
        assert outcomes(wordpiece(["##", "a", "##a"]), teacher) == {(frozenset(["a", "##a"]), frozenset(["a"]))}

    def test_many_entries_can_be_one_outcome_on_both_sides(self):
        student = wordpiece(["la", "##la", "La"])
        teacher = bpe(["▁la", "la", "▁el"], decoders.Metaspace())
        assert outcomes(student, teacher) == {(frozenset(["la", "##la"]), frozenset(["▁la", "la"]))}

    def test_both_normalisers_apply_to_both_sides(self):
        cased, uncased = wordpiece(["La", "la", "LA", "Ș"]), wordpiece(["la", "ș", "x"], lowercase=True)
        expected = {(frozenset(["La", "la", "LA"]), frozenset(["la"])), (frozenset(["Ș"]), frozenset(["ș"]))}
        assert outcomes(cased, uncased) == expected
        assert outcomes(uncased, cased) == {(teacher, student) for student, teacher in expected}

    def test_normalisers_that_make_work_for_each_other_are_repeated(self):
        student = wordpiece(["℡", "x"], lowercase=True)
        teacher = bpe(["TEL", "y"], decoders.ByteLevel())
        teacher.backend_tokenizer.normalizer = normalizers.NFKC()
        assert outcomes(student, teacher) == pairs(("℡", "TEL"))
        teacher.backend_tokenizer.normalizer = normalizers.Replace("tel", "Tel!")
        assert SharedVocabulary.from_tokenizers(student, teacher).num_outcomes == 1  # ends, though nothing settles

    def test_entries_in_another_unicode_form_are_equal(self):
        student, teacher = wordpiece(["s\u0326i", "x"]), bpe(["Ġ\u0219i", "y"], decoders.Metaspace("Ġ"))
        assert outcomes(student, teacher) == pairs(("s\u0326i", "Ġ\u0219i"))

    @pytest.mark.parametrize(("old", "new"), [("oraş", "oraș"), ("Ţara", "Țara"), ("##ţi", "##ți")])
    def test_a_word_with_a_cedilla_is_one_with_the_comma_where_a_side_knows_only_one(self, old, new):
        assert outcomes(wordpiece([old, "x"]), wordpiece([new, "y"])) == pairs((old, new))
        assert outcomes(wordpiece([new, "x"]), wordpiece([old, "y"])) == pairs((new, old))
        both = (frozenset([old, new]), frozenset([new]))
        assert outcomes(wordpiece([old, new, "x"]), wordpiece([new, "y"])) == {both}

    def test_spellings_that_both_sides_know_stay_apart(self):
        student, teacher = wordpiece(["oraş", "oraș", "x"]), wordpiece(["oraş", "oraș", "y"])
        assert outcomes(student, teacher) == pairs(("oraş", "oraş"), ("oraș", "oraș"))

    def test_special_tokens_are_matched_by_role(self):
        student = wordpiece(["[CLS]", "[SEP]", "[PAD]", "[MASK]", "<s>"], cls_token="[CLS]", sep_token="[SEP]")
        student.add_special_tokens({"pad_token": "[PAD]", "mask_token": "[MASK]"})
        entries = ["<s>", "</s>", "<pad>", "<mask>", "<unk>", "[CLS]"]
        roles = {"bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>", "mask_token": "<mask>"}
        teacher = bpe(entries, decoders.ByteLevel(), unk_token="<unk>", **roles)
        names = ("[CLS]", "<s>"), ("[SEP]", "</s>"), ("[PAD]", "<pad>"), ("[MASK]", "<mask>")
        assert outcomes(student, teacher) == pairs(*names)

    def test_a_special_token_with_two_roles_is_matched_by_either(self):
        roles = {"cls_token": "<s>", "bos_token": "<s>", "sep_token": "</s>", "eos_token": "</s>"}
        student = bpe(["<s>", "</s>"], decoders.ByteLevel(), **roles)
        teacher = wordpiece(["[CLS]", "[SEP]"], cls_token="[CLS]", sep_token="[SEP]")
        assert outcomes(student, teacher) == pairs(("<s>", "[CLS]"), ("</s>", "[SEP]"))

    def test_a_special_token_beside_the_one_with_the_role_does_not_take_it(self):
        student = wordpiece(["[CLS]", "<s>"], cls_token="[CLS]", bos_token="<s>")
        assert outcomes(student, wordpiece(["[CLS]"], cls_token="[CLS]")) == pairs(("[CLS]", "[CLS]"))

    def test_an_unknown_token_is_other_whatever_else_it_stands_for(self):
        student = bpe(["<end>", "a"], decoders.ByteLevel(), unk_token="<end>", bos_token="<end>")
        assert outcomes(student, wordpiece(["[CLS]", "a"], cls_token="[CLS]")) == pairs(("a", "a"))

    def test_marks_that_a_normaliser_puts_in_front_are_dropped(self):
        student = bpe(["Ġla", "Ġ"], decoders.ByteLevel())
        teacher = bpe(["▁la", "▁"], decoders.Replace("▁", " "))
        teacher.backend_tokenizer.normalizer = normalizers.Sequence(
            [normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]
        )
        assert outcomes(student, teacher) == pairs(("Ġla", "▁la"))

    def test_special_tokens_without_a_role_are_matched_by_name(self):
        student, teacher = wordpiece(["x"]), wordpiece(["y"])
        for tokenizer in (student, teacher):
            tokenizer.add_special_tokens({"additional_special_tokens": ["<user>"]})
        teacher.add_tokens([AddedToken("x")])
        assert outcomes(student, teacher) == pairs(("<user>", "<user>"), ("x", "x"))

    def test_unknown_space_and_partial_characters_are_other(self):
        student = bpe(["<unk>", "Ġ", "Ġa", "Ã", "ĠÃ", "Ċ"], decoders.ByteLevel(), unk_token="<unk>")
        teacher = bpe(["<unk>", "Ġ", "a", "Ã", "Ċ", "ĠÃ"], decoders.ByteLevel(), unk_token="<unk>")
        assert outcomes(student, teacher) == pairs(("Ġa", "a"))

    def test_bytes_of_a_fallback_are_other_unless_they_are_a_character(self):
        decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
        student = bpe(["<0x0A>", "<0xC8>", "<0x41>", "▁șa"], decoder)
        teacher = bpe(["A", "È", "<0xC8>", "șa"], decoders.Metaspace())
        assert outcomes(student, teacher) == pairs(("<0x41>", "A"), ("▁șa", "șa"))

    def test_equal_vocabularies_have_one_outcome_per_entry_and_no_other(self, cased_tokenizer):
        shared = SharedVocabulary.from_tokenizers(cased_tokenizer, copy.deepcopy(cased_tokenizer))
        assert shared.student_outcomes.tolist() == list(range(1, len(cased_tokenizer) + 1))
        assert shared.teacher_outcomes.tolist() == shared.student_outcomes.tolist()
        assert shared.num_outcomes == len(cased_tokenizer) + 1
        assert shared.student_share == shared.teacher_share == 1

    def test_equal_entries_in_another_order_are_not_an_equal_vocabulary(self):
        assert outcomes(wordpiece(["a", "b"]), wordpiece(["b", "a"])) == pairs(("a", "a"), ("b", "b"))

    def test_logits_wider_than_the_tokenizer_are_other(self):
        student, teacher = wordpiece(["a", "b"]), wordpiece(["b", "c"])
        shared = SharedVocabulary.from_tokenizers(student, teacher, student_size=8, teacher_size=4)
        assert shared.student_outcomes.tolist() == [0, 0, 1, 0, 0, 0, 0, 0]
        assert shared.teacher_outcomes.tolist() == [0, 1, 0, 0]
        assert (shared.student_share, shared.teacher_share) == (1 / 8, 1 / 4)

    def test_logits_narrower_than_the_tokenizer_are_refused(self):
        with pytest.raises(ValueError, match="teacher's logits to cover its tokenizer's 3 entries, but they have 2"):
            SharedVocabulary.from_tokenizers(wordpiece(["a"]), wordpiece(["b", "c"]), teacher_size=2)

    def test_shared_mass_is_the_share_of_occurrences(self):
        assert shared_mass(np.array([0, 1, 2, 0]), np.array([1, 4, 3, 2])) == 0.7

    @RELAXED
    @given(text=TEXTS)
    def test_gold_tokens_at_one_to_one_spans_are_one_outcome(
        self, text, cased_tokenizer, uncased_tokenizer, byte_level_tokenizer, unigram_tokenizer
    ):
        tokenizers = [cased_tokenizer, uncased_tokenizer, byte_level_tokenizer, unigram_tokenizer]
        for student in tokenizers:
            for teacher in tokenizers:
                _, agree = one_to_one_gold_tokens(student, teacher, [text])
                assert agree.all()


shared_vocabulary = cache(SharedVocabulary.from_tokenizers)


def one_to_one_gold_tokens(student, teacher, texts):
    """Which student tokens are one to one with a teacher token; which known ones of them agree in their outcome."""
    ids, flat = [], []
    for tokenizer in (student, teacher):
        encoding = tokenizer(texts, return_offsets_mapping=True, add_special_tokens=False)
        ids.append(np.array([index for row in encoding["input_ids"] for index in row], int))
        flat.append(flatten_offsets(encoding["offset_mapping"], [[0] * len(row) for row in encoding["input_ids"]]))
    counterparts = one_to_one(*batch_spans(texts, flat, sequences=len(texts)))
    matched = counterparts >= 0
    gold_student, gold_teacher = ids[0][matched], ids[1][counterparts[matched]]
    known = (gold_student != student.unk_token_id) & (gold_teacher != teacher.unk_token_id)
    shared = shared_vocabulary(student, teacher)
    of_student = shared.student_outcomes[gold_student[known]]
    return matched, (of_student == shared.teacher_outcomes[gold_teacher[known]]) & (of_student > 0)


@pytest.mark.slow
@pytest.mark.real_data
class TestOnRealText:
    @pytest.mark.parametrize(
        ("kind", "size", "lowercase", "share"),
        [("wordpiece", 12_000, True, 0.88), ("bpe", 16_000, False, 0.80), ("unigram", 12_000, False, 0.65)],
    )
    def test_most_tokens_are_one_to_one_and_all_gold_tokens_agree(
        self, lines, real_student, kind, size, lowercase, share
    ):
        teacher = train_tokenizer(kind, lines, size, lowercase)
        matched, agree = one_to_one_gold_tokens(real_student, teacher, lines[::10])
        assert matched.mean() >= share
        assert agree.all()
