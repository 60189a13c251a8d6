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


WORDPIECE_SPECIAL = {
    "pad_token": "[PAD]",
    "unk_token": "[UNK]",
    "cls_token": "[CLS]",
    "sep_token": "[SEP]",
    "mask_token": "[MASK]",
}
OTHER_SPECIAL = {
    "pad_token": "<pad>",
    "unk_token": "<unk>",
    "cls_token": "<s>",
    "sep_token": "</s>",
    "mask_token": "<mask>",
}


def train_tokenizer(kind: str, sentences: list[str], vocab_size: int, lowercase: bool = False):
    """Train a fast tokenizer: `wordpiece`, `bpe` (byte level) or `unigram`."""
    train = {"wordpiece": _train_wordpiece, "bpe": _train_bpe, "unigram": _train_unigram}[kind]
    return train(sentences, vocab_size, lowercase)


def _train_wordpiece(sentences, vocab_size, lowercase):
    """A tokenizer as the package trains it, but with the token types of BERT."""
    from hf_multiteacher.recipes.pretraining import train_wordpiece

    trained = train_wordpiece(sentences, vocab_size, lowercase=lowercase, max_length=512)
    names = ["input_ids", "token_type_ids", "attention_mask"]
    return _finish(trained.backend_tokenizer, "$B:1 {sep}:1", names, WORDPIECE_SPECIAL)


def _train_bpe(sentences, vocab_size, lowercase):
    """A byte-level BPE, as RoBERTa's."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.Lowercase() if lowercase else None
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        special_tokens=[*OTHER_SPECIAL.values()],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(sentences, trainer)
    return _finish(tokenizer, "$B {sep}", ["input_ids", "attention_mask"], OTHER_SPECIAL)


def _train_unigram(sentences, vocab_size, lowercase):
    """A Unigram model over metaspaces, as XLM-RoBERTa's."""
    tokenizer = Tokenizer(models.Unigram())
    steps = [normalizers.NFKC()] + ([normalizers.Lowercase()] if lowercase else [])
    tokenizer.normalizer = normalizers.Sequence(steps)
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    trainer = trainers.UnigramTrainer(
        vocab_size=vocab_size,
        special_tokens=[*OTHER_SPECIAL.values()],
        unk_token=OTHER_SPECIAL["unk_token"],
        show_progress=False,
    )
    tokenizer.train_from_iterator(sentences, trainer)
    return _finish(tokenizer, "$B {sep}", ["input_ids", "attention_mask"], OTHER_SPECIAL)


def _finish(tokenizer, second, model_input_names, special_tokens):
    """Give a trained tokenizer its template, `second` being how a second text ends it, and its special tokens."""
    cls, sep = special_tokens["cls_token"], special_tokens["sep_token"]
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{cls} $A {sep}",
        pair=f"{cls} $A {sep} {second.format(sep=sep)}",
        special_tokens=[(token, tokenizer.token_to_id(token)) for token in (cls, sep)],
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        model_max_length=512,
        model_input_names=model_input_names,
        **special_tokens,
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
