"""The text that entries stand for, and texts rebuilt from tokens."""

import copy

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from helpers.tokenizers import bpe, train_tokenizer, wordpiece
from hf_multiteacher.tokenization.surfaces import TokenSurfaces

RELAXED = settings(deadline=None, max_examples=200)


@pytest.fixture(scope="module")
def unprefixed(byte_level_tokenizer):
    """Puts no space in front of a text."""
    tokenizer = copy.deepcopy(byte_level_tokenizer)
    tokenizer.backend_tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    return tokenizer


class TestSurfaces:
    def pieces(self, tokenizer, entries):
        surfaces = TokenSurfaces(tokenizer)
        return [surfaces.pieces[tokenizer.convert_tokens_to_ids(entry)] for entry in entries]

    def test_wordpiece_entries_start_a_word_unless_marked(self):
        tokenizer = wordpiece(["la", "##le", "##", "▁x"])
        assert self.pieces(tokenizer, ["la", "##le", "##", "▁x"]) == [b" la", b"le", b"", " ▁x".encode()]

    def test_byte_level_entries_are_bytes(self):
        tokenizer = bpe(["Ġla", "È", "##a"], decoders.ByteLevel())
        assert self.pieces(tokenizer, ["Ġla", "È", "##a"]) == [b" la", b"\xc8", b"##a"]

    def test_a_byte_level_pre_tokenizer_counts_where_there_is_no_decoder(self):
        tokenizer = bpe(["Ġla"], None)
        tokenizer.backend_tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
            [pre_tokenizers.Digits(), pre_tokenizers.ByteLevel()]
        )
        assert self.pieces(tokenizer, ["Ġla"]) == [b" la"]

    def test_metaspace_entries_hold_their_spaces(self):
        assert self.pieces(bpe(["▁la▁", "Ġ"], decoders.Metaspace()), ["▁la▁", "Ġ"]) == [b" la ", "Ġ".encode()]

    def test_marks_of_a_sequence_of_decoders_are_read(self):
        decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
        assert self.pieces(bpe(["▁la", "<0x0A>"], decoder), ["▁la", "<0x0A>"]) == [b" la", b"\n"]

    def test_bytes_are_text_where_the_decoder_has_no_fallback(self):
        assert self.pieces(bpe(["<0x0A>"], decoders.Metaspace()), ["<0x0A>"]) == [b"<0x0A>"]

    def test_replacements_of_more_than_one_character_are_no_marks(self):
        decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.Replace("ab", " ")])
        assert self.pieces(bpe(["▁cab"], decoder), ["▁cab"]) == [b" cab"]

    def test_characters_outside_the_byte_alphabet_are_text(self):
        assert self.pieces(bpe(["日"], decoders.ByteLevel()), ["日"]) == ["日".encode()]

    def test_bpe_entries_start_a_word_where_there_is_a_mark_of_continuations(self):
        backend = Tokenizer(models.BPE({"la": 0, "@le": 1}, [], continuing_subword_prefix="@"))
        assert self.pieces(PreTrainedTokenizerFast(tokenizer_object=backend), ["la", "@le"]) == [b" la", b"le"]

    def test_entries_with_a_word_end_have_their_space_behind(self):
        backend = Tokenizer(models.BPE({"la</w>": 0, "la": 1}, [], end_of_word_suffix="</w>"))
        backend.decoder = decoders.BPEDecoder()
        assert self.pieces(PreTrainedTokenizerFast(tokenizer_object=backend), ["la</w>", "la"]) == [b"la ", b"la"]

    def test_whole_word_entries_start_a_word(self):
        backend = Tokenizer(models.WordLevel({"la": 0, "##x": 1, "<unk>": 2}, unk_token="<unk>"))
        assert self.pieces(PreTrainedTokenizerFast(tokenizer_object=backend), ["la", "##x"]) == [b" la", b" ##x"]

    def test_added_tokens_are_literal(self):
        tokenizer = bpe(["a"], decoders.ByteLevel())
        tokenizer.add_tokens([AddedToken("ĠCOVID")])
        assert self.pieces(tokenizer, ["ĠCOVID"]) == ["ĠCOVID".encode()]

    def test_added_tokens_start_a_word_where_the_tokenizer_forgets_spaces(self):
        tokenizer = wordpiece(["a"])
        tokenizer.add_tokens([AddedToken("COVID")])
        assert self.pieces(tokenizer, ["COVID"]) == [b" COVID"]

    def test_special_and_unknown_tokens_have_no_text(self, cased_tokenizer):
        surfaces = TokenSurfaces(cased_tokenizer)
        assert self.pieces(cased_tokenizer, ["[CLS]", "[UNK]", "[MASK]"]) == [None] * 3
        special = [index for index in cased_tokenizer.all_special_ids if index != cased_tokenizer.unk_token_id]
        assert np.flatnonzero(surfaces.special).tolist() == sorted(special)


class TestRebuild:
    @RELAXED
    @given(text=st.text(st.characters(exclude_categories=["Cs"]), max_size=30))
    def test_byte_level_tokens_give_their_text_and_offsets_back(self, text, unprefixed):
        encoding = unprefixed(text, return_offsets_mapping=True, add_special_tokens=False)
        rebuilt, offsets = TokenSurfaces(unprefixed).rebuild(encoding["input_ids"])
        assert rebuilt == text
        assert [*map(tuple, offsets.tolist())] == encoding["offset_mapping"]

    def test_offsets_of_parts_of_a_character_are_those_of_the_character(self):
        tokenizer = bpe(["ĠÈ", "Ļ", "i", "ð", "ŁĺĢ"], decoders.ByteLevel())
        text, offsets = TokenSurfaces(tokenizer).rebuild([0, 1, 2, 3, 4])
        assert text == " și😀"
        assert offsets.tolist() == [[0, 2], [1, 2], [2, 3], [3, 4], [3, 4]]

    def test_bytes_that_are_no_text_are_one_replacement_character_each(self):
        tokenizer = bpe(["È", "i", "ð", "ŁĺĢ"], decoders.ByteLevel())
        text, offsets = TokenSurfaces(tokenizer).rebuild([3, 1, 0, 1])
        assert text == "\ufffd\ufffd\ufffdi\ufffdi"
        assert offsets.tolist() == [[0, 3], [3, 4], [4, 5], [5, 6]]

    def test_wordpieces_are_put_together_with_punctuation_as_usual(self, cased_tokenizer):
        written = "Fata, (într-o după-amiază) a citit: „cărțile vechi”!"
        tokenizer = train_tokenizer("wordpiece", [written], 100)
        encoding = tokenizer(written, return_offsets_mapping=True)
        text, offsets = TokenSurfaces(tokenizer).rebuild(encoding["input_ids"])
        assert text.strip() == written
        shift = text.index("Fata")
        for (start, end), (first, last) in zip(offsets[1:-1], encoding["offset_mapping"][1:-1], strict=True):
            assert text[start:end].strip() == written[first:last]
            assert end == last + shift

    def test_punctuation_stays_where_the_tokenizer_remembers_it(self, unprefixed):
        written = "Fata , ne - am"
        assert TokenSurfaces(unprefixed).rebuild(unprefixed.encode(written, add_special_tokens=False))[0] == written

    def test_unknown_tokens_leave_a_mark_and_special_tokens_a_space(self, cased_tokenizer):
        ids = cased_tokenizer("Fata 日 citește")["input_ids"]
        text, offsets = TokenSurfaces(cased_tokenizer).rebuild(ids)
        assert text.split() == ["Fata", "\ufffd", "citește"]
        assert [text[start:end].strip() for start, end in offsets] == [
            *(["", "Fata", "\ufffd"]),
            *(piece.removeprefix("##") for piece in cased_tokenizer.tokenize("citește")),
            "",
        ]

    def test_a_special_token_keeps_words_apart(self, unprefixed):
        ids = [*unprefixed.encode("a", add_special_tokens=False), unprefixed.sep_token_id]
        assert TokenSurfaces(unprefixed).rebuild(ids * 2)[0] == "a a "

    def test_no_tokens_are_no_text(self, cased_tokenizer):
        text, offsets = TokenSurfaces(cased_tokenizer).rebuild([])
        assert text == ""
        assert offsets.shape == (0, 2)
