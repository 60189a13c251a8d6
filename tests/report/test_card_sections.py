import re
from dataclasses import fields

import pytest
from transformers import TrainingArguments

from helpers.card_figures import TEACHERS, sections
from hf_multiteacher import DistillationTrainingArguments
from hf_multiteacher.report.card import model_card, write_model_card
from hf_multiteacher.report.card_arguments import NO_OBJECTIVE
from hf_multiteacher.report.card_data import DistillationCardData, Evaluation
from hf_multiteacher.report.card_sections import Card


def test_student_and_teachers_stand_side_by_side_and_a_missing_figure_has_its_reason(card):
    quality = sections(card)["Quality"]
    assert "| Model | universal_dependencies: accuracy | universal_dependencies: loss ↓ | laroseda: f1 |" in quality
    assert "| student | 0.95 | 0.2 | 0.8 |" in quality
    assert "| mine | 0.9 |  | (1) |" in quality
    assert "1. it has no sentence head" in quality
    assert "universal_dependencies (test), laroseda" in quality
    assert "| student | 81,000,000 | 312 | 9.5 |" in sections(card)["Size and speed"]
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


def test_a_teacher_that_does_not_have_all_words_is_said_to_be_measured_on_the_others(data):
    data.evaluations[0].answered = {"mine": 0.975}
    assert "mine is measured on the 97.5 % of the words that its tokenizer keeps." in str(model_card(data, {}))


def test_the_example_is_a_sentence_in_the_language_and_for_the_task(data):
    data.example = None
    assert '"București este [MASK] României."' in str(model_card(data, {}))
    data.task, data.languages = "token-classification", []
    assert '"Bucharest is the capital of Romania."' in str(model_card(data, {}))


def test_teachers_have_revision_weight_and_tokenizer(card):
    hub, local = sections(card)["Teachers"].splitlines()[4:6]
    name, address = TEACHERS[0]["id"], f"https://huggingface.co/{TEACHERS[0]['id']}"
    link = f"[{name}]({address}) | [`0123456789ab`]({address}/tree/0123456789abcdef)"
    assert hub == f"| {link} | 0.75 | `aaaabbbbcccc` | float32 |"
    assert local == "| mine | not on the Hub; weights `111122223333` | 0.25 | not known | bfloat16 |"


def test_what_the_logits_of_a_teacher_were_divided_by_is_told(data):
    data.teachers = [each | {"temperature": 1.4} for each in data.teachers]
    assert str(model_card(data, {})).count("float32, logits divided by 1.4 |") == 1


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


def listed(arguments):
    """The arguments that the card of such a training lists, in their order."""
    card = Card(DistillationCardData("s", "masked-lm", TEACHERS, "org/s", arguments=arguments), {})
    return re.findall(r"^\| `(\w+)` \|", card.hyper_parameters(), re.MULTILINE)


def test_an_argument_of_the_objective_is_listed_without_being_named_here():
    of_the_trainer = {"output_dir": "out", "seed": 1, "learning_rate": 0.1, "hub_token": "x"}
    shown_elsewhere = {"teachers": ["one"], "teacher_weights": [1], "report_loyalty": True}
    assert listed({**of_the_trainer, **shown_elsewhere, "newly_thought_of": 3, "left_open": None}) == [
        "newly_thought_of",
        "learning_rate",
        "seed",
    ]


def test_the_objective_s_arguments_are_those_that_the_trainer_s_lack():
    arguments = DistillationTrainingArguments(
        "out", hidden_state_weight=1.0, layer_map={"1": 1}, ensemble="logits", teacher_dtype="float32", use_cpu=True,
        teacher_weighting="confidence", calibrate_teachers=True,
    )  # fmt: skip
    arguments.mask_rounds = 2
    arguments.skip_nonfinite_rows = arguments.partial_labels = True
    arguments.teacher_cache = "/home/somebody/cache"
    own = {field.name for field in fields(arguments)} - {field.name for field in fields(TrainingArguments)}
    names = listed(arguments.to_dict())
    place = names.index("learning_rate")
    assert set(names[:place]) == own - {*NO_OBJECTIVE}
    assert not own & set(names[place:])


def test_a_figure_that_cannot_be_read_is_an_error_and_no_empty_section(data):
    data.sizes = ["81 million"]
    with pytest.raises(AttributeError, match="list"):
        model_card(data, {})


def test_weights_that_sum_to_nothing_are_shown_as_such():
    data = DistillationCardData("s", "masked-lm", TEACHERS[:1], "org/s", arguments={"teacher_weights": [0]})
    assert "| 0 |" in Card(data, {}).teachers()
