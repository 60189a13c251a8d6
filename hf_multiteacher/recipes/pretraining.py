"""Small masked language models from nothing but text: a WordPiece tokenizer, a ModernBERT, and its training."""

from collections.abc import Iterable
from typing import Any

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import (
    DataCollatorForLanguageModeling,
    ModernBertConfig,
    ModernBertForMaskedLM,
    PreTrainedModel,
    PreTrainedTokenizerFast,
    Trainer,
    TrainingArguments,
)

from ..tokenization.settings import unchanged
from ..training.checkpoint import newest_whole_checkpoint
from .stopping import expect_finished

SPECIAL_TOKENS = {
    "pad_token": "[PAD]",
    "unk_token": "[UNK]",
    "cls_token": "[CLS]",
    "sep_token": "[SEP]",
    "mask_token": "[MASK]",
}


def train_wordpiece(
    texts: Iterable[str], vocab_size: int, *, lowercase: bool, max_length: int
) -> PreTrainedTokenizerFast:
    """Train a BERT tokenizer that keeps diacritics.

    Args:
        texts: What to train on.
        vocab_size: Entries at most.
        lowercase: Whether the tokenizer folds case.
        max_length: Tokens of the longest encoding, special ones included.
    """
    vocabulary = _train_vocabulary(list(texts), vocab_size, _text_pipeline(models.WordPiece(), lowercase))
    tokenizer = _text_pipeline(models.WordPiece(vocab=vocabulary, unk_token="[UNK]"), lowercase)
    tokenizer.decoder = decoders.WordPiece()

    ends = [(token, tokenizer.token_to_id(token)) for token in ("[CLS]", "[SEP]")]
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B [SEP]", special_tokens=ends
    )

    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        model_max_length=max_length,
        model_input_names=["input_ids", "attention_mask"],
        **SPECIAL_TOKENS,
    )


def _text_pipeline(model: models.Model, lowercase: bool) -> Tokenizer:
    """Put BERT's cleaning and splitting before a model."""
    tokenizer = Tokenizer(model)
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=lowercase, strip_accents=False)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    return tokenizer


def _train_vocabulary(texts: list[str], vocab_size: int, tokenizer: Tokenizer) -> dict[str, int]:
    """Learn the entries; the same texts give the same ones.

    The trainer numbers the pieces of one character as a hash table happens to give them, and breaks ties by these
    numbers. Handing it those pieces as special tokens fixes their order; the tokenizer trained so is thrown away.
    """
    characters = sorted({character for text in texts for character in tokenizer.normalizer.normalize_str(text)})
    pieces = [mark + character for mark in ("", "##") for character in characters if not character.isspace()]

    trainer = trainers.WordPieceTrainer(
        vocab_size=vocab_size, special_tokens=[*SPECIAL_TOKENS.values(), *pieces], show_progress=False
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer.get_vocab()


def new_modern_bert(tokenizer: PreTrainedTokenizerFast, *, layers: int, hidden_size: int) -> ModernBertForMaskedLM:
    """Make an untrained ModernBERT, which norms before each layer and so learns from little text where BERT stalls.

    Args:
        tokenizer: The model's; it decides vocabulary and length.
        layers: How many; every one attends to the whole text.
        hidden_size: Width, in heads of 32 numbers (64 from 256 on).
    """
    numbers_per_head = 64 if hidden_size >= 256 else 32
    config = ModernBertConfig(
        vocab_size=len(tokenizer),
        hidden_size=hidden_size,
        num_hidden_layers=layers,
        num_attention_heads=hidden_size // numbers_per_head,
        intermediate_size=2 * hidden_size,
        max_position_embeddings=tokenizer.model_max_length,
        layer_types=["full_attention"] * layers,
        pad_token_id=tokenizer.pad_token_id,
        cls_token_id=tokenizer.cls_token_id,
        sep_token_id=tokenizer.sep_token_id,
        bos_token_id=tokenizer.cls_token_id,
        eos_token_id=tokenizer.sep_token_id,
    )
    return ModernBertForMaskedLM(config)


def train_masked_lm(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, texts: Any, args: TrainingArguments
) -> Trainer:
    """Train a model on the column `text` of a data set and return its `Trainer`; see `masked_lm_trainer`.

    Args:
        model: Of `new_modern_bert`, say.
        tokenizer: Its tokenizer.
        texts: The data set.
        args: With `resume_from_checkpoint` it goes on from the newest whole checkpoint in `output_dir`, where there is
            one, so that one command starts and continues.

    Raises:
        TrainingStoppedError: The process got SIGTERM before the end, and `enable_jit_checkpoint` saved a checkpoint.
    """
    trainer = masked_lm_trainer(model, tokenizer, texts, args)
    trainer.train(newest_whole_checkpoint(str(args.output_dir)) if args.resume_from_checkpoint else None)
    expect_finished(trainer, "With resume_from_checkpoint the same command goes on.")
    return trainer


def masked_lm_trainer(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, texts: Any, args: TrainingArguments
) -> Trainer:
    """Make the `Trainer` of a model that is to learn from the column `text` of a data set.

    30 % of the tokens are masked: more to learn per step than with 15 %, which pays off in short trainings (Wettig et
    al., 2023, arXiv 2202.08005).
    """

    def encode(batch: dict[str, list[str]]) -> Any:
        """Tokens of a batch of texts; the tokenizer, which is saved with the model, keeps no trace of that."""
        with unchanged(tokenizer):
            return tokenizer(batch["text"], truncation=True, return_special_tokens_mask=True)

    trainer = Trainer(
        model=model,
        args=args,
        train_dataset=texts.map(encode, batched=True, remove_columns=["text"]),
        data_collator=DataCollatorForLanguageModeling(tokenizer, mlm_probability=0.3),
        processing_class=tokenizer,
    )
    # BERT's loss is a mean per batch, which the Trainer would otherwise take for one that knows the whole step.
    trainer.model_accepts_loss_kwargs = False
    return trainer
