import copy

import pytest
import torch
import transformers
from peft import LoraConfig, PrefixTuningConfig, PromptTuningConfig, get_peft_model
from transformers import BertModel, BertPreTrainedModel

from helpers.models import ARCHITECTURES, tiny_bert, tiny_model
from hf_multiteacher.models.row_forward import RowForward
from hf_multiteacher.models.trial import expect_readable, uses_every_weight

SMALL = {"vocab_size": 50, "pad_token_id": 0, "bos_token_id": 2, "eos_token_id": 3, "d_model": 8}
T5 = {"d_kv": 4, "d_ff": 8, "num_layers": 2, "num_heads": 2, "decoder_start_token_id": 0}
BART = {"encoder_layers": 1, "decoder_layers": 1, "encoder_attention_heads": 2, "decoder_attention_heads": 2}
FUNNEL = {"block_sizes": [1, 1], "n_head": 2, "d_head": 4, "d_inner": 8}


def expect(model, hidden_states=False):
    expect_readable(model, RowForward(model, "the student"), hidden_states=hidden_states)


def make(kind, head, **settings):
    config = getattr(transformers, f"{kind}Config")(**SMALL, **settings)
    return getattr(transformers, f"{kind}For{head}")(config)


class OwnForTokenClassification(BertPreTrainedModel):
    """A tagger of the user's own, whose forward takes nothing else and answers as it is told to."""

    def __init__(self, config):
        super().__init__(config)
        self.bert, self.out = BertModel(config), torch.nn.Linear(config.hidden_size, config.num_labels)
        self.answer = lambda logits: (logits,)
        self.post_init()

    def forward(self, input_ids, attention_mask=None, labels=None):
        return self.answer(self.out(self.bert(input_ids, attention_mask=attention_mask)[0]))


class OwnForSequenceClassification(OwnForTokenClassification):
    """A classifier of the user's own that demands labels."""

    def forward(self, input_ids, labels):
        raise AssertionError


def own(answer=None, cls=OwnForTokenClassification):
    model = cls(tiny_bert("TokenClassification").config)
    model.answer = answer or model.answer
    return model


@pytest.mark.parametrize("head", ["MaskedLM", "TokenClassification", "SequenceClassification"])
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_the_promised_architectures_are_readable(architecture, head):
    expect(tiny_model(architecture, head), hidden_states=True)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (lambda: make("Funnel", "SequenceClassification", **FUNNEL), r"gives hidden states \[1, 4, 8\] for tokens"),
        (lambda: make("Funnel", "TokenClassification", **FUNNEL), r"gives hidden states \[1, 4, 8\] for tokens"),
        (lambda: make("Funnel", "MaskedLM", **FUNNEL), r"gives hidden states \[1, 4, 8\] for tokens"),
        (lambda: make("T5", "SequenceClassification", **T5), "the student gives none"),
        (lambda: make("Bart", "SequenceClassification", **BART), "the student gives none"),
        (own, "the student gives none"),
        (lambda: tiny_bert_like_bigbird(), "attention_type='block_sparse'"),
        (lambda: counting_three_layers(), "tells of 3 layers of size 16, the student gives 3 of the sizes"),
    ],
    ids="funnel-sequence funnel-tagging funnel-masked t5 bart own bigbird miscounted".split(),
)
def test_hidden_states_that_are_not_one_per_token_and_layer_are_refused(model, message):
    with pytest.raises(ValueError, match=message):
        expect(model(), hidden_states=True)


def test_a_model_that_counts_from_a_padding_that_it_lacks_is_refused():
    with pytest.raises(ValueError, match=r"The student \(roberta\) counts its positions from its padding id on"):
        expect(tiny_model("roberta", "TokenClassification", pad_token_id=None))


def tiny_bert_like_bigbird():
    shape = {"hidden_size": 8, "num_attention_heads": 2, "num_hidden_layers": 1, "intermediate_size": 8}
    config = transformers.BigBirdConfig(vocab_size=50, **shape)
    return transformers.BigBirdForTokenClassification(config)


def counting_three_layers():
    model = tiny_bert("TokenClassification")
    model.config.num_hidden_layers = 3
    return model


@pytest.mark.parametrize("model", [lambda: make("T5", "TokenClassification", **T5), lambda: tiny_bert("MaskedLM")])
def test_a_stack_of_layers_of_whole_texts_is_readable(model):
    expect(model(), hidden_states=True)


@pytest.mark.parametrize(
    "model",
    [
        lambda: make("Funnel", "SequenceClassification", **FUNNEL),
        lambda: make("T5", "SequenceClassification", **T5),
        lambda: make("Bart", "SequenceClassification", **BART),
        lambda: own(),
        lambda: own(lambda logits: {"logits": logits}),
        lambda: own(lambda logits: [logits, None]),
    ],
    ids="funnel t5 bart tuple dictionary list".split(),
)
def test_without_hidden_states_these_are_readable(model):
    expect(model())


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda logits: {"scores": logits}, r"answers with a dict of \['scores'\]"),
        (lambda logits: logits, "answers with a Tensor"),
        (lambda logits: (logits.mean(), logits), r"gives logits \[\] for tokens \[1, 8\]"),
        (
            lambda logits: (logits.flatten(0, 1),),
            r"gives logits \[8, 2\] for tokens \[1, 8\].*Have its forward return",
        ),
        (lambda logits: (logits[..., :1],), r"must give \[tokens, 2\] logits, .* it gives \[8, 1\]"),
    ],
    ids="named-otherwise tensor loss-first flat classes".split(),
)
def test_answers_of_an_own_class_that_cannot_be_read_are_refused(answer, message):
    with pytest.raises(ValueError, match=message):
        expect(own(answer))


def test_a_forward_that_demands_labels_is_refused():
    with pytest.raises(ValueError, match="The student is run without labels.*Give them a default: labels=None"):
        expect(own(cls=OwnForSequenceClassification))


def test_a_forward_that_takes_nothing_by_name_is_refused():
    class NamelessForTokenClassification(OwnForTokenClassification):
        def forward(self, *args):
            return super().forward(*args)

    with pytest.raises(ValueError, match="the forward of NamelessForTokenClassification takes nothing by name"):
        expect(own(cls=NamelessForTokenClassification))


def test_an_own_class_that_needs_more_than_made_up_tokens_is_left_to_the_data():
    def answer(logits):
        raise KeyError("bbox")

    expect(own(answer))


@pytest.mark.parametrize(("head", "task"), [("TokenClassification", "TOKEN_CLS"), ("MaskedLM", "FEATURE_EXTRACTION")])
def test_prompts_before_the_tokens_are_refused_where_rows_are_tokens(head, task):
    model = get_peft_model(tiny_bert(head), PromptTuningConfig(task_type=task, num_virtual_tokens=4))
    with pytest.raises(ValueError, match=r"gives logits \[1, 12, \d+\] for tokens \[1, 8\].*use LoRA"):
        expect(model)


def test_prompts_serve_sequence_tasks_and_prefixes_all():
    prompts = PromptTuningConfig(task_type="SEQ_CLS", num_virtual_tokens=4)
    expect(get_peft_model(tiny_bert("SequenceClassification"), prompts))
    with pytest.raises(ValueError, match=r"hidden states \[1, 12, 16\] for tokens \[1, 8\]"):
        expect(get_peft_model(tiny_bert("SequenceClassification"), prompts), hidden_states=True)
    prefixes = PrefixTuningConfig(task_type="TOKEN_CLS", num_virtual_tokens=4)
    expect(get_peft_model(tiny_bert("TokenClassification"), prefixes), hidden_states=True)


def test_prompts_that_an_architecture_does_not_take_are_refused(monkeypatch):
    model = get_peft_model(
        tiny_bert("SequenceClassification"), PromptTuningConfig(task_type="SEQ_CLS", num_virtual_tokens=4)
    )
    monkeypatch.setattr(model, "forward", lambda **inputs: 1 / 0)
    with pytest.raises(
        ValueError, match=r"\(BertFor\w+ in its PromptTuningConfig\) cannot be run .*ZeroDiv.*Use another adapter"
    ):
        expect(model)


def test_an_own_class_in_an_adapter_that_asks_it_for_more_is_refused():
    model = get_peft_model(own(), LoraConfig(task_type="TOKEN_CLS", r=2, target_modules=["query"]))
    with pytest.raises(
        ValueError,
        match=r"\(OwnForTokenClassification in its LoraConfig\) cannot be run.*take inputs_embeds, or \*\*kwargs",
    ):
        expect(model)


def test_a_trial_leaves_no_trace():
    model = tiny_bert("TokenClassification").train()
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.5
    model.bert.encoder.eval()
    modes = [module.training for module in model.modules()]
    weights = copy.deepcopy(model.state_dict())
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    expect(model, hidden_states=True)
    assert torch.equal(torch.rand(2), expected)
    assert [module.training for module in model.modules()] == modes
    assert all(torch.equal(weight, weights[name]) for name, weight in model.state_dict().items())
    assert all(weight.grad is None for weight in model.parameters())


def test_what_transformers_answers_with_is_known_and_not_tried(monkeypatch):
    model = tiny_bert("TokenClassification")
    monkeypatch.setattr(model, "forward", lambda labels=None, **inputs: 1 / 0)
    monkeypatch.setattr(torch, "full", lambda *arguments: 1 / 0)
    expect(model)


@pytest.mark.parametrize("head", ["MaskedLM", "TokenClassification", "SequenceClassification"])
def test_a_bert_uses_every_weight_and_is_left_as_it_was(head):
    model = tiny_bert(head).train()
    generator = torch.get_rng_state()
    assert uses_every_weight(model, RowForward(model, "the student"))
    assert model.training and all(weight.grad is None for weight in model.parameters())
    assert torch.equal(torch.get_rng_state(), generator)


def test_weights_that_no_logit_depends_on_are_found_and_frozen_ones_do_not_matter():
    model = tiny_bert("TokenClassification")
    model.spare = torch.nn.Linear(2, 2)
    assert not uses_every_weight(model, RowForward(model, "the student"))
    model.spare.requires_grad_(False)
    assert uses_every_weight(model, RowForward(model, "the student"))


def test_a_model_that_leaves_layers_out_by_chance_or_does_not_run_is_not_taken_to_use_every_weight():
    model = tiny_bert("TokenClassification")
    model.config.layerdrop = 0.1
    assert not uses_every_weight(model, RowForward(model, "the student"))
    broken = own(lambda logits: 1 / 0)
    assert not uses_every_weight(broken, RowForward(broken, "the student"))
