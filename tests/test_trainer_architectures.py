"""Architectures of many forms, each as a student and as a teacher: they train, or the trainer is not made."""

from math import isfinite

import pytest
import torch
import transformers

from helpers.toys import config_of, encoded, logged_losses, multi_tokenizer_of, tokenizers
from hf_multiteacher import DistillationTrainingArguments, MultiTeacherDistillationTrainer, Teacher

SIZES = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
TWO_STACKS = {"d_model": 16, "encoder_layers": 2, "decoder_layers": 2, "encoder_ffn_dim": 32, "decoder_ffn_dim": 32}
T5 = {"d_model": 16, "d_kv": 8, "d_ff": 32, "num_layers": 2, "num_heads": 2, "decoder_start_token_id": 0}
PERCEIVER = {"d_model": 16, "d_latents": 16, "num_latents": 4, "num_self_attends_per_block": 1}

READ = {
    "Albert": SIZES | {"embedding_size": 8},
    "ConvBert": SIZES | {"embedding_size": 16, "head_ratio": 1, "conv_kernel_size": 3},
    "DebertaV2": SIZES | {"relative_attention": True, "pos_att_type": ["c2p", "p2c"]},
    "Electra": SIZES | {"embedding_size": 8},
    "FNet": SIZES,
    "GPT2": {"n_embd": 16, "n_layer": 2, "n_head": 2},
    "Longformer": SIZES | {"attention_window": 8},
    "MPNet": SIZES,
    "MobileBert": SIZES | {"embedding_size": 16, "intra_bottleneck_size": 16, "true_hidden_size": 16},
    "ModernBert": SIZES | {"cls_token_id": 2, "sep_token_id": 3, "bos_token_id": 2, "eos_token_id": 3},
    "RemBert": SIZES | {"input_embedding_size": 8, "output_embedding_size": 8},
    "RoFormer": SIZES | {"embedding_size": 16},
    "T5": T5,
    "XLM": {"emb_dim": 16, "n_layers": 2, "n_heads": 2},
    "XLNet": {"d_model": 16, "n_layer": 2, "n_head": 2, "d_inner": 32},
}
WITHOUT_STATES_PER_TOKEN = {
    "Bart": TWO_STACKS | {"encoder_attention_heads": 2, "decoder_attention_heads": 2, "eos_token_id": 3},
    "BigBird": SIZES,
    "Canine": SIZES,
    "Funnel": {"block_sizes": [1, 1], "d_model": 16, "n_head": 2, "d_head": 8, "d_inner": 32},
    "MT5": T5 | {"eos_token_id": 3},
    "Perceiver": PERCEIVER | {"num_self_attention_heads": 2, "num_cross_attention_heads": 2},
}


def make(kind, task, entries, settings):
    """A model of a kind for a task; its own sizes, the tokenizer's entries."""
    head = "TokenClassification" if task == "tagging" else "SequenceClassification"
    config = getattr(transformers, f"{kind}Config")(vocab_size=entries, pad_token_id=0, **config_of(task))
    for name, value in settings.items():
        setattr(config, name, value)
    torch.manual_seed(1)
    return getattr(transformers, f"{kind}For{head}")(config)


def task_of(kind):
    return "tagging" if hasattr(transformers, f"{kind}ForTokenClassification") and kind != "MT5" else "single-label"


def trainer_of(kind, settings, role, hidden_state_weight, folder):
    """A trainer in which a model of that kind has a role, and a BERT the other."""
    task, (tokenizer, _) = task_of(kind), tokenizers()
    model = make(kind, task, len(tokenizer), settings)
    bert = make("Bert", task, len(tokenizer), SIZES)
    student, teacher = (model, bert) if role == "student" else (bert, model)
    data = encoded(task, 6, multi_tokenizer_of(tokenizer, tokenizer))
    return MultiTeacherDistillationTrainer(
        student,
        DistillationTrainingArguments(
            output_dir=str(folder),
            max_steps=1,
            per_device_train_batch_size=3,
            hidden_state_weight=hidden_state_weight,
            logging_steps=1,
            save_strategy="no",
            report_to="none",
            use_cpu=True,
            disable_tqdm=True,
        ),
        train_dataset=data,
        eval_dataset=data,
        processing_class=tokenizer,
        teachers=[Teacher(teacher, tokenizer=tokenizer, name="t")],
    )


ROLES = pytest.mark.parametrize("role", ["student", "teacher"])


@ROLES
@pytest.mark.parametrize(
    ("kind", "weight"), [*((k, 0.5) for k in READ), *((k, 0.0) for k in WITHOUT_STATES_PER_TOKEN)]
)
def test_it_trains_and_is_measured(kind, weight, role, tmp_path):
    settings = (READ | WITHOUT_STATES_PER_TOKEN)[kind]
    trainer = trainer_of(kind, settings, role, weight, tmp_path)
    before = [parameter.detach().clone() for parameter in trainer.model.parameters()]
    trainer.train()
    metrics = trainer.evaluate()

    assert isfinite(logged_losses(trainer)[0]) and isfinite(metrics["eval_soft_loss/t"])
    assert ("eval_hidden_loss/t" in metrics) == (weight > 0)
    changed = [not torch.equal(old, new) for old, new in zip(before, trainer.model.parameters(), strict=True)]
    assert sum(changed) > len(changed) / 2


@ROLES
@pytest.mark.parametrize("kind", WITHOUT_STATES_PER_TOKEN)
def test_hidden_states_that_are_not_one_per_token_are_refused_when_the_trainer_is_made(kind, role, tmp_path):
    with pytest.raises(ValueError, match="hidden_state_weight") as refusal:
        trainer_of(kind, WITHOUT_STATES_PER_TOKEN[kind], role, 0.5, tmp_path)
    assert ("teacher 't'" if role == "teacher" else "the student") in str(refusal.value).lower()
