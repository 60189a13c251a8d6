"""Runs that were measured, with names and texts that would do something in a page if they were not escaped."""

import re
from html.parser import HTMLParser

from hf_multiteacher.report.card_data import DistillationCardData, Evaluation
from hf_multiteacher.report.compared_answers import BINS, ComparedAnswers, Disagreement
from hf_multiteacher.report.measured_run import MeasuredRun

HOSTILE = '<script>alert("1")</script><img src=x onerror=alert(2)>\'"&</style></title>'
VOID = {"meta", "img", "br", "link", "input", "hr"}


def measured_run(name="student", teachers=("one", "two"), label="neg", text="a text", steps=3, answers=True, **card):
    """A run of which everything is known."""
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
    said = compared_answers(models[1:], label, text) if answers else None
    return MeasuredRun(data, said, "the answers are not known: ask")


def compared_answers(others, label="neg", text="a text"):
    """Answers of a student and of others."""
    bins = [[0.0, 0.0, 0.0] for _ in range(BINS - 2)] + [[4.0, 3.4, 2.0], [16.0, 15.2, 16.0]]
    said = {"student": [label, 0.8], **{each: ["pos", 0.9] for each in others}}
    return ComparedAnswers(
        [label, "pos"],
        "words",
        dict.fromkeys(["student", *others], bins),
        {each: [[0, 0, 10], [1, 1, 7], [0, 1, 3]] for each in others},
        [Disagreement(0.7, [["before", None], [text, 0]], [{"label": label, "answers": said}])],
    )


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
