import json
import re

import pytest
from huggingface_hub import ModelCard, metadata_load
from huggingface_hub.repocard_data import model_index_to_eval_results

from hf_multiteacher.report.card import (
    USER_TEXT_END,
    USER_TEXT_START,
    DistillationCardData,
    Evaluation,
    for_repository,
    model_card,
    user_text,
    with_user_text_of,
    without_local_paths,
    write_model_card,
)

TEACHERS = [
    {
        "name": "cased",
        "id": "dumitrescustefan/bert-base-romanian-cased-v1",
        "revision": "0123456789abcdef",
        "tokenizer": "sha256:aaaabbbbccccdddd",
        "dtype": "float32",
    },
    {"name": "mine", "id": "mine", "revision": "sha256:11112222333344", "tokenizer": None, "dtype": "bfloat16"},
]
ARGUMENTS = {
    "teacher_weights": [3, 1],
    "temperature": 2.0,
    "soft_target_weight": 0.5,
    "learning_rate": 5e-4,
    "layer_map": {-1: -1},
    "output_dir": "/home/ioana/out",
    "hub_token": "hf_" + "x" * 34,
}
HISTORY = [
    {"loss": 2.0, "step": 10},
    {"loss": 1.0, "step": 20},
    {"train_runtime": 61.25, "step": 20, "epoch": 2.0, "train_loss": 1.5},
]


@pytest.fixture
def data():
    tagging = {"student": {"accuracy": 0.95, "loss": 0.2}, "cased": {"accuracy": 0.97}, "mine": {"accuracy": 0.9}}
    sentence = {"student": {"f1": 0.8}, "cased": {"f1": 0.85}, "mine": {"f1": "it has no sentence head"}}
    return DistillationCardData(
        name="student",
        task="masked-lm",
        teachers=TEACHERS,
        repo_id="org/student",
        arguments=ARGUMENTS,
        log_history=HISTORY,
        evaluations=[
            Evaluation("universal_dependencies", "token-classification", tagging, split="test"),
            Evaluation("laroseda", "text-classification", sentence),
        ],
        loyalty={name: {"label_loyalty": 0.9, "probability_loyalty": 0.8} for name in ("cased", "mine", "ensemble")},
        sizes={
            name: {"parameters": 81_000_000, "megabytes": 312.0, "latency_ms": 9.5, "memory_mb": "no GPU"}
            for name in ("student", "cased", "mine")
        },
        coverage={"cased": {"spans": 1.0, "masked_spans": 1.0}, "mine": {"spans": 0.83, "masked_spans": 0.81}},
        machine="a processor, 2 cores",
        languages=["ro"],
        license="mit",
        datasets=["oscar"],
        example="București este [MASK] României.",
        command="hf-multiteacher distill /home/ioana/runs/config.yaml --hub_token hf_" + "x" * 34,
    )


@pytest.fixture
def card(data, tmp_path):
    return write_model_card(data, tmp_path).read_text()


def sections(card):
    return {part.split("\n")[0]: part for part in re.split(r"^##+ ", card, flags=re.MULTILINE)}


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
    for rows in tables(card):
        assert len(rows) > 2 and all(cell.strip() for row in rows for cell in row.strip("|").split("|")), rows
    images = re.findall(r"!\[.+\]\((.+)\)", card)
    assert images == ["quality.png", "loyalty.png", "training.png"]
    assert all((tmp_path / image).stat().st_size > 1000 for image in images)
    assert not re.search(r"\{\{|\}\}$|\{%|None|nan|\[More|TODO|undefined", card, re.MULTILINE)
    assert "\n\n\n" not in card


def test_student_and_teachers_stand_side_by_side_and_a_missing_figure_has_its_reason(card):
    quality = sections(card)["Quality"]
    assert "| Model | universal_dependencies: accuracy | universal_dependencies: loss ↓ | laroseda: f1 |" in quality
    assert "| student | 0.95 | 0.2 | 0.8 |" in quality
    assert "| mine | 0.9 | — (1) | — (2) |" in quality
    assert "1. not measured in this run\n2. it has no sentence head" in quality
    assert "universal_dependencies (test), laroseda" in quality
    assert "| student | 81,000,000 | 312 | 9.5 | — (1) |" in sections(card)["Size and speed"]
    assert "a processor, 2 cores" in sections(card)["Size and speed"]
    assert "| ensemble | 0.9 | 0.8 |" in sections(card)["Loyalty"]
    assert "| mine | 0.83 | 0.81 |" in sections(card)["How the same text reached them"]


def test_parts_of_one_data_set_with_the_same_metric_keep_their_own_columns(data, tmp_path):
    data.evaluations = [
        Evaluation(
            "corpus", "token-classification", {"student": {"accuracy": figure}, "cased": {"accuracy": 0.5}}, part
        )
        for part, figure in (("tags", 0.9), ("dialects", 0.7))
    ]
    quality = sections(write_model_card(data, tmp_path).read_text())["Quality"]
    assert "| Model | tags: accuracy | dialects: accuracy |" in quality and "| student | 0.9 | 0.7 |" in quality
    assert "Measured on corpus (tags, dialects). Higher" in quality
    data.evaluations.append(Evaluation("news", "token-classification", {"student": {"accuracy": 0.6}}))
    quality = sections(write_model_card(data, tmp_path).read_text())["Quality"]
    assert "| Model | corpus (tags): accuracy | corpus (dialects): accuracy | news: accuracy |" in quality
    data.evaluations = data.evaluations[:1]
    assert "| Model | accuracy |" in write_model_card(data, tmp_path).read_text()


def test_the_example_is_a_sentence_in_the_language_and_for_the_task(data):
    data.example = None
    assert '"București este [MASK] României."' in str(model_card(data, {}))
    data.task, data.languages = "token-classification", []
    assert '"Bucharest is the capital of Romania."' in str(model_card(data, {}))


def test_tags_and_where_the_student_started_from_are_in_the_metadata(data):
    data.tags, data.bases = ["romanian", "hf-multiteacher"], ["org/start"]
    found = model_card(data, {}).data
    assert found.tags == ["knowledge-distillation", "multiple-teachers", "hf-multiteacher", "romanian"]
    assert found.base_model == ["org/start", "dumitrescustefan/bert-base-romanian-cased-v1"]


def test_the_student_stands_first_and_a_figure_that_is_not_a_number_reaches_no_leaderboard(data, tmp_path):
    figures = {"cased": {"f1": 0.5}, "student": {"f1": float("nan"), "accuracy": "not run"}}
    data.evaluations = [Evaluation("laroseda", "text-classification", figures)]
    card = write_model_card(data, tmp_path).read_text()
    assert card.index("| student | — (1) |") < card.index("| cased | 0.5 |")
    assert "1. came out as nan" in card
    assert not {"model-index", "metrics"} & set(metadata_load(tmp_path / "README.md"))


def test_teachers_have_revision_weight_and_tokenizer(card):
    hub, local = sections(card)["Teachers"].splitlines()[4:6]
    name, address = TEACHERS[0]["id"], f"https://huggingface.co/{TEACHERS[0]['id']}"
    link = f"[{name}]({address}) | [`0123456789ab`]({address}/tree/0123456789abcdef)"
    assert hub == f"| {link} | 0.75 | `aaaabbbbcccc` | float32 |"
    assert local == "| mine | not on the Hub; weights `111122223333` | 0.25 | — (not known) | bfloat16 |"


def test_training_is_told_with_objective_time_command_and_versions(card):
    training, reproduce = sections(card)["Training"], sections(card)["Reproduce"]
    assert "| `temperature` | `2.0` |" in training and "| `layer_map` | `{-1: -1}` |" in training
    assert "61.2 s for 20 optimizer steps (2 epochs)" in training
    assert "hf-multiteacher distill config.yaml --hub_token hf_***" in reproduce
    assert re.search(r"\| torch \| \d+\.\d+", reproduce) and "| python | 3." in reproduce
    for paper in ("2112.12650", "2109.03228", "1503.02531"):
        assert paper in sections(card)["Citation"]


def test_the_time_of_a_resumed_training_is_that_of_its_own_steps(data, tmp_path):
    data.log_history = [{"train_runtime": 3.0, "step": 20, "epoch": 2.0, "first_step": 15}]
    text = sections(write_model_card(data, tmp_path).read_text())["Training"]
    assert "Training time: 3.0 s for 5 optimizer steps, from step 15 on, where it was resumed." in text


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
    for name in ("Quality", "Loyalty", "Size and speed", "How the same text reached them"):
        assert "— (not measured in this run)" in sections(card)[name]
    for missing in (
        "the arguments were not recorded",
        "the command was not recorded",
        "Training time: — (not recorded)",
    ):
        assert missing in card
    assert "` from one teacher. It is" in card


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


@pytest.mark.parametrize(
    ("task", "example", "call"),
    [
        ("masked-lm", "Un [MASK].", 'student("Un [MASK].".replace("[MASK]", mask))'),
        ("token-classification", "Ana.", 'student("Ana.")'),
        ("sequence-classification", ("Da.", "Nu."), 'student({"text": "Da.", "text_pair": "Nu."})'),
    ],
)
def test_the_snippet_is_python_and_fits_the_task(task, example, call):
    text = model_card(DistillationCardData("s", task, TEACHERS, "org/s", example=example), {}).text
    snippet = text.split("```python\n")[1].split("```")[0]
    compile(snippet, "snippet", "exec")
    assert call in snippet and 'model="org/s"' in snippet


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("a /home/ioana/x.yaml b", "a x.yaml b"),
        ("'/srv/data/corpus/'", "'corpus/'"),
        (r"C:\Users\ioana\x.yaml", "x.yaml"),
        ("https://a.b/c/d and/or 1/2/3 </sup> ~/x ./a/b", "https://a.b/c/d and/or 1/2/3 </sup> ~/x ./a/b"),
        ("HOME/run/x", "x"),
    ],
)
def test_local_paths_are_cut_and_nothing_else(text, cleaned, monkeypatch):
    monkeypatch.setenv("HOME", "/srv/Ioana Secret")
    assert without_local_paths(text.replace("HOME", "/srv/Ioana Secret")) == cleaned
