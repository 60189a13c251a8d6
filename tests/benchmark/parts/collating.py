"""Making a batch with masks."""

from pathlib import Path
from typing import Any

from transformers import DataCollatorForLanguageModeling

from hf_multiteacher.collation.data_collator import DataCollatorForDistillation

from ..distillation import collator
from ..examples import Example, draw_examples
from ..settings import Settings
from .texts import encoded, multi_tokenizer
from .timing import Pair

STUDENT = ("input_ids", "attention_mask")


def collating(settings: Settings, folder: Path) -> dict[str, Pair]:
    """Compare with the collator of transformers, which masks for the student alone."""
    shared, tokenizers = collator(settings), multi_tokenizer(settings.texts, settings.length)
    own = DataCollatorForDistillation(tokenizers, mlm=True, seed=settings.seed)

    return {
        "collating, one tokenizer": _pair(shared, draw_examples(settings, "natural"), settings),
        "collating, three tokenizers": _pair(own, encoded(settings.texts, settings.length), settings),
    }


def _pair(ours: DataCollatorForDistillation, examples: list[Example], settings: Settings) -> Pair:
    plain = DataCollatorForLanguageModeling(ours.multi_tokenizer.student_tokenizer)
    students = [{name: example[name] for name in STUDENT} for example in examples]
    starts = range(0, len(examples), settings.batch)

    def run(collate: Any, rows: list[Any]) -> None:
        for start in starts:
            collate(rows[start : start + settings.batch])

    return Pair(
        lambda: run(ours, examples),
        lambda: run(plain, students),
        "DataCollatorForLanguageModeling",
        "ms a batch",
        lambda seconds: 1000 * seconds / len(starts),
    )
