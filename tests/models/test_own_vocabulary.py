"""A student with a vocabulary of its own: the teacher's answers where both cut alike, and what its embeddings are."""

import pytest
import torch
from transformers import AutoModelForMaskedLM, AutoTokenizer

from helpers.models import ARCHITECTURES, tiny_bert, tiny_model
from helpers.students import HEADS
from helpers.tokenizers import SENTENCES, wordpiece
from hf_multiteacher import student_from_teacher, trim_tokenizer
from hf_multiteacher.models.limits import Limits
from hf_multiteacher.tokenization import VocabularyTransfer

KINDS = {"wordpiece": "cased_tokenizer", "bpe": "byte_level_tokenizer", "unigram": "unigram_tokenizer"}
TEXTS = [SENTENCES[0], "Fata citește."]
COUNTING = ("roberta", "xlm-roberta", "camembert")
WIDER = 13  # embeddings that no entry has


def answers(model, tokenizer, texts=TEXTS):
    """Logits and hidden states, on a batch with padding."""
    batch = tokenizer(texts, padding=True, return_tensors="pt")
    inputs = {name: batch[name] for name in ("input_ids", "attention_mask")}
    with torch.no_grad():
        return model(**inputs, output_hidden_states=True)


def real_tokens(tokenizer, texts=TEXTS):
    return tokenizer(texts, padding=True, return_tensors="pt")["attention_mask"].bool()


def expect_equal(student, teacher, student_tokenizer, teacher_tokenizer, kept):
    ours, theirs = answers(student, student_tokenizer), answers(teacher, teacher_tokenizer)
    expected = theirs.logits[..., kept] if type(student).__name__.endswith("MaskedLM") else theirs.logits
    torch.testing.assert_close(ours.logits, expected, atol=1e-6, rtol=0)
    for mine, other in zip(ours.hidden_states, theirs.hidden_states, strict=True):
        torch.testing.assert_close(mine, other, atol=1e-6, rtol=0)


def padded_like(architecture, tokenizer):
    return {"pad_token_id": tokenizer.pad_token_id} if architecture in COUNTING else {}


@pytest.fixture
def of_kind(request):
    """The tokenizer of a kind, the one trimmed from it, and the large one's ids of what is kept."""

    def make(kind):
        whole = request.getfixturevalue(KINDS[kind])
        trimmed = trim_tokenizer(whole, TEXTS)
        return whole, trimmed, whole.convert_tokens_to_ids(trimmed.convert_ids_to_tokens(range(len(trimmed))))

    return make


class TestATrimmedVocabulary:
    @pytest.mark.parametrize("head", HEADS)
    @pytest.mark.parametrize("kind", KINDS)
    @pytest.mark.parametrize("architecture", [name for name in ARCHITECTURES if name != "mpnet"])
    def test_with_all_layers_gives_the_teachers_answers(self, architecture, kind, head, of_kind):
        whole, trimmed, kept = of_kind(kind)
        settings = padded_like(architecture, whole)
        teacher = tiny_model(architecture, head, 3, vocab_size=len(whole) + WIDER, **settings)
        student = student_from_teacher(teacher, 3, tokenizer=trimmed, teacher_tokenizer=whole)
        assert type(student) is type(teacher)
        assert student.config.vocab_size == len(trimmed) == student.get_input_embeddings().weight.shape[0]
        expect_equal(student, teacher, trimmed, whole, kept)

    @pytest.mark.parametrize("tied", [True, False])
    @pytest.mark.parametrize("architecture", ["bert", "roberta", "electra", "deberta", "modernbert"])
    def test_tied_embeddings_stay_tied_and_untied_ones_apart(self, architecture, tied, of_kind):
        whole, trimmed, kept = of_kind("unigram")
        settings = padded_like(architecture, whole) | {"tie_word_embeddings": tied}
        teacher = tiny_model(architecture, "MaskedLM", 2, vocab_size=len(whole), **settings)
        student = student_from_teacher(teacher, 2, tokenizer=trimmed, teacher_tokenizer=whole)
        expect_equal(student, teacher, trimmed, whole, kept)
        assert (student.get_output_embeddings().weight is student.get_input_embeddings().weight) == tied
        assert torch.equal(student.get_output_embeddings().weight, teacher.get_output_embeddings().weight[kept])
        bias = student.get_output_embeddings().bias
        assert bias is None or torch.equal(bias, teacher.get_output_embeddings().bias[kept])

    @pytest.mark.parametrize("head", ["MaskedLM", "TokenClassification"])
    @pytest.mark.parametrize("architecture", ["bert", *COUNTING])
    def test_in_distilberts_shape_gives_nearly_the_teachers_answers(self, architecture, head, of_kind):
        whole, trimmed, kept = of_kind("bpe")
        teacher = tiny_model(architecture, head, 2, vocab_size=len(whole), **padded_like(architecture, whole))
        student = student_from_teacher(teacher, 2, "distilbert", tokenizer=trimmed, teacher_tokenizer=whole)
        ours, theirs = answers(student, trimmed).logits, answers(teacher, whole).logits
        theirs, real = theirs[..., kept] if head == "MaskedLM" else theirs, real_tokens(trimmed)
        torch.testing.assert_close(ours[real], theirs[real], atol=1e-4, rtol=0)

    def test_a_head_as_wide_as_the_vocabulary_is_not_taken_for_one(self, of_kind):
        whole, trimmed, _ = of_kind("wordpiece")
        names = {index: f"name {index}" for index in range(len(whole))}
        teacher = tiny_bert("TokenClassification", len(whole), id2label=names)
        student = student_from_teacher(teacher, 2, tokenizer=trimmed, teacher_tokenizer=whole)
        assert torch.equal(student.classifier.weight, teacher.classifier.weight)

    def test_it_is_saved_and_loaded_beside_its_tokenizer(self, of_kind, tmp_path):
        whole, trimmed, _ = of_kind("unigram")
        teacher = tiny_model("xlm-roberta", "MaskedLM", 2, vocab_size=len(whole), **padded_like("xlm-roberta", whole))
        student = student_from_teacher(teacher, 1, tokenizer=trimmed, teacher_tokenizer=whole)
        student.save_pretrained(tmp_path)
        trimmed.save_pretrained(tmp_path)
        loaded = AutoModelForMaskedLM.from_pretrained(tmp_path).eval()
        again = answers(loaded, AutoTokenizer.from_pretrained(tmp_path)).logits
        assert torch.equal(again, answers(student, trimmed).logits)

    def test_the_teacher_is_not_changed(self, of_kind):
        whole, trimmed, _ = of_kind("wordpiece")
        teacher = tiny_bert("MaskedLM", len(whole))
        before, config = {name: each.clone() for name, each in teacher.state_dict().items()}, teacher.config.to_dict()
        student = student_from_teacher(teacher, 2, tokenizer=trimmed, teacher_tokenizer=whole)
        with torch.no_grad():
            for weight in student.parameters():
                weight.add_(1)
        assert all(torch.equal(each, before[name]) for name, each in teacher.state_dict().items())
        assert teacher.config.to_dict() == config

    def test_a_half_precision_teacher_gives_a_float32_student(self, of_kind):
        whole, trimmed, _ = of_kind("wordpiece")
        teacher = tiny_bert("MaskedLM", len(whole)).bfloat16()
        student = student_from_teacher(teacher, 2, tokenizer=trimmed, teacher_tokenizer=whole)
        assert {weight.dtype for weight in student.parameters()} == {torch.float32}

    def test_the_tokenizer_in_the_teachers_folder_is_the_teachers(self, of_kind, tmp_path):
        whole, trimmed, kept = of_kind("wordpiece")
        teacher = tiny_bert("MaskedLM", len(whole)).eval()
        teacher.save_pretrained(tmp_path)
        whole.save_pretrained(tmp_path)
        expect_equal(student_from_teacher(tmp_path, 2, tokenizer=trimmed), teacher, trimmed, whole, kept)


class TestEmbeddings:
    def made(self, student_tokenizer, teacher_tokenizer, **config):
        teacher = tiny_model("bert", "MaskedLM", 1, vocab_size=len(teacher_tokenizer) + WIDER, **config)
        student = student_from_teacher(teacher, 1, tokenizer=student_tokenizer, teacher_tokenizer=teacher_tokenizer)
        return student, teacher

    @pytest.mark.parametrize("tied", [True, False])
    def test_what_has_no_equal_is_the_mean_of_its_pieces_in_every_table(self, tied):
        teacher_tokenizer = wordpiece(["car", "##te", "[PAD]"], pad_token="[PAD]")
        student_tokenizer = wordpiece(["[PAD]", "carte"], pad_token="[PAD]")
        student, teacher = self.made(student_tokenizer, teacher_tokenizer, tie_word_embeddings=tied)
        pieces, own = (
            teacher_tokenizer.convert_tokens_to_ids(["car", "##te"]),
            student_tokenizer.convert_tokens_to_ids("carte"),
        )
        for part in ("get_input_embeddings", "get_output_embeddings"):
            table, theirs = getattr(student, part)().weight, getattr(teacher, part)().weight
            torch.testing.assert_close(table[own], theirs[pieces].mean(dim=0))
        bias, theirs = student.get_output_embeddings().bias, teacher.get_output_embeddings().bias
        torch.testing.assert_close(bias[own], theirs[pieces].mean())

    def test_what_is_left_has_mean_and_spread_of_the_teachers_and_is_drawn_alike_every_time(self):
        teacher_tokenizer = wordpiece(["la", "casa", "[PAD]"], pad_token="[PAD]")
        student_tokenizer = wordpiece(["[PAD]", *(chr(0x4E00 + number) for number in range(4000))], pad_token="[PAD]")
        student, teacher = self.made(student_tokenizer, teacher_tokenizer)
        table = student.get_input_embeddings().weight[2:]
        theirs = teacher.get_input_embeddings().weight[: len(teacher_tokenizer)]
        torch.testing.assert_close(table.mean(dim=0), theirs.mean(dim=0), atol=0.02, rtol=0)
        torch.testing.assert_close(table.std(dim=0), theirs.std(dim=0), atol=0.02, rtol=0)
        again, _ = self.made(student_tokenizer, teacher_tokenizer)
        assert torch.equal(again.get_input_embeddings().weight[2:], table)


class TestConfiguration:
    def test_ids_of_special_tokens_are_those_of_the_students_tokenizer(self):
        roles = {"pad_token": "[PAD]", "cls_token": "[CLS]", "sep_token": "[SEP]", "mask_token": "[MASK]"}
        teacher_tokenizer = wordpiece([*roles.values(), "la"], **roles)
        student_tokenizer = wordpiece(["la", *reversed(roles.values())], **roles)
        teacher = tiny_model("modernbert", "MaskedLM", 2, vocab_size=len(teacher_tokenizer))
        config = student_from_teacher(
            teacher, 1, tokenizer=student_tokenizer, teacher_tokenizer=teacher_tokenizer
        ).config
        assert (config.pad_token_id, config.cls_token_id, config.sep_token_id) == (5, 4, 3)
        assert (config.bos_token_id, config.eos_token_id) == (4, 3)
        assert config.vocab_size == 6

    @pytest.mark.parametrize("architecture", [*COUNTING, "bert"])
    @pytest.mark.parametrize("place", [0, 3, 8])
    def test_positions_stay_right_wherever_the_padding_is(self, architecture, place):
        words = ["la", "casa", "are", "fata", "carte", "mare", "bun"]
        teacher_tokenizer = wordpiece(["[PAD]", *words], pad_token="[PAD]")
        entries = [*words]
        entries.insert(place - 1 if place else 0, "[PAD]")
        student_tokenizer = wordpiece(entries, pad_token="[PAD]")
        teacher = tiny_model(architecture, "MaskedLM", 2, vocab_size=len(teacher_tokenizer), pad_token_id=1)
        student = student_from_teacher(teacher, 2, tokenizer=student_tokenizer, teacher_tokenizer=teacher_tokenizer)

        kept = teacher_tokenizer.convert_tokens_to_ids(student_tokenizer.convert_ids_to_tokens(range(9)))
        texts = ["casa are fata mare " * 4, "la casa"]
        ours, theirs = answers(student, student_tokenizer, texts), answers(teacher, teacher_tokenizer, texts)
        real = real_tokens(student_tokenizer, texts)
        torch.testing.assert_close(ours.logits[real], theirs.logits[..., kept][real], atol=1e-6, rtol=0)
        assert Limits.of(student).positions == Limits.of(teacher).positions

    def test_a_padding_that_the_architecture_cannot_have_is_refused(self):
        teacher_tokenizer = wordpiece(["[PAD]", "la"], pad_token="[PAD]")
        teacher = tiny_model("mpnet", "MaskedLM", 2, vocab_size=len(teacher_tokenizer))
        same = student_from_teacher(teacher, 2, tokenizer=teacher_tokenizer, teacher_tokenizer=teacher_tokenizer)
        texts = ["la la", "la"]
        assert torch.equal(
            answers(same, teacher_tokenizer, texts).logits, answers(teacher, teacher_tokenizer, texts).logits
        )
        other = wordpiece(["la", "[PAD]"], pad_token="[PAD]")
        with pytest.raises(ValueError, match="counts positions from id 1, which must be its padding, but .* at 2"):
            student_from_teacher(teacher, 2, tokenizer=other, teacher_tokenizer=teacher_tokenizer)


class TestWhatIsRefused:
    def test_a_teachers_tokenizer_alone(self, cased_tokenizer):
        with pytest.raises(
            ValueError, match="expects teacher_tokenizer beside tokenizer, the student's own, but got only"
        ):
            student_from_teacher(tiny_bert("MaskedLM"), 1, teacher_tokenizer=cased_tokenizer)

    def test_a_model_without_its_tokenizer(self, cased_tokenizer):
        with pytest.raises(ValueError, match="where the teacher is a model, but got none"):
            student_from_teacher(tiny_bert("MaskedLM"), 1, tokenizer=cased_tokenizer)

    def test_a_folder_without_a_tokenizer(self, cased_tokenizer, tmp_path):
        tiny_bert("MaskedLM").save_pretrained(tmp_path)
        with pytest.raises(ValueError, match="has no tokenizer beside it, so nothing says what its embeddings"):
            student_from_teacher(tmp_path, 1, tokenizer=cased_tokenizer)

    def test_a_tokenizer_with_more_entries_than_the_teacher_has_embeddings(self, cased_tokenizer):
        with pytest.raises(ValueError, match="teacher_tokenizer has 300 entries and the teacher 50 embeddings"):
            student_from_teacher(
                tiny_bert("MaskedLM", 50), 1, tokenizer=cased_tokenizer, teacher_tokenizer=cased_tokenizer
            )

    def test_a_tokenizer_without_padding(self, cased_tokenizer):
        with pytest.raises(ValueError, match="expects a tokenizer with a padding token, but this one has none"):
            student_from_teacher(
                tiny_bert("MaskedLM"), 1, tokenizer=wordpiece(["la"]), teacher_tokenizer=cased_tokenizer
            )

    def test_a_slow_tokenizer(self, cased_tokenizer):
        with pytest.raises(TypeError, match="expects fast tokenizers, but that of the student is a object"):
            student_from_teacher(tiny_bert("MaskedLM"), 1, tokenizer=object(), teacher_tokenizer=cased_tokenizer)


def test_the_report_says_the_same_as_the_student(cased_tokenizer, uncased_tokenizer):
    transfer = VocabularyTransfer.from_tokenizers(cased_tokenizer, uncased_tokenizer)
    assert transfer.copied.sum() > 50 and transfer.averaged.sum() > 10
    teacher = tiny_bert("MaskedLM", len(uncased_tokenizer))
    student = student_from_teacher(teacher, 1, tokenizer=cased_tokenizer, teacher_tokenizer=uncased_tokenizer)
    table, theirs = student.get_input_embeddings().weight, teacher.get_input_embeddings().weight
    for index, sources in enumerate(transfer.sources):
        if sources:
            torch.testing.assert_close(table[index], theirs[sources].mean(dim=0))
