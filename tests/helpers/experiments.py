"""The words with which the tests distil a task: two teachers of different tokenizers, a student, a few steps."""

from pathlib import Path

from helpers.saved_encoders import save_encoder

QUICK = "--max_steps 4 --learning_rate 1e-3 --per_device_train_batch_size 4 --use_cpu --disable_tqdm".split()


def save_models(folder: Path, cased_tokenizer, uncased_tokenizer) -> Path:
    """Save the encoders `cased` and `uncased`."""
    save_encoder(folder / "cased", cased_tokenizer, seed=0)
    save_encoder(folder / "uncased", uncased_tokenizer, seed=1)
    return folder


def distil_words(task: str, models: Path, output: Path, *words: str) -> list[str]:
    """The command line of a distillation with these models; `words` come last and so count."""
    teachers = ["--teachers", str(models / "cased"), str(models / "uncased"), "--student", str(models / "cased")]
    return ["distill", "--task", task, *teachers, "--output_dir", str(output), *QUICK, *words]
