"""Vocabulary heads by themselves: the logits are those of the whole model, the weights the head's."""

import copy

import pytest
import torch
import transformers
from peft import LoraConfig, PromptTuningConfig, get_peft_model

from helpers.models import ARCHITECTURES, tiny_bert, tiny_inputs, tiny_model
from hf_multiteacher.models.row_forward import RowForward
from hf_multiteacher.models.task import encoder_of, without_adapters
from hf_multiteacher.models.vocabulary_head import can_run_alone, head_alone, head_logits, head_state, heads_agree

ROWS = torch.zeros(3, 12, dtype=torch.bool)
ROWS[0, [2, 5]] = ROWS[1, 0] = ROWS[2, 11] = True


def shell_of(model):
    inner = without_adapters(model)
    return head_alone(type(inner), inner.config, head_state(model))


@torch.no_grad()
def kept(model, **options):
    """The head's inputs, and the logits of an ordinary forward at the same rows."""
    forward = RowForward(model, "the teacher")
    inputs = tiny_inputs(pad=without_adapters(model).config.pad_token_id)
    _, logits, _ = forward(model, inputs, ROWS, **options)
    return forward.head_inputs(model, inputs, ROWS, **options)[0], logits


def real(model):
    return {name: weight for name, weight in model.named_parameters() if not weight.is_meta}


@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_the_head_alone_gives_the_models_logits_bit_for_bit(architecture, tied):
    model = tiny_model(architecture, "MaskedLM", tie_word_embeddings=tied)
    states, logits = kept(model)
    assert states.shape == (4, 16)
    assert can_run_alone(model)
    shell = shell_of(model)
    assert heads_agree(model, shell)
    with torch.no_grad():
        assert torch.equal(head_logits(model, states), logits)
        assert torch.equal(head_logits(shell, states), logits)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_the_shell_holds_the_head_and_the_embeddings_that_it_reads(architecture):
    model = tiny_model(architecture, "MaskedLM")
    state, shell = head_state(model), shell_of(model)
    head = [weight for name, weight in model.named_parameters() if not name.startswith(f"{model.base_model_prefix}.")]
    table = model.get_input_embeddings().weight
    expected = {id(weight): weight for weight in (*head, table)}
    assert sum(weight.numel() for weight in real(shell).values()) == sum(each.numel() for each in expected.values())
    assert {tensor.data_ptr() for tensor in state.values()} == {weight.data_ptr() for weight in expected.values()}
    assert len({tensor.data_ptr() for tensor in state.values()}) == len(state)
    inside = {name for name in real(shell) if name.startswith(f"{model.base_model_prefix}.")}
    assert all(real(shell)[name].shape == table.shape for name in inside)


def test_the_head_is_run_on_nothing_while_its_inputs_are_kept():
    model = tiny_bert("MaskedLM", vocab_size=50).eval()
    forward, seen = RowForward(model, "the teacher"), []
    model.cls.predictions.decoder.register_forward_pre_hook(lambda _, args: seen.append(args[0].shape))
    forward.head_inputs(model, tiny_inputs(), ROWS)
    assert seen == [(0, 16)]


@pytest.mark.parametrize("architecture", ["bert", "albert", "modernbert"])
def test_inputs_and_hidden_states_come_from_one_forward(architecture):
    model = tiny_model(architecture, "MaskedLM")
    inputs = tiny_inputs(pad=model.config.pad_token_id)
    expected = model(**inputs, output_hidden_states=True).hidden_states
    forward = RowForward(model, "the teacher")
    index = ROWS.flatten().nonzero().squeeze(1)
    states, layers = forward.head_inputs(model, inputs, ROWS, index=index, output_hidden_states=True)
    assert all(torch.equal(ours, theirs) for ours, theirs in zip(layers, expected, strict=True))
    torch.testing.assert_close(states, expected[-1][ROWS])
    assert forward.head_inputs(model, inputs, ROWS)[1] is None


def padded(model):
    model.resize_token_embeddings(50, pad_to_multiple_of=64)
    return model


def resized(model):
    model.resize_token_embeddings(61)
    return model


def untied_by_hand(model):
    model.cls.predictions.decoder.weight = torch.nn.Parameter(torch.randn(50, 16))
    return model


def tied_by_hand(model):
    model.cls.predictions.decoder.weight = model.get_input_embeddings().weight
    return model


@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("change", [padded, resized, untied_by_hand, tied_by_hand])
def test_a_head_that_is_not_as_it_was_made_runs_alone(change, tied):
    model = change(tiny_model("bert", "MaskedLM", tie_word_embeddings=tied)).eval()
    states, logits = kept(model)
    assert can_run_alone(model)
    with torch.no_grad():
        assert torch.equal(head_logits(shell_of(model), states), logits)


def test_a_head_in_half_precision_runs_in_it():
    model = tiny_model("bert", "MaskedLM").to(torch.bfloat16)
    states, logits = kept(model)
    shell = shell_of(model)
    assert can_run_alone(model) and logits.dtype == torch.bfloat16
    assert torch.equal(head_logits(shell, states), logits)


def test_adapters_in_the_encoder_are_no_hindrance():
    model = get_peft_model(tiny_bert("MaskedLM", vocab_size=50), LoraConfig(r=2, target_modules=["query"])).eval()
    states, logits = kept(model)
    assert can_run_alone(model)
    assert torch.equal(head_logits(shell_of(model), states), logits)


BERT = {"hidden_size": 8, "num_attention_heads": 2, "num_hidden_layers": 1, "intermediate_size": 8}


def make(kind, head, **settings):
    config = getattr(transformers, f"{kind}Config")(vocab_size=50, pad_token_id=0, **settings)
    return getattr(transformers, f"{kind}For{head}")(config)


class AfterwardsForMaskedLM(transformers.BertForMaskedLM):
    """A head of the user's own that reads the ids too."""

    def forward(self, input_ids, **kwargs):
        outputs = super().forward(input_ids, **kwargs)
        outputs.logits = outputs.logits * (1 + input_ids.float().mean())
        return outputs


class ScaledForMaskedLM(transformers.BertForMaskedLM):
    """What its head is given is not what its encoder answers with."""

    def forward(self, input_ids, attention_mask=None, **kwargs):
        return {"logits": self.cls(2 * self.bert(input_ids, attention_mask, **kwargs)[0])}


def of_own_class(kind):
    return kind(tiny_bert("MaskedLM").config)


def with_adapters(**settings):
    return get_peft_model(tiny_bert("MaskedLM"), LoraConfig(r=2, **settings))


REFUSED = {
    "bart": lambda: make("Bart", "ConditionalGeneration", d_model=16, encoder_layers=1, decoder_layers=1),
    "t5": lambda: make("T5", "ConditionalGeneration", d_model=8, d_kv=4, d_ff=8, num_layers=1, num_heads=2),
    "perceiver": lambda: make(
        "Perceiver",
        "MaskedLM",
        d_model=8,
        d_latents=8,
        num_latents=4,
        num_self_attends_per_block=1,
        num_self_attention_heads=2,
        num_cross_attention_heads=2,
        qk_channels=8,
        v_channels=8,
    ),
    "bigbird": lambda: make("BigBird", "MaskedLM", **BERT),
    "classifier": lambda: tiny_bert("TokenClassification"),
    "meta": lambda: tiny_bert("MaskedLM").to("meta"),
    "reads-the-ids": lambda: of_own_class(AfterwardsForMaskedLM),
    "scaled": lambda: of_own_class(ScaledForMaskedLM),
    "prompts": lambda: get_peft_model(
        tiny_bert("MaskedLM"), PromptTuningConfig(task_type="FEATURE_EXTRACTION", num_virtual_tokens=4)
    ),
    "adapter-in-the-head": lambda: with_adapters(target_modules=["transform.dense"]),
    "head-saved-by-the-adapter": lambda: with_adapters(target_modules=["query"], modules_to_save=["cls"]),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_a_head_that_cannot_run_alone_is_told(kind):
    assert can_run_alone(REFUSED[kind]()) is False


def test_asking_leaves_no_trace():
    model = tiny_bert("MaskedLM", vocab_size=50).train()
    modes, weights = [module.training for module in model.modules()], copy.deepcopy(model.state_dict())
    config = model.config.to_dict()
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    assert can_run_alone(model) and heads_agree(model, shell_of(model))
    assert torch.equal(torch.rand(2), expected)
    assert [module.training for module in model.modules()] == modes and model.config.to_dict() == config
    assert all(torch.equal(weight, weights[name]) for name, weight in model.state_dict().items())
    assert "forward" not in vars(encoder_of(model))
    assert all(weight.requires_grad for weight in model.parameters())


def test_a_forward_that_accelerate_has_put_there_is_put_back():
    model = tiny_bert("MaskedLM", vocab_size=50).eval()
    own = model.bert.forward
    model.bert.forward = lambda *args, **kwargs: own(*args, **kwargs)
    expected = vars(model.bert)["forward"]
    head_logits(model, torch.zeros(2, 16))
    assert vars(model.bert)["forward"] is expected


def test_a_shell_is_frozen_and_draws_no_dropout():
    shell = shell_of(tiny_bert("MaskedLM", vocab_size=50).train())
    assert not any(weight.requires_grad for weight in shell.parameters())
    assert not any(module.training for module in shell.modules())


def test_a_shell_with_another_head_is_told():
    model = tiny_bert("MaskedLM", vocab_size=50).eval()
    assert not heads_agree(model, shell_of(tiny_bert("MaskedLM", vocab_size=50, seed=1)))
    missing = {name: tensor for name, tensor in head_state(model).items() if "LayerNorm" not in name}
    assert not heads_agree(model, head_alone(type(model), model.config, missing))


def test_weights_of_another_class_are_refused():
    state = head_state(tiny_model("roberta", "MaskedLM"))
    with pytest.raises(ValueError, match="weights of a BertForMaskedLM, but it has none of the name 'lm_head"):
        head_alone(transformers.BertForMaskedLM, tiny_bert("MaskedLM").config, state)


def test_inputs_of_a_head_that_there_is_not_are_refused():
    tagger = tiny_bert("TokenClassification")
    with pytest.raises(ValueError, match="expects a masked language model, but the teacher has no vocabulary head"):
        RowForward(tagger, "the teacher").head_inputs(tagger, tiny_inputs(), ROWS)
    model = tiny_bert("MaskedLM")
    forward = RowForward(model, "the teacher")
    part = {name: tensor[:2] for name, tensor in tiny_inputs().items()}
    with pytest.raises(ValueError, match="expects the teacher to run its vocabulary head once.* 0 times"):
        forward.head_inputs(model, part, ROWS)


def test_a_model_that_names_no_encoder_has_no_head_to_run():
    with pytest.raises(ValueError, match="but BertModel has none that it names"):
        head_logits(tiny_bert("MaskedLM").bert, torch.zeros(2, 16))


def test_a_compiled_teacher_is_run_as_it_was_before():
    model = tiny_bert("MaskedLM", vocab_size=50, layers=1).eval()
    states, logits = kept(model)
    model.compile(backend=lambda graph, _: 1 / 0)
    assert torch.equal(head_logits(model, states), logits)
    assert can_run_alone(model)
