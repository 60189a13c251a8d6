import pytest
import torch
import transformers
from packaging.version import Version
from peft import LoraConfig, get_peft_model

from helpers.models import ARCHITECTURES, tiny_bert, tiny_inputs, tiny_model
from helpers.students import HEADS, NAMES, logits
from hf_multiteacher.models.student import student_from_teacher


def layers_of(model):
    return next(m for m in model.modules() if isinstance(m, torch.nn.ModuleList))


class TestWhichLayers:
    @pytest.mark.parametrize(
        ("available", "layers", "chosen"),
        [
            (12, 6, [0, 2, 4, 7, 9, 11]),
            (24, 12, [0, 2, 4, 6, 8, 10, 13, 15, 17, 19, 21, 23]),
            (12, 4, [0, 4, 7, 11]),
            (4, 2, [0, 3]),
            (4, 3, [0, 2, 3]),
            (12, 1, [0]),
            (3, 3, [0, 1, 2]),
            (4, [1, 3], [1, 3]),
            (4, (0,), [0]),
            (4, range(1, 3), [1, 2]),
            (4, "first", [0, 1]),
            (4, "last", [2, 3]),
            (6, "spread", [0, 3, 5]),
            (5, "first", [0, 1, 2]),
            (5, "last", [2, 3, 4]),
            (1, "last", [0]),
        ],
    )
    def test_a_number_is_spread_evenly_and_a_list_is_taken(self, available, layers, chosen):
        teacher = tiny_bert("MaskedLM", layers=available)
        student = student_from_teacher(teacher, layers)
        assert student.config.num_hidden_layers == len(chosen)
        for position, layer in enumerate(chosen):
            copied, original = layers_of(student)[position], layers_of(teacher)[layer]
            assert all(torch.equal(a, b) for a, b in zip(copied.parameters(), original.parameters(), strict=True))

    def test_six_is_the_default(self):
        assert student_from_teacher(tiny_bert("MaskedLM", layers=12)).config.num_hidden_layers == 6

    @pytest.mark.parametrize("layers", [0, -1, 5, [], [0, 0], [3, 1], [4], [-1, 2], "middle", ""])
    def test_layers_that_are_not_there_are_refused(self, layers):
        with pytest.raises(ValueError, match="The teacher has 4 layers, numbered from 0 to 3"):
            student_from_teacher(tiny_bert("MaskedLM", layers=4), layers)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
class TestSameArchitecture:
    @pytest.mark.parametrize("head", HEADS)
    def test_all_layers_give_the_teacher_itself(self, architecture, head):
        teacher = tiny_model(architecture, head, layers=4)
        student = student_from_teacher(teacher, 4)
        assert type(student) is type(teacher)
        assert torch.equal(logits(student), logits(teacher))

    @pytest.mark.parametrize("head", HEADS)
    def test_fewer_layers_give_the_teacher_without_the_others(self, architecture, head):
        teacher = tiny_model(architecture, head, layers=4)
        student = student_from_teacher(teacher, [0, 3])
        # The same model, made in another way: the other layers taken out of the teacher's own list.
        shared = architecture == "albert"
        if not shared:
            stack = layers_of(teacher)
            del stack[1:3]
        teacher.config.num_hidden_layers = 2
        if architecture == "modernbert":
            teacher.config.layer_types = [teacher.config.layer_types[0], teacher.config.layer_types[3]]
        assert torch.equal(logits(student), logits(teacher))
        assert sum(weight.numel() for weight in student.parameters()) == sum(w.numel() for w in teacher.parameters())

    def test_it_is_saved_and_reloaded_bit_for_bit(self, architecture, tmp_path):
        if architecture == "deberta-v2-new-head" and Version(transformers.__version__) < Version("5.23"):
            pytest.skip("transformers 5.10 cannot reload any DeBERTa-v2 with this head")
        student = student_from_teacher(tiny_model(architecture, "MaskedLM", layers=4), 3)
        student.save_pretrained(tmp_path)
        assert (tmp_path / "model.safetensors").exists()
        reloaded, report = type(student).from_pretrained(tmp_path, output_loading_info=True)
        assert not report["missing_keys"]
        assert not report["unexpected_keys"]
        assert torch.equal(logits(reloaded), logits(student))

    def test_tied_embeddings_stay_tied(self, architecture):
        teacher = tiny_model(architecture, "MaskedLM", layers=4)
        student = student_from_teacher(teacher, 2)
        tied = teacher.get_output_embeddings().weight is teacher.get_input_embeddings().weight
        assert tied or architecture == "deberta-v2-new-head"
        assert (student.get_output_embeddings().weight is student.get_input_embeddings().weight) == tied

    def test_every_weight_of_the_student_is_copied(self, architecture):
        teacher = tiny_model(architecture, "MaskedLM", layers=4)
        values = {value.item() for weight in teacher.parameters() for value in weight.flatten()}
        student = student_from_teacher(teacher, 2)
        assert all(value.item() in values for weight in student.parameters() for value in weight.flatten())

    def test_training_the_student_leaves_the_teacher_alone(self, architecture):
        teacher = tiny_model(architecture, "MaskedLM", layers=4)
        before = {name: tensor.clone() for name, tensor in teacher.state_dict().items()}
        configuration = teacher.config.to_dict()
        student = student_from_teacher(teacher, 2)
        with torch.no_grad():
            for weight in student.parameters():
                weight.add_(1)
        assert all(torch.equal(tensor, before[name]) for name, tensor in teacher.state_dict().items())
        assert teacher.config.to_dict() == configuration


def test_layers_of_modernbert_keep_their_kind_of_attention():
    teacher = tiny_model("modernbert", "MaskedLM", layers=7)
    student = student_from_teacher(teacher, [0, 2, 3, 5])
    assert student.config.layer_types == [teacher.config.layer_types[layer] for layer in (0, 2, 3, 5)]
    assert set(student.config.layer_types) == {"full_attention", "sliding_attention"}


def test_modernbert_can_start_at_a_later_layer():
    student = student_from_teacher(tiny_model("modernbert", "MaskedLM", layers=4), [1, 3])
    assert isinstance(layers_of(student)[0].attn_norm, torch.nn.Identity)
    assert logits(student).isfinite().all()


@pytest.mark.parametrize("windows", [[2, 4, 6, 8], 4])
def test_layers_of_longformer_keep_their_windows(windows):
    teacher = tiny_longformer(windows)
    student = student_from_teacher(teacher, [1, 3])
    assert student.config.attention_window == ([4, 8] if isinstance(windows, list) else [4, 4])
    del teacher.longformer.encoder.layer[2], teacher.longformer.encoder.layer[0]
    teacher.config.num_hidden_layers = 2
    assert torch.equal(logits(student), logits(teacher))


def tiny_longformer(windows):
    torch.manual_seed(0)
    shape = {"hidden_size": 8, "num_hidden_layers": 4, "num_attention_heads": 2, "intermediate_size": 8}
    config = transformers.LongformerConfig(
        vocab_size=50, max_position_embeddings=64, attention_window=windows, pad_token_id=1, **shape
    )
    return transformers.LongformerForMaskedLM(config).eval()


def test_funnel_is_refused_by_name():
    config = transformers.FunnelConfig(vocab_size=20, d_model=8, n_head=2, d_head=4, d_inner=8, block_sizes=[1, 1])
    with pytest.raises(ValueError, match="but Funnel has blocks of them between which it shortens the text"):
        student_from_teacher(transformers.FunnelForMaskedLM(config), 1)


def test_albert_with_several_groups_of_layers_is_refused():
    teacher = tiny_model("albert", "MaskedLM", layers=4, num_hidden_groups=2)
    with pytest.raises(ValueError, match="needs one list of 4 layers to choose from, but AlbertForMaskedLM has none"):
        student_from_teacher(teacher, 2)


def test_an_untied_head_is_copied_untied():
    teacher = tiny_bert("MaskedLM", layers=4, tie_word_embeddings=False)
    for architecture in ("same", "distilbert"):
        student = student_from_teacher(teacher, 2, architecture)
        assert torch.equal(student.get_output_embeddings().weight, teacher.cls.predictions.decoder.weight)
        assert torch.equal(student.get_input_embeddings().weight, teacher.bert.embeddings.word_embeddings.weight)


@pytest.mark.parametrize("architecture", ["same", "distilbert"])
class TestWhatComesAlong:
    def test_label_names_and_problem_type_come_along(self, architecture):
        teacher = tiny_bert("SequenceClassification", problem_type="multi_label_classification", **NAMES)
        student = student_from_teacher(teacher, 1, architecture)
        assert student.config.id2label == NAMES["id2label"]
        assert student.config.label2id == NAMES["label2id"]
        assert student.config.problem_type == "multi_label_classification"
        student.config.id2label[0], student.config.label2id["no"] = "changed", 5
        assert teacher.config.id2label[0] == "no"
        assert teacher.config.label2id["no"] == 0

    @pytest.mark.parametrize("from_folder", [True, False])
    def test_names_that_stand_in_label2id_alone_come_along_on_both_sides(self, architecture, from_folder, tmp_path):
        teacher = tiny_bert("SequenceClassification")
        teacher.config.label2id = {"pos": 0, "neg": 1}
        teacher.save_pretrained(tmp_path)
        student = student_from_teacher(tmp_path if from_folder else teacher, 1, architecture)
        assert student.config.id2label == {0: "pos", 1: "neg"}
        assert student.config.label2id == {"pos": 0, "neg": 1}
        assert teacher.config.id2label == {0: "LABEL_0", 1: "LABEL_1"}

    def test_dropout_comes_along(self, architecture):
        teacher = tiny_bert("TokenClassification", classifier_dropout=0.5)
        teacher.config.hidden_dropout_prob, teacher.config.attention_probs_dropout_prob = 0.3, 0.2
        student = student_from_teacher(teacher, 1, architecture).config
        names = (
            ("dropout", "attention_dropout")
            if architecture == "distilbert"
            else ("hidden_dropout_prob", "attention_probs_dropout_prob")
        )
        assert [getattr(student, name) for name in names] == [0.3, 0.2]

    def test_a_half_precision_teacher_gives_a_float32_student(self, architecture):
        student = student_from_teacher(tiny_bert("MaskedLM").bfloat16(), 1, architecture)
        assert {weight.dtype for weight in student.parameters()} == {torch.float32}

    def test_a_folder_will_do(self, architecture, tmp_path):
        teacher = tiny_bert("TokenClassification", layers=4, **NAMES)
        teacher.half().save_pretrained(tmp_path)
        student = student_from_teacher(tmp_path, 2, architecture)
        assert student.config.id2label == NAMES["id2label"]
        assert student.dtype == torch.float32
        expected = student_from_teacher(teacher, 2, architecture)
        assert torch.equal(logits(student), logits(expected))

    def test_a_pretraining_checkpoint_gives_a_masked_lm_student(self, architecture, tmp_path):
        teacher = transformers.BertForPreTraining(tiny_bert("MaskedLM").config).eval()
        teacher.save_pretrained(tmp_path)
        student = student_from_teacher(tmp_path, 2, architecture)
        torch.testing.assert_close(logits(student), teacher(**tiny_inputs()).prediction_logits, atol=1e-5, rtol=0)

    def test_the_student_does_not_pass_for_the_teacher(self, architecture, tmp_path):
        tiny_bert("MaskedLM").save_pretrained(tmp_path)
        assert not student_from_teacher(tmp_path, 1, architecture).config.name_or_path

    def test_it_can_be_trained(self, architecture):
        student = student_from_teacher(tiny_bert("MaskedLM"), 1, architecture)
        assert not student.training
        student.train()
        student(**tiny_inputs(), labels=tiny_inputs()["input_ids"]).loss.backward()
        assert all(weight.grad is not None for weight in student.parameters())


def test_a_frozen_teacher_gives_a_student_that_trains():
    student = student_from_teacher(tiny_bert("MaskedLM").requires_grad_(False), 1)
    assert all(weight.requires_grad for weight in student.parameters())


def test_an_unknown_architecture_is_refused():
    with pytest.raises(ValueError, match="architecture must be 'same' or 'distilbert', but got 'tiny'"):
        student_from_teacher(tiny_bert("MaskedLM"), 1, "tiny")


@pytest.mark.parametrize("kind", ["peft", "layer"])
def test_what_is_no_transformers_model_is_refused(kind):
    wrong = get_peft_model(tiny_bert("MaskedLM"), LoraConfig()) if kind == "peft" else torch.nn.Linear(2, 2)
    with pytest.raises(TypeError, match=r"expects a transformers model.*merge_and_unload\(\)"):
        student_from_teacher(wrong, 1)


def test_a_merged_adapter_is_copied():
    model = get_peft_model(tiny_bert("MaskedLM"), LoraConfig(init_lora_weights=False))
    before = logits(model, **tiny_inputs())
    student = student_from_teacher(model.merge_and_unload(), 2)
    torch.testing.assert_close(logits(student), before, atol=1e-5, rtol=0)


def test_an_encoder_without_head_gives_an_encoder():
    teacher = transformers.BertModel(tiny_bert("MaskedLM", layers=4).config)
    assert type(student_from_teacher(teacher, 2)) is transformers.BertModel
