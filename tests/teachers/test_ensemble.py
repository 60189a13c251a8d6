import copy
import json
import shutil

import pytest
import torch
import transformers
from peft import LoraConfig, get_peft_model
from transformers import AutoTokenizer

from helpers.models import ARCHITECTURES, tiny_bert, tiny_model
from helpers.taggers import NAMES, PERMUTED, ROWS, inputs
from hf_multiteacher.teachers import Teacher, TeacherEnsemble, weight_fingerprint
from hf_multiteacher.tokenization.encoder import tokenizer_fingerprint


class TestWhatCanBeATeacher:
    @pytest.mark.parametrize("kind", [str, lambda path: path, lambda path: Teacher(path), lambda path: [str(path)]])
    def test_an_id_or_path_or_description_alone_or_in_a_list(self, load, folder, kind):
        (teacher,) = load(kind(folder))
        assert weight_fingerprint(teacher.model) == weight_fingerprint(
            tiny_bert("TokenClassification", seed=1, **NAMES)
        )
        assert tokenizer_fingerprint(teacher.tokenizer) == tokenizer_fingerprint(AutoTokenizer.from_pretrained(folder))

    def test_a_model_object_is_used_as_it_is(self, load, cased_tokenizer):
        model = tiny_bert("TokenClassification", seed=1, **NAMES)
        (teacher,) = load(Teacher(model, tokenizer=cased_tokenizer, name="mine"))
        assert teacher.model is model
        assert teacher.tokenizer is cased_tokenizer
        assert teacher.name == "mine"

    def test_the_same_model_may_teach_twice(self, load):
        model = tiny_bert("TokenClassification", seed=1, **NAMES)
        first, second = load([model, model])
        assert first.model is second.model
        assert first.name != second.name

    @pytest.mark.parametrize("wrong", [None, 3, torch.nn.Linear(2, 2), [["a"]]])
    def test_anything_else_is_refused(self, load, wrong):
        with pytest.raises(TypeError, match="A teacher is an id on the Hub, a folder"):
            load([wrong])

    @pytest.mark.parametrize("temperature", [0.0, -1.0, float("inf"), float("nan")])
    def test_a_temperature_that_is_no_number_above_0_is_refused(self, folder, temperature):
        with pytest.raises(ValueError, match="it must be a number above 0, got"):
            Teacher(folder, temperature=temperature)

    def test_a_regression_has_no_temperature(self, load):
        model = tiny_bert("SequenceClassification", num_labels=1, problem_type="regression")
        student = tiny_bert("SequenceClassification", num_labels=1, problem_type="regression")
        with pytest.raises(ValueError, match="has a temperature of 2.0, which makes class probabilities"):
            TeacherEnsemble.load(Teacher(model, temperature=2.0), student=student, student_tokenizer=None)

    def test_nobody_is_refused(self, load):
        with pytest.raises(ValueError, match="at least one teacher"):
            load([])

    @pytest.mark.parametrize("architecture", ARCHITECTURES)
    @pytest.mark.parametrize("head", ["MaskedLM", "TokenClassification", "SequenceClassification"])
    def test_every_architecture_can_teach(self, cased_tokenizer, architecture, head):
        ensemble = TeacherEnsemble.load(
            Teacher(tiny_model(architecture, head, vocab_size=300), tokenizer=cased_tokenizer),
            student=tiny_bert(head),
            student_tokenizer=cased_tokenizer,
        )
        token_types = {"token_type_ids": torch.ones(3, 12, dtype=torch.long)}
        rows = None if head == "SequenceClassification" else ROWS
        logits, hidden_states = ensemble.forward(0, inputs() | token_types, rows, output_hidden_states=True)
        assert (
            logits.shape
            == {"MaskedLM": (2, 300), "TokenClassification": (2, 2), "SequenceClassification": (3, 2)}[head]
        )
        assert len(hidden_states) == 3
        assert {states.shape for states in hidden_states} == {(3, 12, 16)}


class TestForward:
    def test_logits_are_the_models_own_at_the_rows(self, load):
        model = tiny_bert("TokenClassification", seed=1, **NAMES)
        logits, hidden_states = load(model).forward(0, inputs(), ROWS)
        torch.testing.assert_close(logits, model(**inputs()).logits[ROWS])
        assert hidden_states is None

    def test_without_rows_the_logits_are_whole(self, load):
        assert load(tiny_bert("TokenClassification", **NAMES)).forward(0, inputs())[0].shape == (3, 12, 3)

    def test_a_teacher_with_permuted_labels_gives_the_same_logits(self, load):
        model = tiny_bert("TokenClassification", seed=1, **NAMES)
        permuted = tiny_bert("TokenClassification", seed=1, **PERMUTED)
        permuted.load_state_dict(model.state_dict())
        order = [2, 0, 1]
        permuted.classifier.weight.data = model.classifier.weight.data[order]
        permuted.classifier.bias.data = model.classifier.bias.data[order]
        ensemble = load([model, permuted])
        torch.testing.assert_close(ensemble.forward(0, inputs(), ROWS)[0], ensemble.forward(1, inputs(), ROWS)[0])

    def test_masked_lm_logits_are_those_of_the_rows(self, load):
        model = tiny_bert("MaskedLM", seed=1)
        logits, _ = load(model, student=tiny_bert("MaskedLM")).forward(0, inputs(), ROWS)
        torch.testing.assert_close(logits, model(**inputs()).logits[ROWS], atol=1e-5, rtol=0)

    def test_labels_of_a_masked_lm_configuration_mean_nothing(self, load):
        assert len(load(tiny_bert("MaskedLM", num_labels=5), student=tiny_bert("MaskedLM", **NAMES))) == 1

    def test_labels_among_the_inputs_are_left_out(self, load):
        labels = {"labels": torch.full((3, 12), 99)}
        assert load(tiny_bert("TokenClassification", **NAMES)).forward(0, inputs() | labels)[0].shape == (3, 12, 3)

    def test_token_types_reach_the_models_that_know_them(self, load):
        ensemble = load(tiny_bert("TokenClassification", **NAMES))
        other_type = {"token_type_ids": torch.ones(3, 12, dtype=torch.long)}
        assert not torch.equal(ensemble.forward(0, inputs())[0], ensemble.forward(0, inputs() | other_type)[0])

    def test_the_students_backward_can_use_what_a_teacher_says(self, load):
        logits, _ = load(tiny_bert("TokenClassification", **NAMES)).forward(0, inputs())
        weight = torch.ones_like(logits, requires_grad=True)
        (weight * logits).sum().backward()
        assert torch.equal(weight.grad, logits)

    def test_outputs_as_tuples_in_the_configuration_do_not_matter(self, load):
        model = tiny_bert("TokenClassification", return_dict=False, **NAMES)
        assert load(model).forward(0, inputs())[0].shape == (3, 12, 3)


class TestFrozen:
    def test_a_teacher_has_no_gradient_and_no_dropout_even_after_train(self, load):
        model = tiny_bert("TokenClassification", **NAMES)
        model.dropout.p = 0.5
        ensemble = load(model.train())
        assert not model.training
        assert not any(weight.requires_grad for weight in model.parameters())
        model.train()
        assert torch.equal(ensemble.forward(0, inputs())[0], ensemble.forward(0, inputs())[0])

    def test_a_forward_builds_no_graph_even_if_a_weight_asks_for_one(self, load):
        model = tiny_bert("TokenClassification", **NAMES)
        ensemble = load(model)
        model.requires_grad_(True)
        assert not ensemble.forward(0, inputs())[0].requires_grad

    def test_teachers_never_enter_a_state_dict(self, load, student):
        before = list(student.state_dict())
        student.teachers = load(tiny_bert("TokenClassification", **NAMES))
        assert list(student.state_dict()) == before

    def test_the_student_itself_is_refused(self, load, student):
        with pytest.raises(ValueError, match="shares weights with the student"):
            load(student)

    def test_the_base_of_a_peft_student_is_refused(self, load):
        model = tiny_bert("TokenClassification", **NAMES)
        with pytest.raises(ValueError, match="shares weights with the student"):
            load(model, student=get_peft_model(model, LoraConfig(task_type="TOKEN_CLS")))

    def test_a_copy_of_the_student_is_welcome(self, load, student):
        assert len(load(copy.deepcopy(student))) == 1


class TestDtypeAndDevice:
    def test_half_precision_files_load_as_float32(self, load, folder):
        tiny_bert("TokenClassification", **NAMES).half().save_pretrained(folder)
        assert load(folder)[0].model.dtype == torch.float32
        assert load(folder, dtype="auto")[0].model.dtype == torch.float16

    @pytest.mark.parametrize("dtype", ["bfloat16", torch.bfloat16])
    def test_the_dtype_asked_for_is_the_dtype_had(self, load, folder, dtype):
        loaded = load([folder, tiny_bert("TokenClassification", **NAMES)], dtype=dtype)
        assert [teacher.model.dtype for teacher in loaded] == [torch.bfloat16] * 2
        assert [row["dtype"] for row in loaded.manifest()] == ["bfloat16"] * 2

    def test_a_model_object_keeps_its_dtype(self, load):
        assert load(tiny_bert("TokenClassification", **NAMES).double())[0].model.dtype == torch.float64

    @pytest.mark.parametrize("dtype", ["float33", "int8", torch.int64, 16])
    def test_no_dtype_for_weights_is_refused(self, load, folder, dtype):
        with pytest.raises(ValueError, match="Teachers expect a dtype like 'float32'"):
            load(folder, dtype=dtype)

    def test_a_device_moves_weights_and_label_order(self, load):
        ensemble = load(tiny_bert("TokenClassification", **PERMUTED), device="meta")
        assert ensemble[0].model.device.type == "meta"
        assert ensemble[0].label_index.device.type == "meta"


class TestNames:
    def test_names_are_the_last_part_and_unique(self, load, folder, tmp_path):
        twin = tmp_path / "another" / "RoBERT-tagger"
        shutil.copytree(folder, twin)
        teachers = [folder, f"{twin}/", tiny_bert("TokenClassification", **NAMES), Teacher(folder, name="best")]
        assert load(teachers).names == ["RoBERT-tagger", "RoBERT-tagger-2", "teacher_2", "best"]

    def test_a_given_name_is_kept_even_if_another_would_have_had_it(self, load, folder):
        assert load([folder, Teacher(folder, name="RoBERT-tagger")]).names == ["RoBERT-tagger-2", "RoBERT-tagger"]

    def test_the_same_given_name_twice_is_refused(self, load, folder):
        with pytest.raises(ValueError, match=r"names of their own, but got \['a', 'a'\]"):
            load([Teacher(folder, name="a"), Teacher(folder, name="a")])

    def test_a_folder_given_as_a_dot_has_its_name(self, load, folder, monkeypatch):
        monkeypatch.chdir(folder)
        assert load(".").manifest()[0]["id"] == "RoBERT-tagger"


class TestManifest:
    def test_it_says_what_a_teacher_is_and_nothing_of_the_machine(self, load, folder):
        (row,) = load(folder).manifest()
        assert list(row) == ["name", "id", "revision", "tokenizer", "dtype"]
        assert row["name"] == row["id"] == "RoBERT-tagger"
        assert row["revision"].startswith("sha256:")
        assert row["tokenizer"].startswith("sha256:")
        assert row["dtype"] == "float32"
        assert str(folder.parent) not in json.dumps(row)

    def test_it_says_what_the_logits_are_divided_by_unless_they_stay_as_they_are(self, load, folder):
        rows = load([Teacher(folder, temperature=1.5), Teacher(folder, temperature=1.0)]).manifest()
        assert [each.get("temperature") for each in rows] == [1.5, None]

    def test_a_model_that_was_loaded_from_a_folder_does_not_tell_the_folder(self, load, folder):
        model = transformers.AutoModelForTokenClassification.from_pretrained(folder)
        assert load(model).manifest()[0]["id"] == "RoBERT-tagger"

    def test_a_folder_that_is_gone_is_not_told_either(self, load, folder):
        model = transformers.AutoModelForTokenClassification.from_pretrained(folder)
        shutil.rmtree(folder)
        assert load(model).manifest()[0]["id"] == "RoBERT-tagger"

    def test_a_relative_folder_is_not_taken_for_an_id(self, load, folder, monkeypatch):
        monkeypatch.chdir(folder.parent.parent)
        assert load(f"{folder.parent.name}/{folder.name}").manifest()[0]["id"] == "RoBERT-tagger"

    def test_a_model_made_here_is_told_by_its_class(self, load):
        assert load(tiny_bert("TokenClassification", **NAMES)).manifest()[0]["id"] == "BertForTokenClassification"

    def test_it_is_the_same_from_load_to_load(self, load, folder):
        assert load(folder).manifest() == load(folder).manifest()

    def test_it_follows_the_weights(self, load, folder):
        before = load(folder).manifest()[0]
        tiny_bert("TokenClassification", seed=2, **NAMES).save_pretrained(folder)
        after = load(folder).manifest()[0]
        assert before.pop("revision") != after.pop("revision")
        assert before == after

    def test_it_follows_the_tokenizer(self, load, folder, uncased_tokenizer):
        before = load(folder).manifest()[0]
        uncased_tokenizer.save_pretrained(folder)
        after = load(folder).manifest()[0]
        assert before.pop("tokenizer") != after.pop("tokenizer")
        assert before == after

    def test_a_model_from_the_hub_is_told_by_its_id_and_commit(self, load, folder, hub):
        commit = hub("org/tagger", folder)
        row = load("org/tagger").manifest()[0]
        assert (row["name"], row["id"], row["revision"]) == ("tagger", "org/tagger", commit)

    def test_an_adapter_from_the_hub_is_told_by_its_weights_for_its_base_may_change(self, load, adapter, hub):
        hub("org/adapter", adapter)
        row = load("org/adapter").manifest()[0]
        assert row["id"] == "org/adapter"
        assert row["revision"].startswith("sha256:")

    def test_a_model_that_was_changed_after_loading_is_told_by_its_weights(self, load):
        model = tiny_bert("TokenClassification", **NAMES)
        model.config._commit_hash = "0123456789abcdef0123456789abcdef01234567"
        assert load(model).manifest()[0]["revision"] == weight_fingerprint(model)


class TestFingerprints:
    def test_one_weight_changes_it(self):
        model = tiny_bert("MaskedLM")
        before = weight_fingerprint(model)
        model.bert.embeddings.LayerNorm.bias.data[3] += 1e-6
        assert weight_fingerprint(model) != before

    def test_the_dtype_changes_it(self):
        assert weight_fingerprint(tiny_bert("MaskedLM").bfloat16()) != weight_fingerprint(tiny_bert("MaskedLM").half())

    @pytest.mark.parametrize("kind", ["cased", "uncased", "byte_level", "unigram"])
    def test_a_tokenizer_that_was_saved_and_reloaded_does_the_same(self, request, tmp_path, kind):
        tokenizer = request.getfixturevalue(f"{kind}_tokenizer")
        tokenizer.save_pretrained(tmp_path)
        assert tokenizer_fingerprint(AutoTokenizer.from_pretrained(tmp_path)) == tokenizer_fingerprint(tokenizer)


@pytest.mark.parametrize("as_object", [True, False])
def test_a_saved_teacher_whose_names_stand_in_label2id_alone_is_put_into_the_students_order(
    load, tmp_path, cased_tokenizer, as_object
):
    student, teacher = (tiny_bert("SequenceClassification", seed=seed) for seed in (1, 2))
    student.config.label2id, teacher.config.label2id = {"neg": 0, "pos": 1}, {"pos": 0, "neg": 1}
    teacher.save_pretrained(tmp_path)
    cased_tokenizer.save_pretrained(tmp_path)
    given = type(teacher).from_pretrained(tmp_path) if as_object else str(tmp_path)
    assert load(given, student=student)[0].label_index.tolist() == [1, 0]
