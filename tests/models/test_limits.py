import pytest
import torch
import transformers
from peft import PromptTuningConfig, get_peft_model
from transformers import FunnelConfig, FunnelForTokenClassification

from helpers.models import ARCHITECTURES, tiny_bert, tiny_model
from hf_multiteacher.models.limits import UNLIMITED, Limits, position_limit


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


ENCODER = {"hidden_size": 24, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 8}
DECODER = {"n_embd": 8, "n_head": 2, "n_layer": 1, "n_positions": 20, "bos_token_id": 1, "eos_token_id": 2}
BOXES = {"coordinate_size": 4, "shape_size": 4, "visual_embed": False}
KINDS = {
    "GPT2": (DECODER, 20),
    "OpenAIGPT": (DECODER, 20),
    "CTRL": (DECODER | {"dff": 8}, 20),
    "Canine": ({"num_hash_buckets": 64}, 20),
    "Esm": ({"position_embedding_type": "absolute"}, 19),
    "MarkupLM": ({}, 19),
    "Lilt": ({"channel_shrink_ratio": 2}, 19),
    "LayoutLMv3": (BOXES, 19),
    "MPNet": ({}, 18),
}


@pytest.mark.parametrize("kind", KINDS)
def test_tables_of_other_names_and_those_that_begin_at_the_padding(kind):
    settings, longest = KINDS[kind]
    config = {"vocab_size": 30, "pad_token_id": 0, "max_position_embeddings": 20} | ENCODER
    config = {"vocab_size": 30, "pad_token_id": 0, **settings} if "n_embd" in settings else config | settings
    model = getattr(transformers, f"{kind}ForSequenceClassification")(getattr(transformers, f"{kind}Config")(**config))
    assert (runs(model, longest), runs(model, longest + 1)) == (True, False)
    assert Limits.of(model).positions == position_limit(model.config) == longest


def test_the_padding_that_a_table_was_made_with_counts():
    model = tiny_model("roberta", "TokenClassification")
    model.config.pad_token_id = None
    assert (Limits.of(model).positions, Limits.of(model).padding_id) == (62, 1)
    assert position_limit(model.config) == 64


def test_relative_positions_have_no_end():
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


class TakesAll(Own):
    def forward(self, *args, **kwargs):
        return (self.model(*args, **kwargs).logits,)


class TakesAllBesides(Own):
    def forward(self, input_ids, **kwargs):
        return (self.model(input_ids, **kwargs).logits,)


@pytest.mark.parametrize("cls", [TakesAll, TakesAllBesides])
def test_a_class_that_takes_all_among_others_is_given_the_encoding(cls):
    types = {"bert": {"token_type_ids"}, "distilbert": set(), "roberta": set()}
    for architecture, more in types.items():
        model = cls(tiny_model(architecture, "TokenClassification"))
        assert Limits.of(model).inputs == {"input_ids", "attention_mask"} | more
