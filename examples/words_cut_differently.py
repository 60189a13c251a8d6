"""An experiment: have a masked-LM teacher speak about words too that it cuts otherwise than the student.

    python examples/words_cut_differently.py --corpus TEXT --student TEACHER_A --teachers TEACHER_B --span_weight 50 \
        --output_dir OUT

Two losses beside what the trainer learns. `--span_weight`: both say how likely all pieces of such a masked word are,
and the student is to find the word as likely as the teacher does (after ALM, Minixhofer et al., 2025,
arXiv:2503.20083). `--first_piece_weight`: the student's entries are counted by the piece with which the teacher's
tokenizer would begin them, and compared with the teacher at the word's first token; and the other way round (after
X-Token, arXiv:2605.21699).
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
from hf_multiteacher.tokenization import VocabularyTransfer

GOLD = "gold_of_teacher"


@dataclass
class ScriptArguments:
    """The script's own flags."""

    corpus: str = field(metadata={"help": "A text file, or a folder of them."})
    student: str = field(metadata={"help": "The model whose layers and tokenizer the student has."})
    student_layers: int = field(default=2, metadata={"help": "How many of its layers."})
    span_weight: float = field(default=0.0, metadata={"help": "Weight of the loss between how likely words are."})
    first_piece_weight: float = field(default=0.0, metadata={"help": "Weight of the loss between their first pieces."})
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


class WordsCutDifferentlyTrainer(MultiTeacherDistillationTrainer):
    """Adds the losses of the masked words that student and teacher cut differently."""

    span_weight = 0.0
    first_piece_weight = 0.0
    first_pieces: "tuple[FirstPieces, FirstPieces]"

    def compute_loss(self, model: Any, inputs: dict[str, Tensor], *args: Any, **kwargs: Any) -> Any:
        """Return the objective, and in training the losses of these words on top of it."""
        gold = inputs.pop(GOLD)
        loss = super().compute_loss(model, inputs, *args, **kwargs)
        if not model.training or not (self.span_weight or self.first_piece_weight):
            return loss

        student = Side(_logits(model, inputs), inputs["labels"], inputs["teacher_0_student_spans"])
        with torch.no_grad():
            logits = _logits(self.teachers[0].model, inputs, "teacher_0_")
        teacher = Side(logits, gold, inputs["teacher_0_spans"])
        words = _words_cut_differently(inputs, student, teacher)

        if self.span_weight:
            loss = loss + self.span_weight * span_loss(student, teacher, words)
        if self.first_piece_weight:
            loss = loss + self.first_piece_weight * first_piece_loss(student, teacher, words, self.first_pieces)
        return loss


@dataclass
class Side:
    """What one model says of a batch: `logits` [batch, length, entries], and `gold` and `spans` [batch, length]."""

    logits: Tensor
    gold: Tensor
    spans: Tensor

    def per_word(self, values: Tensor, width: int) -> Tensor:
        """Add up the tokens' values within each word; [words of all examples]."""
        words, inside = self._words(width)
        return values.new_zeros(len(self.spans) * width).index_add(0, words[inside], values[inside])

    def first_tokens(self, width: int) -> Tensor:
        """Return each word's first token, an index into all tokens of the batch; [words of all examples]."""
        words, inside = self._words(width)
        tokens = torch.arange(self.spans.numel(), device=words.device).view_as(words)
        none = tokens.new_zeros(len(self.spans) * width)
        return none.scatter_reduce(0, words[inside], tokens[inside], "amin", include_self=False)

    def _words(self, width: int) -> tuple[Tensor, Tensor]:
        rows = torch.arange(len(self.spans), device=self.spans.device)
        return rows[:, None] * width + self.spans, self.spans >= 0


@dataclass
class FirstPieces:
    """The other side's piece that begins each entry of one side, counted from 1; 0 where there is none."""

    own: Tensor
    other: Tensor

    @classmethod
    def between(cls, tokenizer: Any, other: Any, sizes: tuple[int, int], device: Any) -> "FirstPieces":
        """Cut every entry of a tokenizer with the other, for logits of these sizes."""
        own, reachable = (torch.zeros(size, dtype=torch.long) for size in sizes)
        for entry, pieces in enumerate(VocabularyTransfer.from_tokenizers(tokenizer, other).sources):
            if pieces:
                own[entry], reachable[pieces[0]] = pieces[0] + 1, pieces[0] + 1
        return cls(own.to(device), reachable.to(device))

    def begins(self, gold: Tensor, gold_of_other: Tensor) -> Tensor:
        """Tell of each word whether its first token on the other side is the piece that begins its own first token."""
        return self.own[gold.clamp(min=0)] == gold_of_other + 1


def span_loss(student: Side, teacher: Side, words: Tensor) -> Tensor:
    """Return the mean divergence between how likely both find such a word, in nats; 0 without one."""
    width = len(words) // len(student.spans)
    mine, theirs = (side.per_word(_gold_scores(side), width)[words] for side in (student, teacher))
    return binary_divergence(mine, theirs).mean() if words.any() else mine.sum()


def first_piece_loss(
    student: Side, teacher: Side, words: Tensor, first_pieces: tuple[FirstPieces, FirstPieces]
) -> Tensor:
    """Return the mean divergence between what both say of the first pieces of such words, in nats; 0 without one."""
    width = len(words) // len(student.spans)
    first = [side.first_tokens(width)[words] for side in (student, teacher)]
    rows = [side.logits.flatten(0, 1)[index] for side, index in zip((student, teacher), first, strict=True)]
    gold = [side.gold.flatten()[index] for side, index in zip((student, teacher), first, strict=True)]

    of_student, of_teacher = first_pieces
    begins = of_student.begins(gold[0], gold[1]), of_teacher.begins(gold[1], gold[0])
    losses = (
        _divergence(rows[0][begins[0]], of_student.own, rows[1][begins[0]], of_student.other),
        _divergence(rows[0][begins[1]], of_teacher.other, rows[1][begins[1]], of_teacher.own),
    )
    return torch.cat(losses).sum() / max(sum(map(len, losses)), 1)


def _divergence(student: Tensor, of_student: Tensor, teacher: Tensor, of_teacher: Tensor) -> Tensor:
    """KL of two rows of logits, [rows], each made a distribution over the outcomes of its entries; 0 is left out."""
    count = int(max(of_student.max(), of_teacher.max())) + 1
    mine, theirs = (
        _over(outcomes, logits, count) for outcomes, logits in ((of_student, student), (of_teacher, teacher))
    )
    return (theirs.exp() * (theirs - mine)).sum(dim=-1)


def _over(outcomes: Tensor, logits: Tensor, count: int) -> Tensor:
    """Add up the entries of each outcome; log-probabilities [rows, outcomes but 0]."""
    shares = logits.float().softmax(dim=-1)
    totals = shares.new_zeros(len(logits), count).index_add(1, outcomes, shares)[:, 1:]
    return totals.clamp(min=torch.finfo(totals.dtype).tiny).log().log_softmax(dim=-1)


def binary_divergence(student: Tensor, teacher: Tensor) -> Tensor:
    """KL of a word or not that word, from two log-probabilities."""
    (yes, no), (yes_of_teacher, no_of_teacher) = (
        (each, torch.log1p(-each.exp().clamp(max=1 - 1e-6))) for each in (student, teacher)
    )
    return yes_of_teacher.exp() * (yes_of_teacher - yes) + no_of_teacher.exp() * (no_of_teacher - no)


def _gold_scores(side: Side) -> Tensor:
    """The log-probability of each token that stands there without a mask; [batch, length]."""
    scores = side.logits.float().log_softmax(dim=-1)
    return scores.gather(-1, side.gold.clamp(min=0)[..., None]).squeeze(-1)


def _words_cut_differently(inputs: dict[str, Tensor], student: Side, teacher: Side) -> Tensor:
    """Tell of each word whether it is masked, and the teacher reads it but is silent; [words of all examples]."""
    width = int(max(student.spans.max(), teacher.spans.max())) + 1
    drawn = student.per_word((student.gold >= 0).long(), width)
    said = student.per_word((inputs["teacher_0_positions"] >= 0).long(), width)
    read = teacher.per_word(torch.ones_like(teacher.gold), width)
    return (drawn > 0) & (said == 0) & (read > 0)


def _logits(model: Any, inputs: dict[str, Tensor], prefix: str = "") -> Tensor:
    return model(**{name: inputs[prefix + name] for name in ("input_ids", "attention_mask")}).logits


@torch.no_grad()
def measure(trainer: WordsCutDifferentlyTrainer) -> dict[str, dict[str, float]]:
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

    trainer = WordsCutDifferentlyTrainer(
        student_from_teacher(script.student, script.student_layers),
        args,
        data_collator=KeepGold(multi_tokenizer, mlm=True, seed=args.seed),
        train_dataset=data["train"],
        eval_dataset=data["test"],
        processing_class=tokenizers[0],
    )
    trainer.span_weight, trainer.first_piece_weight = script.span_weight, script.first_piece_weight
    sizes = [model.config.vocab_size for model in (trainer.model, trainer.teachers[0].model)]
    trainer.first_pieces = (
        FirstPieces.between(tokenizers[0], tokenizers[1], (sizes[0], sizes[1]), args.device),
        FirstPieces.between(tokenizers[1], tokenizers[0], (sizes[1], sizes[0]), args.device),
    )
    trainer.train()
    trainer.save_model()

    figures = measure(trainer)
    print(figures)
    Path(args.output_dir, "figures.json").write_text(json.dumps(figures), encoding="utf-8")


if __name__ == "__main__":
    main()
