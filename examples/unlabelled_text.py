"""Few labels and much text: teachers speak about all of it, labels about the rows that have one.

    python examples/unlabelled_text.py --data reviews.csv --unlabelled text.txt --teachers A B
    python examples/unlabelled_text.py --data reviews.csv --unlabelled corpus/part-*.txt.gz --teachers A B
    python examples/unlabelled_text.py --data synthetic --student_layers 1 --max_steps 10 --use_cpu true \
        --teachers romanian-di/teacher-1 romanian-di/teacher-2            # a trial, after that of examples/di.py

The CSV has columns `text` and `label`; A and B are ids or folders of models that were fine-tuned for these labels.
"""

from dataclasses import dataclass, field

from datasets import ClassLabel, Dataset, Value, concatenate_datasets, load_dataset
from sklearn.metrics import accuracy_score
from transformers import AutoTokenizer, EvalPrediction, HfArgumentParser

from hf_multiteacher import (
    DistillationTrainingArguments,
    MultiTeacherDistillationTrainer,
    MultiTokenizer,
    student_from_teacher,
)
from hf_multiteacher.romanian import load_task

DEFAULTS = {
    "output_dir": "student-of-unlabelled-text",
    "learning_rate": 5e-5,
    "per_device_train_batch_size": 16,
    "num_train_epochs": 3,
    "save_strategy": "no",
    "logging_steps": 50,
}


@dataclass
class ScriptArguments:
    """The script's own flags; the teachers are among the training arguments."""

    data: str = field(metadata={"help": "A CSV file with columns `text` and `label`, or `synthetic`."})
    unlabelled: list[str] = field(default_factory=list, metadata={"help": "Files with one text per line."})
    student_layers: int = field(default=6, metadata={"help": "How many of the first teacher's layers to keep."})
    max_length: int = field(default=256, metadata={"help": "Tokens at most; longer texts are cut."})


def read(script: ScriptArguments) -> tuple[Dataset, Dataset]:
    """Read texts with the names of their labels, and texts without."""
    if script.data != "synthetic":
        unlabelled = load_dataset("text", data_files=script.unlabelled, split="train")
        return load_dataset("csv", data_files=script.data, split="train"), unlabelled

    task = load_task("di", "synthetic")
    texts, labels = task.data["train"]["text"][:], task.data["train"]["labels"][:]
    labelled = {"text": texts[::4], "label": [task.label_names[number] for number in labels[::4]]}
    return Dataset.from_dict(labelled), Dataset.from_dict({"text": texts[1::2]})


def compute_metrics(evaluation: EvalPrediction) -> dict[str, float]:
    """Score predictions: the student's and, by the same measures, each teacher's and the ensemble's."""
    return {"accuracy": accuracy_score(evaluation.label_ids, evaluation.predictions.argmax(axis=-1))}


def main() -> None:
    """Read, encode, distil, evaluate, save."""
    parser = HfArgumentParser((ScriptArguments, DistillationTrainingArguments))
    parser.set_defaults(**DEFAULTS)
    script, args = parser.parse_args_into_dataclasses()

    # Make the student of some of the first teacher's layers: it has that teacher's head, label names and tokenizer.
    tokenizers = [AutoTokenizer.from_pretrained(teacher) for teacher in args.teachers]
    student = student_from_teacher(args.teachers[0], script.student_layers)

    # Read the data, and keep labelled rows to measure on. Labels are numbered as the student numbers them.
    labelled, unlabelled = read(script)
    names = [student.config.id2label[number] for number in range(student.config.num_labels)]
    labelled = labelled.select_columns(["text", "label"]).cast_column("label", Value("string"))
    labelled = labelled.cast_column("label", ClassLabel(names=names))
    data = labelled.train_test_split(0.2, seed=args.seed, stratify_by_column="label")

    # Put both kinds of rows into one data set, which the trainer shuffles: -100 is no label, in torch as here.
    data = data.cast_column("label", Value("int64"))
    unlabelled = unlabelled.filter(str.strip, input_columns="text")
    unlabelled = unlabelled.add_column("label", [-100] * len(unlabelled))
    data["train"] = concatenate_datasets([data["train"], unlabelled])

    # Encode every text for the student and for each teacher.
    columns = {"text": "text", "labels": "label", "max_length": script.max_length}
    encode = {"batched": True, "fn_kwargs": columns, "remove_columns": data["train"].column_names}
    data = data.map(MultiTokenizer(tokenizers[0], tokenizers).encode, **encode)

    # Distil: `soft_loss` is a mean over all rows of a step, `hard_loss` over those with a label.
    trainer = MultiTeacherDistillationTrainer(
        student,
        args,
        train_dataset=data["train"],
        eval_dataset=data["test"],
        processing_class=tokenizers[0],
        compute_metrics=compute_metrics,
    )
    trainer.train()

    # Evaluate student, teachers and ensemble; save the student with its tokenizer and a model card.
    metrics = trainer.evaluate()
    trainer.log_metrics("eval", metrics)
    trainer.save_metrics("eval", metrics)
    trainer.save_model()
    trainer.create_model_card()


if __name__ == "__main__":
    main()
