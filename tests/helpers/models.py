"""Tiny random models of every architecture that the package promises, without dropout."""

import torch
import transformers

_BERT_LIKE = {
    "hidden_size": 16,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "max_position_embeddings": 64,
    "hidden_dropout_prob": 0.0,
    "attention_probs_dropout_prob": 0.0,
    "classifier_dropout": 0.0,
    "pad_token_id": 0,
}
_DEBERTA = {"relative_attention": True, "pos_att_type": ["c2p", "p2c"], "type_vocab_size": 0, "pooler_hidden_size": 16}
ARCHITECTURES = {
    "bert": ("Bert", _BERT_LIKE),
    "distilbert": (
        "DistilBert",
        {
            "dim": 16,
            "n_heads": 2,
            "hidden_dim": 32,
            "max_position_embeddings": 64,
            "dropout": 0.0,
            "attention_dropout": 0.0,
            "seq_classif_dropout": 0.0,
            "pad_token_id": 0,
        },
    ),
    "roberta": ("Roberta", {**_BERT_LIKE, "pad_token_id": 1, "type_vocab_size": 1}),
    "xlm-roberta": ("XLMRoberta", {**_BERT_LIKE, "pad_token_id": 1, "type_vocab_size": 1}),
    "camembert": ("Camembert", {**_BERT_LIKE, "pad_token_id": 1, "type_vocab_size": 1}),
    "albert": ("Albert", {**_BERT_LIKE, "embedding_size": 8, "classifier_dropout_prob": 0.0}),
    "electra": ("Electra", {**_BERT_LIKE, "embedding_size": 8}),
    "deberta": ("Deberta", {**_BERT_LIKE, **_DEBERTA}),
    "deberta-v2": ("DebertaV2", {**_BERT_LIKE, **_DEBERTA, "conv_kernel_size": 3, "share_att_key": True}),
    "deberta-v2-new-head": ("DebertaV2", {**_BERT_LIKE, **_DEBERTA, "legacy": False}),
    "modernbert": (
        "ModernBert",
        {
            "hidden_size": 16,
            "num_attention_heads": 2,
            "intermediate_size": 32,
            "max_position_embeddings": 64,
            "local_attention": 8,
            "pad_token_id": 0,
            "bos_token_id": 1,
            "eos_token_id": 2,
            "cls_token_id": 1,
            "sep_token_id": 2,
        },
    ),
    "mpnet": ("MPNet", {**_BERT_LIKE, "pad_token_id": 1}),
}


def tiny_model(architecture: str, head: str, layers: int = 2, vocab_size: int = 50, seed: int = 0, **config):
    """A tiny random model in eval mode whose biases and norms are random too; `head` as in `BertFor<head>`."""
    prefix, settings = ARCHITECTURES[architecture]
    settings = {**settings, "vocab_size": vocab_size, "num_hidden_layers": layers, **config}
    torch.manual_seed(seed)
    model = getattr(transformers, f"{prefix}For{head}")(getattr(transformers, f"{prefix}Config")(**settings))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return model.eval()


def tiny_inputs(batch: int = 3, length: int = 12, vocab_size: int = 50, pad: int = 0):
    """Random ids from 5 on, the second example padded at its end."""
    generator = torch.Generator().manual_seed(1)
    input_ids = torch.randint(5, vocab_size, (batch, length), generator=generator)
    attention_mask = torch.ones_like(input_ids)
    attention_mask[1, -4:] = 0
    input_ids[1, -4:] = pad
    return {"input_ids": input_ids, "attention_mask": attention_mask}


def tiny_bert(head: str, vocab_size: int = 300, layers: int = 2, hidden_size: int = 16, seed: int = 0, **config):
    """A tiny BERT without dropout; `head` is `MaskedLM`, `TokenClassification` or `SequenceClassification`."""
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
