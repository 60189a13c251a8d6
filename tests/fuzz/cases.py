"""The kinds of cases: each prepares a folder, and returns a program and its words."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from random import Random

from transformers.integrations.integration_utils import INTEGRATION_TO_CALLBACK
from transformers.trainer_utils import SchedulerType
from transformers.training_args import OptimizerNames

from fuzz.damage import VALUES, damage_data, damage_model, damage_run, draw_corpus, draw_output, write_yaml
from fuzz.hostile import on_a_small_disk, without_reader
from fuzz.world import CLASSIFIERS, ENCODERS, OWN_TASKS, RUNS
from hf_multiteacher.commands.main import main
from hf_multiteacher.recipes.configuration.configuration import DistillationConfig
from hf_multiteacher.training_args import DistillationTrainingArguments

TASKS = ("upos", "xpos", "ner", "sapn", "sar", "di", "sts")
TRAINING = {
    "max_steps": 1,
    "per_device_train_batch_size": 4,
    "use_cpu": True,
    "save_strategy": "no",
    "report_to": "none",
}
# Kept: what makes a case last, or start processes or compilers, without any fault; and the number of steps.
KEPT = {
    "dataloader_num_workers",
    "dataloader_prefetch_factor",
    "max_steps",
    "torch_compile",
    "torch_compile_backend",
    "torch_compile_mode",
    "full_determinism",
    "use_cpu",
}


CHOICES = {
    "optim": [each.value for each in OptimizerNames],
    "lr_scheduler_type": [each.value for each in SchedulerType],
    "report_to": [*INTEGRATION_TO_CALLBACK, "all"],
    "eval_strategy": ["no", "steps", "epoch"],
    "save_strategy": ["no", "steps", "epoch", "best"],
    "metric_for_best_model": ["loss", "eval_loss", "accuracy", "label_loyalty/cased"],
    "train_sampling_strategy": ["random", "sequential", "group_by_length"],
    "teacher_weighting": ["fixed", "confidence", "entropy"],
    "teacher_weights": [[1, 0], [0, 0], [3, 1], [1], [1, 2, 3]],
    "hidden_state_weight": [1.0],
    "ensemble": ["probabilities", "logits", "per_teacher"],
    "student_layers": [1, 2, 3, [0], [1, 0], [0, 1], "first", "last", "spread"],
    "student_vocabulary": ["trim", {"size": 100}, {"size": 1}, "uncased", "nowhere"],
    "max_length": [1, 2, 3, 4, 512, 10**6],
    "held_out": [1, 35, 10**6],
    "teachers": [["cased"], ["uncased", "cased"], ["cased", "cased"], ["tagger-0"], ["classifier-0", "scorer-0"]],
    "corpus": ["synthetic", ["corpus.txt", "corpus.txt"], "data"],
    "streaming": [True],
    "unlabelled": ["corpus.txt", ["corpus.txt", "own/reviews.csv"], "synthetic"],
    "label_column": ["label", "tags", "text"],
    "data": ["own/pairs.tsv", "own/tags.jsonl", {"train": "own/reviews.csv", "test": "own/reviews.csv"}, "synthetic"],
    "task": ["masked-lm", "text-classification", "token-classification", "regression", "ner", "sts"],
    "bf16": [True],
    "fp16": [True],
}
"""What fits alone, and not always together."""


@dataclass(frozen=True)
class Case:
    """A program, which takes words and returns an exit code, and the words."""

    program: Callable[[list[str]], int]
    words: list[str]


def draw_case(random: Random, folder: Path) -> Case:
    """Prepare a folder for a case, and return it."""
    kinds = (
        (_distill,) * 8
        + (_romanian,) * 4
        + (_own,) * 4
        + (_doctor,) * 3
        + (_loyalty,) * 4
        + (_table,) * 2
        + (_describe,)
        + (_report,) * 2
        + (_push,)
    )
    case = random.choice(kinds)(random, folder)

    stress = random.choice((on_a_small_disk, without_reader, *[None] * 10))
    return case if stress is None or case.program is not main else Case(stress(random, case.program), case.words)


def _distill(random: Random, folder: Path) -> Case:
    settings = TRAINING | {"corpus": "corpus.txt", "teachers": [*ENCODERS], "output_dir": "out"}
    settings |= {"student_layers": 1, "max_length": 24, "held_out": 5}

    if random.random() < 0.3:
        settings["corpus"] = draw_corpus(random, folder)
    if random.random() < 0.2:
        damage_model(random, folder / random.choice(ENCODERS))
    if random.random() < 0.3:
        settings["output_dir"] = draw_output(random, folder)
    if random.random() < 0.6:
        _change(random, settings, (DistillationConfig, DistillationTrainingArguments))

    write_yaml(random, folder / "config.yaml", settings)
    return Case(main, ["distill", "config.yaml"])


def _romanian(random: Random, folder: Path) -> Case:
    settings = TRAINING | {"data": "data", "student": "cased", "teachers": [*ENCODERS], "output_dir": "out"}
    settings |= {"task": random.choice(TASKS), "max_length": 32}

    if random.random() < 0.3:
        damage_data(random, folder / "data")
    if random.random() < 0.2:
        damage_model(random, folder / random.choice(ENCODERS))
    if random.random() < 0.3:
        settings["output_dir"] = draw_output(random, folder)
    if random.random() < 0.6:
        _change(random, settings, (DistillationConfig, DistillationTrainingArguments))

    write_yaml(random, folder / "config.yaml", settings)
    flags = random.choice(([], [], ["--max_length", random.choice(("16", "-1", "x", ""))]))
    return Case(main, ["distill", "config.yaml", *flags])


def _own(random: Random, folder: Path) -> Case:
    kind = random.choice([*OWN_TASKS])
    file, teachers = OWN_TASKS[kind]
    settings = TRAINING | {"task": kind, "data": f"own/{file}", "teachers": [*teachers], "output_dir": "out"}

    if random.random() < 0.4:
        damage_data(random, folder / "own")
    if random.random() < 0.2:
        damage_model(random, folder / random.choice(teachers))
    if random.random() < 0.2:
        settings["unlabelled"] = draw_corpus(random, folder)
    if random.random() < 0.2:
        settings |= {"teachers": [*ENCODERS], "fine_tune_teachers": random.choice((True, False))}
    if random.random() < 0.5:
        _change(random, settings, (DistillationConfig, DistillationTrainingArguments))

    write_yaml(random, folder / "config.yaml", settings)
    return Case(main, ["distill", "config.yaml"])


def _doctor(random: Random, folder: Path) -> Case:
    case = random.choice((_distill, _romanian, _own))(random, folder)
    return Case(main, ["doctor", *case.words[1:]])


def _loyalty(random: Random, folder: Path) -> Case:
    kind = random.choice([*CLASSIFIERS])
    student, teacher = CLASSIFIERS[kind]
    data = "corpus.txt" if random.random() < 0.4 else draw_corpus(random, folder)
    if random.random() < 0.2:
        kind, data = random.choice(TASKS), "data"
    if random.random() < 0.3:
        damage_model(random, folder / random.choice((student, teacher)))
    if random.random() < 0.2:
        teacher = random.choice((student, "cased", "tagger-1", "none", ""))

    words = [
        teacher,
        "--student",
        student,
        "--task",
        kind,
        "--data",
        data,
        "--output-dir",
        draw_output(random, folder),
    ]
    options = ("--batch-size", "--max-length", "--examples", "--confidence", "--seed", "--split")
    if random.random() < 0.5:
        words += [random.choice(options), random.choice(("1", "0", "-1", "3", "0.5", "x", "nan", "1e3", str(10**12)))]
    return Case(main, ["loyalty", *words])


def _table(random: Random, folder: Path) -> Case:
    settings = {**TRAINING}
    if random.random() < 0.4:
        damage_data(random, folder / "data")
    if random.random() < 0.4:
        damage_model(random, folder / "cased")
    if random.random() < 0.4:
        _change(random, settings, (DistillationTrainingArguments,))

    write_yaml(random, folder / "config.yaml", settings)
    words = ["--models", "cased", "--tasks", random.choice(TASKS), "--data", "data", "--config", "config.yaml"]
    options = {"--seeds": ("1", "-1", str(2**32), "x"), "--max-length": ("8", "0", "-1", "1000", "x")}
    name = random.choice([*options])
    words += [name, random.choice(options[name])] if random.random() < 0.3 else []
    return Case(main, ["evaluate", *words, "--output-dir", draw_output(random, folder)])


def _describe(random: Random, folder: Path) -> Case:
    damage_data(random, folder / "data")
    return Case(main, ["evaluate", "--describe", "--data", "data", "--tasks", random.choice((*TASKS, "all", "x"))])


def _report(random: Random, folder: Path) -> Case:
    for run in random.sample(RUNS, random.choice((0, 1, 1, 1, 2))):
        damage_run(random, folder / run)
    runs = [*random.sample(RUNS, random.choice((1, 2))), *random.choice(([], [], ["data"], ["none"], ["run-words/."]))]
    output = random.choice(("report.html", "out/deep/report.html", draw_output(random, folder)))
    return Case(main, ["report", *runs, *random.choice(([], ["--output", output]))])


def _push(random: Random, folder: Path) -> Case:
    model = random.choice(ENCODERS)
    if random.random() < 0.6:
        damage_model(random, folder / model)
    name = random.choice(("org/name", "name", "", "a/b/c", "org/", "ț/ț", "."))
    also = random.choice(([], ["--also", "*.txt"], ["--also", "*"], ["--also", "/"], ["--also", ""]))
    return Case(main, ["push", model, name, "--dry-run", *also])


def _change(random: Random, settings: dict, kinds: tuple[type, ...]) -> None:
    """Give some keys other values, or take them away, or add one that there is not."""
    keys = [field.name for kind in kinds for field in fields(kind) if field.init and field.name not in KEPT]
    for _ in range(random.choice((1, 1, 1, 2, 3))):
        how = random.random()
        if how < 0.05:
            settings.pop(random.choice([key for key in settings if key not in KEPT]), None)
        elif how < 0.1:
            settings[random.choice(("temprature", "a b", "", 7, None, "--max_steps"))] = random.choice(VALUES)
        elif how < 0.25:
            key = random.choice([*CHOICES])
            settings[key] = random.choice(CHOICES[key])
        else:
            settings[random.choice(keys)] = random.choice(VALUES)
