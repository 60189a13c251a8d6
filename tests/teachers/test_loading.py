"""What can be loaded as a teacher and what is refused; code in files does not run."""

import json
import os
import shutil

import pytest
import torch
import transformers
from peft import LoraConfig, get_peft_model
from transformers import BertConfig

from helpers.models import tiny_bert
from helpers.taggers import NAMES, PERMUTED, ROWS, inputs
from hf_multiteacher.teachers.loaded_teacher import weight_fingerprint


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
        with pytest.raises(ValueError, match=r"no weights for classifier.bias, classifier.weight: they would be"):
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
