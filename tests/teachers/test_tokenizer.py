"""Which tokenizer a teacher reads with."""

import logging

import pytest
import transformers

from helpers.models import tiny_bert, tiny_model
from helpers.taggers import NAMES
from hf_multiteacher.teachers.ensemble import TeacherEnsemble
from hf_multiteacher.teachers.teacher import Teacher


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

    @pytest.mark.parametrize("file", ["tokenizer.json", "tokenizer_config.json"])
    @pytest.mark.parametrize("left", [0, 0.5])
    def test_a_damaged_tokenizer_is_none_that_can_be_done_without(self, load, folder, file, left):
        content = (folder / file).read_bytes()
        (folder / file).write_bytes(content[: int(left * len(content))])
        with pytest.raises(ValueError, match="Teacher '.*': its tokenizer cannot be loaded"):
            load(folder)

    def test_a_tokenizer_of_which_only_the_configuration_is_left_is_refused(self, load, folder):
        (folder / "tokenizer.json").unlink()
        with pytest.raises(ValueError, match="its tokenizer cannot be loaded"):
            load(folder)

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
