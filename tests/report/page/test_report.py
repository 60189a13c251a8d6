"""The page: what it says, that it is sound, and that nothing in it does anything."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from helpers.reports import HOSTILE, Seen, colours_of_marks, compared_answers, measured_run
from hf_multiteacher.report.colours import COLOURS
from hf_multiteacher.report.compared_answers import ComparedAnswers
from hf_multiteacher.report.page.report import Report, is_report

KINDS = ("words", "labels of examples", "masked words", "numbers")
OTHERS = [[measured_run(answers=kind)] for kind in KINDS[1:]]
TWO = [measured_run("first"), measured_run("second", arguments={"temperature": 4.0})]


def contrast(one, other):
    """The contrast of two colours, as WCAG 2 defines it."""
    light, dark = sorted(map(luminance, (one, other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(colour):
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_the_first_thing_that_a_page_says_is_quality_size_and_speed():
    words = " ".join(Seen(Report([measured_run()]).html()).words.split())
    first = words.partition("How good is it?")[0]
    assert "Quality kept 97.8 % of the f1 of two" in first and "Size 67 % smaller than two" in first
    assert re.search(r"Speed 1.2 (to 1.4 )?times as fast as", first)


@pytest.mark.parametrize(
    "runs", [[measured_run()], *OTHERS, TWO, [measured_run(answers=None, log_history=[], sizes={})]]
)
def test_every_element_is_closed_every_id_is_there_once_and_every_picture_has_words(runs):
    page = Seen(Report(runs).html())
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert page.unclosed == [] and len(ids) == len({*ids})
    pictures = [each for each in page.all("svg") if each.get("aria-hidden") != "true"]
    assert pictures and all(each["role"] == "img" and len(each["aria-label"]) > 10 for each in pictures)
    assert all(each.get("scope") in ("row", "col") for each in page.all("th"))
    levels = [int(tag[1]) for tag, _ in page.tags if tag in ("h1", "h2", "h3", "h4")]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after <= before + 1 for before, after in zip(levels, levels[1:], strict=False))


@pytest.mark.parametrize("kind", KINDS)
def test_names_labels_and_texts_of_others_do_nothing(kind):
    run = measured_run(HOSTILE, (f"a{HOSTILE}", "two"), label=f"b{HOSTILE}", text=f"c{HOSTILE}", answers=kind)
    run.card.arguments |= {"layer_map": f"d{HOSTILE}"}
    run.card.measured_on = f"e{HOSTILE}"
    page = Seen(Report([run]).html())
    assert {tag for tag, _ in page.tags} & {"script", "img", "iframe", "link", "object"} == set()
    assert not [name for _, attributes in page.tags for name in attributes if name.startswith("on")]
    for sign in "acde" if kind == "numbers" else "abcde":
        assert f"{sign}{HOSTILE}" in page.words, "it is shown as it is"


def test_nothing_is_loaded_from_anywhere():
    text = Report([measured_run()]).html()
    page = Seen(text)
    assert not [name for _, each in page.tags for name in each if name in ("src", "href", "action", "data")]
    assert "url(" not in text and "@import" not in text
    assert "default-src 'none'" in str(page.all("meta"))


def test_a_model_has_one_colour_on_the_whole_page_and_two_models_have_two():
    found = colours_of_marks(Report(TWO).html())
    models = {"first", "second", "one", "two", "ensemble"}
    assert {*found} == {*models, "first, evaluation", "second, evaluation"}
    assert all(len(colours) == 1 for colours in found.values())
    assert len({colour for name in models for colour in found[name]}) == 5


def test_every_colour_can_be_seen_on_both_pages():
    for colour in COLOURS.values():
        assert contrast(colour.on_light, "#FFFFFF") >= 3 and contrast(colour.on_dark, "#16181D") >= 3, colour


def test_words_that_are_disputed_are_marked_and_what_everybody_says_stands_below():
    text = Report([measured_run(text="disputed")]).html()
    assert "before <mark>disputed</mark>" in text
    below = " ".join(Seen(text).words.partition("before disputed")[2].split())
    assert below.startswith("disputed label neg student neg 80% ✓right one pos 90% ✗wrong")


def test_two_texts_of_a_pair_stand_below_each_other():
    text = Report([measured_run(text="second", answers="numbers")]).html()
    assert re.search(r'<p class="text">first of two </p>\s*<p class="text">second </p>', text)


def test_of_several_labels_the_one_that_is_disputed_is_named_and_a_table_counts_each():
    words = " ".join(Seen(Report([measured_run(answers="labels of examples", label="kind")]).html()).words.split())
    assert "Different on 5 of 40 labels of examples." in words
    assert "of the student alone of the teacher alone of both pos 3 2 5 kind 0 0 8" in words
    about_another = measured_run(answers="labels of examples", label="kind")
    about_another.answers.disagreements[0].rows[0]["label"] = "yes"
    words = " ".join(Seen(Report([about_another]).html()).words.split())
    assert "kind label yes student kind 80% ✓right" in words


def test_a_masked_word_is_marked_and_said_once_and_what_counts_of_other_vocabularies_is_told():
    text = Report([measured_run(answers="masked words", label="word", text="word")]).html()
    words = " ".join(Seen(text).words.split())
    assert "before <mark>word</mark>" in text and "before word label word student word 80% ✓right one pos 90%" in words
    assert "Of a teacher with another vocabulary the words count that both have." in words
    assert "another vocabulary" not in Seen(Report([measured_run()]).html()).words


def test_numbers_are_drawn_beside_those_of_the_data_and_of_each_teacher_and_written_without_a_probability():
    page = Seen(Report([measured_run(answers="numbers")]).html())
    said = [each["aria-label"] for each in page.all("svg") if "To the right" in each.get("aria-label", "")]
    assert [each.partition(".")[0] for each in said] == [
        "student",
        "one",
        "two",
        "ensemble",
        "student and one",
        "student and two",
    ]
    assert "up student. 2 examples; the mean difference is 0.5" in said[0] and "3 examples" in said[4]
    words = " ".join(page.words.split())
    assert "How near are its numbers?" in words and "Is it right as often" not in words
    assert "3 of 9 examples are drawn." in words and "label 0.25 student 0.5 one 1.5 two 2.5" in words


def test_where_nothing_differs_it_is_said():
    alike = measured_run(answers="masked words")
    alike.answers.disagreements.clear()
    assert "They answer alike" in Seen(Report([alike]).html()).words


def test_what_is_missing_is_told_with_the_way_to_get_it():
    bare = measured_run(answers=None, log_history=[], sizes={}, evaluations=[], loyalty={}, arguments={})
    words = Seen(Report([bare]).html()).words
    for way in (
        "report_speed: true",
        "trainer.evaluate()",
        "report_loyalty: true",
        "trainer.save_state()",
        "not known: ask",
    ):
        assert way in words, way


def test_weights_that_never_moved_are_a_sentence_and_others_a_picture():
    still = [{"step": step, "teacher_weight/one": 0.25, "teacher_weight/two": 0.75} for step in (1, 2)]
    words = Seen(Report([measured_run(log_history=still)]).html()).words
    assert "weights did not change: one 0.25, two 0.75" in words and "weight of each teacher" not in words
    assert "weight of each teacher" in Seen(Report([measured_run()]).html()).words


def test_a_teacher_with_the_same_figures_in_both_runs_is_there_once():
    rows = Seen(Report(TWO).html()).words
    assert "two (first)" not in rows
    other = measured_run("second", sizes={"two": {"parameters": 7}})
    rows = Seen(Report([TWO[0], other]).html()).words
    assert "two (first)" in rows and "two (second)" in rows


def test_latencies_of_several_runs_are_told_in_those_of_a_teacher_that_they_share():
    slow = measured_run("second", sizes={"second": {"latency_ms": 20.0}, "one": {"latency_ms": 40.0}})
    words = " ".join(Seen(Report([TWO[0], slow]).html()).words.split())
    assert "latency, one = 1" in words and "latency, ms" not in words
    assert "second 0.9 0.2 0.5" in words and "one 0.91 0.2 1" in words
    apart = measured_run("second", ("three",))
    assert "latency" not in Seen(Report([TWO[0], apart]).html()).words.partition("How good is it?")[2]


def test_of_many_labels_the_most_frequent_differences_are_listed():
    answers = compared_answers(["one"])
    answers.labels = [f"label {number}" for number in range(30)]
    answers.confusion = {"one": [[number, (number + 1) % 30, 30 - number] for number in range(30)]}
    page = Seen(Report([replace(measured_run(), answers=answers)]).html())
    assert "label 9" in page.words and "label 12" not in page.words


def test_a_log_of_any_length_makes_a_small_page():
    assert len(Report([measured_run(steps=20_000)]).html()) < 500_000


def test_it_is_kept_as_a_file_and_shown_in_a_notebook(tmp_path):
    report = Report([measured_run(HOSTILE)])
    path = report.save(tmp_path / "report.html")
    assert is_report(path) and not is_report(Path(__file__))
    frame = Seen(report._repr_html_())
    (attributes,) = frame.all("iframe")
    assert len(frame.tags) == 1 and "sandbox" in attributes
    assert Seen(attributes["srcdoc"]).words == Seen(path.read_text("utf-8")).words


def test_runs_must_be_told_apart():
    with pytest.raises(ValueError, match="each with a name of its own"):
        Report([measured_run(), measured_run()])


@pytest.mark.parametrize("kind", KINDS)
def test_answers_are_read_as_they_were_written(kind, tmp_path):
    answers = compared_answers(["one", "ensemble"], HOSTILE, HOSTILE, kind)
    assert ComparedAnswers.read(answers.write(tmp_path)) == answers


@pytest.mark.parametrize(
    ("kind", "old", "new"),
    [
        ("words", "", "[]"),
        ("words", "", "{"),
        ("words", "", '{"labels": 3}'),
        ("words", "[0, 0, 10]", "[0, 9, 10]"),
        ("labels of examples", "[8, 0, 0, 12], ", ""),
        ("numbers", "[0.5, 2.0, null]", "[0.5, 2.0]"),
        ("numbers", "[0.5, 2.0, null]", "[0.5, NaN, null]"),
    ],
)
def test_nothing_else_is_read(kind, old, new, tmp_path):
    path = compared_answers(["one", "ensemble"], about=kind).write(tmp_path)
    written = path.read_text()
    assert old in written
    path.write_text(written.replace(old, new) if old else new)
    with pytest.raises(ValueError, match="does not hold what a run writes there"):
        ComparedAnswers.read(path)


def test_a_report_of_a_regression_tells_no_temperature_and_no_divergence():
    page = Report([measured_run(answers="numbers", problem_type="regression")]).html()
    assert "temperature" not in page and "KL(" not in page
    assert "soft_target_weight * (teachers - student)²" in page
