import pytest
import torch

from helpers.models import tiny_inputs, tiny_model
from helpers.students import HEADS, NAMES, logits
from hf_multiteacher.models.student import student_from_teacher

ROBERTA_FAMILY = ["roberta", "xlm-roberta", "camembert"]


class TestDistilBert:
    @pytest.mark.parametrize("head", ["MaskedLM", "TokenClassification"])
    def test_a_bert_of_full_depth_becomes_the_same_function(self, head):
        teacher = tiny_model("bert", head, layers=3)
        student = student_from_teacher(teacher, 3, "distilbert")
        assert type(student).__name__ == f"DistilBertFor{head}"
        torch.testing.assert_close(logits(student), logits(teacher), atol=1e-5, rtol=0)

    @pytest.mark.parametrize("architecture", ROBERTA_FAMILY)
    @pytest.mark.parametrize("head", ["MaskedLM", "TokenClassification"])
    def test_a_roberta_of_full_depth_becomes_the_same_function(self, architecture, head):
        # RoBERTa's own epsilon of 1e-5 has no place in DistilBERT's configuration.
        teacher = tiny_model(architecture, head, layers=3, layer_norm_eps=1e-12)
        student = student_from_teacher(teacher, 3, "distilbert")
        inputs = tiny_inputs(pad=1)
        real = inputs["attention_mask"].bool()
        torch.testing.assert_close(logits(student)[real], logits(teacher)[real], atol=1e-5, rtol=0)

    @pytest.mark.parametrize("architecture", ROBERTA_FAMILY)
    def test_a_roberta_student_has_no_positions_to_spare(self, architecture):
        student = student_from_teacher(tiny_model(architecture, "MaskedLM"), 1, "distilbert")
        assert student.config.max_position_embeddings == 62
        length = torch.full((1, 62), 7)
        assert logits(student, input_ids=length).shape == (1, 62, 50)

    def test_a_roberta_whose_configuration_forgot_its_padding_gives_the_same_student(self):
        teacher = tiny_model("roberta", "MaskedLM")
        teacher.config.pad_token_id = None
        assert student_from_teacher(teacher, 1, "distilbert").config.max_position_embeddings == 62

    @pytest.mark.parametrize("architecture", ["bert", *ROBERTA_FAMILY])
    def test_the_layers_are_those_chosen(self, architecture):
        teacher = tiny_model(architecture, "MaskedLM", layers=4, layer_norm_eps=1e-12)
        student = student_from_teacher(teacher, [1, 2], "distilbert")
        smaller = student_from_teacher(teacher, [1, 2])
        real = tiny_inputs()["attention_mask"].bool()
        torch.testing.assert_close(logits(student)[real], logits(smaller)[real], atol=1e-5, rtol=0)

    @pytest.mark.parametrize("architecture", ["bert", *ROBERTA_FAMILY])
    def test_a_sequence_classifier_starts_from_the_pooler_and_the_classifier(self, architecture):
        teacher = tiny_model(architecture, "SequenceClassification", layers=4, layer_norm_eps=1e-12, **NAMES)
        student = student_from_teacher(teacher, 4, "distilbert")
        # The student with tanh in the place of its ReLU is the teacher.
        with torch.no_grad():
            hidden = student.distilbert(**tiny_inputs(pad=teacher.config.pad_token_id)).last_hidden_state[:, 0]
            answer = student.classifier(torch.tanh(student.pre_classifier(hidden)))
        torch.testing.assert_close(answer, logits(teacher), atol=1e-5, rtol=0)

    @pytest.mark.parametrize("head", HEADS)
    @pytest.mark.parametrize("architecture", ["bert", *ROBERTA_FAMILY])
    def test_it_is_saved_and_reloaded_bit_for_bit(self, architecture, head, tmp_path):
        student = student_from_teacher(tiny_model(architecture, head, layers=4), 2, "distilbert")
        student.save_pretrained(tmp_path)
        reloaded, report = type(student).from_pretrained(tmp_path, output_loading_info=True)
        assert not report["missing_keys"]
        assert torch.equal(logits(reloaded), logits(student))

    @pytest.mark.parametrize("architecture", ["bert", *ROBERTA_FAMILY])
    def test_tied_embeddings_stay_tied_and_are_not_the_teachers(self, architecture):
        teacher = tiny_model(architecture, "MaskedLM")
        student = student_from_teacher(teacher, 1, "distilbert")
        assert student.vocab_projector.weight is student.get_input_embeddings().weight
        memory = {tensor.untyped_storage().data_ptr() for tensor in teacher.state_dict().values()}
        assert not memory & {tensor.untyped_storage().data_ptr() for tensor in student.state_dict().values()}

    def test_another_activation_comes_along(self):
        teacher = tiny_model("bert", "MaskedLM", layers=3, hidden_act="relu")
        student = student_from_teacher(teacher, 3, "distilbert")
        torch.testing.assert_close(logits(student), logits(teacher), atol=1e-5, rtol=0)

    def test_special_tokens_and_the_spread_of_fresh_weights_come_along(self):
        names = ["pad_token_id", "bos_token_id", "eos_token_id", "initializer_range"]
        values = [3, 4, 5, 0.125]
        teacher = tiny_model("bert", "MaskedLM", **dict(zip(names, values, strict=True)))
        student = student_from_teacher(teacher, 1, "distilbert")
        assert [getattr(student.config, name) for name in names] == values

    @pytest.mark.parametrize(("classifier_dropout", "expected"), [(0.5, 0.5), (None, 0.25)])
    def test_the_classifiers_dropout_comes_along(self, classifier_dropout, expected):
        settings = {"classifier_dropout": classifier_dropout, "hidden_dropout_prob": 0.25}
        teacher = tiny_model("bert", "SequenceClassification", **settings)
        assert student_from_teacher(teacher, 1, "distilbert").config.seq_classif_dropout == expected

    def test_a_distilbert_teacher_gives_a_distilbert(self):
        teacher = tiny_model("distilbert", "MaskedLM", layers=4)
        assert torch.equal(logits(student_from_teacher(teacher, 4, "distilbert")), logits(teacher))

    @pytest.mark.parametrize("architecture", ["albert", "electra", "deberta-v2", "modernbert", "mpnet"])
    def test_other_architectures_are_refused(self, architecture):
        with pytest.raises(ValueError, match=f"this one is {architecture}, whose layers have another shape.*'same'"):
            student_from_teacher(tiny_model(architecture, "MaskedLM"), 1, "distilbert")
