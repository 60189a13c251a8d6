"""One Romanian task from pretrained models to a table: teachers fine-tuned, the student distilled from them."""

import sys
from dataclasses import dataclass, field, replace
from typing import Any, cast

from transformers import AutoTokenizer, HfArgumentParser

from .fine_tuning import LabelledData, fine_tune
from .romanian.loading import load_task
from .teachers import Teacher
from .training_args import DistillationTrainingArguments

PAPER_TEACHERS = ["dumitrescustefan/bert-base-romanian-cased-v1", "readerbench/RoBERT-base"]
PAPER_STUDENT = "racai/distilbert-multi-base-romanian-cased"


@dataclass
class ExperimentArguments:
    """What an experiment is made of; `--teachers` stands among the arguments of the training."""

    data: str | None = field(
        default=None, metadata={"help": "`synthetic`, a folder with the original files, or nothing to download them."}
    )
    student: str = field(default=PAPER_STUDENT, metadata={"help": "The pretrained student: an id or a folder."})


def run_task(key: str) -> None:
    """Fine-tune every teacher on a task, distil the student from them, and print quality and loyalty.

    Arguments are read from the command line, or from the one YAML file that it names; they are those of
    `ExperimentArguments` and `DistillationTrainingArguments`.

    Args:
        key: `upos`, `xpos`, `ner`, `sapn`, `sar`, `di` or `sts`.
    """
    parser = HfArgumentParser((ExperimentArguments, DistillationTrainingArguments))  # type: ignore[arg-type]
    if len(sys.argv) == 2 and sys.argv[1].endswith((".yaml", ".yml")):
        experiment, args = parser.parse_yaml_file(sys.argv[1])
    else:
        experiment, args = parser.parse_args_into_dataclasses()
    task = load_task(key, experiment.data)
    data, sources = LabelledData.from_task(task), args.teachers or PAPER_TEACHERS
    rows: dict[str, dict[str, Any]] = {}
    teachers: list[Teacher] = []
    for source in sources:
        tokenizer: Any = AutoTokenizer.from_pretrained(source)
        alone = replace(args, teachers=None, output_dir=f"{args.output_dir}/teacher-{len(teachers)}")
        trainer, rows[source] = fine_tune(data.load_model(source), tokenizer, data, alone)
        teachers.append(Teacher(cast(Any, trainer.model), tokenizer=tokenizer, name=source.rstrip("/").split("/")[-1]))
    tokenizer = AutoTokenizer.from_pretrained(experiment.student)
    trainer, rows[experiment.student] = fine_tune(
        data.load_model(experiment.student), tokenizer, data, args, teachers=teachers
    )
    trainer.save_model()
    sys.stdout.write(_report(task.citation, rows))


def _report(citation: str, rows: dict[str, dict[str, Any]]) -> str:
    """Write the figures of every model, the student last, as lines of text."""
    lines = [citation]
    for model, metrics in rows.items():
        lines.append(f"\n{model}")
        lines += [
            f"  {name.removeprefix('eval_'):45} {value:.4f}"
            for name, value in metrics.items()
            if not name.endswith(("runtime", "per_second", "epoch", "preparation_time"))
        ]
    return "\n".join(lines) + "\n"
