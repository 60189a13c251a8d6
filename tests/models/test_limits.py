import pytest
import torch
from peft import PromptTuningConfig, get_peft_model
from transformers import FunnelConfig, FunnelForTokenClassification, GPT2Config, GPT2ForSequenceClassification

from helpers.models import ARCHITECTURES, tiny_bert, tiny_model
from hf_multiteacher.models.limits import UNLIMITED, Limits


def runs(model, length):
    try:
        model(torch.full((1, length), 7))
    except (IndexError, RuntimeError):
        return False
    return True


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_the_longest_text_is_the_longest_that_runs(architecture):
    model = tiny_model(architecture, "TokenClassification")
    limit = Limits.of(model).positions
    assert runs(model, min(limit, 200))
    assert not runs(model, limit + 1) if limit < UNLIMITED else model.config.max_position_embeddings < 200


def test_a_decoder_and_a_model_of_relative_positions():
    small = {"n_embd": 8, "n_head": 2, "n_layer": 1, "n_positions": 20, "vocab_size": 30, "pad_token_id": 0}
    gpt2 = GPT2ForSequenceClassification(GPT2Config(**small, bos_token_id=1, eos_token_id=2))
    assert (Limits.of(gpt2).positions, runs(gpt2, 20), runs(gpt2, 21)) == (20, True, False)
    funnel = FunnelForTokenClassification(FunnelConfig(vocab_size=30, block_sizes=[1], d_model=8, n_head=2, d_head=4))
    assert Limits.of(funnel).positions == UNLIMITED


def test_what_stands_around_a_model_changes_only_what_it_adds():
    model = tiny_bert("SequenceClassification")
    expected = Limits.of(model)
    assert (expected.positions, expected.embeddings, expected.token_types) == (128, 300, 2)
    assert Limits.of(torch.compile(model, backend="eager")) == expected
    prompts = get_peft_model(model, PromptTuningConfig(task_type="SEQ_CLS", num_virtual_tokens=3))
    assert Limits.of(prompts).positions == 125


def test_a_model_with_one_token_type_is_not_told_it():
    assert "token_type_ids" in Limits.of(tiny_bert("MaskedLM")).inputs
    assert "token_type_ids" not in Limits.of(tiny_bert("MaskedLM", type_vocab_size=1)).inputs
    assert "labels" not in Limits.of(tiny_bert("MaskedLM")).inputs


def test_a_model_that_counts_from_its_padding_takes_wider_batches_than_texts():
    model = tiny_model("roberta", "TokenClassification")
    limits = Limits.of(model)
    ids = torch.full((2, 64), 7)
    ids[:, 62:] = 1
    assert (limits.positions, limits.rows("position_ids")) == (62, 64)
    assert limits.tokens(ids.numpy()) == 62
    assert model(ids).logits.shape[1] == 64
    wider = torch.cat([ids, torch.ones_like(ids)], dim=1)
    assert limits.tokens(wider.numpy()) == 128


class Own(torch.nn.Module):
    def __init__(self, model):
        super().__init__()
        self.config, self.model = model.config, model

    def forward(self, input_ids, *, return_dict=False):
        return (self.model(input_ids).logits,)


def test_a_class_that_does_not_say_where_its_embeddings_are_is_taken_at_its_configurations_word():
    limits = Limits.of(Own(tiny_bert("TokenClassification")))
    assert (limits.embeddings, limits.inputs) == (300, {"input_ids", "return_dict"})
    assert limits.takes("return_dict")
    assert not limits.takes("output_hidden_states")
