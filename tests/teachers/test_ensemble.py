import copy
import json
import logging
import os
import shutil

import pytest
import torch
import transformers
from peft import LoraConfig, get_peft_model
from transformers import AutoTokenizer, BertConfig

from helpers.models import ARCHITECTURES, tiny_bert, tiny_inputs, tiny_model
from hf_multiteacher.teachers import Teacher, TeacherEnsemble, weight_fingerprint
from hf_multiteacher.tokenization.encoder import tokenizer_fingerprint

ROWS = torch.zeros(3, 12, dtype=torch.bool)
ROWS[0, 1] = ROWS[2, 7] = True
NAMES = {"id2label": {0: "O", 1: "B", 2: "I"}, "label2id": {"O": 0, "B": 1, "I": 2}}
PERMUTED = {"id2label": {0: "I", 1: "O", 2: "b"}, "label2id": {"I": 0, "O": 1, "b": 2}}


@pytest.fixture
def student():
    return tiny_bert("TokenClassification", seed=7, **NAMES)


@pytest.fixture
def load(student, cased_tokenizer):
    """Load teachers for the `student`, which reads `cased_tokenizer`."""

    def load(teachers, student=student, **settings):
        return TeacherEnsemble.load(teachers, student=student, student_tokenizer=cased_tokenizer, **settings)

    return load


@pytest.fixture
def folder(tmp_path, cased_tokenizer):
    """A teacher's folder, `RoBERT-tagger`, with model and tokenizer."""
    path = tmp_path / "RoBERT-tagger"
    tiny_bert("TokenClassification", seed=1, **NAMES).save_pretrained(path)
    cased_tokenizer.save_pretrained(path)
    return path


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """Put a folder into the cache of the Hub; gives its commit."""

    def put(name, folder, commit="0123456789abcdef0123456789abcdef01234567"):
        cache = tmp_path / "hub" / f"models--{name.replace('/', '--')}"
        shutil.copytree(folder, cache / "snapshots" / commit)
        (cache / "refs").mkdir(exist_ok=True)
        (cache / "refs" / "main").write_text(commit)
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
        return commit

    return put


def inputs():
    return tiny_inputs(vocab_size=300)


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


class TestTokenizers:
    def test_a_teacher_may_bring_its_own(self, load, uncased_tokenizer):
        ensemble = load(
            Teacher(tiny_bert("TokenClassification", vocab_size=200, **NAMES), tokenizer=uncased_tokenizer)
        )
        assert ensemble.tokenizers == [uncased_tokenizer]

    def test_a_tokenizer_can_be_given_by_its_folder(self, load, folder, cased_tokenizer):
        (teacher,) = load(Teacher(tiny_bert("TokenClassification", **NAMES), tokenizer=folder))
        assert teacher.tokenizer.get_vocab() == cased_tokenizer.get_vocab()

    def test_a_model_that_was_loaded_from_a_folder_finds_the_tokenizer_there(self, load, folder, uncased_tokenizer):
        uncased_tokenizer.save_pretrained(folder)
        model = transformers.AutoModelForTokenClassification.from_pretrained(folder)
        (teacher,) = load(model)
        assert teacher.tokenizer.get_vocab() == uncased_tokenizer.get_vocab()

    def test_without_any_the_students_is_assumed_aloud(self, load, cased_tokenizer, caplog):
        with caplog.at_level(logging.WARNING):
            (teacher,) = load(tiny_bert("TokenClassification", **NAMES))
        assert teacher.tokenizer is cased_tokenizer
        assert "Teacher 'teacher_0' comes without a tokenizer: it is taken to read the student's" in caplog.text

    def test_a_model_that_names_a_place_which_is_not_there_has_none(self, load, cased_tokenizer):
        model = tiny_bert("TokenClassification", **NAMES)
        model.config._name_or_path = "org/nowhere"
        assert load(model).tokenizers == [cased_tokenizer]

    @pytest.mark.parametrize("architecture", ["bert", "modernbert", "mpnet"])
    def test_a_folder_without_tokenizer_files_counts_as_none(self, load, tmp_path, cased_tokenizer, architecture):
        # transformers makes a tokenizer of special tokens up where the files are missing: all words would be unknown.
        tiny_model(architecture, "MaskedLM", vocab_size=300).save_pretrained(tmp_path)
        assert load(tmp_path, student=tiny_bert("MaskedLM"))[0].tokenizer is cased_tokenizer

    def test_without_any_and_with_another_vocabulary_it_is_refused(self, load):
        with pytest.raises(ValueError, match="200 embeddings where the student has 300.*tokenizer=") as error:
            load(Teacher(tiny_bert("TokenClassification", vocab_size=200, **NAMES), name="other"))
        assert "Teacher 'other'" in str(error.value)

    def test_a_tokenizer_with_ids_that_the_model_does_not_have_is_refused(self, load, cased_tokenizer):
        model = tiny_bert("TokenClassification", vocab_size=200, **NAMES)
        with pytest.raises(ValueError, match=r"goes up to 299 and the model has 200 embeddings"):
            load(Teacher(model, tokenizer=cased_tokenizer))

    def test_a_student_without_tokenizer_gives_none(self, student):
        ensemble = TeacherEnsemble.load(
            tiny_bert("TokenClassification", **NAMES), student=student, student_tokenizer=None
        )
        assert ensemble.tokenizers == [None]
        assert ensemble.manifest()[0]["tokenizer"] is None


class TestRefusals:
    def test_what_is_nowhere_is_told_in_one_line(self, load, tmp_path):
        with pytest.raises(ValueError, match="Teacher 'gone': its configuration cannot be loaded") as error:
            load(tmp_path / "gone")
        assert "\n" not in str(error.value)
        assert "Give a folder or an id" in str(error.value)

    def test_a_folder_without_weights_is_told_in_one_line(self, load, folder):
        (folder / "model.safetensors").unlink()
        with pytest.raises(ValueError, match="Teacher 'RoBERT-tagger': its weights cannot be loaded") as error:
            load(folder)
        assert "\n" not in str(error.value)

    def test_a_broken_tokenizer_file_is_told_in_one_line(self, load, folder):
        (folder / "tokenizer.json").write_text("{}")
        with pytest.raises(ValueError, match="Teacher 'RoBERT-tagger': its tokenizer cannot be loaded"):
            load(folder)

    @pytest.mark.parametrize(
        "saved", ["BertForMaskedLM", "BertForSequenceClassification", "BertLMHeadModel", "GPT2LMHeadModel"]
    )
    def test_a_checkpoint_of_another_task_is_refused(self, load, tmp_path, saved):
        # A sequence classifier's weights would fit a token classifier: nothing but its class tells.
        small = transformers.GPT2Config(n_embd=16, n_layer=1, n_head=2, vocab_size=300, **NAMES)
        config = small if saved.startswith("GPT2") else tiny_bert("MaskedLM", **NAMES).config
        getattr(transformers, saved)(config).save_pretrained(tmp_path)
        with pytest.raises(ValueError, match=f"token-classification, but it is {saved}.*ForTokenClassification"):
            load(tmp_path)

    @pytest.mark.parametrize("task", ["QuestionAnswering", "MaskedLM", "SequenceClassification"])
    def test_a_model_of_another_task_is_refused(self, load, task):
        with pytest.raises(ValueError, match=f"Teacher 'teacher_0' must have a head .*but it is BertFor{task}"):
            load(tiny_bert(task))

    def test_a_generative_model_is_refused(self, load):
        model = transformers.GPT2LMHeadModel(transformers.GPT2Config(n_embd=16, n_layer=1, n_head=2, vocab_size=300))
        with pytest.raises(ValueError, match="but it is GPT2LMHeadModel: it answers another question"):
            load(model)

    def test_a_masked_lm_set_up_as_a_decoder_is_refused(self, load):
        with pytest.raises(ValueError, match="BertForMaskedLM set up as a decoder"):
            load(tiny_bert("MaskedLM", is_decoder=True), student=tiny_bert("MaskedLM"))

    def test_a_checkpoint_without_a_head_is_refused_with_what_is_missing(self, load, tmp_path):
        transformers.BertModel(tiny_bert("MaskedLM", **NAMES).config).save_pretrained(tmp_path)
        with pytest.raises(
            ValueError, match=r"no weights for \['classifier.bias', 'classifier.weight'\]: they would be"
        ):
            load(tmp_path)

    def test_a_head_that_says_no_class_but_has_its_weights_is_taken(self, load, folder):
        config = json.loads((folder / "config.json").read_text())
        del config["architectures"]
        (folder / "config.json").write_text(json.dumps(config))
        assert len(load(folder)) == 1

    def test_a_pretraining_checkpoint_teaches_masked_lm(self, load, tmp_path):
        model = transformers.BertForPreTraining(tiny_bert("MaskedLM").config)
        model.save_pretrained(tmp_path)
        logits, _ = load(tmp_path, student=tiny_bert("MaskedLM")).forward(0, inputs())
        torch.testing.assert_close(logits, model.eval()(**inputs()).prediction_logits)

    def test_other_labels_are_refused_with_both_lists(self, load):
        with pytest.raises(ValueError, match=r"\['O', 'B', 'I'\].*\['LABEL_0', 'LABEL_1'\]"):
            load(tiny_bert("TokenClassification"))

    def test_a_generative_student_is_refused(self, load, folder):
        with pytest.raises(ValueError, match="this one is BertLMHeadModel"):
            load(folder, student=transformers.BertLMHeadModel(BertConfig(vocab_size=300)))


class RunsCode:
    def __reduce__(self):
        return (os.mkdir, ("ran",))


class TestPickles:
    def test_plain_tensors_in_a_bin_file_load(self, load, folder):
        model = tiny_bert("TokenClassification", seed=1, **NAMES)
        (folder / "model.safetensors").unlink()
        torch.save(model.state_dict(), folder / "pytorch_model.bin")
        assert weight_fingerprint(load(folder)[0].model) == weight_fingerprint(model)

    def test_code_in_a_bin_file_does_not_run(self, load, folder, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        (folder / "model.safetensors").unlink()
        torch.save({"classifier.weight": RunsCode()}, folder / "pytorch_model.bin")
        with pytest.raises(
            ValueError, match="pickles more than tensors, which could run code: convert it to safetensors"
        ):
            load(folder)
        assert not os.path.exists("ran")

    def test_safetensors_are_preferred(self, load, folder):
        torch.save({"classifier.weight": RunsCode()}, folder / "pytorch_model.bin")
        assert len(load(folder)) == 1

    def test_code_in_an_adapters_bin_file_does_not_run(self, load, adapter, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        (adapter / "adapter_model.safetensors").unlink()
        torch.save({"classifier.weight": RunsCode()}, adapter / "adapter_model.bin")
        with pytest.raises(ValueError, match="pickles more than tensors"):
            load(adapter)
        assert not os.path.exists("ran")

    def test_code_in_a_repository_does_not_run_unasked(self, load, folder, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        (folder / "mine.py").write_text("import os\nos.mkdir('ran')\n")
        config = json.loads((folder / "config.json").read_text())
        config |= {"model_type": "mine", "auto_map": {"AutoConfig": "mine.MyConfig"}}
        (folder / "config.json").write_text(json.dumps(config))
        with pytest.raises(ValueError, match="its configuration cannot be loaded .*trust_remote_code"):
            load(folder)
        assert not os.path.exists("ran")


@pytest.fixture
def adapter(tmp_path, uncased_tokenizer):
    """The folder of a LoRA adapter on a masked-LM checkpoint, with a trained token classification head."""
    tiny_bert("MaskedLM", seed=1).save_pretrained(tmp_path / "base")
    uncased_tokenizer.save_pretrained(tmp_path / "base")
    base = transformers.AutoModelForTokenClassification.from_pretrained(tmp_path / "base", **NAMES)
    model = get_peft_model(base, LoraConfig(task_type="TOKEN_CLS", r=2, init_lora_weights=False))
    model.save_pretrained(tmp_path / "adapter")
    base.config.save_pretrained(tmp_path / "adapter")
    torch.save(model.eval()(**inputs()).logits, tmp_path / "logits.pt")
    return tmp_path / "adapter"


class TestAdapters:
    def test_an_adapter_folder_teaches_with_its_head_and_its_bases_tokenizer(self, load, adapter, uncased_tokenizer):
        ensemble = load(adapter)
        expected = torch.load(adapter.parent / "logits.pt")
        torch.testing.assert_close(ensemble.forward(0, inputs())[0], expected)
        assert ensemble[0].tokenizer.get_vocab() == uncased_tokenizer.get_vocab()
        assert ensemble.names == ["adapter"]

    def test_an_adapter_without_names_teaches_a_student_without_names(self, load, adapter):
        (adapter / "config.json").unlink()
        ensemble = load(adapter, student=tiny_bert("TokenClassification", num_labels=3))
        torch.testing.assert_close(ensemble.forward(0, inputs())[0], torch.load(adapter.parent / "logits.pt"))

    def test_an_adapter_without_names_does_not_teach_a_student_with_names(self, load, adapter):
        (adapter / "config.json").unlink()
        with pytest.raises(ValueError, match="Only one side has label names"):
            load(adapter)

    def test_an_adapter_gets_the_revision_of_its_base_that_it_asks_for(self, load, adapter, hub):
        asked_for = "f" * 40
        hub("org/base", adapter.parent / "base", commit=asked_for)
        tiny_bert("MaskedLM", seed=2).save_pretrained(adapter.parent / "newer")
        hub("org/base", adapter.parent / "newer")
        config = json.loads((adapter / "adapter_config.json").read_text())
        config |= {"base_model_name_or_path": "org/base", "revision": asked_for}
        (adapter / "adapter_config.json").write_text(json.dumps(config))
        torch.testing.assert_close(load(adapter).forward(0, inputs())[0], torch.load(adapter.parent / "logits.pt"))

    def test_an_adapter_that_names_no_base_is_refused(self, load, adapter):
        config = json.loads((adapter / "adapter_config.json").read_text())
        (adapter / "adapter_config.json").write_text(json.dumps(config | {"base_model_name_or_path": None}))
        with pytest.raises(ValueError, match="adapter_config.json does not name a base model"):
            load(adapter)

    def test_an_adapter_without_a_trained_head_is_refused(self, load, adapter):
        shutil.rmtree(adapter)
        base = transformers.AutoModelForTokenClassification.from_pretrained(adapter.parent / "base", **NAMES)
        get_peft_model(base, LoraConfig(r=2)).save_pretrained(adapter)
        with pytest.raises(ValueError, match="no weights for .*classifier"):
            load(adapter, student=tiny_bert("TokenClassification", num_labels=3))

    def test_a_masked_lm_adapter_gives_selected_rows(self, load, adapter):
        shutil.rmtree(adapter)
        base = transformers.AutoModelForMaskedLM.from_pretrained(adapter.parent / "base")
        model = get_peft_model(base, LoraConfig(r=2, init_lora_weights=False))
        model.save_pretrained(adapter)
        logits, _ = load(adapter, student=tiny_bert("MaskedLM")).forward(0, inputs(), ROWS)
        torch.testing.assert_close(logits, model.eval()(**inputs()).logits[ROWS], atol=1e-5, rtol=0)

    def test_a_peft_model_object_teaches(self, load):
        model = get_peft_model(
            tiny_bert("TokenClassification", **PERMUTED), LoraConfig(task_type="TOKEN_CLS", init_lora_weights=False)
        )
        logits, _ = load(model).forward(0, inputs())
        torch.testing.assert_close(logits, model(**inputs()).logits[..., [1, 2, 0]])


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
