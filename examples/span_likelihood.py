"""An experiment: have a masked-LM teacher speak about words too that it cuts otherwise than the student.

    python examples/span_likelihood.py --corpus TEXT --student TEACHER_A --teachers TEACHER_B --output_dir OUT

Both say how likely all pieces of such a masked word are. Beside what the trainer learns, the student is to find the
word as likely as the teacher does (after ALM, Minixhofer et al., 2025, arXiv:2503.20083).
"""

import copy
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import AutoTokenizer, HfArgumentParser

from hf_multiteacher import (
    DataCollatorForDistillation,
    DistillationTrainingArguments,
    MultiTeacherDistillationTrainer,
    MultiTokenizer,
    student_from_teacher,
)
from hf_multiteacher.recipes import load_corpus

GOLD = "gold_of_teacher"


@dataclass
class ScriptArguments:
    """The script's own flags."""

    corpus: str = field(metadata={"help": "A text file, or a folder of them."})
    student: str = field(metadata={"help": "The model whose layers and tokenizer the student has."})
    student_layers: int = field(default=2, metadata={"help": "How many of its layers."})
    span_weight: float = field(default=1.0, metadata={"help": "Weight of the loss of words that are cut differently."})
    megabytes: float | None = field(default=None, metadata={"help": "Read so much of the corpus at most."})
    max_length: int = field(default=64, metadata={"help": "Tokens of an example at most."})
    held_out: int = field(default=500, metadata={"help": "Texts to evaluate on."})


class KeepGold(DataCollatorForDistillation):
    """Leaves what the teacher would have read without masks in the batch, beside what it does read."""

    def __call__(self, features: list[Any]) -> dict[str, Tensor]:
        """Make a batch."""
        whole = copy.copy(self)
        whole.mlm = False
        gold = DataCollatorForDistillation.__call__(whole, features)["teacher_0_input_ids"]
        return super().__call__(features) | {GOLD: gold}


class SpanLikelihoodTrainer(MultiTeacherDistillationTrainer):
    """Adds the loss of the masked words that student and teacher cut differently."""

    span_weight = 1.0

    def compute_loss(self, model: Any, inputs: dict[str, Tensor], *args: Any, **kwargs: Any) -> Any:
        """Return the objective, and in training the loss of these words on top of it."""
        gold = inputs.pop(GOLD)
        loss = super().compute_loss(model, inputs, *args, **kwargs)
        return loss + self.span_weight * self.span_loss(model, inputs, gold) if model.training else loss

    def span_loss(self, model: Any, inputs: dict[str, Tensor], gold: Tensor) -> Tensor:
        """Return the mean divergence between how likely both find such a word, in nats; 0 without one."""
        labels, spans, theirs = (inputs[name] for name in ("labels", "teacher_0_student_spans", "teacher_0_spans"))
        width = int(max(spans.max(), theirs.max())) + 1
        drawn = _of_words((labels >= 0).long(), spans, width)
        said = _of_words((inputs["teacher_0_positions"] >= 0).long(), spans, width)

        student = _of_words(_gold_scores(model, inputs, "", labels), spans, width)
        with torch.no_grad():
            teacher = _of_words(_gold_scores(self.teachers[0].model, inputs, "teacher_0_", gold), theirs, width)
        chosen = (drawn > 0) & (said == 0) & (teacher < 0)  # 0: the teacher has none of it
        return binary_divergence(student[chosen], teacher[chosen]).mean() if chosen.any() else student.sum() * 0


def binary_divergence(student: Tensor, teacher: Tensor) -> Tensor:
    """KL of a word or not that word, from two log-probabilities."""
    (yes, no), (yes_of_teacher, no_of_teacher) = (
        (each, torch.log1p(-each.exp().clamp(max=1 - 1e-6))) for each in (student, teacher)
    )
    return yes_of_teacher.exp() * (yes_of_teacher - yes) + no_of_teacher.exp() * (no_of_teacher - no)


def _gold_scores(model: Any, inputs: dict[str, Tensor], prefix: str, gold: Tensor) -> Tensor:
    """The log-probability of each token that stands there without a mask; [batch, length]."""
    scores = _logits(model, inputs, prefix).float().log_softmax(dim=-1)
    return scores.gather(-1, gold.clamp(min=0)[..., None]).squeeze(-1)


def _logits(model: Any, inputs: dict[str, Tensor], prefix: str = "") -> Tensor:
    return model(**{name: inputs[prefix + name] for name in ("input_ids", "attention_mask")}).logits


def _of_words(values: Tensor, spans: Tensor, width: int) -> Tensor:
    """Add up the tokens' values within each word; [words of all examples]."""
    words = torch.arange(len(spans), device=spans.device)[:, None] * width + spans
    return values.new_zeros(len(spans) * width).index_add(0, words[spans >= 0], values[spans >= 0])


@torch.no_grad()
def measure(trainer: SpanLikelihoodTrainer) -> dict[str, dict[str, float]]:
    """Accuracy and loss on the masked tokens of held-out texts: those of which the teacher speaks, and the others."""
    found = []
    for inputs in trainer.get_eval_dataloader():
        masked = inputs["labels"] >= 0
        logits = _logits(trainer.model.eval(), inputs)[masked]
        labels, said = inputs["labels"][masked], inputs["teacher_0_positions"][masked] >= 0
        losses = torch.nn.functional.cross_entropy(logits, labels, reduction="none")
        found.append((said, (logits.argmax(dim=-1) == labels).float(), losses))

    said, right, losses = (torch.cat(each) for each in zip(*found, strict=True))
    return {
        name: {"tokens": len(right[part]), "accuracy": right[part].mean().item(), "loss": losses[part].mean().item()}
        for name, part in (("said", said), ("not said", ~said))
    }


def main() -> None:
    """Read, encode, distil, measure, save."""
    parser = HfArgumentParser((ScriptArguments, DistillationTrainingArguments))
    script, args = parser.parse_args_into_dataclasses()

    # Read the text, in pieces that the models can read: a word of Romanian takes some 1.5 tokens.
    tokenizers = [AutoTokenizer.from_pretrained(model) for model in (script.student, *args.teachers)]
    data = load_corpus(script.corpus, words=script.max_length * 5 // 8, megabytes=script.megabytes)
    data = data.train_test_split(script.held_out, seed=args.seed)
    multi_tokenizer = MultiTokenizer(tokenizers[0], tokenizers[1:])
    columns = {"text": "text", "max_length": script.max_length}
    data = data.map(multi_tokenizer.encode, batched=True, fn_kwargs=columns, remove_columns=["text"])

    trainer = SpanLikelihoodTrainer(
        student_from_teacher(script.student, script.student_layers),
        args,
        data_collator=KeepGold(multi_tokenizer, mlm=True, seed=args.seed),
        train_dataset=data["train"],
        eval_dataset=data["test"],
        processing_class=tokenizers[0],
    )
    trainer.span_weight = script.span_weight
    trainer.train()
    trainer.save_model()

    figures = measure(trainer)
    print(figures)
    Path(args.output_dir, "figures.json").write_text(json.dumps(figures), encoding="utf-8")


if __name__ == "__main__":
    main()
