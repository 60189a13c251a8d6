"""The objective against a reference that goes through rows and teachers one by one, in float64."""

import math
from dataclasses import replace

import pytest
import torch

from helpers.models import tiny_bert
from helpers.toys import TASKS, make_toy, make_trainer, sharpen
from hf_multiteacher import Teacher

TEMPERATURE = 3.0
WEIGHTS = {"soft_target_weight": 0.7, "hard_label_weight": 0.4, "hidden_state_weight": 0.3}
LAYERS = {0: 1, -1: -1}
ENSEMBLES = ("probabilities", "logits", "per_teacher")
WEIGHTINGS = ("fixed", "confidence", "entropy")


def questions(task, row):
    """A row's logits as one or several questions with one answer each."""
    return [torch.stack([logit, logit * 0]) for logit in row] if task == "multi-label" else [row]


def missing(task, label):
    """Whether an example of a sequence task has no label."""
    return bool(label.isnan().all() if task == "regression" else (label == -100).all())


def hard(task, row, label, smoothing=0.0):
    """Loss with the gold label, and its sum over a multi-label row."""
    if task == "regression":
        return ((row - label) ** 2).mean()
    if task == "multi-label":
        return -sum(y * p.sigmoid().log() + (1 - y) * (-p).sigmoid().log() for p, y in zip(row, label, strict=True))
    logs = row.log_softmax(0)
    return -(1 - smoothing) * logs[label] - smoothing * logs.mean()


def weigh(task, weighting, fixed, said, label):
    """Weights of the teachers that said something on a row."""
    rows = {teacher: row for teacher, row in enumerate(said) if row is not None}
    if len(rows) == 1:
        return {teacher: 1.0 for teacher in rows}
    if weighting == "confidence" and label is not None:
        doubt = {teacher: math.exp(hard(task, *rows[teacher])) for teacher in rows}
    elif weighting == "entropy":
        doubt = {}
        for teacher, (row, _) in rows.items():
            asked = [question.softmax(0) for question in questions(task, row)]
            doubt[teacher] = sum(-(p * p.log()).sum() / math.log(len(p)) for p in asked) / len(asked)
    else:
        return {teacher: fixed[teacher] / sum(fixed[each] for each in rows) for teacher in rows}
    return {teacher: (1 - doubt[teacher] / sum(doubt.values())) / (len(rows) - 1) for teacher in rows}


def divergence(task, student, target_rows):
    """T² KL from weighted rows [(weight, logits)]; the answers of each question are averaged as probabilities."""
    if task == "regression":
        return ((student - sum(weight * row for weight, row in target_rows)) ** 2).mean()
    total = 0
    for index, question in enumerate(questions(task, student)):
        p = sum(weight * (questions(task, row)[index] / TEMPERATURE).softmax(0) for weight, row in target_rows)
        total = total + TEMPERATURE**2 * (p * (p.log() - (question / TEMPERATURE).log_softmax(0))).sum()
    return total


def coarse(row, outcomes, count):
    """Log-probabilities of outcomes: the probabilities of their entries added up, one by one."""
    sums = [row.new_zeros(()) for _ in range(count)]
    for probability, outcome in zip(row.softmax(0), outcomes, strict=False):
        sums[outcome] = sums[outcome] + probability
    return torch.stack(sums).log()


class Reference:
    """What a batch should give: each component the mean over its rows."""

    def __init__(self, trainer, toy, inputs):
        self.trainer, self.toy, self.inputs = trainer, toy, inputs
        self.args, self.aligned = trainer.args, trainer.distillation_objective.teachers
        self.student = trainer.model(**self.read(None), output_hidden_states=True)
        self.teachers = []
        for teacher, source in zip(trainer.teachers, self.aligned.sources, strict=True):
            with torch.no_grad():
                self.teachers.append(teacher.model(**self.read(source), output_hidden_states=True))

    def read(self, source):
        prefix = "" if source is None else f"teacher_{source}_"
        return {name: self.inputs[prefix + name] for name in ("input_ids", "attention_mask", "token_type_ids")}

    def rows(self):
        """Yield each row: the student's logits, its label, and what each teacher says of it in shared outcomes."""
        labels = self.inputs.get("labels")
        for example, mask in enumerate(self.inputs["attention_mask"]):
            if self.toy.task not in ("masked-lm", "tagging"):
                label = None if missing(self.toy.task, labels[example]) else labels[example]
                row = self.student.logits[example]
                said = [(row, output.logits[example], label) for output in self.teachers]
                yield row, label, [each if self.speaks(k, example) else None for k, each in enumerate(said)]
                continue
            alone = self.toy.task == "tagging" and bool((labels[example] == -100).all())
            for position in range(int(mask.sum())):
                label = None if labels is None or labels[example, position] == -100 else int(labels[example, position])
                row_alone = alone and self.begins_a_word(int(self.inputs["input_ids"][example, position]))
                if label is None and self.args.distill_positions == "labelled" and not row_alone:
                    continue
                row = self.student.logits[example, position]
                yield row, label, [self.said(teacher, example, position, row, label) for teacher in range(2)]

    def speaks(self, teacher, example):
        """Whether the data let a teacher speak about an example."""
        return "teacher_mask" not in self.inputs or bool(self.inputs["teacher_mask"][example, teacher])

    def begins_a_word(self, entry):
        """Whether a WordPiece entry is where a label would be."""
        tokenizer = self.toy.tokenizer
        special = {*tokenizer.all_special_ids} - {tokenizer.unk_token_id}
        return entry not in special and not tokenizer.convert_ids_to_tokens(entry).startswith("##")

    def said(self, teacher, example, position, row, label):
        """(student, teacher, label) in shared outcomes; None where the teacher does not have the token."""
        if not self.speaks(teacher, example):
            return None
        source = self.aligned.sources[teacher]
        if source is None:
            return row, self.teachers[teacher].logits[example, position], label
        position = int(self.inputs[f"teacher_{source}_positions"][example, position])
        if position < 0:
            return None
        other = self.teachers[teacher].logits[example, position]
        if self.toy.task == "tagging":
            return self.over_labels(self.trainer.teachers[teacher].shared_labels, row, other, label)
        shared = self.trainer.multi_tokenizer.shared_vocabulary(source)
        ours, theirs = (
            coarse(logits, outcomes, shared.num_outcomes)
            for logits, outcomes in ((row, shared.student_outcomes), (other, shared.teacher_outcomes))
        )
        return ours, theirs, None if label is None else int(shared.student_outcomes[label])

    def over_labels(self, shared, row, other, label):
        """The same over labels that only overlap; "other" is left out where only one side has it."""
        if shared is None:
            return row, other, label
        ours, theirs = coarse(row, shared.student, shared.count), coarse(other, shared.teacher, shared.count)
        if 0 in shared.student and 0 in shared.teacher:
            return ours, theirs, None if label is None else int(shared.student[label])
        return ours[1:], theirs[1:], None

    def soft(self, said, label):
        """Soft loss of a row from its teachers, weighted."""
        task, fixed = self.toy.task, self.aligned.weights
        gold = [None if each is None else each[1:] for each in said]
        weights = weigh(task, self.args.teacher_weighting, fixed, gold, label)
        if self.args.ensemble == "per_teacher" or len(weights) == 1:
            return sum(weight * divergence(task, said[k][0], [(1, said[k][1])]) for k, weight in weights.items())
        rows = [(weight, said[k][1]) for k, weight in weights.items()]
        if self.args.ensemble == "logits":
            rows = [(1, sum(weight * row for weight, row in rows))]
        return divergence(task, next(each[0] for each in said if each), rows)

    def hidden(self, teacher):
        """1 - cos between averages over spans, for every pair of layers; a token is a span in one's own encoding."""
        source, distances = self.aligned.sources[teacher], []
        for example, mask in enumerate(self.inputs["attention_mask"]):
            if not self.speaks(teacher, example):
                continue
            spans = torch.arange(len(mask)).where(mask > 0, -1)
            both = (spans, spans)
            if source is not None:
                both = [self.inputs[f"teacher_{source}_{name}"][example] for name in ("student_spans", "spans")]
            for span in sorted(set(both[0].tolist()) & set(both[1].tolist()) - {-1}):
                for pair, (ours, theirs) in enumerate(LAYERS.items()):
                    projection = self.trainer.distillation_objective.hidden_loss.projections[teacher][pair]
                    a = projection(self.student.hidden_states[ours][example][both[0] == span].mean(0))
                    b = self.teachers[teacher].hidden_states[theirs][example][both[1] == span].mean(0)
                    distances.append(1 - (a * b).sum() / (a.norm() * b.norm()))
        return torch.stack(distances).mean()

    def components(self):
        rows = list(self.rows())
        smoothing, scale = self.args.label_smoothing_factor, len(rows[0][0]) if self.toy.task == "multi-label" else 1
        softs = [self.soft(said, label) for _, label, said in rows if any(each is not None for each in said)]
        hards = [hard(self.toy.task, row, label, *([smoothing] if smoothing else [])) / scale
                 for row, label, _ in rows if label is not None]  # fmt: skip
        hidden = sum(weight * self.hidden(teacher) for teacher, weight in enumerate(self.aligned.weights))
        return {"soft_loss": torch.stack(softs).mean(), "hard_loss": torch.stack(hards).mean(), "hidden_loss": hidden}


def compare(toy, folder, **arguments):
    """Compare components, loss and gradients of a batch with the reference's."""
    weights = [3.0, 1.0] if arguments.get("teacher_weighting", "fixed") == "fixed" else None
    trainer = make_trainer(
        toy, folder, temperature=TEMPERATURE if toy.task != "regression" else 2.0, teacher_weights=weights,
        layer_map=LAYERS, **WEIGHTS, **arguments,
    )  # fmt: skip
    trainer.model.eval()
    inputs = next(iter(trainer.get_train_dataloader()))
    inputs = {name: values[:5] for name, values in inputs.items()}
    parameters = [*trainer.model.parameters(), *trainer.projections]
    loss = trainer.compute_loss(trainer.model, dict(inputs))
    gradients = torch.autograd.grad(loss, parameters, allow_unused=True)
    expected = Reference(trainer, toy, inputs).components()
    total = sum(weight * expected[f"{name.split('_')[0]}_loss"] for name, weight in WEIGHTS.items())
    for name, value in expected.items():
        assert trainer._callback.latest[name].item() == pytest.approx(value.item(), rel=1e-5), name
    assert loss.item() == pytest.approx(total.item(), rel=1e-5)
    for ours, theirs in zip(gradients, torch.autograd.grad(total, parameters, allow_unused=True), strict=True):
        assert (ours is None) == (theirs is None)
        if ours is not None:
            torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-7)
    return expected


@pytest.mark.parametrize("ensemble", ENSEMBLES)
@pytest.mark.parametrize(
    ("task", "weighting"),
    [
        (task, weighting)
        for task in TASKS
        for weighting in WEIGHTINGS
        if (task, weighting) != ("regression", "entropy")
    ],
)
def test_every_combination_equals_the_reference(task, ensemble, weighting, pair, tmp_path):
    toy = make_toy(task, pair, torch.float64, same_tokenizer=task == "masked-lm")
    assert compare(toy, tmp_path, ensemble=ensemble, teacher_weighting=weighting)["soft_loss"] > 1e-3


@pytest.mark.parametrize("weighting", WEIGHTINGS)
@pytest.mark.parametrize("positions", ["labelled", "all"])
def test_teachers_with_vocabularies_of_their_own_equal_the_reference(weighting, positions, pair, tmp_path):
    toy = make_toy("masked-lm", pair, torch.float64)
    compare(toy, tmp_path, ensemble="per_teacher", teacher_weighting=weighting, distill_positions=positions)


@pytest.mark.parametrize("weighting", WEIGHTINGS)
def test_soft_targets_on_all_tokens_equal_the_reference(weighting, pair, tmp_path):
    toy = make_toy("tagging", pair, torch.float64)
    compare(toy, tmp_path, teacher_weighting=weighting, distill_positions="all", ensemble="probabilities")


@pytest.mark.parametrize(
    ("names", "weighting"),
    [("cax", "fixed"), ("cax", "confidence"), ("cax", "entropy"), ("ca", "fixed"), ("xdabc", "fixed")],
)
def test_a_teacher_of_labels_that_only_overlap_equals_the_reference(names, weighting, pair, tmp_path):
    toy = make_toy("tagging", pair, torch.float64)
    labels = {"id2label": dict(enumerate(names)), "label2id": {name: place for place, name in enumerate(names)}}
    other = tiny_bert("TokenClassification", len(pair[1]), seed=4, hidden_size=24, **labels).double()
    sharpen(other)
    toy.teachers[1] = Teacher(other, tokenizer=pair[1], name="second")
    compare(toy, tmp_path, ensemble="per_teacher", teacher_weighting=weighting, partial_labels=True)


def without_labels(toy):
    """The toy with no label in every second example."""
    column = "label" if toy.task == "single-label" else "labels"

    def drop(example, row):
        labels = example[column]
        none = {"regression": math.nan, "single-label": -100}
        return {column: labels if row % 2 else none[toy.task] if toy.task in none else [-100] * len(labels)}

    return replace(toy, train=toy.train.map(drop, with_indices=True))


@pytest.mark.parametrize("weighting", WEIGHTINGS)
@pytest.mark.parametrize("task", ["tagging", "single-label", "multi-label", "regression"])
def test_examples_without_labels_learn_from_the_teachers_alone_as_in_the_reference(task, weighting, pair, tmp_path):
    if (task, weighting) == ("regression", "entropy"):
        pytest.skip("one number has no entropy")
    toy = without_labels(make_toy(task, pair, torch.float64))
    compare(toy, tmp_path, ensemble="probabilities", teacher_weighting=weighting)


@pytest.mark.parametrize(
    ("task", "arguments"),
    [
        ("masked-lm", {}),
        ("tagging", {"teacher_weighting": "entropy", "distill_positions": "all"}),
        ("single-label", {"ensemble": "logits"}),
        ("multi-label", {"teacher_weighting": "confidence"}),
        ("regression", {"teacher_weighting": "confidence"}),
    ],
)
def test_teachers_that_may_not_speak_about_every_example_equal_the_reference(task, arguments, pair, tmp_path):
    toy = make_toy(task, pair, torch.float64)
    routes = [[["first"], ["second"], [], ["second", "first"], None][row % 5] for row in range(len(toy.train))]
    toy = replace(toy, train=toy.train.add_column("taught_by", routes))
    compare(toy, tmp_path, **{"ensemble": "probabilities" if task != "masked-lm" else "per_teacher", **arguments})


@pytest.mark.parametrize("task", ["masked-lm", "tagging", "single-label"])
def test_label_smoothing_equals_the_reference(task, pair, tmp_path):
    toy = make_toy(task, pair, torch.float64)
    compare(toy, tmp_path, label_smoothing_factor=0.1, ensemble="per_teacher")
