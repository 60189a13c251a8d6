"""One language out of a real multilingual encoder."""

import itertools
import lzma
import subprocess
import sys

import pytest
import torch
from tokenizers import Tokenizer
from transformers import AutoModel, AutoModelForMaskedLM, AutoTokenizer

from hf_multiteacher import student_from_teacher, trim_tokenizer
from hf_multiteacher.report.benchmark import count_parameters, saved_megabytes
from hf_multiteacher.tokenization import VocabularyTransfer

pytestmark = pytest.mark.real_models
LINES, SIZE = 20_000, 24_000


@pytest.fixture(scope="module")
def texts(romanian_data):
    """The first lines of every text, so that novels, law, definitions and articles are all there."""
    lines = []
    for file in sorted((romanian_data / "text").glob("*.txt.xz")):
        with lzma.open(file, "rt", encoding="utf-8") as text:
            lines += itertools.islice(filter(str.strip, text), LINES // 5)
    return lines


@pytest.fixture(scope="module")
def trimmed(e5, texts):
    return trim_tokenizer(AutoTokenizer.from_pretrained(e5), texts, size=SIZE)


def hidden_states(model, tokenizer, texts):
    batch = tokenizer(texts, padding=True, truncation=True, max_length=64, return_tensors="pt")
    with torch.no_grad():
        return model(**batch, output_hidden_states=True)


def test_half_the_layers_and_one_language_are_a_sixth_of_it(e5, trimmed, tmp_path):
    student = student_from_teacher(e5, layers=6, tokenizer=trimmed)
    not_used = (384 + 1) * (SIZE - len(trimmed))  # these texts may need fewer entries than they are allowed
    assert count_parameters(student) + not_used <= 21e6
    assert saved_megabytes(student) + 4 * not_used / 1e6 <= 85

    student.save_pretrained(tmp_path)
    trimmed.save_pretrained(tmp_path)
    code = (
        "import sys; sys.modules['hf_multiteacher'] = None  # as if it were not installed\n"
        "from transformers import AutoModel, AutoTokenizer; folder = sys.argv[1]\n"
        "batch = AutoTokenizer.from_pretrained(folder)('Fata citește.', return_tensors='pt')\n"
        "print(AutoModel.from_pretrained(folder)(**batch).last_hidden_state.shape[-1])"
    )
    done = subprocess.run([sys.executable, "-P", "-c", code, tmp_path], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "384"
    alone = Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    assert alone.get_vocab_size() == len(trimmed) == student.config.vocab_size <= SIZE


def test_with_all_layers_it_answers_as_the_teacher_where_both_cut_alike(e5, trimmed, texts):
    whole, encoder = AutoTokenizer.from_pretrained(e5), AutoModel.from_pretrained(e5).eval()
    short = [text for text in texts[:: len(texts) // 60] if len(text) < 400]
    alike = [text for text in short if whole.tokenize(text) == trimmed.tokenize(text)][:8]
    assert len(alike) == 8
    small = student_from_teacher(encoder, 12, tokenizer=trimmed, teacher_tokenizer=whole)
    ours, theirs = hidden_states(small, trimmed, alike), hidden_states(encoder, whole, alike)
    for mine, other in zip(ours.hidden_states, theirs.hidden_states, strict=True):
        torch.testing.assert_close(mine, other, atol=1e-6, rtol=1e-6)


def test_a_masked_lm_answers_as_the_teacher_over_what_is_kept(splade, texts):
    whole = AutoTokenizer.from_pretrained(splade)
    trimmed = trim_tokenizer(whole, texts[:2000])
    teacher = AutoModelForMaskedLM.from_pretrained(splade).eval()
    student = student_from_teacher(splade, 2, tokenizer=trimmed)
    kept = whole.convert_tokens_to_ids(trimmed.convert_ids_to_tokens(range(len(trimmed))))
    assert len(trimmed) < len(whole) / 2
    ours, theirs = hidden_states(student, trimmed, texts[:8]), hidden_states(teacher, whole, texts[:8])
    torch.testing.assert_close(ours.logits, theirs.logits[..., kept], atol=1e-5, rtol=1e-6)


def test_another_kind_of_vocabulary_starts_from_it_nearly_whole(e5, romanian, texts):
    report = VocabularyTransfer.from_tokenizers(romanian, AutoTokenizer.from_pretrained(e5)).report(texts[:200])
    assert report["copied_share"] > 0.5 and report["left_share"] < 0.01
