"""Plain text: distil a masked language model from pretrained teachers that read it through tokenizers of their own.

python examples/masked_lm.py --max_texts 50000                        # the paper's teachers, Wikipedia in Romanian
python examples/masked_lm.py --data DIR --teachers A B --student_layers 6                   # your text and teachers
python examples/masked_lm.py --data synthetic --teachers A B --student_layers 1 --max_steps 10 --use_cpu true  # trial
"""

from dataclasses import dataclass, field
from pathlib import Path

from datasets import Dataset, load_dataset
from transformers import AutoTokenizer, HfArgumentParser

from hf_multiteacher import (
    DistillationTrainingArguments,
    MultiTeacherDistillationTrainer,
    MultiTokenizer,
    student_from_teacher,
)
from hf_multiteacher.romanian import generate_corpus

DEFAULTS = {  # examples/masked_lm.yaml says which of them are the paper's
    "teachers": ["dumitrescustefan/bert-base-romanian-cased-v1", "readerbench/RoBERT-base"],
    "output_dir": "romanian-masked-lm",
    "learning_rate": 5e-4,
    "adam_beta2": 0.98,
    "warmup_steps": 0.05,
    "per_device_train_batch_size": 32,
    "gradient_accumulation_steps": 4,
    "num_train_epochs": 1,
    "save_strategy": "no",
    "logging_steps": 50,
    "seed": 0,
}


@dataclass
class ScriptArguments:
    """The script's own flags; the teachers are among the training arguments."""

    data: str = field(
        default="wikimedia/wikipedia:20231101.ro",
        metadata={"help": "A text file, a folder of them, `synthetic`, or a data set's id (`id:configuration`)."},
    )
    max_texts: int | None = field(default=None, metadata={"help": "Read so many lines or articles at most."})
    student_layers: list[int] = field(
        default_factory=lambda: [0, 2, 4, 7, 9, 11],
        metadata={"help": "Which layers of the first teacher to keep; a single number is how many."},
    )
    max_length: int = field(default=128, metadata={"help": "Tokens of an example at most."})
    held_out: int = field(default=500, metadata={"help": "Examples to evaluate on."})


def read(source: str) -> Dataset:
    """Read a column `text`, from files line by line."""
    if source == "synthetic":
        return Dataset.from_dict({"text": generate_corpus(600)})
    if Path(source).exists():
        files = f"{source}/*.txt*" if Path(source).is_dir() else source
        return load_dataset("text", data_files=files, split="train")
    return load_dataset(*source.split(":"), split="train").select_columns(["text"])


def cut(batch: dict[str, list[str]], words: int) -> dict[str, list[str]]:
    """Cut the lines of texts into pieces of so many words: what is left out of an encoding is never learned."""
    lines = [line.split() for text in batch["text"] for line in text.splitlines()]
    return {"text": [" ".join(line[at : at + words]) for line in lines for at in range(0, len(line), words)]}


def main() -> None:
    """Read, encode, distil, evaluate, save."""
    parser = HfArgumentParser((ScriptArguments, DistillationTrainingArguments))
    parser.set_defaults(**DEFAULTS)
    script, args = parser.parse_args_into_dataclasses()

    # Read the data, in pieces that the models can read: a word of Romanian takes some 1.5 tokens.
    data = read(script.data)
    data = data.select(range(min(script.max_texts or len(data), len(data))))
    data = data.map(cut, batched=True, fn_kwargs={"words": script.max_length * 5 // 8})
    data = data.train_test_split(script.held_out, seed=args.seed)

    # Encode every text for each tokenizer; the student reads as the first teacher does.
    tokenizers = [AutoTokenizer.from_pretrained(teacher) for teacher in args.teachers]
    columns = {"text": "text", "max_length": script.max_length}
    encode = {"batched": True, "fn_kwargs": columns, "remove_columns": ["text"]}
    data = data.map(MultiTokenizer(tokenizers[0], tokenizers).encode, **encode)

    # Distil. The same words are masked in every encoding, and each epoch masks others.
    layers = script.student_layers
    trainer = MultiTeacherDistillationTrainer(
        student_from_teacher(args.teachers[0], layers[0] if len(layers) == 1 else layers),
        args,
        train_dataset=data["train"],
        eval_dataset=data["test"],
        processing_class=tokenizers[0],
    )
    trainer.train(resume_from_checkpoint=args.resume_from_checkpoint)

    # Evaluate, and save the student with its tokenizer and a model card; push them when asked.
    metrics = trainer.evaluate()
    trainer.log_metrics("eval", metrics)
    trainer.save_metrics("eval", metrics)
    trainer.save_model()
    trainer.create_model_card()
    if args.push_to_hub:
        trainer.push_to_hub()


if __name__ == "__main__":
    main()
