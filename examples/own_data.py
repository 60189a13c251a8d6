"""Your own texts and labels: distil a student from two fine-tuned teachers, and compare it with them.

    python examples/own_data.py --data reviews.csv --teachers A B         # columns `text` and `label`
    python examples/own_data.py --data reviews.csv --text_column review --label_column stars --teachers A B
    python examples/own_data.py --data synthetic --student_layers 1 --max_steps 10 --use_cpu true \
        --teachers romanian-di/teacher-1 romanian-di/teacher-2            # a trial, after that of examples/di.py

A and B are ids or folders of models that were fine-tuned for these labels.
"""

from dataclasses import dataclass, field

from datasets import ClassLabel, Dataset, Value, load_dataset
from sklearn.metrics import accuracy_score, f1_score
from transformers import AutoTokenizer, EvalPrediction, HfArgumentParser

from hf_multiteacher import (
    DistillationTrainingArguments,
    MultiTeacherDistillationTrainer,
    MultiTokenizer,
    student_from_teacher,
)
from hf_multiteacher.romanian import load_task

DEFAULTS = {
    "output_dir": "own-student",
    "learning_rate": 5e-5,
    "per_device_train_batch_size": 16,
    "num_train_epochs": 3,
    "save_strategy": "no",
    "logging_steps": 50,
}


@dataclass
class ScriptArguments:
    """The script's own flags; the teachers are among the training arguments."""

    data: str = field(metadata={"help": "A CSV file, or `synthetic` for texts as in examples/di.py."})
    text_column: str = field(default="text", metadata={"help": "The column of the texts."})
    label_column: str = field(default="label", metadata={"help": "The column of the labels' names."})
    student_layers: int = field(default=6, metadata={"help": "How many of the first teacher's layers to keep."})
    max_length: int = field(default=256, metadata={"help": "Tokens at most; longer texts are cut."})


def read(script: ScriptArguments) -> Dataset:
    """Read texts and the names of their labels. `load_dataset` knows "json", "parquet" and ids on the Hub too."""
    if script.data != "synthetic":
        data = load_dataset("csv", data_files=script.data, split="train")
        if not {script.text_column, script.label_column} <= {*data.column_names}:
            raise SystemExit(f"Name --text_column and --label_column: {script.data} has {data.column_names}.")
        return data

    task = load_task("di", "synthetic")
    train = task.data["train"]
    names = [task.label_names[number] for number in train["labels"]]
    return Dataset.from_dict({script.text_column: train["text"][:], script.label_column: names})


def compute_metrics(evaluation: EvalPrediction) -> dict[str, float]:
    """Score predictions: the student's and, by the same measures, each teacher's and the ensemble's."""
    predicted, gold = evaluation.predictions.argmax(axis=-1), evaluation.label_ids
    return {"accuracy": accuracy_score(gold, predicted), "macro_f1": f1_score(gold, predicted, average="macro")}


def main() -> None:
    """Read, encode, distil, evaluate, save."""
    parser = HfArgumentParser((ScriptArguments, DistillationTrainingArguments))
    parser.set_defaults(**DEFAULTS)
    script, args = parser.parse_args_into_dataclasses()

    # Make the student of some of the first teacher's layers: it has that teacher's head, label names and tokenizer.
    tokenizers = [AutoTokenizer.from_pretrained(teacher) for teacher in args.teachers]
    student = student_from_teacher(args.teachers[0], script.student_layers)

    # Read the data. Labels are numbered as the student numbers them; a name that it does not know is an error.
    names = [student.config.id2label[number] for number in range(student.config.num_labels)]
    data = read(script).cast_column(script.label_column, Value("string"))
    data = data.cast_column(script.label_column, ClassLabel(names=names))
    data = data.train_test_split(0.2, seed=args.seed, stratify_by_column=script.label_column)

    # Encode every text for the student and for each teacher.
    columns = {"text": script.text_column, "labels": script.label_column, "max_length": script.max_length}
    encode = {"batched": True, "fn_kwargs": columns, "remove_columns": data["train"].column_names}
    data = data.map(MultiTokenizer(tokenizers[0], tokenizers).encode, **encode)

    # Distil.
    trainer = MultiTeacherDistillationTrainer(
        student,
        args,
        train_dataset=data["train"],
        eval_dataset=data["test"],
        processing_class=tokenizers[0],
        compute_metrics=compute_metrics,
    )
    trainer.train()

    # Evaluate, and save the student with its tokenizer and a model card.
    metrics = trainer.evaluate()
    trainer.save_metrics("eval", metrics)
    trainer.save_model()
    trainer.create_model_card()

    # Compare the student with its teachers.
    print(f"\n{'':24}accuracy  macro F1")
    for measured in [name for name in metrics if name.startswith("eval_accuracy")]:
        model = measured.removeprefix("eval_accuracy")  # nothing, or a slash and a name
        print(f"{model[1:] or 'student':24}{metrics[measured]:8.4f}{metrics[f'eval_macro_f1{model}']:10.4f}")


if __name__ == "__main__":
    main()
