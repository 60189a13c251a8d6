"""Distil a masked language model from several pretrained teachers, each with its own tokenizer.

    python examples/masked_lm.py examples/masked_lm.yaml               # the paper's teachers, Wikipedia
    python examples/masked_lm.py examples/masked_lm.yaml --corpus DIR  # your own text; every key is a flag too
    python examples/masked_lm.py --corpus synthetic --teachers A B --student_layers 0 1 --max_steps 10

`hf-multiteacher distill` does the same from a file, with a model card; this script shows the steps to change.
"""

import sys
from dataclasses import dataclass, field

from hf_multiteacher import (
    DistillationTrainingArguments,
    MultiTeacherDistillationTrainer,
    MultiTokenizer,
    student_from_teacher,
)
from hf_multiteacher.commands.exit import user_errors
from hf_multiteacher.models.task import MASKED_LM
from hf_multiteacher.recipes.arguments import read_arguments
from hf_multiteacher.recipes.checks import check_output_folder
from hf_multiteacher.recipes.corpus import load_corpus, words_that_fit
from hf_multiteacher.recipes.pretrained import expect_room_for_text, expect_teachers, load_tokenizer
from hf_multiteacher.training.finite_steps import NotFiniteError
from hf_multiteacher.training.saving import CheckpointNotWrittenError


@dataclass
class MaskedLMArguments:
    """What is distilled; teachers and objective stand among the arguments of the training."""

    corpus: list[str] = field(metadata={"help": "Text files, folders, ids of data sets on the Hub, or `synthetic`."})
    student_layers: list[int] = field(
        default_factory=lambda: [6],
        metadata={"help": "Layers of the first teacher to start from, such as `0 1 10 11`; one number is how many."},
    )
    megabytes: float | None = field(default=None, metadata={"help": "Use only so many million characters."})
    max_length: int = field(default=128, metadata={"help": "Tokens of an example at most."})
    held_out: int = field(default=500, metadata={"help": "Examples kept for the evaluation."})


def make_trainer() -> MultiTeacherDistillationTrainer:
    """Read the arguments and load what they name."""
    masked_lm, args = read_arguments([MaskedLMArguments, DistillationTrainingArguments], sys.argv[1:])
    if not args.teachers:
        raise ValueError("--teachers are missing. Give ids or folders of masked language models.")
    check_output_folder(args.output_dir, args.resume_from_checkpoint)

    # One text, an encoding for every tokenizer; the student reads as the first teacher does.
    tokenizers = [load_tokenizer(teacher) for teacher in args.teachers]
    multi_tokenizer = MultiTokenizer(tokenizers[0], tokenizers)
    expect_room_for_text(masked_lm.max_length, tokenizers, pair=False)
    expect_teachers(args.teachers, MASKED_LM)

    words = words_that_fit(masked_lm.max_length)
    corpus = load_corpus(masked_lm.corpus, words=words, megabytes=masked_lm.megabytes)
    if not 0 < masked_lm.held_out < len(corpus):
        raise ValueError(
            f"--held_out must be from 1 to {len(corpus) - 1}, as the corpus has {len(corpus)} examples and some must "
            f"be left to train on, but it is {masked_lm.held_out}. Use more text, or another number."
        )
    dataset = corpus.map(
        multi_tokenizer.encode,
        batched=True,
        fn_kwargs={"text": "text", "max_length": masked_lm.max_length},
        remove_columns=["text"],
    ).train_test_split(test_size=masked_lm.held_out, seed=args.seed)

    layers = masked_lm.student_layers
    return MultiTeacherDistillationTrainer(
        model=student_from_teacher(args.teachers[0], layers[0] if len(layers) == 1 else layers),
        args=args,
        train_dataset=dataset["train"],
        eval_dataset=dataset["test"],
        processing_class=tokenizers[0],
    )


def main() -> None:
    """Distil, print losses and loyalty to each teacher, save, and push when asked."""
    with user_errors("masked_lm.py"):
        trainer = make_trainer()

    with user_errors("masked_lm.py", kinds=(NotFiniteError, CheckpointNotWrittenError)):
        trainer.train(resume_from_checkpoint=trainer.args.resume_from_checkpoint)

    metrics = trainer.evaluate()
    trainer.log_metrics("eval", metrics)
    trainer.save_metrics("eval", metrics)

    if trainer.args.push_to_hub:
        trainer.push_to_hub()  # saves it too
    else:
        trainer.save_model()


if __name__ == "__main__":
    main()
