"""Small tokenizers of every kind, trained on ten sentences of our own, or of given entries."""

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerFast

SENTENCES = [
    "Fata citește o carte lungă despre Marea Neagră.",
    "Băieții înțeleg că școala începe mâine la Iași.",
    "Primarul orașului Cluj a vorbit ieri cu studenții.",
    "Ne-am întâlnit într-o după-amiază ploioasă, la gară.",
    "Cărțile vechi stau pe raftul de sus, lângă fereastră.",
    "Doctorul Ștefan Țurcanu lucrează la spitalul județean.",
    "Pisica neagră doarme pe covorul roșu din bucătărie.",
    "Mâncarea a fost bună, dar serviciul a lăsat de dorit!",
    "În 1998, firma a vândut 250 de mașini în Moldova.",
    "Copiii aleargă prin parcul mare și râd cu poftă.",
]


def train_tokenizer(kind: str, sentences: list[str], vocab_size: int, lowercase: bool = False):
    """Train a fast tokenizer: `wordpiece`, `bpe` (byte level) or `unigram`."""
    bert = kind == "wordpiece"
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"] if bert else ["<pad>", "<unk>", "<s>", "</s>", "<mask>"]
    pad, unk, cls, sep, mask = special
    if bert:
        tokenizer = Tokenizer(models.WordPiece(unk_token=unk))
        tokenizer.normalizer = normalizers.BertNormalizer(lowercase=lowercase, strip_accents=False)
        tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
        tokenizer.decoder = decoders.WordPiece()
    elif kind == "bpe":
        tokenizer = Tokenizer(models.BPE())
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
        tokenizer.decoder = decoders.ByteLevel()
        trainer = trainers.BpeTrainer(
            vocab_size=vocab_size,
            special_tokens=special,
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        )
    elif kind == "unigram":
        tokenizer = Tokenizer(models.Unigram())
        steps = [normalizers.NFKC()] + ([normalizers.Lowercase()] if lowercase else [])
        tokenizer.normalizer = normalizers.Sequence(steps)
        tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
        tokenizer.decoder = decoders.Metaspace()
        trainer = trainers.UnigramTrainer(
            vocab_size=vocab_size, special_tokens=special, unk_token=unk, show_progress=False
        )
    else:
        raise ValueError(kind)
    if lowercase and kind == "bpe":
        tokenizer.normalizer = normalizers.Lowercase()
    if bert:
        # The trainer breaks ties at random unless it is handed the pieces of one character in a fixed order.
        from hf_multiteacher.recipes.pretraining import _train_vocabulary

        decoder = tokenizer.decoder
        pipeline = tokenizer.normalizer, tokenizer.pre_tokenizer
        vocabulary = _train_vocabulary(sentences, vocab_size, tokenizer)
        tokenizer = Tokenizer(models.WordPiece(vocab=vocabulary, unk_token=unk))
        tokenizer.normalizer, tokenizer.pre_tokenizer, tokenizer.decoder = *pipeline, decoder
    else:
        tokenizer.train_from_iterator(sentences, trainer)
    ids = {token: tokenizer.token_to_id(token) for token in special}
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{cls} $A {sep}",
        pair=f"{cls} $A {sep} $B:1 {sep}:1" if bert else f"{cls} $A {sep} $B {sep}",
        special_tokens=[(cls, ids[cls]), (sep, ids[sep])],
    )
    names = ["input_ids", "token_type_ids", "attention_mask"] if bert else ["input_ids", "attention_mask"]
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token=pad,
        unk_token=unk,
        cls_token=cls,
        sep_token=sep,
        mask_token=mask,
        model_max_length=512,
        model_input_names=names,
    )


def wordpiece(entries, lowercase=False, **roles):
    """A WordPiece tokenizer of given entries, `[UNK]` first."""
    entries = ["[UNK]", *entries]
    vocabulary = {entry: index for index, entry in enumerate(entries)}
    backend = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    backend.normalizer = normalizers.BertNormalizer(lowercase=lowercase, strip_accents=False)
    backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    backend.decoder = decoders.WordPiece()
    return PreTrainedTokenizerFast(tokenizer_object=backend, unk_token="[UNK]", **roles)


def bpe(entries, decoder, **roles):
    """A BPE tokenizer of given entries and no merges."""
    options = {"byte_fallback": True} if "<0x0A>" in entries else {}
    backend = Tokenizer(models.BPE({entry: index for index, entry in enumerate(entries)}, [], **options))
    backend.decoder = decoder
    return PreTrainedTokenizerFast(tokenizer_object=backend, **roles)
