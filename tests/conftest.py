"""Everything the tests share: no network, small tokenizers and models built here, the real data where it is."""

import os

os.environ.setdefault("OMP_WAIT_POLICY", "passive")
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["HF_EVALUATE_OFFLINE"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"

from pathlib import Path

import pytest

OWNER = "ioana-secret"
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


@pytest.fixture(scope="session")
def sentences() -> list[str]:
    """A hundred short Romanian sentences written for these tests."""
    return [f"{first} {second}" for first in SENTENCES for second in SENTENCES]


@pytest.fixture(scope="session")
def romanian_data() -> Path:
    """The folder with the real Romanian data sets; the test is skipped where it is not there."""
    folder = os.environ.get("HF_MULTITEACHER_DATA")
    if not folder or not Path(folder).is_dir():
        pytest.skip("needs the Romanian data sets: set HF_MULTITEACHER_DATA to their folder")
    return Path(folder)


@pytest.fixture(scope="session")
def upos():
    """Parts of speech on generated sentences."""
    from hf_multiteacher.romanian.loading import load_task

    return load_task("upos", "synthetic")


@pytest.fixture(scope="session")
def ner():
    """Named entities on generated sentences."""
    from hf_multiteacher.romanian.loading import load_task

    return load_task("ner", "synthetic")


def train_tokenizer(kind: str, sentences: list[str], vocab_size: int, lowercase: bool = False):
    """Train a fast tokenizer: `wordpiece`, `bpe` (byte level) or `unigram`."""
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

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
        from hf_multiteacher.pretraining import _train_vocabulary

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


@pytest.fixture(scope="session")
def cased_tokenizer(sentences):
    """A cased WordPiece tokenizer, the student's in most tests."""
    return train_tokenizer("wordpiece", sentences, 300)


@pytest.fixture(scope="session")
def uncased_tokenizer(sentences):
    """An uncased WordPiece tokenizer with another vocabulary."""
    return train_tokenizer("wordpiece", sentences, 200, lowercase=True)


@pytest.fixture(scope="session")
def byte_level_tokenizer(sentences):
    """A byte-level BPE tokenizer."""
    return train_tokenizer("bpe", sentences, 400)


@pytest.fixture(scope="session")
def unigram_tokenizer(sentences):
    """A Unigram tokenizer."""
    return train_tokenizer("unigram", sentences, 250)


def tiny_bert(head: str, vocab_size: int = 300, layers: int = 2, hidden_size: int = 16, seed: int = 0, **config):
    """A tiny BERT without dropout; `head` is `MaskedLM`, `TokenClassification` or `SequenceClassification`."""
    import torch
    import transformers

    torch.manual_seed(seed)
    return getattr(transformers, f"BertFor{head}")(
        transformers.BertConfig(
            vocab_size=vocab_size,
            hidden_size=hidden_size,
            num_hidden_layers=layers,
            num_attention_heads=2,
            intermediate_size=2 * hidden_size,
            max_position_embeddings=128,
            hidden_dropout_prob=0.0,
            attention_probs_dropout_prob=0.0,
            **config,
        )
    )


@pytest.fixture(scope="module")
def running():
    """A local Hub for the tests of a module."""
    from hub_server import Hub

    with Hub() as hub:
        yield hub


@pytest.fixture
def hub(running):
    """The local Hub, as new."""
    running.clear()
    return running


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A home folder whose owner has a name that can be looked for."""
    folder = tmp_path_factory.mktemp("home") / OWNER
    folder.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LOGNAME", OWNER)
        patch.setenv("USER", OWNER)
        yield folder


@pytest.fixture(scope="module")
def process(running, home):
    """Another process at home there, whose Hub is the local one."""
    with running.client(home) as process:
        yield process


@pytest.fixture
def client(process):
    """That process, which has not waited or warned yet."""
    process.run("slept.clear(); warned.clear()")
    return process
