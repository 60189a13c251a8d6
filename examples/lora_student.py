"""Pairs of texts with a score: a student that is a pretrained model and a LoRA adapter learns from two teachers.

    python examples/lora_student.py --data pairs.csv --teachers A B --student C        # ids or folders
    python examples/lora_student.py --data pairs.csv --teachers A B --student C --rank 32 --learning_rate 1e-4
    python examples/lora_student.py --data synthetic --student C --max_steps 10 --use_cpu true \
        --teachers romanian-sts/teacher-1 romanian-sts/teacher-2          # a trial, after that of examples/sts.py

The CSV has columns `text`, `text_pair` and `score`; A and B were fine-tuned for such scores, C was not.
"""

from dataclasses import dataclass, field

import numpy as np
from datasets import Dataset, load_dataset
from peft import AutoPeftModelForSequenceClassification, LoraConfig, TaskType, get_peft_model
from scipy.stats import pearsonr, spearmanr
from transformers import AutoModelForSequenceClassification, AutoTokenizer, EvalPrediction, HfArgumentParser, set_seed

from hf_multiteacher import DistillationTrainingArguments, MultiTeacherDistillationTrainer, MultiTokenizer
from hf_multiteacher.romanian import load_task

HEAD = {"num_labels": 1, "problem_type": "regression", "dtype": "float32"}
DEFAULTS = {
    "output_dir": "lora-student",
    "learning_rate": 5e-4,
    "per_device_train_batch_size": 16,
    "save_strategy": "no",
    "logging_steps": 50,
}


@dataclass
class ScriptArguments:
    """The script's own flags; the teachers are among the training arguments."""

    data: str = field(metadata={"help": "A CSV file, or `synthetic` for pairs as in examples/sts.py."})
    student: str = field(metadata={"help": "The pretrained model that gets the adapter."})
    rank: int = field(default=8, metadata={"help": "Rank of the adapter's matrices."})
    max_length: int = field(default=128, metadata={"help": "Tokens at most; longer pairs are cut."})


def read(source: str) -> Dataset:
    """Read pairs of texts with a score each."""
    if source == "synthetic":
        return load_task("sts", "synthetic").data["train"].rename_column("labels", "score")

    data = load_dataset("csv", data_files=source, split="train")
    if not {"text", "text_pair", "score"} <= {*data.column_names}:
        raise SystemExit(f"{source} must have the columns text, text_pair and score, but has {data.column_names}.")
    return data


def compute_metrics(evaluation: EvalPrediction) -> dict[str, float]:
    """Score predictions: the student's and, by the same measures, each teacher's and the ensemble's."""
    predicted, gold = np.ravel(evaluation.predictions), np.ravel(evaluation.label_ids)
    return {"pearson": pearsonr(predicted, gold).statistic, "spearman": spearmanr(predicted, gold).statistic}


def main() -> None:
    """Read, encode, distil, evaluate, save, load."""
    parser = HfArgumentParser((ScriptArguments, DistillationTrainingArguments))
    parser.set_defaults(**DEFAULTS)
    script, args = parser.parse_args_into_dataclasses()

    # Read the data, and encode every pair for the student and for each teacher.
    data = read(script.data).train_test_split(0.2, seed=args.seed)
    tokenizer, *teacher_tokenizers = map(AutoTokenizer.from_pretrained, (script.student, *args.teachers))
    columns = {"text": "text", "text_pair": "text_pair", "labels": "score", "max_length": script.max_length}
    encode = {"batched": True, "fn_kwargs": columns, "remove_columns": data["train"].column_names}
    data = data.map(MultiTokenizer(tokenizer, teacher_tokenizers).encode, **encode)

    # Freeze the student and add the adapter. What the student's checkpoint lacks (a head, often a pooler) learns as a
    # whole and is saved with the adapter: else loading would draw it anew. PEFT thinks of `classifier` by itself.
    set_seed(args.seed)
    model, found = AutoModelForSequenceClassification.from_pretrained(script.student, output_loading_info=True, **HEAD)
    new = sorted({name.rpartition(".")[0] for name in found["missing_keys"]})
    adapter = LoraConfig(
        task_type=TaskType.SEQ_CLS,
        r=script.rank,
        lora_alpha=2 * script.rank,
        target_modules="all-linear",
        exclude_modules=new,
        modules_to_save=[name for name in new if not name.startswith("classifier")],
    )

    # Distil.
    trainer = MultiTeacherDistillationTrainer(
        get_peft_model(model, adapter),
        args,
        train_dataset=data["train"],
        eval_dataset=data["test"],
        processing_class=tokenizer,
        compute_metrics=compute_metrics,
    )
    trainer.train()

    # Evaluate student, teachers and ensemble; save the adapter with the tokenizer and a model card.
    metrics = trainer.evaluate()
    trainer.log_metrics("eval", metrics)
    trainer.save_metrics("eval", metrics)
    trainer.save_model()
    trainer.create_model_card(finetuned_from=script.student)

    # Load it as others will: the pretrained model, with the adapter on it.
    loaded = AutoPeftModelForSequenceClassification.from_pretrained(args.output_dir, **HEAD)
    pair = tokenizer("Plouă la munte.", "La munte plouă.", return_tensors="pt")
    print(f"Similarity: {loaded.eval()(**pair).logits.item():.3f}")


if __name__ == "__main__":
    main()
