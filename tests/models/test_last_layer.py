"""Rows that are dropped in the last layer already: everything is as if they were dropped at the end."""

import copy

import pytest
import torch
import transformers
from peft import LoraConfig, PromptTuningConfig, get_peft_model
from torch import nn

from helpers.models import ARCHITECTURES, tiny_bert, tiny_inputs, tiny_model
from hf_multiteacher.models.heads import SelectedHead
from hf_multiteacher.models.last_layer import last_layer_that_drops_rows
from hf_multiteacher.models.task import without_adapters

SOME_ROWS = torch.zeros(3, 12, dtype=torch.bool)
SOME_ROWS[0, [2, 5]] = SOME_ROWS[1, 0] = SOME_ROWS[2, 11] = True
OTHER_ROWS = SOME_ROWS.flip(0, 1)
OTHER_ROWS[1, :3] = True

# ALBERT's layers are one and the same; the residual of ModernBERT passes by what ends its attention.
WHOLE = ("albert", "modernbert")
EARLY = [architecture for architecture in ARCHITECTURES if architecture not in WHOLE]


class Widths:
    """Notes the shapes of what the last layer's first linear layer of that width is given."""

    def __init__(self, model, width=32):
        encoder = without_adapters(model).base_model
        layers = [each for each in encoder.modules() if isinstance(each, nn.Linear) and each.out_features == width]
        self.seen = []
        layers[-1].register_forward_pre_hook(lambda _, args: self.seen.append(tuple(args[0].shape[:-1])))


def hooks_in(encoder):
    hooks = [(*each._forward_pre_hooks.values(), *each._forward_hooks.values()) for each in encoder.modules()]
    return [hook for each in hooks for hook in each if type(hook).__module__.startswith("hf_multiteacher")]


def gradients_of(model):
    gradients = {name: weight.grad for name, weight in model.named_parameters() if weight.grad is not None}
    model.zero_grad()
    return gradients


def loss_of(logits):
    return logits.tanh().sum() / logits.numel()


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
@pytest.mark.parametrize("architecture", EARLY)
def test_logits_and_all_gradients_are_those_of_the_whole_forward(architecture, attention):
    if "deberta" in architecture or architecture == "mpnet":
        attention = "eager"  # they have no other
    model = tiny_model(architecture, "MaskedLM", attn_implementation=attention).train()
    inputs = tiny_inputs(pad=model.config.pad_token_id)
    head, widths = SelectedHead(model), Widths(model)
    for rows in (SOME_ROWS, OTHER_ROWS):
        whole = model(**inputs).logits[rows]
        loss_of(whole).backward()
        expected = gradients_of(model)
        with head.select(rows):
            logits = model(**inputs).logits
        loss_of(logits).backward()
        torch.testing.assert_close(logits, whole, atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(gradients_of(model), expected, atol=1e-5, rtol=1e-5)
    assert widths.seen == [(3, 12), (4,), (3, 12), (7,)]


@pytest.mark.parametrize("architecture", WHOLE)
def test_where_it_would_not_work_the_last_layer_sees_all(architecture):
    model = tiny_model(architecture, "MaskedLM")
    head = SelectedHead(model)
    assert last_layer_that_drops_rows(model) is None
    assert hooks_in(model.base_model) == []
    with head.select(SOME_ROWS):
        assert model(**tiny_inputs(pad=model.config.pad_token_id)).logits.shape == (4, 50)


def convolution_after_its_only_layer():
    return tiny_model("deberta-v2", "MaskedLM", layers=1)


def feed_forward_in_chunks():
    return tiny_model("bert", "MaskedLM", chunk_size_feed_forward=4)


def on_meta():
    return tiny_model("bert", "MaskedLM").to("meta")


def diverged():
    model = tiny_model("bert", "MaskedLM")
    torch.nn.init.constant_(model.bert.embeddings.word_embeddings.weight, float("nan"))
    return model


def of_one_token():
    return tiny_model("bert", "MaskedLM", max_position_embeddings=1)


def prompts():
    return get_peft_model(
        tiny_bert("MaskedLM"), PromptTuningConfig(task_type="FEATURE_EXTRACTION", num_virtual_tokens=4)
    )


def full_for_good_where_a_text_is_short():
    shape = {"hidden_size": 8, "num_attention_heads": 2, "num_hidden_layers": 1, "intermediate_size": 8}
    return transformers.BigBirdForMaskedLM(transformers.BigBirdConfig(vocab_size=50, **shape))


def padding_to_whole_windows():
    shape = {"hidden_size": 8, "num_attention_heads": 2, "num_hidden_layers": 1, "intermediate_size": 8}
    config = transformers.LongformerConfig(vocab_size=50, attention_window=12, max_position_embeddings=64, **shape)
    return transformers.LongformerForMaskedLM(config)


class MixingForMaskedLM(transformers.BertForMaskedLM):
    """A head of the user's own that reads all layers."""

    def forward(self, input_ids, attention_mask=None, **kwargs):
        states = self.bert(input_ids, attention_mask, output_hidden_states=True).hidden_states
        return {"logits": self.cls(torch.stack(states).mean(0))}


class TellingForMaskedLM(transformers.BertForMaskedLM):
    """It gives hidden states, asked or not."""

    def forward(self, input_ids, attention_mask=None, output_hidden_states=None, **kwargs):
        states = self.bert(input_ids, attention_mask, output_hidden_states=False)[0]
        return {"logits": self.cls(states), "hidden_states": (states,)}


class ForgetfulForMaskedLM(transformers.BertForMaskedLM):
    """Its encoder is never told what was asked for."""

    def forward(self, input_ids, attention_mask=None, output_hidden_states=None, **kwargs):
        return {"logits": self.cls(self.bert(input_ids, attention_mask)[0])}


class BrokenForMaskedLM(transformers.BertForMaskedLM):
    """It needs what only the data set has."""

    def forward(self, input_ids, boxes, **kwargs):
        raise AssertionError


@pytest.mark.parametrize(
    "make",
    [
        convolution_after_its_only_layer,
        feed_forward_in_chunks,
        on_meta,
        diverged,
        of_one_token,
        prompts,
        full_for_good_where_a_text_is_short,
        padding_to_whole_windows,
        MixingForMaskedLM,
        TellingForMaskedLM,
        ForgetfulForMaskedLM,
        BrokenForMaskedLM,
    ],
    ids=lambda make: make.__name__,
)
def test_where_it_is_not_known_to_work_nothing_is_dropped_in_the_last_layer(make):
    model = make(tiny_bert("MaskedLM").config) if isinstance(make, type) else make()
    SelectedHead(model)
    assert last_layer_that_drops_rows(model) is None
    assert hooks_in(without_adapters(model).base_model) == []


def test_a_short_trial_leaves_the_attention_in_blocks():
    model = full_for_good_where_a_text_is_short()
    SelectedHead(model)
    assert model.bert.attention_type == "block_sparse"


def draw_something(module, args, output):
    torch.rand(1)


def test_the_trial_leaves_no_trace():
    model = tiny_bert("MaskedLM", vocab_size=50).train()
    model.bert.encoder.eval()
    model.cls.register_forward_hook(draw_something)  # in eval mode too
    modes = [module.training for module in model.modules()]
    weights = copy.deepcopy(model.state_dict())
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    SelectedHead(model)
    assert torch.equal(torch.rand(2), expected)
    assert [module.training for module in model.modules()] == modes
    assert list(model.state_dict()) == list(weights)
    assert all(torch.equal(weight, weights[name]) for name, weight in model.state_dict().items())


def test_the_trial_tells_a_layer_that_mixes_tokens_after_its_attention():
    class Shifting(nn.Linear):
        def forward(self, states):
            return super().forward(states.roll(1, 0 if states.dim() == 2 else 1))

    model = tiny_bert("MaskedLM", vocab_size=50)
    model.bert.encoder.layer[-1].intermediate.dense = Shifting(16, 32)
    SelectedHead(model)
    assert last_layer_that_drops_rows(model) is None


@pytest.mark.parametrize("asked", [True, [0, -1]])
def test_hidden_states_that_are_asked_for_are_whole(asked):
    model = tiny_bert("MaskedLM", vocab_size=50).eval()
    expected = model(**tiny_inputs(), output_hidden_states=True)
    head = SelectedHead(model)
    with head.select(SOME_ROWS):
        outputs = model(**tiny_inputs(), output_hidden_states=asked)
    torch.testing.assert_close(outputs.logits, expected.logits[SOME_ROWS], atol=1e-5, rtol=0)
    for ours, theirs in zip(outputs.hidden_states, expected.hidden_states, strict=True):
        assert ours is None or torch.equal(ours, theirs)


@pytest.mark.parametrize("architecture", ["bert", "distilbert", "mpnet", "deberta-v2"])
def test_hidden_states_by_configuration_are_whole_and_given_up_by_the_call(architecture):
    model = tiny_model(architecture, "MaskedLM")
    inputs = tiny_inputs(pad=model.config.pad_token_id)
    head, widths = SelectedHead(model), Widths(model)
    model.config.output_hidden_states = True
    with head.select(SOME_ROWS):
        outputs = model(**inputs)
        assert [state.shape for state in outputs.hidden_states] == [(3, 12, 16)] * 3
        assert outputs.logits.shape == (4, 50)
        model(**inputs, output_hidden_states=False)
    assert widths.seen == [(3, 12), (4,)]


@pytest.mark.parametrize("use_reentrant", [True, False])
@pytest.mark.parametrize("architecture", ["bert", "distilbert", "deberta-v2"])
def test_a_layer_that_runs_again_in_the_backward_sees_all(architecture, use_reentrant):
    gradients = []
    for checkpointing in (False, True):
        model = tiny_model(architecture, "MaskedLM").train()
        inputs = tiny_inputs(pad=model.config.pad_token_id)
        head, widths = SelectedHead(model), Widths(model)
        if checkpointing:
            model.gradient_checkpointing_enable({"use_reentrant": use_reentrant})
        with head.select(SOME_ROWS):
            logits = model(**inputs).logits
        assert widths.seen == [(3, 12) if checkpointing else (4,)]
        loss_of(logits).backward()
        gradients.append(gradients_of(model))
    torch.testing.assert_close(*gradients, atol=1e-5, rtol=1e-5)
    widths.seen.clear()
    model.eval()
    with head.select(SOME_ROWS):
        model(**inputs)
    assert widths.seen == [(4,)]


def test_adapters_in_the_last_layers_attention_learn_the_same():
    model = get_peft_model(
        tiny_bert("MaskedLM", vocab_size=50), LoraConfig(r=2, target_modules=["query", "dense"], lora_dropout=0.0)
    )
    for name, weight in model.named_parameters():
        if "lora_B" in name:
            nn.init.normal_(weight)
    loss_of(model(**tiny_inputs()).logits[SOME_ROWS]).backward()
    expected = gradients_of(model)
    head, widths = SelectedHead(model), Widths(model)
    with head.select(SOME_ROWS):
        loss_of(model(**tiny_inputs()).logits).backward()
    torch.testing.assert_close(gradients_of(model), expected, atol=1e-5, rtol=1e-5)
    assert widths.seen == [(4,)]


def test_as_many_rows_as_examples_and_states_as_long_as_texts_are_not_cut_twice():
    model = tiny_bert("MaskedLM", vocab_size=50).eval()
    inputs = tiny_inputs(batch=4, length=16)  # hidden size 16, so rows [4, 16] look like tokens
    rows = torch.eye(4, 16).bool()
    expected = model(**inputs).logits[rows]
    with SelectedHead(model).select(rows):
        torch.testing.assert_close(model(**inputs).logits, expected, atol=1e-5, rtol=0)


def test_a_part_of_the_batch_is_run_whole():
    # As by a replica under DataParallel.
    model = tiny_bert("MaskedLM", vocab_size=50).eval()
    part = {name: tensor[:2] for name, tensor in tiny_inputs().items()}
    head, widths = SelectedHead(model), Widths(model)
    with head.select(SOME_ROWS):
        assert model(**part).logits.shape == (2, 12, 50)
    assert widths.seen == [(2, 12)]


def test_dropout_is_drawn_for_the_rows_alone():
    model = tiny_bert("MaskedLM", vocab_size=50).train()
    dropout = model.bert.encoder.layer[-1].output.dropout
    dropout.p = 0.5
    seen = []
    head = SelectedHead(model)
    dropout.register_forward_hook(lambda _, args, output: seen.append(output.shape))
    with head.select(SOME_ROWS):
        loss_of(model(**tiny_inputs()).logits).backward()
    assert seen == [(4, 16)]


def test_a_compiled_model_drops_them_early_and_gives_whole_states():
    model = tiny_bert("MaskedLM", vocab_size=50, layers=1).eval()
    full = model(**tiny_inputs()).logits
    head = SelectedHead(model)
    compiled = torch.compile(model, backend="eager")
    for rows in (SOME_ROWS, OTHER_ROWS, None):
        with head.select(rows):
            logits = compiled(**tiny_inputs()).logits
        torch.testing.assert_close(logits, full if rows is None else full[rows], atol=1e-5, rtol=0)
    with head.select(SOME_ROWS):
        states = compiled(**tiny_inputs(), output_hidden_states=True).hidden_states
    assert [state.shape for state in states] == [(3, 12, 16)] * 2


def test_a_model_that_is_compiled_already_is_tried_without_compiling_it():
    model = tiny_bert("MaskedLM", vocab_size=50, layers=1)
    graphs = []
    model.compile(backend=lambda graph, _: graphs.append(graph) or graph.forward)
    head, widths = SelectedHead(model), Widths(model)
    assert graphs == []
    with head.select(SOME_ROWS):
        model.forward(**tiny_inputs())
    assert widths.seen == [(4,)]


def test_a_second_selection_knows_of_the_first_ones_hooks_and_a_copy_has_its_own():
    model = tiny_bert("MaskedLM", vocab_size=50)
    first, second = SelectedHead(model), SelectedHead(model)
    twin = copy.deepcopy(model)
    heads = [(first, model), (second, model), (SelectedHead(twin), twin)]
    assert len(model.bert._forward_pre_hooks) == len(model.bert.encoder.layer[-1].attention.output._forward_hooks) == 1
    for head, each in heads:
        widths = Widths(each)
        with head.select(SOME_ROWS):
            each(**tiny_inputs())
        assert widths.seen == [(4,)]


def test_a_layer_that_is_no_longer_the_last_drops_nothing():
    model = tiny_bert("MaskedLM", vocab_size=50)
    SelectedHead(model)
    layers = model.bert.encoder.layer
    layers[0], layers[1] = layers[1], layers[0]
    full = model(**tiny_inputs()).logits
    with SelectedHead(model).select(SOME_ROWS):
        torch.testing.assert_close(model(**tiny_inputs()).logits, full[SOME_ROWS], atol=1e-5, rtol=0)
