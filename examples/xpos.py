"""Detailed tags of UD_Romanian-RRT: fine-tune two teachers, distil a student from both, measure all of them.

python examples/xpos.py                                          # the paper's models; the data are downloaded
python examples/xpos.py --data DIR --teachers A B --student C    # your models; the data in DIR, as published
python examples/xpos.py --data synthetic --teachers A B --student C --max_steps 10 --use_cpu true      # a trial
"""

from dataclasses import dataclass, field, replace

from datasets import DatasetDict, disable_progress_bars
from transformers import (
    AutoModelForTokenClassification,
    AutoTokenizer,
    DataCollatorForTokenClassification,
    HfArgumentParser,
    Trainer,
    logging,
    set_seed,
)

from hf_multiteacher import DistillationTrainingArguments, MultiTeacherDistillationTrainer, MultiTokenizer, Teacher
from hf_multiteacher.romanian import load_task, split_long_sentences, trainer_metrics
from hf_multiteacher.tokenization import spaced_words

DEFAULTS = {  # examples/xpos.yaml says which of them are the paper's
    "teachers": ["dumitrescustefan/bert-base-romanian-cased-v1", "readerbench/RoBERT-base"],
    "output_dir": "romanian-xpos",
    "learning_rate": 2e-5,
    "per_device_train_batch_size": 16,
    "num_train_epochs": 5,
    "save_strategy": "no",
    "logging_steps": 50,
    "seed": 0,
}


@dataclass
class ScriptArguments:
    """The script's own flags; the teachers are among the training arguments."""

    data: str | None = field(default=None, metadata={"help": "A folder, `synthetic`, or nothing to download them."})
    student: str = field(default="racai/distilbert-multi-base-romanian-cased", metadata={"help": "An id or folder."})
    max_length: int = field(default=128, metadata={"help": "Tokens at most; longer sentences are split."})


def main() -> None:
    """Read, encode, fine-tune the teachers, distil, evaluate, save."""
    parser = HfArgumentParser((ScriptArguments, DistillationTrainingArguments))
    parser.set_defaults(**DEFAULTS)
    script, args = parser.parse_args_into_dataclasses()
    disable_progress_bars()  # those of datasets, and below of transformers: the trainings' own are enough
    logging.disable_progress_bar()

    # Read the data. Sentences are split where any of the models would cut them: each must answer for every word.
    task = load_task("xpos", script.data)
    tokenizer, *teacher_tokenizers = map(AutoTokenizer.from_pretrained, (script.student, *args.teachers))
    data = DatasetDict({"train": task.data["train"], "test": task.data[task.measured_split]})
    for key in data:
        data[key] = split_long_sentences(data[key], [tokenizer, *teacher_tokenizers], script.max_length, spaced_words)

    # Every model reads all of the data through its own tokenizer, and has a new head, whose labels have their names.
    columns = {"words": "words", "labels": "labels", "max_length": script.max_length}
    encode = {"batched": True, "fn_kwargs": columns, "remove_columns": data["train"].column_names}
    encoded = data.map(MultiTokenizer(tokenizer, teacher_tokenizers).encode, **encode)  # refuses what cannot be read
    labels = dict(enumerate(task.label_names))
    head = {"id2label": labels, "label2id": {name: number for number, name in labels.items()}, "dtype": "float32"}

    # Fine-tune every teacher on the labels alone.
    teachers = []
    for number, (source, teacher_tokenizer) in enumerate(zip(args.teachers, teacher_tokenizers, strict=True), 1):
        own = data.map(MultiTokenizer(teacher_tokenizer, []).encode, **encode)
        set_seed(args.seed)  # of the new head, too
        teacher = Trainer(
            AutoModelForTokenClassification.from_pretrained(source, **head),
            replace(args, output_dir=f"{args.output_dir}/teacher-{number}", push_to_hub=False),
            data_collator=DataCollatorForTokenClassification(teacher_tokenizer),
            train_dataset=own["train"],
            eval_dataset=own["test"],
            processing_class=teacher_tokenizer,
        )
        teacher.model_accepts_loss_kwargs = False  # else BERT's loss grows with gradient_accumulation_steps
        teacher.train()
        teacher.save_model()
        teachers.append(Teacher(teacher.model, tokenizer=teacher_tokenizer, name=f"teacher-{number}"))

    # Distil the student from what the teachers say, and from the labels.
    set_seed(args.seed)
    trainer = MultiTeacherDistillationTrainer(
        AutoModelForTokenClassification.from_pretrained(script.student, **head),
        args,
        train_dataset=encoded["train"],
        eval_dataset=encoded["test"],
        processing_class=tokenizer,
        compute_metrics=trainer_metrics(task, data["test"]["sentence"]),
        teachers=teachers,
    )
    trainer.train()

    # Evaluate student, teachers and ensemble.
    metrics = trainer.evaluate()
    trainer.log_metrics("eval", metrics)
    trainer.save_metrics("eval", metrics)

    # Save the student with its tokenizer and a model card; push them when asked.
    trainer.save_model()
    trainer.create_model_card(language="ro", dataset="UD_Romanian-RRT")
    if args.push_to_hub:
        trainer.push_to_hub(language="ro", dataset="UD_Romanian-RRT")


if __name__ == "__main__":
    main()
