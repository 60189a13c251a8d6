"""Every promised architecture trains as a student and teaches, by masked words and by classes."""

import pytest
import torch

from helpers.models import ARCHITECTURES, tiny_bert, tiny_model
from helpers.toys import Toy, config_of, make_trainer, raw_data, sharpen, weights_of
from hf_multiteacher import MultiTokenizer, Teacher

HEADS = {"masked-lm": "MaskedLM", "single-label": "SequenceClassification"}
# A bias of the keys shifts all scores of a query alike, which the softmax takes back: no architecture can learn it.
KEY_BIASES = ("key.bias", "k_lin.bias", "key_proj.bias", "attn.k.bias")


@pytest.mark.parametrize("task", HEADS)
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_an_architecture_learns_and_teaches(architecture, task, pair, tmp_path):
    cased, uncased = pair
    head, config = HEADS[task], config_of(task)
    student = tiny_model(architecture, head, vocab_size=len(cased), seed=1, **config)
    same = tiny_model(architecture, head, vocab_size=len(cased), seed=2, **config)
    other = tiny_model(architecture, head, vocab_size=len(uncased), seed=3, **config)
    bert = tiny_bert(head, len(cased), hidden_size=24, seed=4, **config)
    sharpen(bert)
    multi_tokenizer = MultiTokenizer(cased, [cased, uncased, cased])
    data = raw_data(task, 16).map(
        multi_tokenizer.encode, batched=True, fn_kwargs={"text": "text", "max_length": 40}, remove_columns=["text"]
    )
    teachers = [Teacher(same, tokenizer=cased), Teacher(other, tokenizer=uncased), Teacher(bert, tokenizer=cased)]
    toy = Toy(task, student, teachers, data, data, cased, multi_tokenizer)
    trainer = make_trainer(
        toy, tmp_path, max_steps=2, logging_steps=1, hidden_state_weight=0.5, layer_map={1: 1, -1: -1}
    )
    start = weights_of(trainer)
    trainer.train()
    entry = trainer.state.log_history[0]
    assert entry["loss"] == pytest.approx(
        0.5 * (entry["soft_loss"] + entry["hard_loss"] + entry["hidden_loss"]), rel=1e-5
    )
    assert all(entry[f"soft_loss/{name}"] > 0 for name in trainer.teachers.names)
    still = {name for name, weight in weights_of(trainer).items() if torch.equal(weight, start[name])}
    assert not {name for name in still if not name.endswith(KEY_BIASES)}
    metrics = trainer.evaluate()
    assert all(f"eval_probability_loyalty/{name}" in metrics for name in trainer.teachers.names)
    assert trainer.predict(data).predictions.shape[-1] == (len(cased) if task == "masked-lm" else 3)
