"""Runs that were measured, with names and texts that would do something in a page if they were not escaped."""

import json
import re
from html.parser import HTMLParser

from hf_multiteacher.report.card_data import DistillationCardData, Evaluation
from hf_multiteacher.report.compared_answers import BINS, ComparedAnswers, Disagreement, Numbers
from hf_multiteacher.report.measured_run import MeasuredRun

HOSTILE = '<script>alert("1")</script><img src=x onerror=alert(2)>\'"&</style></title>'
VOID = {"meta", "img", "br", "link", "input", "hr"}


def measured_run(
    name="student", teachers=("one", "two"), label="neg", text="a text", steps=3, answers="words", **card
):
    """A run of which everything is known; `answers` are those of a kind, see `compared_answers`, or None."""
    models = [name, *teachers, "ensemble"]
    history = [
        {
            "step": step,
            "loss": 1 / step,
            "soft_loss": 0.6 / step,
            "hard_loss": 0.4 / step,
            **{f"teacher_weight/{teacher}": 0.5 + 0.1 * number * step for number, teacher in enumerate(teachers)},
            **{f"soft_loss/{teacher}": 0.5 / step for teacher in teachers},
        }
        for step in range(1, steps)
    ]
    history += [
        {"step": step, "eval_loss": 0.5 / step, **{f"eval_label_loyalty/{each}": 0.9 for each in teachers}}
        for step in range(1, steps)
    ]
    facts = {
        "arguments": {"temperature": 2.0, "soft_target_weight": 0.5, "seed": 1},
        "log_history": history,
        "evaluations": [
            Evaluation("d", "t", {each: {"f1": 0.9 + 0.01 * n, "loss": 0.2} for n, each in enumerate(models)})
        ],
        "measured_on": "20 examples (test)",
        "loyalty": {each: {"label_loyalty": 0.9} for each in models[1:]},
        "sizes": {each: {"parameters": 100 * (n + 1), "latency_ms": 5.0 + n} for n, each in enumerate(models[:-1])},
    }
    manifest = [{"name": each} for each in teachers]
    data = DistillationCardData(name, "sequence-classification", manifest, name, **facts | card)
    said = compared_answers(models[1:], label, text, answers) if answers else None
    return MeasuredRun(data, said, "the answers are not known: ask")


def compared_answers(others, label="neg", text="a text", about="words"):
    """Answers of a student and of others, to `words`, `labels of examples`, `masked words` or `numbers`."""
    bins = [[0.0, 0.0, 0.0] for _ in range(BINS - 2)] + [[4.0, 3.4, 2.0], [16.0, 15.2, 16.0]]
    said = {"student": [label, 0.8, True], **{each: ["pos", 0.9, False] for each in others}}
    parts, row = [["before", None], [text, 0]], {"about": "", "label": label, "answers": said}
    confidence = dict.fromkeys(["student", *others], bins)

    if about == "words":
        confusion = {each: [[0, 0, 10], [1, 1, 7], [0, 1, 3]] for each in others}
        return ComparedAnswers([label, "pos"], about, confidence, confusion, [Disagreement(0.7, parts, [row])])
    if about == "masked words":
        return ComparedAnswers([], about, confidence, disagreements=[Disagreement(0.7, parts, [row])])

    pair = [["first of two", None], [text, None]]
    if about == "labels of examples":
        differing = Disagreement(0.7, pair, [row | {"about": label}])
        by_label = {each: [[8, 0, 0, 12], [5, 3, 2, 10]] for each in others}
        return ComparedAnswers([label, "pos"], about, confidence, disagreements=[differing], by_label=by_label)

    numbers = Numbers(9, [0.5, 2.0, None], {name: [1.0, 2.5, 3.0] for name in ("student", *others)})
    said = {name: [f"{place}.5", None, None] for place, name in enumerate(("student", *others))}
    differing = Disagreement(1.5, pair, [{"about": "", "label": "0.25", "answers": said}])
    return ComparedAnswers([label], "examples", disagreements=[differing], numbers=numbers)


def write_run(folder, kind="words"):
    """What `distill` leaves for a report, without the models, with answers of a kind."""
    run = measured_run(answers=kind)
    figures = {"quality": {"f1": 0.8, "accuracy": 0.9}, "parameters": 200, "megabytes": 0.1, "latency_ms": 3.0}
    loyalty = {"loyalty": {"label_loyalty": 0.9}}
    metrics = {
        "task": "text-classification",
        "measured_on": "20 examples (test)",
        "metric": "f1",
        "student": {**figures, "losses": {"loss": 0.5, "soft_loss": 0.2}},
        "teachers": {name: {**figures, **loyalty} for name in run.teachers},
        "ensemble": {"quality": {"f1": 0.85}, **loyalty},
    }
    written = {
        "metrics.json": metrics,
        "trainer_state.json": {"log_history": run.card.log_history},
        "teacher_manifest.json": {"teachers": run.card.teachers, "arguments": run.card.arguments},
        "config.json": {"architectures": ["BertForSequenceClassification"]},
    }

    folder.mkdir()
    for name, content in written.items():
        (folder / name).write_text(json.dumps(content))
    (folder / "config.yaml").write_text("seed: 7\nteachers: [a]\nstudent_layers: 2\n")
    run.answers.write(folder)


class Seen(HTMLParser):
    """What a browser would make of a page.

    Attributes:
        tags: The elements, each with its attributes.
        words: The text between them.
        unclosed: Elements that have no end, or ends without a start.
    """

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""
        self.open: list[str] = []
        self.unclosed: list[str] = []
        self.feed(page)
        self.close()
        self.unclosed += self.open

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        self.words += " "
        if self.open and self.open[-1] == tag:
            self.open.pop()
        else:
            self.unclosed.append(f"/{tag}")

    def handle_data(self, data):
        if self.open[-1:] != ["style"]:
            self.words += data

    def all(self, tag):
        """The attributes of all elements of a kind."""
        return [attributes for name, attributes in self.tags if name == tag]


def colours_of_marks(page: str) -> dict[str, set[str]]:
    """Name in the key -> the classes of colour that its marks have."""
    found: dict[str, set[str]] = {}
    for colour, name in re.findall(r'class="mark (c-\w+)(?: ring)?"></\w+></svg> ([^<]+?) ?<', page):
        found.setdefault(name.strip(), set()).add(colour)
    return found
