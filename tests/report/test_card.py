import json
import re
from dataclasses import replace
from urllib.parse import urlsplit

import pytest
import yaml
from huggingface_hub import ModelCard, metadata_load
from huggingface_hub.repocard_data import model_index_to_eval_results

from helpers.card_figures import TEACHERS, sections
from helpers.card_rules import problems
from helpers.rendered_card import render, rows_under
from hf_multiteacher.report.card import (
    USER_TEXT_END,
    USER_TEXT_START,
    DistillationCardData,
    Evaluation,
    for_repository,
    model_card,
    user_text,
    with_user_text_of,
    write_model_card,
)


def tables(card):
    return [block.splitlines() for block in card.split("\n\n") if block.startswith("|")]


def test_the_metadata_is_what_the_hub_reads_and_comes_back(card, tmp_path):
    found = metadata_load(tmp_path / "README.md")
    index = found.pop("model-index")
    assert found == {
        "language": ["ro"],
        "license": "mit",
        "library_name": "transformers",
        "pipeline_tag": "fill-mask",
        "base_model": ["dumitrescustefan/bert-base-romanian-cased-v1"],
        "base_model_relation": "finetune",
        "datasets": ["oscar"],
        "metrics": ["accuracy", "loss", "f1"],
        "tags": ["knowledge-distillation", "multiple-teachers", "hf-multiteacher"],
    }
    name, results = model_index_to_eval_results(index)
    said = [(result.task_type, result.dataset_name, result.metric_type, result.metric_value) for result in results]
    assert name == "student" and said == [
        ("token-classification", "universal_dependencies", "accuracy", 0.95),
        ("token-classification", "universal_dependencies", "loss", 0.2),
        ("text-classification", "laroseda", "f1", 0.8),
    ]
    assert str(ModelCard(card)) == card, "loaded and written again, it is the same"


def test_no_table_is_empty_no_image_is_missing_and_no_placeholder_is_left(card, tmp_path):
    assert len(tables(card)) == 7
    assert all(len(rows) > 2 for rows in tables(card))
    images = re.findall(r"!\[.+\]\((.+)\)", card)
    assert images == ["quality.png", "loyalty.png", "training.png"]
    assert all((tmp_path / image).stat().st_size > 1000 for image in images)
    assert not re.search(r"\{\{|\}\}$|\{%|None|nan|\[More|TODO|undefined", card, re.MULTILINE)
    assert "\n\n\n" not in card


def test_tags_and_where_the_student_started_from_are_in_the_metadata(data):
    data.tags, data.bases = ["romanian", "hf-multiteacher"], ["org/start"]
    found = model_card(data, {}).data
    assert found.tags == ["knowledge-distillation", "multiple-teachers", "hf-multiteacher", "romanian"]
    assert found.base_model == ["org/start", "dumitrescustefan/bert-base-romanian-cased-v1"]


def test_the_student_stands_first_and_a_figure_that_is_not_a_number_reaches_no_leaderboard(data, tmp_path):
    figures = {"cased": {"f1": 0.5}, "student": {"f1": float("nan"), "accuracy": "not run"}}
    data.evaluations = [Evaluation("laroseda", "text-classification", figures)]
    card = write_model_card(data, tmp_path).read_text()
    assert card.index("| student | (1) |") < card.index("| cased | 0.5 |")
    assert "1. came out as nan" in card and "accuracy" not in card and "not run" not in card
    assert not {"model-index", "metrics"} & set(metadata_load(tmp_path / "README.md"))


@pytest.mark.parametrize("adapter", [False, True])
def test_the_snippet_loads_from_where_the_card_is_pushed_to(data, adapter):
    data.repo_id, data.labels = "student", ["O", "B-PER"] if adapter else []
    card = str(model_card(data, {}, adapter_of="org/base" if adapter else None))
    pushed = for_repository(card, "org/new")
    assert '"student"' in card and '"student"' not in pushed
    assert pushed.count('"org/new"') == (2 if adapter else 1)
    assert for_repository('```python\nx = f(model="mine")\n```', "org/new") == '```python\nx = f(model="mine")\n```'


def test_nothing_private_is_in_the_card(card):
    assert not re.search(r"ioana|/home|hf_x|output_dir", card)


def test_what_was_not_measured_is_not_claimed(tmp_path):
    data = DistillationCardData("student", "token-classification", TEACHERS[1:], "org/student")
    card = write_model_card(data, tmp_path).read_text()
    found = metadata_load(tmp_path / "README.md")
    assert not {"model-index", "metrics", "base_model", "base_model_relation", "language", "datasets"} & set(found)
    assert "![" not in card and "\n\n\n" not in card and "None" not in card
    for name in ("Quality", "Loyalty", "Size and speed", "How the same text reached them", "Training"):
        assert name not in sections(card)
    assert "—" not in card and "distilled from one teacher with" in card


def test_text_of_the_user_is_kept_when_the_card_is_written_again(data, card, tmp_path):
    path = tmp_path / "README.md"
    text = "\n## Thanks\n\nTo /home/everyone/here.\n"
    path.write_text(card.replace(f"{USER_TEXT_START}\n", USER_TEXT_START + text))
    data.arguments = {"temperature": 9.0}
    again = write_model_card(data, tmp_path).read_text()
    assert user_text(again) == text
    assert "| `temperature` | `9.0` |" in again and again.count(USER_TEXT_END) == 1
    assert write_model_card(data, tmp_path).read_text() == again


def test_a_card_of_somebody_else_gives_no_text(data, tmp_path):
    (tmp_path / "README.md").write_text("# Model Card for Model ID\n[More Information Needed]")
    assert "More Information" not in write_model_card(data, tmp_path).read_text()


def test_text_on_both_sides_stays_the_local_one_and_says_so(card, caplog):
    ours = card.replace(USER_TEXT_START, USER_TEXT_START + "ours")
    theirs = card.replace(USER_TEXT_START, USER_TEXT_START + "theirs")
    assert with_user_text_of(theirs, card) == theirs
    assert with_user_text_of(theirs, ours) == ours and "replaces another one on the Hub" in caplog.text
    caplog.clear()
    assert with_user_text_of(ours, ours) == ours == with_user_text_of(card, ours) and not caplog.text
    assert with_user_text_of(theirs, "# No place for it") == "# No place for it"


def test_charts_that_are_no_longer_true_go(data, card, tmp_path):
    data.loyalty = {}
    assert "loyalty.png" not in write_model_card(data, tmp_path).read_text()
    assert not (tmp_path / "loyalty.png").exists()


def test_an_adapter_names_its_base_and_brings_its_labels_to_the_snippet(tmp_path):
    (tmp_path / "adapter_config.json").write_text(json.dumps({"base_model_name_or_path": "org/base"}))
    data = DistillationCardData("student", "token-classification", TEACHERS, "org/student", labels=["O", "B-PER"])
    card = write_model_card(data, tmp_path).read_text()
    found = metadata_load(tmp_path / "README.md")
    assert found["library_name"] == "peft" and found["base_model_relation"] == "adapter"
    assert found["base_model"] == ["org/base", TEACHERS[0]["id"]]
    assert "id2label={0: 'O', 1: 'B-PER'}, label2id={'O': 0, 'B-PER': 1}" in card
    assert "Labels: `O`, `B-PER`." in card


def test_the_hub_takes_the_card_whatever_the_data_is_called(data, tmp_path):
    figures = {"student": {"accuracy": 0.5, "f1": 0.25}}
    names = [
        "owner/news",
        "words in prose",
        "Știri, 2024 (test)",
        "新闻",
        "/home/ioana/corpus.json",
        "a\n---\nb: c",
        "x, y/z",
    ]
    data.evaluations = [Evaluation(name, "token-classification", figures) for name in names]
    data.datasets, data.bases = ["owner/news", "a corpus"], ["/srv/base", "org/start"]
    card = write_model_card(data, tmp_path).read_text()
    assert problems(card, "model") == ([], [])
    _, results = model_index_to_eval_results(metadata_load(tmp_path / "README.md")["model-index"])
    said = list(dict.fromkeys((each.dataset_type, each.dataset_name) for each in results))
    assert said == [
        ("owner/news", "owner/news"),
        ("words-in-prose", "words in prose"),
        ("Stiri-2024-test", "Știri, 2024 (test)"),
        ("unnamed-data", "新闻"),
        ("corpus.json", "corpus.json"),
        ("a-b-c", "a --- b: c"),
        ("x-y-z", "x, y/z"),
    ]
    assert metadata_load(tmp_path / "README.md")["base_model"] == ["org/start", TEACHERS[0]["id"]]


HOSTILE = "<script>alert(1)</script> [here](http://evil.example) `code` | *bold* __init__ \n---\n# head\n```\n$x$ \\|"
SHOWN = " ".join(HOSTILE.split())


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("org/news", "org/news"),
        ("v1.5", "v1.5"),
        ("..", "unnamed-data"),
        ("--", "unnamed-data"),
        ("-a", "a"),
        ("a.git", "a-git"),
        ("A--b", "A-b"),
        ("a..b", "a-b"),
        ("org/a--b", "org-a-b"),
        ("a. ... b", "a.-b"),
        ("x" * 95 + ". words", "x" * 95),
    ],
)
def test_a_name_that_no_repository_can_have_is_no_id(data, name, kind):
    data.datasets, data.bases = [name], [name]
    data.evaluations = [Evaluation(name, "token-classification", {"student": {"f1": 0.5}})]
    card = model_card(data, {})
    assert problems(str(card), "model") == ([], [])
    assert card.data.eval_results[0].dataset_type == kind
    assert (name in (card.data.datasets or [])) is (name in card.data.base_model) is (name == kind)


@pytest.mark.parametrize(("names", "id_"), [(("a b", "a-b"), None), (("clean", "noisy"), "org/news")])
def test_names_that_share_an_id_are_results_of_their_own(data, names, id_):
    data.evaluations = [
        Evaluation(name, "token-classification", {"student": {"f1": figure}}, dataset_id=id_)
        for name, figure in zip((*names, "other"), (0.5, 0.6, 0.7), strict=True)
    ]
    data.evaluations[-1].dataset_id = None
    (index,) = yaml.safe_load(model_card(data, {}).data.to_yaml())["model-index"]
    found = [(each["dataset"], each["metrics"][0]["value"]) for each in index["results"]]
    assert found == [
        ({"name": names[0], "type": id_ or "a-b", "config": names[0]}, 0.5),
        ({"name": names[1], "type": id_ or "a-b", "config": names[1]}, 0.6),
        ({"name": "other", "type": "other"}, 0.7),
    ]


def test_names_are_shown_as_they_are_and_read_as_nothing_else(data, tmp_path):
    figures = {HOSTILE: {HOSTILE: 0.5}, "cased": {HOSTILE: HOSTILE}}
    hostile = {
        "name": HOSTILE,
        "repo_id": HOSTILE + '"',
        "evaluations": [
            Evaluation(HOSTILE, "token-classification", figures, split=HOSTILE),
            Evaluation("b", "fill-mask", figures),
        ],
        "teachers": [
            data.teachers[0] | {"id": HOSTILE, "revision": HOSTILE, "tokenizer": HOSTILE, "dtype": HOSTILE},
            data.teachers[1] | {"name": HOSTILE},
        ],
        "loyalty": {HOSTILE: {"label_loyalty": 0.5}},
        "sizes": {HOSTILE: {"parameters": 7}, "cased": {"parameters": HOSTILE}},
        "coverage": {HOSTILE: {"spans": 0.5}},
        "arguments": {"teacher_weights": [1, 1], "teacher_dtype": HOSTILE},
        "machine": HOSTILE,
        "training_data": HOSTILE,
        "labels": [HOSTILE, "B-PER"],
        "languages": [],
        "command": HOSTILE,
        "tags": [HOSTILE],
    }
    write_model_card(replace(data, **hostile), tmp_path)
    page = render(tmp_path)
    text = " ".join("".join(page.itertext()).split())
    assert not [element.text for element in page.iter() if element.tag in ("script", "em", "strong", "hr")]
    assert {urlsplit(link.get("href")).netloc for link in page.iter("a")} <= {"huggingface.co", "arxiv.org"}
    headings = [element.text for element in page.iter("h2")]
    assert headings[0] == "How to use" and "Citation" == headings[-1] and len(headings) == 9
    assert [element.text for element in page.iter("h1")] == [SHOWN]
    assert text.count("<script>alert(1)</script>") > 15

    for heading in ("Quality", "Loyalty", "Size and speed", "Teachers", "How the same text reached them"):
        rows = rows_under(page, heading)
        assert len({len(row) for row in rows}) == 1, "a name adds no column"
        assert SHOWN in [cell for row in rows for cell in row], heading

    blocks = [element.text for element in page.iter("code") if element.text and "\n" in element.text]
    compile(blocks[0], "snippet", "exec")
    assert blocks[1].strip() == HOSTILE
    found = metadata_load(tmp_path / "README.md")
    assert found["tags"][-1] == SHOWN and found["model-index"][0]["name"] == SHOWN
    assert problems((tmp_path / "README.md").read_text(), "model") == ([], [])
