"""One whole training on a tagging task, in a process of its own."""

import shutil
import time
from pathlib import Path
from typing import Any

from datasets import Dataset
from transformers import BertForTokenClassification

from hf_multiteacher import MultiTeacherDistillationTrainer, Teacher

from .contenders.ours_cached import expect_cache
from .distillation import distillation_arguments
from .examples import draw_tagged_examples
from .models import saved_teachers, student
from .settings import Settings
from .tokenizers import made_up_tokenizer

RUNS = ("live", "cold", "warm")
CACHE = "task-cache"


def measure(folder: Path, run: str) -> dict[str, Any]:
    """Train once: `live`, `cold` (fills the cache), `warm` (another seed reads it); or only `write` the teachers."""
    settings = Settings.load(folder)
    if run == "write":
        return {"teachers": saved_teachers(settings, folder, BertForTokenClassification, write=True)}
    if run != "live":
        expect_cache()
    if run == "cold":
        shutil.rmtree(folder / CACHE, ignore_errors=True)

    model = student(settings, BertForTokenClassification)
    start = time.process_time(), time.perf_counter()
    _trainer(settings, folder, model, run).train()
    cpu, wall = time.process_time() - start[0], time.perf_counter() - start[1]
    return {"cpu_seconds": cpu, "wall_seconds": wall}


def _trainer(settings: Settings, folder: Path, model: Any, run: str) -> MultiTeacherDistillationTrainer:
    """Make the trainer of a run; loading the teachers belongs to what is measured, where it is done."""
    tokenizer = made_up_tokenizer(settings.vocabulary, settings.length)
    args = distillation_arguments(
        settings, folder, **({} if run == "live" else {"teacher_cache": str(folder / CACHE)})
    )
    args.max_steps, args.num_train_epochs = -1, settings.epochs
    args.train_sampling_strategy = "random"
    args.seed = settings.seed + (run == "warm")

    folders = saved_teachers(settings, folder, BertForTokenClassification)
    return MultiTeacherDistillationTrainer(
        model=model,
        args=args,
        train_dataset=Dataset.from_list(draw_tagged_examples(settings)),
        processing_class=tokenizer,
        teachers=[Teacher(teacher, tokenizer=tokenizer, name=f"teacher-{n}") for n, teacher in enumerate(folders)],
    )
