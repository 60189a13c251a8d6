"""Small masked language models from nothing but text: a WordPiece tokenizer, a BERT, and its training."""

from collections.abc import Iterable
from typing import Any

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import (
    BertConfig,
    BertForMaskedLM,
    DataCollatorForLanguageModeling,
    PreTrainedTokenizerFast,
    Trainer,
    TrainingArguments,
)

SPECIAL_TOKENS = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]", "mask_token": "[MASK]"}


def train_wordpiece(texts: Iterable[str], vocab_size: int, *, lowercase: bool, max_length: int) -> PreTrainedTokenizerFast:
    """Train a BERT tokenizer that keeps diacritics.

    Args:
        texts: What to train on.
        vocab_size: Entries at most.
        lowercase: Whether the tokenizer folds case.
        max_length: Tokens of the longest encoding, special ones included.
    """
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=lowercase, strip_accents=False)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    special = [*SPECIAL_TOKENS.values()]
    tokenizer.train_from_iterator(
        texts, trainers.WordPieceTrainer(vocab_size=vocab_size, special_tokens=special, show_progress=False)
    )
    ends = [(token, tokenizer.token_to_id(token)) for token in ("[CLS]", "[SEP]")]
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=ends
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        model_max_length=max_length,
        model_input_names=["input_ids", "token_type_ids", "attention_mask"],
        **SPECIAL_TOKENS,
    )


def new_bert(tokenizer: PreTrainedTokenizerFast, *, layers: int, hidden_size: int) -> BertForMaskedLM:
    """Make an untrained BERT with heads of 32 or 64 numbers and feed-forward layers four times as wide as the others."""
    return BertForMaskedLM(
        BertConfig(
            vocab_size=len(tokenizer),
            hidden_size=hidden_size,
            num_hidden_layers=layers,
            num_attention_heads=hidden_size // (64 if hidden_size >= 256 else 32),
            intermediate_size=4 * hidden_size,
            max_position_embeddings=tokenizer.model_max_length,
            pad_token_id=tokenizer.pad_token_id,
        )
    )


def train_masked_lm(model: BertForMaskedLM, tokenizer: PreTrainedTokenizerFast, texts: Any, args: TrainingArguments) -> Trainer:
    """Train a model on the column `text` of a data set, with 15 % of the tokens masked, and return its `Trainer`."""

    def encode(batch: dict[str, list[str]]) -> Any:
        return tokenizer(batch["text"], truncation=True, return_special_tokens_mask=True)

    trainer = Trainer(
        model=model,
        args=args,
        train_dataset=texts.map(encode, batched=True, remove_columns=["text"]),
        data_collator=DataCollatorForLanguageModeling(tokenizer),
        processing_class=tokenizer,
    )
    # BERT's loss is a mean per batch, which the Trainer would otherwise take for one that knows the whole step.
    trainer.model_accepts_loss_kwargs = False
    trainer.train()
    return trainer
