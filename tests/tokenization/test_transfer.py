"""Which of a teacher's entries each entry of a student starts from."""

import copy

import pytest
from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from helpers.tokenizers import SENTENCES, bpe, wordpiece
from hf_multiteacher import trim_tokenizer
from hf_multiteacher.tokenization import VocabularyTransfer


def unigram(entries, **roles):
    """A Unigram tokenizer of given pieces, longer ones likelier."""
    backend = Tokenizer(models.Unigram([("<unk>", 0.0), *((entry, -10.0 + len(entry)) for entry in entries)], 0))
    backend.pre_tokenizer = pre_tokenizers.Metaspace()
    backend.decoder = decoders.Metaspace()
    return PreTrainedTokenizerFast(tokenizer_object=backend, unk_token="<unk>", **roles)


def byte_level(entries, merges, prefix_space=False):
    vocabulary = {entry: index for index, entry in enumerate(entries)}
    backend = Tokenizer(models.BPE(vocabulary, merges))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=prefix_space)
    backend.decoder = decoders.ByteLevel()
    return PreTrainedTokenizerFast(tokenizer_object=backend)


def sources_of(student, teacher, entry):
    """The teacher's entries that an entry of the student starts from."""
    transfer = VocabularyTransfer.from_tokenizers(student, teacher)
    return teacher.convert_ids_to_tokens(transfer.sources[student.convert_tokens_to_ids(entry)])


class TestEqualEntries:
    @pytest.mark.parametrize("kind", ["cased_tokenizer", "byte_level_tokenizer", "unigram_tokenizer"])
    def test_all_of_a_trimmed_one_are_copied_from_themselves(self, kind, request):
        teacher = request.getfixturevalue(kind)
        student = trim_tokenizer(teacher, SENTENCES[:3])
        transfer = VocabularyTransfer.from_tokenizers(student, teacher)
        assert transfer.copied.all() and not transfer.averaged.any() and not transfer.left.any()
        assert [teacher.convert_ids_to_tokens(ids) for ids in transfer.sources] == [
            [entry] for entry in student.convert_ids_to_tokens(range(len(student)))
        ]

    def test_the_start_of_a_word_and_its_inside_are_apart(self):
        student, teacher = wordpiece(["la", "##la", "##le"]), unigram(["la", "▁la", "le", "▁le"])
        assert sources_of(student, teacher, "la") == ["▁la"]
        assert sources_of(student, teacher, "##la") == ["la"]
        assert sources_of(student, teacher, "##le") == ["le"]
        assert sources_of(teacher, student, "▁la") == ["la"]

    def test_bytes_that_spell_a_character_give_way_to_the_character(self):
        decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
        teacher = bpe(["<0x41>", "<0x0A>", "A", "▁A"], decoder)
        assert sources_of(bpe(["A", "<0x0A>"], decoder), teacher, "A") == ["A"]
        assert sources_of(bpe(["A", "<0x41>"], decoder), teacher, "<0x41>") == ["<0x41>"]
        assert sources_of(bpe(["Ċ"], decoders.ByteLevel()), teacher, "Ċ") == ["<0x0A>"]

    def test_punctuation_of_a_vocabulary_that_forgets_spaces_stands_behind_a_word(self):
        student = wordpiece([",", "(", "la"])
        assert sources_of(student, unigram([",", "▁,", "(", "▁("]), ",") == [","]
        assert sources_of(student, unigram([",", "▁,", "(", "▁("]), "(") == ["▁("]
        assert sources_of(student, unigram(["▁,"]), ",") == ["▁,"]


class TestRoles:
    def test_special_tokens_are_matched_by_role_whatever_they_are_called(self):
        student = wordpiece(["[PAD]", "[MASK]"], pad_token="[PAD]", mask_token="[MASK]")
        teacher = unigram(["<mask>", "<pad>", "[MASK]"], pad_token="<pad>", mask_token="<mask>")
        assert sources_of(student, teacher, "[MASK]") == ["<mask>"]
        assert sources_of(student, teacher, "[PAD]") == ["<pad>"]
        assert sources_of(student, teacher, "[UNK]") == ["<unk>"]

    def test_the_start_and_the_end_stand_in_for_each_other_on_either_side(self):
        student = wordpiece(["[CLS]", "[SEP]", "[BOS]"], cls_token="[CLS]", sep_token="[SEP]", bos_token="[BOS]")
        teacher = unigram(["<s>", "</s>"], bos_token="<s>", eos_token="</s>")
        assert [sources_of(student, teacher, each) for each in ("[CLS]", "[SEP]", "[BOS]")] == [
            ["<s>"],
            ["</s>"],
            ["<s>"],
        ]
        assert sources_of(teacher, student, "<s>") == ["[BOS]"]
        assert sources_of(teacher, student, "</s>") == ["[SEP]"]

    def test_special_tokens_without_a_role_are_matched_by_name(self):
        student, teacher = wordpiece(["la"]), wordpiece(["la", "[x]"])
        student.add_tokens([AddedToken("[x]", special=True), AddedToken("[y]", special=True)])
        assert sources_of(student, teacher, "[x]") == ["[x]"]
        assert sources_of(student, teacher, "[y]") == []

    def test_a_role_that_the_teacher_does_not_have_is_left(self):
        assert sources_of(wordpiece(["[MASK]"], mask_token="[MASK]"), unigram(["▁la"]), "[MASK]") == []


class TestPieces:
    """What has no equal is cut by the teacher's tokenizer where it would stand."""

    def test_by_wordpiece(self):
        teacher = wordpiece(["car", "##te", "##car", "te", "s", "-", "a"])
        student = unigram(["▁carte", "carte", "▁s-a", "-", "te▁car"])
        assert sources_of(student, teacher, "▁carte") == ["car", "##te"]
        assert sources_of(student, teacher, "carte") == ["##car", "##te"]
        assert sources_of(student, teacher, "▁s-a") == ["s", "-", "a"]
        assert sources_of(student, teacher, "-") == ["-"]
        assert sources_of(student, teacher, "te▁car") == ["##te", "car"]

    def test_by_unigram(self):
        teacher = unigram(["▁car", "car", "te", "▁"])
        student = wordpiece(["carte", "##carte"])
        assert sources_of(student, teacher, "carte") == ["▁car", "te"]
        assert sources_of(student, teacher, "##carte") == ["car", "te"]

    @pytest.mark.parametrize("prefix_space", [False, True])
    def test_by_byte_level_bpe(self, prefix_space):
        entries = ["a", "c", "r", "t", "e", "Ġ", "Ġc", "Ġca", "ca", "È", "Ļ", "È" + "Ļ"]
        merges = [("Ġ", "c"), ("Ġc", "a"), ("c", "a"), ("È", "Ļ")]
        teacher = byte_level(entries, merges, prefix_space)
        student = wordpiece(["carte", "##carte", "##caș"])
        assert sources_of(student, teacher, "carte") == ["Ġca", "r", "t", "e"]
        assert sources_of(student, teacher, "##carte") == ["ca", "r", "t", "e"]
        assert sources_of(student, teacher, "##caș") == ["ca", "ÈĻ"]

    @pytest.mark.parametrize("prepends", [False, True])
    def test_by_a_bpe_over_whole_sentences(self, prepends):
        entries = ["<0xC8>", "<0x99>", "a", "c", "▁", "▁c", "▁ca", "ca"]
        merges = [("▁", "c"), ("▁c", "a"), ("c", "a")]
        vocabulary = {entry: index for index, entry in enumerate(entries)}
        backend = Tokenizer(models.BPE(vocabulary, merges, byte_fallback=True))
        steps = [*([normalizers.Prepend("▁")] * prepends), normalizers.Replace(" ", "▁")]
        backend.normalizer = normalizers.Sequence(steps)
        backend.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
        teacher = PreTrainedTokenizerFast(tokenizer_object=backend)
        student = wordpiece(["cac", "##cac", "##caș"])
        assert sources_of(student, teacher, "cac") == ["▁ca", "c"]
        assert sources_of(student, teacher, "##cac") == ["ca", "c"]
        assert sources_of(student, teacher, "##caș") == ["ca", "<0xC8>", "<0x99>"]

    def test_through_the_teachers_normaliser(self):
        teacher = wordpiece(["casa", "##sa"], lowercase=True)
        assert sources_of(wordpiece(["Casa", "##SA"]), teacher, "Casa") == ["casa"]
        assert sources_of(wordpiece(["Casa", "##SA"]), teacher, "##SA") == ["##sa"]

    def test_parts_of_characters_byte_by_byte(self):
        teacher = byte_level(["È", "Ļ", "a", "Ġ"], [])
        student = byte_level(["ĠÈ", "Èa", "ÈĻ", "ð"], [])
        assert sources_of(student, teacher, "ĠÈ") == ["Ġ", "È"]
        assert sources_of(student, teacher, "ÈĻ") == ["È", "Ļ"]
        assert sources_of(student, teacher, "ð") == []

    def test_what_the_teacher_does_not_know_is_left_out(self):
        teacher = unigram(["▁ca", "te", "▁"])
        student = wordpiece(["ca日", "日", "##日"])
        assert sources_of(student, teacher, "ca日") == ["▁ca"]
        assert sources_of(student, teacher, "##日") == []

    def test_a_mark_that_joins_the_letter_before_it_is_left(self):
        teacher = unigram(["▁ca"])
        teacher.backend_tokenizer.normalizer = normalizers.NFC()
        assert sources_of(wordpiece(["##\u0306"]), teacher, "##\u0306") == []


class TestReport:
    def test_entries_and_tokens_are_counted(self):
        teacher = wordpiece(["la", "car", "##te", "[PAD]"], pad_token="[PAD]")
        student = wordpiece(["la", "carte", "日", "[PAD]"], pad_token="[PAD]")
        report = VocabularyTransfer.from_tokenizers(student, teacher).report(["la carte la la", "日"])
        assert report == {
            **{"entries": 5, "copied": 3, "averaged": 1, "left": 1},
            **{"copied_share": 0.6, "averaged_share": 0.2, "left_share": 0.2},
        }

    def test_without_texts_only_entries_are(self, cased_tokenizer):
        report = VocabularyTransfer.from_tokenizers(cased_tokenizer, cased_tokenizer).report()
        assert report == {"entries": 300, "copied": 300, "averaged": 0, "left": 0}

    def test_settings_of_a_tokenizer_stay(self, cased_tokenizer):
        student = copy.deepcopy(cased_tokenizer)
        student.backend_tokenizer.enable_truncation(max_length=3)
        before = student.backend_tokenizer.to_str()
        report = VocabularyTransfer.from_tokenizers(student, cased_tokenizer).report(SENTENCES)
        assert report["copied_share"] == 1 and student.backend_tokenizer.to_str() == before


def test_slow_tokenizers_are_refused(cased_tokenizer):
    with pytest.raises(TypeError, match="expects fast tokenizers, but that of the student is a object"):
        VocabularyTransfer.from_tokenizers(object(), cased_tokenizer)
    with pytest.raises(TypeError, match="expects fast tokenizers, but that of the teacher is a object"):
        VocabularyTransfer.from_tokenizers(cased_tokenizer, object())
