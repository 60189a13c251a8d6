"""A smaller tokenizer: what stays, under which ids, and that it reads as the large one did."""

import copy
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import (
    AutoTokenizer,
    BertTokenizer,
    CamembertTokenizer,
    PreTrainedTokenizerFast,
    RobertaTokenizer,
    XLMRobertaTokenizer,
)

from helpers.spans import RELAXED
from helpers.tokenizers import OTHER_SPECIAL, SENTENCES, train_tokenizer
from hf_multiteacher import trim_tokenizer

TEXTS = SENTENCES[:4]
KINDS = ["wordpiece", "bpe", "unigram", "fallback", "suffix", "unigram-fallback", "uncased"]
EVERYTHING = [f"{first} {second}" for first in SENTENCES for second in SENTENCES]


def fallback():
    """A BPE over whole sentences with bytes for the characters that it does not have, as SentencePiece makes it."""
    learner = Tokenizer(models.BPE())
    learner.normalizer = normalizers.Replace(" ", "▁")
    learner.pre_tokenizer = pre_tokenizers.Split("▁", "merged_with_next")
    learner.train_from_iterator(EVERYTHING, trainers.BpeTrainer(vocab_size=300, show_progress=False))
    learned = json.loads(learner.to_str())["model"]
    entries = [*OTHER_SPECIAL.values(), *(f"<0x{byte:02X}>" for byte in range(256)), *learned["vocab"]]
    vocabulary = {entry: index for index, entry in enumerate(entries)}
    merges = [tuple(merge) for merge in learned["merges"]]
    backend = Tokenizer(models.BPE(vocabulary, merges, unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    backend.normalizer = normalizers.Replace(" ", "▁")
    backend.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    return PreTrainedTokenizerFast(tokenizer_object=backend, **OTHER_SPECIAL)


def suffix():
    """A BPE that marks where a word ends."""
    backend = Tokenizer(models.BPE(unk_token="<unk>", end_of_word_suffix="</w>"))
    backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    backend.decoder = decoders.BPEDecoder("</w>")
    trainer = trainers.BpeTrainer(
        vocab_size=300, special_tokens=[*OTHER_SPECIAL.values()], end_of_word_suffix="</w>", show_progress=False
    )
    backend.train_from_iterator(EVERYTHING, trainer)
    return PreTrainedTokenizerFast(tokenizer_object=backend, **OTHER_SPECIAL)


def unigram_with_bytes():
    """A Unigram model with bytes for the characters that it does not have."""
    state = json.loads(train_tokenizer("unigram", EVERYTHING, 200).backend_tokenizer.to_str())
    state["model"]["vocab"] += [[f"<0x{byte:02X}>", -20.0] for byte in range(256)]
    state["model"]["byte_fallback"] = True
    steps = [decoders.ByteFallback(), decoders.Metaspace()]
    backend = Tokenizer.from_str(json.dumps(state))
    backend.decoder = decoders.Sequence(steps)
    return PreTrainedTokenizerFast(tokenizer_object=backend, **OTHER_SPECIAL)


@pytest.fixture(scope="module")
def originals(cased_tokenizer, uncased_tokenizer, byte_level_tokenizer, unigram_tokenizer):
    return {
        "wordpiece": cased_tokenizer,
        "uncased": uncased_tokenizer,
        "bpe": byte_level_tokenizer,
        "unigram": unigram_tokenizer,
        "fallback": fallback(),
        "suffix": suffix(),
        "unigram-fallback": unigram_with_bytes(),
    }


@pytest.fixture(scope="module")
def trimmed_ones(originals):
    return {kind: trim_tokenizer(original, TEXTS) for kind, original in originals.items()}


@pytest.fixture(params=KINDS)
def kind(request):
    return request.param


@pytest.fixture
def original(originals, kind):
    return originals[kind]


@pytest.fixture
def trimmed(trimmed_ones, kind):
    return trimmed_ones[kind]


def cuts(tokenizer, text):
    return tokenizer.convert_ids_to_tokens(tokenizer(text)["input_ids"])


def state_of(tokenizer):
    return json.loads(tokenizer.backend_tokenizer.to_str())


def characters_of(tokenizer, kind):
    """Those that a text may consist of so that each can be read as one piece wherever it stands."""
    vocabulary = tokenizer.get_vocab()
    if kind in ("bpe", "fallback", "unigram-fallback"):
        return [*"abcdeșț日😀 \n", *TEXTS[0]]
    marks = {"wordpiece": ("", "##"), "uncased": ("", "##")}.get(kind, ("",))
    ends = ("", "</w>") if kind == "suffix" else ("",)
    alphabet = {entry for entry in vocabulary if len(entry) == 1}
    kept = [c for c in alphabet if all(mark + c + end in vocabulary for mark in marks for end in ends)]
    return sorted({*kept, " "} - {"▁"})


class TestWhatItReads:
    def test_the_texts_are_cut_as_before(self, original, trimmed):
        assert len(trimmed) < len(original)
        assert [cuts(trimmed, text) for text in TEXTS] == [cuts(original, text) for text in TEXTS]

    def test_pairs_are_put_together_as_before(self, original, trimmed):
        pair = (TEXTS[0], TEXTS[1])
        assert trimmed.convert_ids_to_tokens(trimmed(*pair)["input_ids"]) == original.convert_ids_to_tokens(
            original(*pair)["input_ids"]
        )
        assert trimmed(*pair).keys() == original(*pair).keys()

    @RELAXED
    @given(data=st.data())
    def test_any_text_of_the_alphabet_that_it_kept_comes_back_alike(self, data, originals, trimmed_ones):
        kind = data.draw(st.sampled_from(KINDS))
        original, trimmed = originals[kind], trimmed_ones[kind]
        words = st.sampled_from(" ".join(SENTENCES).split())
        text = data.draw(st.text(st.sampled_from(characters_of(trimmed, kind)), max_size=40))
        if kind in ("bpe", "fallback", "unigram-fallback"):
            text += " ".join(data.draw(st.lists(words, max_size=5)))
        for special in (True, False):
            ids = [tokenizer.encode(text, add_special_tokens=special) for tokenizer in (original, trimmed)]
            assert original.decode(ids[0]) == trimmed.decode(ids[1])

    def test_a_text_with_a_character_that_is_gone_is_cut_as_before_around_it(self):
        entries = [*scored("<s>", "<pad>", "</s>", "<unk>"), *UNIGRAM, ("日", -3.0), *scored("<mask>")]
        original = XLMRobertaTokenizer(vocab=entries)
        trimmed = trim_tokenizer(original, [" ab"])
        assert cuts(original, "ab 日 ab") == ["<s>", "▁a", "b", "▁", "日", "▁a", "b", "</s>"]
        assert trimmed.convert_ids_to_tokens(trimmed("ab 日 ab")["input_ids"]) == [
            *["<s>", "▁a", "b", "▁", "<unk>", "▁a", "b", "</s>"]
        ]

    def test_the_piece_by_whose_score_unigram_weighs_an_unknown_character_stays(self):
        make, settings = CLASSES["xlm-roberta"]
        kept = trim_tokenizer(make(**settings), [" ab"]).get_vocab()
        assert "x" in kept and "y" not in kept  # neither is used, and x has the lowest score


class TestWhatIsInTheFile:
    def test_ids_are_dense_and_in_the_old_order(self, original, trimmed):
        vocabulary = trimmed.get_vocab()
        assert sorted(vocabulary.values()) == list(range(len(trimmed)))
        before = original.get_vocab()
        entries = sorted(vocabulary, key=vocabulary.get)
        assert entries == sorted(entries, key=before.get)

    def test_every_entry_has_its_own_id_wherever_an_id_stands(self, trimmed):
        state, vocabulary = state_of(trimmed), trimmed.get_vocab()
        assert {added["content"]: added["id"] for added in state["added_tokens"]}.items() <= vocabulary.items()
        for special in (state["post_processor"] or {}).get("special_tokens", {}).values():
            assert special["ids"] == [vocabulary[token] for token in special["tokens"]]
        if state["model"]["type"] == "Unigram":
            assert state["model"]["vocab"][state["model"]["unk_id"]][0] == trimmed.unk_token

    def test_all_else_stays(self, original, trimmed):
        for part in ("normalizer", "pre_tokenizer", "decoder", "truncation", "version"):
            assert state_of(trimmed)[part] == state_of(original)[part]
        settings = [
            {k: v for k, v in state_of(each)["model"].items() if k not in ("vocab", "merges", "unk_id")}
            for each in (original, trimmed)
        ]
        assert settings[0] == settings[1]

    @pytest.mark.parametrize("kind", ["bpe", "fallback", "suffix"])
    def test_merges_need_nothing_that_is_gone(self, trimmed):
        model = state_of(trimmed)["model"]
        assert all({left, right, left + right} <= model["vocab"].keys() for left, right in model["merges"])

    @pytest.mark.parametrize("kind", ["bpe", "fallback", "suffix"])
    def test_every_longer_piece_can_be_reached(self, trimmed):
        model, special = state_of(trimmed)["model"], trimmed.all_special_tokens
        made = {left + right for left, right in model["merges"]}
        bare = {entry: entry.removesuffix("</w>") for entry in model["vocab"] if not entry.startswith("<0x")}
        assert {entry for entry, text in bare.items() if len(text) > 1} - {*special} <= made

    def test_roles_and_settings_stay(self, original, trimmed):
        assert type(trimmed) is type(original)
        assert trimmed.special_tokens_map == original.special_tokens_map
        assert trimmed.model_max_length == original.model_max_length
        assert trimmed.model_input_names == original.model_input_names
        assert trimmed.name_or_path == ""

    def test_the_library_reads_it_alone_and_transformers_too(self, trimmed, tmp_path):
        trimmed.save_pretrained(tmp_path)
        text = SENTENCES[6]
        alone, loaded = Tokenizer.from_file(str(tmp_path / "tokenizer.json")), AutoTokenizer.from_pretrained(tmp_path)
        assert alone.encode(text).ids == loaded(text)["input_ids"] == trimmed(text)["input_ids"]
        assert loaded.get_vocab() == alone.get_vocab() == trimmed.get_vocab()
        assert type(loaded) is type(trimmed)

    def test_the_tokenizer_itself_is_not_changed(self, original):
        original(TEXTS, padding=True, truncation=True, max_length=5)
        before, held = original.backend_tokenizer.to_str(), original.backend_tokenizer.truncation
        again = trim_tokenizer(original, TEXTS)
        assert original.backend_tokenizer.to_str() == before and original.backend_tokenizer.truncation == held
        assert cuts(again, TEXTS[0]) == cuts(original, TEXTS[0])


UNIGRAM = [("x", -9.0), ("y", -5.0), ("▁", -2.0), ("▁a", -1.0), ("b", -2.0)]
PIECES = ["[UNK]", "x", "a", "##b", "[CLS]", "[SEP]", "[PAD]", "[MASK]", "ab", "b", "##a"]
BYTES = ["<s>", "<pad>", "</s>", "<unk>", "x", "Ġ", "a", "b", "Ġa", "xb", "Ġab", "<mask>"]


def scored(*entries):
    return [(entry, 0.0) for entry in entries]


def numbered(entries):
    return {entry: index for index, entry in enumerate(entries)}


CLASSES = {
    "bert": (BertTokenizer, {"vocab": numbered(PIECES), "padding_side": "left"}),
    "roberta": (
        RobertaTokenizer,
        {"vocab": numbered(BYTES), "merges": [("Ġ", "a"), ("x", "b"), ("Ġa", "b")], "model_max_length": 77},
    ),
    "xlm-roberta": (
        XLMRobertaTokenizer,
        {"vocab": [*scored("<s>", "<pad>", "</s>", "<unk>"), *UNIGRAM, *scored("<mask>")], "padding_side": "left"},
    ),
    "camembert": (
        CamembertTokenizer,
        {
            "vocab": [
                *scored("<s>NOTUSED", "<pad>", "</s>NOTUSED", "<unk>", "<unk>NOTUSED"),
                *UNIGRAM,
                *scored("<s>", "</s>", "<mask>"),
            ]
        },
    ),
}


@pytest.mark.parametrize("kind", CLASSES)
def test_classes_of_transformers_stay_and_are_loaded_again(kind, tmp_path):
    make, settings = CLASSES[kind]
    original = make(**settings)
    trimmed = trim_tokenizer(original, [" ab"])
    assert type(trimmed) is type(original) and len(trimmed) < len(original)
    assert cuts(trimmed, " ab") == cuts(original, " ab")

    trimmed.save_pretrained(tmp_path)
    loaded = AutoTokenizer.from_pretrained(tmp_path)
    assert (type(loaded), loaded.get_vocab()) == (type(trimmed), trimmed.get_vocab())
    assert (loaded.padding_side, loaded.model_max_length) == (original.padding_side, original.model_max_length)
    assert loaded.special_tokens_map == original.special_tokens_map
    assert cuts(loaded, "ab a") == cuts(trimmed, "ab a") == cuts(original, "ab a")


class TestWhatStays:
    @pytest.mark.parametrize(
        "processor",
        [
            lambda c, s: processors.BertProcessing(s, c),
            lambda c, s: processors.Sequence([processors.ByteLevel(), processors.RobertaProcessing(s, c)]),
            lambda c, s: processors.Sequence(
                [processors.TemplateProcessing(single=f"{c[0]} $A {s[0]}", special_tokens=[c, s])]
            ),
        ],
    )
    def test_ids_in_every_kind_of_post_processor_are_the_new_ones(self, cased_tokenizer, processor):
        original = copy.deepcopy(cased_tokenizer)
        late = [original.convert_tokens_to_ids(entry) for entry in ("c", "##n")]  # kept only because they stand there
        original.backend_tokenizer.post_processor = processor(("c", late[0]), ("##n", late[1]))
        trimmed = trim_tokenizer(original, ["a"])
        assert cuts(trimmed, "a") == cuts(original, "a") == ["c", "a", "##n"]

    def test_padding_of_the_file_has_the_new_id(self, cased_tokenizer):
        original = copy.deepcopy(cased_tokenizer)
        original.backend_tokenizer.enable_padding(
            pad_id=original.convert_tokens_to_ids("##n"), pad_token="##n", length=4
        )
        trimmed = trim_tokenizer(original, ["a"])
        assert trimmed.backend_tokenizer.encode("a").tokens[-1] == "##n"
        assert trimmed.backend_tokenizer.encode("a").ids[-1] == trimmed.convert_tokens_to_ids("##n") < 20

    def test_added_tokens_stay_with_what_they_are(self, original):
        original = copy.deepcopy(original)
        original.add_tokens([AddedToken("COVID", lstrip=True), AddedToken("<2ro>", special=True)])
        trimmed = trim_tokenizer(original, TEXTS)
        text = f"{TEXTS[0]} COVID <2ro>"
        assert cuts(trimmed, text) == cuts(original, text)
        added = {token.content: token for token in trimmed.added_tokens_decoder.values()}
        assert added["COVID"].lstrip and added["<2ro>"].special
        assert sorted(trimmed.get_vocab().values()) == list(range(len(trimmed)))

    def test_what_is_rarer_than_the_count_goes_if_no_other_needs_it(self, original):
        often = trim_tokenizer(original, [TEXTS[0]] * 3 + [TEXTS[1]], min_count=3)
        once = trim_tokenizer(original, [TEXTS[0]] * 3 + [TEXTS[1]])
        assert {*often.get_vocab()} < {*once.get_vocab()}
        assert cuts(often, TEXTS[0]) == cuts(original, TEXTS[0])

    def test_a_character_that_is_rarer_than_the_count_goes(self, cased_tokenizer):
        rare, kept = (trim_tokenizer(cased_tokenizer, ["a a g"], count).get_vocab() for count in (2, 1))
        assert "g" not in rare and {"g", "##g"} <= kept.keys() and {"a", "##a"} <= rare.keys()

    def test_a_size_is_reached_with_the_most_frequent(self, original):
        least = len(trim_tokenizer(original, TEXTS, min_count=10**6))
        whole = trim_tokenizer(original, EVERYTHING)
        size = len(whole) - 5
        smaller = trim_tokenizer(original, EVERYTHING, size=size)
        assert least < len(smaller) <= size and len(smaller) >= size - 5
        assert {*smaller.get_vocab()} < {*whole.get_vocab()}
        assert all("<unk>" not in cuts(smaller, text) and "[UNK]" not in cuts(smaller, text) for text in SENTENCES)

    def test_more_room_than_needed_is_not_filled(self, original, trimmed):
        assert trim_tokenizer(original, TEXTS, size=10**6).get_vocab() == trimmed.get_vocab()

    def test_texts_may_come_one_by_one(self, original, trimmed):
        assert trim_tokenizer(original, iter(TEXTS)).get_vocab() == trimmed.get_vocab()


class TestWhatIsRefused:
    @pytest.mark.parametrize(
        ("settings", "says"),
        [
            ({"size": 5}, "a size that holds the special tokens and every character of the texts, .* but got 5"),
            ({"size": 0}, "expects size as a whole number from 1 on, but got 0"),
            ({"size": 1.5}, "expects size as a whole number from 1 on, but got 1.5"),
            ({"min_count": 0}, "expects min_count as a whole number from 1 on, but got 0"),
            ({"min_count": True}, "expects min_count as a whole number from 1 on, but got True"),
            ({"min_count": 2, "size": 90}, r"min_count or size, but got both \(2 and 90\)"),
        ],
    )
    def test_limits_that_do_not_fit(self, cased_tokenizer, settings, says):
        with pytest.raises(ValueError, match=says):
            trim_tokenizer(cased_tokenizer, TEXTS, **settings)

    @pytest.mark.parametrize("texts", [[], [""], [" "]])
    def test_no_text(self, cased_tokenizer, texts):
        with pytest.raises(ValueError, match="there is not one token in them: only special tokens would be left"):
            trim_tokenizer(cased_tokenizer, texts)

    @pytest.mark.parametrize(
        ("texts", "says"),
        [("abc", "but got one string"), ([["a"]], r"one of them is \['a'\]"), (["a", None], "one of them is None")],
    )
    def test_what_is_no_text(self, cased_tokenizer, texts, says):
        with pytest.raises(TypeError, match=says):
            trim_tokenizer(cased_tokenizer, texts)

    def test_a_slow_tokenizer(self):
        with pytest.raises(TypeError, match="expects a fast tokenizer, .* but got a object: there is no such file"):
            trim_tokenizer(object(), TEXTS)

    def test_a_vocabulary_of_whole_words(self):
        backend = Tokenizer(models.WordLevel({"la": 0, "<unk>": 1}, unk_token="<unk>"))
        with pytest.raises(ValueError, match="but this tokenizer's is WordLevel, which has no smaller"):
            trim_tokenizer(PreTrainedTokenizerFast(tokenizer_object=backend, unk_token="<unk>"), TEXTS)


@pytest.mark.parametrize("limit", [{}, {"size": 7}])
def test_characters_that_occur_in_unknown_words_only_stay(limit):
    entries = ["[UNK]", "c", "##c", "°", "é", "2", "x", "cc"]  # without ##°, a word with it inside is unknown
    backend = Tokenizer(models.WordPiece({entry: index for index, entry in enumerate(entries)}, unk_token="[UNK]"))
    backend.pre_tokenizer, backend.normalizer = pre_tokenizers.WhitespaceSplit(), normalizers.NFC()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=backend, unk_token="[UNK]")

    assert tokenizer.tokenize("2° ce\u0301") == ["[UNK]", "[UNK]"]
    assert {*trim_tokenizer(tokenizer, ["2° ce\u0301"], **limit).get_vocab()} == {*entries} - {"x", "cc"}
