import copy
import io
import json
import pickle

import pytest
import torch
import transformers
from peft import LoraConfig, get_peft_model
from torch import nn

from helpers.models import ARCHITECTURES, tiny_bert, tiny_inputs, tiny_model
from helpers.two_ranks import on_two_ranks
from hf_multiteacher.models.heads import SelectedHead, rows_of_logits
from hf_multiteacher.models.task import task_of

SOME_ROWS = torch.zeros(3, 12, dtype=torch.bool)
SOME_ROWS[0, [2, 5]] = SOME_ROWS[1, 0] = SOME_ROWS[2, 11] = True
NO_ROWS = torch.zeros(3, 12, dtype=torch.bool)


@pytest.mark.parametrize(
    ("head", "task"),
    [
        ("MaskedLM", "masked-lm"),
        ("TokenClassification", "token-classification"),
        ("SequenceClassification", "sequence-classification"),
    ],
)
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_the_task_is_known_by_the_class_on_every_architecture(architecture, head, task):
    assert task_of(tiny_model(architecture, head)).name == task


def test_the_task_is_known_through_peft_and_through_a_users_subclass():
    class TaggerOfMine(transformers.BertForTokenClassification):
        pass

    tagger = TaggerOfMine(tiny_bert("TokenClassification").config)
    assert task_of(tagger).name == "token-classification"
    assert task_of(get_peft_model(tagger, LoraConfig(task_type="TOKEN_CLS"))).name == "token-classification"


@pytest.mark.parametrize("model", ["BertModel", "BertForQuestionAnswering", "BertLMHeadModel", "BertForPreTraining"])
def test_a_model_of_another_task_is_refused_by_its_class_name(model):
    with pytest.raises(ValueError, match=f"this one is {model}, so it has no head.*AutoModelForMaskedLM"):
        task_of(getattr(transformers, model)(tiny_bert("MaskedLM").config))


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_selected_rows_are_the_rows_of_the_full_logits(architecture):
    model = tiny_model(architecture, "MaskedLM")
    inputs = tiny_inputs(pad=model.config.pad_token_id)
    full = model(**inputs).logits
    head = SelectedHead(model)
    with head.select(SOME_ROWS):
        logits = model(**inputs).logits
    assert logits.shape == (4, 50)
    torch.testing.assert_close(logits, full[SOME_ROWS], atol=1e-5, rtol=0)
    torch.testing.assert_close(model(**inputs).logits, full)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_no_rows_give_no_logits_that_still_reach_every_weight(architecture):
    model = tiny_model(architecture, "MaskedLM").train()
    with SelectedHead(model).select(NO_ROWS):
        logits = model(**tiny_inputs(pad=model.config.pad_token_id)).logits
    assert logits.shape == (0, 50)
    logits.sum().backward()
    used = {name for name, weight in model.named_parameters() if weight.grad is not None}
    model.zero_grad()
    model(**tiny_inputs(pad=model.config.pad_token_id)).logits.sum().backward()
    assert used == {name for name, weight in model.named_parameters() if weight.grad is not None}


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_gradients_are_those_of_the_indexed_full_logits(architecture):
    model = tiny_model(architecture, "MaskedLM")
    inputs = tiny_inputs(pad=model.config.pad_token_id)
    model(**inputs).logits[SOME_ROWS].square().sum().backward()
    expected = {name: weight.grad for name, weight in model.named_parameters() if weight.grad is not None}
    model.zero_grad()
    with SelectedHead(model).select(SOME_ROWS):
        model(**inputs).logits.square().sum().backward()
    for name, weight in model.named_parameters():
        if name in expected:
            torch.testing.assert_close(weight.grad, expected[name], atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_the_head_sees_the_selected_rows_only(architecture):
    model = tiny_model(architecture, "MaskedLM")
    if architecture == "deberta-v2-new-head":
        module = model.lm_predictions.lm_head.LayerNorm
    else:
        module = model.get_output_embeddings()
    seen = []
    head = SelectedHead(model)
    module.register_forward_pre_hook(lambda _, args: seen.append(args[0].shape[:-1]))
    with head.select(SOME_ROWS):
        model(**tiny_inputs(pad=model.config.pad_token_id))
    assert seen == [(4,)]


@pytest.mark.parametrize("modules_to_save", [None, ["cls"]])
def test_a_peft_model_gives_selected_rows(modules_to_save):
    model = get_peft_model(
        tiny_bert("MaskedLM", vocab_size=50), LoraConfig(r=2, modules_to_save=modules_to_save)
    ).eval()
    full = model(**tiny_inputs()).logits
    with SelectedHead(model).select(SOME_ROWS):
        torch.testing.assert_close(model(**tiny_inputs()).logits, full[SOME_ROWS], atol=1e-5, rtol=0)


def test_gradient_checkpointing_gives_the_same_gradients():
    gradients = []
    for checkpointing in (False, True):
        model = tiny_bert("MaskedLM", vocab_size=50).train()
        head = SelectedHead(model)
        if checkpointing:
            model.gradient_checkpointing_enable()
        with head.select(SOME_ROWS):
            logits = model(**tiny_inputs()).logits
        # The encoder runs again in the backward, after the rows are gone.
        logits.square().sum().backward()
        gradients.append([weight.grad for weight in model.parameters()])
    torch.testing.assert_close(*gradients)


def test_a_compiled_model_follows_the_rows_of_each_call():
    model = tiny_bert("MaskedLM", vocab_size=50, layers=1)
    full = model(**tiny_inputs()).logits
    head = SelectedHead(model)
    compiled = torch.compile(model, backend="eager")
    other_rows = SOME_ROWS.flip(0)
    other_rows[0, :5] = True
    for rows in (SOME_ROWS, other_rows, NO_ROWS, SOME_ROWS):
        with head.select(rows):
            torch.testing.assert_close(compiled(**tiny_inputs()).logits, full[rows], atol=1e-5, rtol=0)
    torch.testing.assert_close(compiled(**tiny_inputs()).logits, full, atol=1e-5, rtol=0)


def test_the_compiled_graph_has_no_break_at_the_head():
    model = tiny_bert("MaskedLM", vocab_size=50, layers=1)
    head = SelectedHead(model)
    with head.select(SOME_ROWS):
        explanation = torch._dynamo.explain(model)(**tiny_inputs())
    assert explanation.graph_break_count == 0


TRAIN_ONE_RANK = f"""
import torch
from helpers.models import tiny_bert, tiny_inputs
from hf_multiteacher.models.heads import SelectedHead
model = tiny_bert("MaskedLM", vocab_size=50, layers=1)
head = SelectedHead(model)
parallel = torch.nn.parallel.DistributedDataParallel(model)
some_rows = torch.tensor({SOME_ROWS.tolist()})
for _ in range(2):
    # Rank 1 has no row at all: its head must still take part, or the ranks wait for each other for ever.
    with head.select(some_rows if rank == 0 else torch.zeros_like(some_rows)):
        logits = parallel(**tiny_inputs()).logits
    parallel.zero_grad()
    logits.square().sum().backward()
print(model.cls.predictions.transform.dense.weight.grad.tolist())
"""


def test_two_ranks_share_gradients_where_one_has_no_rows(fork_server, tmp_path):
    first, second = map(json.loads, on_two_ranks(fork_server, tmp_path, TRAIN_ONE_RANK))
    assert first == second
    gradient = torch.tensor(first)
    model = tiny_bert("MaskedLM", vocab_size=50, layers=1)
    model(**tiny_inputs()).logits[SOME_ROWS].square().sum().backward()
    # DistributedDataParallel divides by the number of ranks.
    torch.testing.assert_close(gradient, model.cls.predictions.transform.dense.weight.grad / 2, atol=1e-5, rtol=1e-4)


def test_rows_are_forgotten_when_the_forward_fails():
    model = tiny_bert("MaskedLM", vocab_size=50)
    head = SelectedHead(model)
    with pytest.raises(RuntimeError, match="out of memory"), head.select(SOME_ROWS):
        raise RuntimeError("out of memory")
    assert model(**tiny_inputs()).logits.shape == (3, 12, 50)


def test_none_gives_full_logits():
    model = tiny_bert("MaskedLM", vocab_size=50)
    with SelectedHead(model).select(None):
        assert model(**tiny_inputs()).logits.shape == (3, 12, 50)


def test_a_second_selection_on_the_same_model_adds_no_second_hook():
    model = tiny_bert("MaskedLM", vocab_size=50)
    first, second = SelectedHead(model), SelectedHead(model)
    assert len(model.cls._forward_pre_hooks) == 1
    for head in (first, second):
        with head.select(SOME_ROWS):
            assert model(**tiny_inputs()).logits.shape == (4, 50)


def test_nothing_of_it_is_in_the_state_dict_and_a_whole_model_can_be_pickled():
    model = tiny_bert("MaskedLM", vocab_size=50)
    before = list(model.state_dict())
    head = SelectedHead(model)
    assert list(model.state_dict()) == before
    with head.select(SOME_ROWS):
        assert pickle.loads(pickle.dumps(model.cls))(torch.zeros(3, 12, 16)).shape == (4, 50)
    torch.save(model, io.BytesIO())


def test_a_deep_copy_is_not_steered_by_the_original():
    model = tiny_bert("MaskedLM", vocab_size=50)
    head = SelectedHead(model)
    twin = copy.deepcopy(model)
    with head.select(SOME_ROWS):
        assert twin(**tiny_inputs()).logits.shape == (3, 12, 50)
    with SelectedHead(twin).select(SOME_ROWS):
        assert twin(**tiny_inputs()).logits.shape == (4, 50)


def test_inputs_of_another_shape_than_the_rows_give_full_logits():
    # As a replica under DataParallel, which sees its part of the batch only.
    model = tiny_bert("MaskedLM", vocab_size=50)
    part = {name: tensor[:2] for name, tensor in tiny_inputs().items()}
    with SelectedHead(model).select(SOME_ROWS):
        assert model(**part).logits.shape == (2, 12, 50)


def test_a_head_that_cannot_be_found_gives_full_logits_that_are_then_indexed():
    class Mixing(nn.Conv1d):
        def forward(self, hidden):
            return super().forward(hidden.mT).mT

    class WithoutEncoderForMaskedLM(transformers.PreTrainedModel):
        config_class = transformers.BertConfig
        base_model_prefix = "encoder"

        def __init__(self, config):
            super().__init__(config)
            # Mixes the positions: dropping rows before it would change all the others.
            self.mixing = Mixing(50, 16, kernel_size=3, padding=1)
            self.decoder = nn.Linear(16, 50)
            self.post_init()

        def forward(self, input_ids, attention_mask=None):
            return self.decoder(self.mixing(nn.functional.one_hot(input_ids, 50).float()))

    model = WithoutEncoderForMaskedLM(transformers.BertConfig())
    full = model(**tiny_inputs())
    with SelectedHead(model).select(SOME_ROWS):
        logits = model(**tiny_inputs())
    assert torch.equal(logits, full)
    assert rows_of_logits(logits, SOME_ROWS).shape == (4, 50)


def test_the_first_layer_of_distilberts_head_is_spared_the_other_rows_too():
    # Its activation function, a module without weights, stands before the head.
    model = tiny_model("distilbert", "MaskedLM")
    seen = []
    head = SelectedHead(model)
    model.vocab_transform.register_forward_pre_hook(lambda _, args: seen.append(args[0].shape))
    with head.select(SOME_ROWS):
        model(**tiny_inputs())
    assert seen == [(4, 16)]


def test_rows_of_logits_leaves_selected_logits_alone_and_indexes_full_ones():
    full = torch.randn(3, 12, 5)
    assert torch.equal(rows_of_logits(full, SOME_ROWS), full[SOME_ROWS])
    assert torch.equal(rows_of_logits(full[SOME_ROWS], SOME_ROWS), full[SOME_ROWS])
    assert rows_of_logits(full, None) is full


def test_a_classifier_is_refused():
    with pytest.raises(ValueError, match="expects a masked language model, but got BertForTokenClassification"):
        SelectedHead(tiny_bert("TokenClassification"))


def test_labels_in_place_of_a_mask_are_refused():
    head = SelectedHead(tiny_bert("MaskedLM"))
    with pytest.raises(TypeError, match="boolean mask .* got torch.int64"), head.select(SOME_ROWS.long()):
        pass


def test_rows_whose_index_is_known_need_not_be_looked_for(monkeypatch):
    model = tiny_bert("MaskedLM", vocab_size=50).eval()
    full = model(**tiny_inputs()).logits
    index = SOME_ROWS.flatten().nonzero().squeeze(1)
    head = SelectedHead(model)
    # On a GPU it makes the processor wait for all that it was told to do.
    monkeypatch.setattr(torch.Tensor, "nonzero", lambda *arguments: 1 / 0)
    with head.select(SOME_ROWS, index):
        logits = model(**tiny_inputs()).logits
    torch.testing.assert_close(logits, full.flatten(0, 1)[index], atol=1e-5, rtol=0)
    assert torch.equal(rows_of_logits(full, SOME_ROWS, index), full.flatten(0, 1)[index])


def test_a_mask_in_place_of_the_index_is_refused():
    head = SelectedHead(tiny_bert("MaskedLM"))
    with pytest.raises(TypeError, match="index of its rows as int64, but got torch.bool"):
        with head.select(SOME_ROWS, SOME_ROWS.flatten()):
            pass
