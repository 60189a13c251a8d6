"""Spans: against a union-find over all token intervals, and the properties that users rely on."""

import lzma
import unicodedata
from itertools import chain, combinations, permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.counting import instructions_of, peak_bytes
from helpers.spans import PRINTED, RELAXED, encode, spans_of
from hf_multiteacher.tokenization.spans import (
    batch_spans,
    flatten_offsets,
    text_spans,
    visible_characters,
    word_spans,
)

FRAGMENTS = [
    *("Fata", "cărți", "ne-am", "ĂȘȚ", "într-o", "școala", "orașului", ", ", ". "),
    *("s\u0326", "e\u0301", "\u0301", "\u0323", "ş", "ţ", "İ", "ß", "ﬁ", "½", "…", "™"),
    *("😀", "👩\u200d👩\u200d👧", "\u200d", "\ufe0f", "🏽", "שלום", "عليكم", "日本"),
    *("\x00", "\u200b", "\ufeff", "\u00ad", "\ufffd", "\ue000", " ", "  ", "\u00a0", "\u3000", "\t", "\n"),
    *("▁", "Ġ", "##", "[MASK]", "<mask>", "[UNK]", "x" * 120),
]
TEXTS = st.lists(st.sampled_from(FRAGMENTS) | st.text(st.characters(exclude_categories=["Cs"]), max_size=5)).map(
    "".join
)


def is_visible(character):
    """Tell what shows something, by another way than the module's."""
    return not character.isspace() and unicodedata.category(character) not in ("Cc", "Cf", "Cs")


def brute_force(text, encodings):
    """Spans by union-find over characters: a token unites what it covers, each character by itself otherwise."""
    visible = [position for position, character in enumerate(text) if is_visible(character)]
    parent = {position: position for position in visible}

    def find(position):
        while parent[position] != position:
            position = parent[position]
        return position

    def covered(start, end):
        return [position for position in range(start, end) if position in parent]

    ranges = []
    for offsets, special in encodings:
        seen = [covered(*pair) for pair, mask in zip(offsets, special, strict=True) if not mask]
        for positions in seen:
            for position in positions[1:]:
                low, high = sorted((find(positions[0]), find(position)))
                parent[high] = low
        characters = [*chain(*seen)]
        ranges.append((min(characters, default=len(text)), max(characters, default=-1)))
    outside = {find(position) for position in visible if not all(first <= position <= last for first, last in ranges)}
    roots = sorted({find(position) for position in visible} - outside)
    result = []
    for offsets, special in encodings:
        row = []
        for (start, _), mask in zip(offsets, special, strict=True):
            following = next((position for position in visible if position >= start), None)
            root = None if mask or following is None else find(following)
            row.append(roots.index(root) if root in roots else -1)
        result.append(row)
    return result


def characters_of(text, offsets):
    """The positions of the visible characters that each token covers."""
    return [{p for p in range(start, end) if is_visible(text[p])} for start, end in offsets]


class TestAgainstUnionFind:
    @RELAXED
    @given(text=TEXTS, lengths=st.lists(st.none() | st.integers(2, 30), min_size=3, max_size=3), seed=st.randoms())
    def test_any_text_any_tokenizers_any_truncation(self, tokenizers, text, lengths, seed):
        chosen = seed.sample(tokenizers, 3)
        encodings = [encode(tokenizer, text, length) for tokenizer, length in zip(chosen, lengths, strict=True)]
        for count in (1, 2, 3):
            assert spans_of(text, encodings[:count]) == brute_force(text, encodings[:count])

    @RELAXED
    @given(data=st.data(), text=st.text(st.sampled_from("ab \u0301\u200b"), max_size=12))
    def test_any_intervals(self, data, text):
        position = st.integers(0, len(text))
        interval = st.tuples(position, position).map(sorted)
        encodings = []
        for _ in range(data.draw(st.integers(1, 3))):
            offsets = np.array(data.draw(st.lists(interval, max_size=8)), int).reshape(-1, 2)
            mask = data.draw(st.lists(st.integers(0, 1), min_size=len(offsets), max_size=len(offsets)))
            encodings.append((offsets, mask))
        assert spans_of(text, encodings) == brute_force(text, encodings)

    def test_sentences(self, tokenizers, sentences):
        for text in sentences[::5]:
            encodings = [encode(tokenizer, text) for tokenizer in tokenizers]
            assert spans_of(text, encodings) == brute_force(text, encodings)

    @pytest.mark.real_data
    def test_real_sentences(self, tokenizers, romanian_data):
        for file in sorted((romanian_data / "text").glob("*.txt.xz")):
            with lzma.open(file, "rt", encoding="utf-8") as stream:
                lines = [line.strip()[:300] for line, _ in zip(stream, range(40), strict=False)]
            for text in filter(None, lines):
                encodings = [encode(tokenizer, text) for tokenizer in tokenizers]
                for pair in combinations(encodings, 2):
                    assert spans_of(text, pair) == brute_force(text, pair)


class TestProperties:
    @RELAXED
    @given(text=PRINTED)
    def test_spans_partition_the_visible_characters(self, tokenizers, text):
        encodings = [encode(tokenizer, text) for tokenizer in tokenizers]
        rows = spans_of(text, encodings)
        visible = {position for position, character in enumerate(text) if is_visible(character)}
        for (offsets, special), row in zip(encodings, rows, strict=True):
            characters = characters_of(text, offsets)
            of_span = {}
            for span, positions, mask in zip(row, characters, special, strict=True):
                if positions and not mask:
                    assert span >= 0
                    of_span.setdefault(span, set()).update(positions)
            assert set().union(*of_span.values()) == visible
            assert sum(map(len, of_span.values())) == len(visible)
            assert sorted(of_span) == list(range(len(of_span)))

    @RELAXED
    @given(text=TEXTS)
    def test_the_order_of_tokenizers_changes_nothing(self, tokenizers, text):
        encodings = [encode(tokenizer, text) for tokenizer in tokenizers[:4]]
        rows = spans_of(text, encodings)
        for order in permutations(range(4)):
            assert spans_of(text, [encodings[index] for index in order]) == [rows[index] for index in order]

    @RELAXED
    @given(text=TEXTS, which=st.integers(0, 6))
    def test_equal_tokenizers_give_one_span_per_token_except_tokens_that_share_a_character(
        self, tokenizers, text, which
    ):
        offsets, special = encode(tokenizers[which], text)
        first, second = spans_of(text, [(offsets, special)] * 2)
        assert first == second
        characters = characters_of(text, offsets)
        kept = [index for index in range(len(first)) if characters[index] and not special[index]]
        assert all(first[index] >= 0 for index in kept)
        for left, right in zip(kept, kept[1:], strict=False):
            assert (first[left] == first[right]) == bool(characters[left] & characters[right])

    @RELAXED
    @given(texts=st.lists(TEXTS, max_size=6))
    def test_a_batch_equals_its_texts_one_by_one(self, tokenizers, texts):
        chosen = tokenizers[:3]
        encodings = [[encode(tokenizer, text) for text in texts] for tokenizer in chosen]
        flat = []
        for rows in encodings:
            sequence_ids = [[None if mask else 0 for mask in special] for _, special in rows]
            flat.append(flatten_offsets([offsets.tolist() for offsets, _ in rows], sequence_ids))
        expected = [spans_of(text, [rows[index] for rows in encodings]) for index, text in enumerate(texts)]
        for spans, which in zip(batch_spans(texts, flat), range(3), strict=True):
            assert spans.tolist() == [*chain(*(rows[which] for rows in expected))]


class TestCases:
    def test_a_text_without_anything_visible_has_no_span(self, tokenizers):
        for text in ("", " ", " \n\u200b\x00 "):
            rows = spans_of(text, [encode(tokenizer, text) for tokenizer in tokenizers])
            assert set(chain(*rows)) == {-1}

    def test_no_texts_give_no_spans(self):
        empty = flatten_offsets([], [])
        assert [spans.tolist() for spans in batch_spans([], [empty, empty])] == [[], []]

    def test_the_space_before_a_word_does_not_matter(self):
        with_space, without = np.array([[0, 2], [2, 5]]), np.array([[0, 2], [3, 5]])
        assert spans_of("la el", [(with_space, [0, 0]), (without, [0, 0])]) == [[0, 1], [0, 1]]

    def test_a_token_without_a_visible_character_joins_the_span_after_it(self):
        lone_space = np.array([[0, 2], [2, 3], [3, 5], [5, 6]])
        plain = np.array([[0, 2], [3, 5]])
        assert spans_of("la el ", [(lone_space, [0] * 4), (plain, [0] * 2)]) == [[0, 1, 1, -1], [0, 1]]

    def test_parts_of_one_character_share_its_span(self):
        parts = np.array([[0, 1], [0, 1], [0, 1], [1, 2]])
        assert spans_of("日a", [(parts, [0] * 4), (parts[2:], [0] * 2)]) == [[0, 0, 0, 1], [0, 1]]

    def test_characters_that_one_tokenization_drops_in_the_middle_break_nothing(self):
        dropped, kept = np.array([[0, 1], [2, 3]]), np.array([[0, 1], [1, 2], [2, 3]])
        assert spans_of("a\ue000b", [(dropped, [0] * 2), (kept, [0] * 3)]) == [[0, 2], [0, 1, 2]]

    def test_a_tail_that_one_tokenization_truncated_has_no_span(self):
        longer, shorter = np.array([[0, 2], [3, 5], [6, 8]]), np.array([[0, 2], [3, 5]])
        assert spans_of("la el nu", [(longer, [0] * 3), (shorter, [0] * 2)]) == [[0, 1, -1], [0, 1]]

    def test_a_head_that_one_tokenization_truncated_has_no_span(self):
        longer, shorter = np.array([[0, 2], [3, 5], [6, 8]]), np.array([[3, 5], [6, 8]])
        assert spans_of("la el nu", [(longer, [0] * 3), (shorter, [0] * 2)]) == [[-1, 0, 1], [0, 1]]

    def test_a_span_that_a_truncation_cut_in_two_is_none(self):
        # "știut" against the "ști" that is left of "ști|ut": one token on both sides, but not the same.
        whole, cut = np.array([[0, 2], [3, 8]]), np.array([[0, 2], [3, 6]])
        assert spans_of("am știut", [(whole, [0] * 2), (cut, [0] * 2)]) == [[0, -1], [0, -1]]

    def test_a_text_that_one_tokenization_lost_altogether_has_no_span(self):
        assert spans_of("la", [(np.array([[0, 2]]), [0]), (np.zeros((1, 2), int), [1])]) == [[-1], [-1]]

    def test_lone_surrogates_do_not_break_the_coordinates(self):
        assert spans_of("\ud800a", [(np.array([[0, 1], [1, 2]]), [0, 0])]) == [[0, 0]]

    def test_offsets_of_another_text_are_refused(self):
        offsets, texts = flatten_offsets([[(0, 2)], [(0, 0), (3, 8)]], [[0], [None, 0]])
        with pytest.raises(ValueError, match="a token of text 1 ends at character 8 of 5: "):
            batch_spans(["la", "la el"], [(offsets, texts)])

    def test_combining_marks_are_visible_and_joiners_are_not(self):
        assert visible_characters("a\u0301\u200d \u00a0\x00\ufeff😀").tolist() == [1, 1, 0, 0, 0, 0, 0, 1]

    def test_offsets_are_given_as_arrays_over_the_batch(self):
        offsets, texts = flatten_offsets([[(0, 0), (0, 2), (0, 1)], [(0, 3)]], [[None, 0, 1], [1]], sequences=2)
        assert offsets.tolist() == [[0, 0], [0, 2], [0, 1], [0, 3]]
        assert texts.tolist() == [-1, 0, 1, 3]

    def test_the_second_text_of_a_pair_goes_on_counting(self, cased_tokenizer, byte_level_tokenizer):
        pairs = [("Fata citește", "la școala"), ("", "la gară"), ("sus", "")]
        flat, lengths = [], []
        for tokenizer in (cased_tokenizer, byte_level_tokenizer):
            encoding = tokenizer(*zip(*pairs, strict=True), return_offsets_mapping=True)
            sequence_ids = [encoding.sequence_ids(index) for index in range(len(pairs))]
            flat.append(flatten_offsets(encoding["offset_mapping"], sequence_ids, sequences=2))
            lengths.append(np.cumsum([len(ids) for ids in encoding["input_ids"]])[:-1])
        spans = batch_spans([*chain(*pairs)], flat, sequences=2)
        for index, pair in enumerate(pairs):
            first = spans_of(pair[0], [encode(t, pair[0]) for t in (cased_tokenizer, byte_level_tokenizer)])
            second = spans_of(pair[1], [encode(t, pair[1]) for t in (cased_tokenizer, byte_level_tokenizer)])
            before = max(chain(*first)) + 1
            for which in range(2):
                row = np.split(spans[which], lengths[which])[index]
                expected = [*first[which], *(span + before if span >= 0 else -1 for span in second[which])]
                assert row[row >= 0].tolist() == [span for span in expected if span >= 0]

    def test_a_line_of_100_000_characters_takes_no_more_instructions_than_a_short_one_and_memory_in_proportion(
        self, cased_tokenizer, byte_level_tokenizer
    ):
        for text, times in (("Fata citește o carte. ", 4_546), ("ă", 100_000)):
            costs = []
            for line in (text, text * times):
                encodings = [encode(tokenizer, line) for tokenizer in (cased_tokenizer, byte_level_tokenizer)]
                arguments = line, *zip(*encodings, strict=True)
                rows = text_spans(*arguments)
                costs.append((instructions_of(text_spans, *arguments), peak_bytes(text_spans, *arguments)))
                assert max(rows[0]) == max(rows[1])
            (short, _), (long, long_bytes) = costs
            assert long == short
            assert long_bytes < 150 * len(line)


class TestWords:
    def test_words_are_numbered_within_their_example(self):
        words = np.array([-1, 0, 0, 1, -1, -1, 2, 3, -1])
        assert word_spans([words], [2, 2])[0].tolist() == [-1, 0, 0, 1, -1, -1, 0, 1, -1]

    def test_a_word_that_some_tokenization_lacks_is_no_span(self):
        first, second = word_spans([np.array([0, 0, 1, 2]), np.array([-1, 0, 2, 2])], [3])
        assert first.tolist() == [0, 0, -1, 2]
        assert second.tolist() == [-1, 0, 2, 2]

    def test_examples_without_words_are_passed_over(self):
        assert word_spans([np.array([-1, 0, -1, 1])], [0, 1, 0, 1])[0].tolist() == [-1, 0, -1, 0]
