"""Three configurations with models of random weights: masked-LM, tagging and pairs of texts."""

from pathlib import Path
from typing import Any

import torch
import transformers
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers
from transformers import BertConfig, PreTrainedTokenizerFast

from hf_multiteacher.romanian.loading import load_task
from hf_multiteacher.romanian.synthetic.sentences import generate_corpus

SPECIAL = {"pad": "[PAD]", "unk": "[UNK]", "cls": "[CLS]", "sep": "[SEP]", "mask": "[MASK]"}
TASKS = {"masked-lm": "MaskedLM", "ner": "TokenClassification", "sts": "SequenceClassification"}


def write_configuration(task: str, folder: Path, *, steps: int, width: int) -> dict[str, Any]:
    """Save two teachers with tokenizers of their own, and return a configuration that distils from them.

    Args:
        task: A key of `TASKS`.
        folder: Where the teachers go.
        steps: Of the training.
        width: Hidden size of the teachers.
    """
    teachers = []
    for number, lowercase in enumerate((False, True)):
        tokenizer = _tokenizer(lowercase=lowercase)
        torch.manual_seed(number)
        config = BertConfig(
            vocab_size=len(tokenizer),
            hidden_size=width,
            num_hidden_layers=4,
            num_attention_heads=max(width // 64, 1),
            intermediate_size=4 * width,
            **_labels(task),
        )
        teachers.append(str(folder / f"teacher-{number}"))
        getattr(transformers, f"BertFor{TASKS[task]}")(config).save_pretrained(teachers[-1])
        tokenizer.save_pretrained(teachers[-1])

    data = {"corpus": "synthetic", "held_out": 200, "max_length": 64} if task == "masked-lm" else {"data": "synthetic"}
    return {
        "task": task,
        **data,
        "teachers": teachers,
        "max_steps": steps,
        "per_device_train_batch_size": 16,
        "learning_rate": 1e-4,
    }


def _labels(task: str) -> dict[str, Any]:
    if task == "masked-lm":
        return {}
    names = load_task(task, "synthetic").label_names
    if names is None:
        return {"num_labels": 1, "problem_type": "regression"}
    return {"id2label": dict(enumerate(names)), "label2id": {name: number for number, name in enumerate(names)}}


def _tokenizer(*, lowercase: bool) -> PreTrainedTokenizerFast:
    tokenizer = Tokenizer(models.WordPiece(unk_token=SPECIAL["unk"]))
    tokenizer.normalizer = normalizers.BertNormalizer(strip_accents=False, lowercase=lowercase)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    trainer = trainers.WordPieceTrainer(vocab_size=2000, special_tokens=[*SPECIAL.values()], show_progress=False)
    tokenizer.train_from_iterator(generate_corpus(2000), trainer)

    ends = {name: tokenizer.token_to_id(SPECIAL[name]) for name in ("cls", "sep")}
    tokenizer.post_processor = processors.BertProcessing((SPECIAL["sep"], ends["sep"]), (SPECIAL["cls"], ends["cls"]))
    named = {f"{name}_token": token for name, token in SPECIAL.items()}
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_max_length=512, **named)
