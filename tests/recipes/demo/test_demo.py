import io
import json
import os
import re
from contextlib import redirect_stderr

import pytest
from huggingface_hub import ModelCard
from torch.utils.flop_counter import FlopCounterMode
from transformers import AutoModelForMaskedLM, AutoTokenizer

from helpers.card_rules import problems
from helpers.rendered_card import render, rows_under
from hf_multiteacher.recipes.demo.demo import STUDENT, TASKS, TEACHERS, Demo, Scale, labelled_data
from hf_multiteacher.recipes.demo.report import ALONE, MASKED_LM_LOSS
from hf_multiteacher.recipes.pretraining import new_modern_bert
from hf_multiteacher.recipes.results.run_folder import read_runs
from hf_multiteacher.report.page.report import Report

FULL_DEMO = "HF_MULTITEACHER_FULL_DEMO"  # .ci/run sets it
SMALL = Scale(sentences=400, teacher_steps=10, student_steps=10, teacher_labelled=48, student_labelled=32)


def run_small(folder):
    """Run a demo that does every step on few sentences; the demo, the table that it returned, and what it said."""
    with pytest.MonkeyPatch.context() as patch, redirect_stderr(io.StringIO()) as said:
        patch.setattr("hf_multiteacher.recipes.demo.demo.HELD_OUT", 50)
        patch.setattr("hf_multiteacher.recipes.demo.demo.MEASURED", 50)
        demo = Demo(folder, seed=5, scale=SMALL)
        return demo, demo.run(), said.getvalue()


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A small demo that has run, the table that it returned, and what it said meanwhile."""
    return run_small(tmp_path_factory.mktemp("demo") / "student")


def operations(model, tokenizer):
    """Multiplications and additions in one pass of an encoder over a sentence, its head left out."""
    inputs = tokenizer("Fata citește o carte lungă.", return_tensors="pt")
    with FlopCounterMode(display=False) as counter:
        model.base_model(**inputs)
    return counter.get_total_flops()


@pytest.mark.slow
def test_the_demo_leaves_a_student_that_loads_with_its_tokenizer_card_and_chart(finished):
    demo, _, _ = finished
    student = AutoModelForMaskedLM.from_pretrained(demo.output_dir)
    assert student.config.num_hidden_layers == SMALL.layers // 2
    assert len(AutoTokenizer.from_pretrained(demo.output_dir)) == student.config.vocab_size
    saved = {"config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"}
    charts = {"quality.png", "loyalty.png", "training.png"}
    figures = {"metrics.json", "trainer_state.json", "answers.json", "teacher_manifest.json"}
    assert {path.name for path in demo.output_dir.iterdir()} == {"README.md", *saved, *charts, *figures}


@pytest.mark.slow
def test_the_demo_leaves_what_a_report_draws(finished):
    demo, _, _ = finished
    (run,) = read_runs([str(demo.output_dir)])
    assert run.teachers == [*TEACHERS] and run.answers.rows == "masked words" and run.card.log_history
    (evaluation,) = run.card.evaluations
    measured = {name: value for name, value in demo.models[STUDENT].figures.items() if isinstance(value, float)}
    assert evaluation.figures["student"] == measured and run.card.loyalty == demo.models[STUDENT].loyalty
    page = Report([run]).html()
    assert "XPOS accuracy" in page and "latency, ms" in page and "<mark>" in page


@pytest.mark.slow
def test_the_demo_says_each_stage_in_a_line_and_all_in_45_of_80_columns(finished):
    _, table, said = finished
    stages = re.findall(r"^\[(\d+)/(\d+)\] [A-Z]", said, flags=re.MULTILINE)
    assert stages == [(str(number), str(len(stages))) for number in range(1, len(stages) + 1)]
    lines = [*said.splitlines(), *table.splitlines()]
    assert max(map(len, lines)) <= 80 and len(lines) + len(["", "", "The student is in"]) <= 45
    assert "%|" not in said


@pytest.mark.slow
def test_every_figure_of_the_table_stands_in_the_card(finished):
    demo, table, _ = finished
    card = ModelCard.load(demo.output_dir / "README.md")
    results = {result.metric_value for result in card.data.eval_results}
    measured = {value for value in demo.models[STUDENT].figures.values() if isinstance(value, float)}
    assert results == measured
    for model in demo.models.values():
        for value in model.figures.values():
            assert isinstance(value, str) or f"{value:.4f}" in table
    assert json.dumps(card.data.to_dict())
    assert problems(str(card), "model") == ([], [])


@pytest.mark.slow
def test_the_card_reads_well_and_no_figure_hides_another(finished):
    demo, _, _ = finished
    page = render(demo.output_dir)
    assert [image.get("src") for image in page.iter("img")] == ["quality.png", "loyalty.png", "training.png"]
    heading, *rows = rows_under(page, "Quality")
    assert len(heading) == 4 and {row[0] for row in rows} == demo.models.keys()
    assert rows[0][1:] == [f"{demo.models[STUDENT].figures[name]:.4g}" for name in ("masked-LM loss", *TASKS.values())]


@pytest.mark.slow
def test_the_same_seed_gives_the_same_table_latency_apart(finished, tmp_path):
    _, table, _ = finished
    _, again, _ = run_small(tmp_path / "student")
    without_speed = [re.sub(r" +\d+\.\d\dx", "", text) for text in (table, again)]
    assert without_speed[0] == without_speed[1]


@pytest.mark.slow
@pytest.mark.skipif(FULL_DEMO not in os.environ, reason=f"takes minutes of a processor: set {FULL_DEMO}=1")
def test_the_student_beats_the_same_student_without_teachers_and_is_faster_than_they_are(tmp_path):
    demo = Demo(tmp_path / "student", seed=1)
    demo.run()
    student, alone = demo.models[STUDENT], demo.models[ALONE]
    assert student.figures[MASKED_LM_LOSS] < alone.figures[MASKED_LM_LOSS] - 0.02
    xpos = 0  # dialect accuracy differs from one fine-tuning to the next by more than teachers change it
    assert student.scores[xpos] > alone.scores[xpos]
    taught = operations(AutoModelForMaskedLM.from_pretrained(demo.output_dir), student.tokenizer)
    for name in TEACHERS:
        tokenizer = demo.models[name].tokenizer
        teacher = new_modern_bert(tokenizer, layers=demo.scale.layers, hidden_size=demo.scale.hidden_size)
        assert operations(teacher, tokenizer) / taught >= 1.6


def test_tagging_and_sentence_data_have_labels_of_their_own():
    tagging, sentences = labelled_data("xpos", 20, seed=0), labelled_data("dialect", 20, seed=0)
    assert tagging.columns == {"words": "words", "labels": "labels"}
    assert sentences.columns == {"text": "text", "labels": "labels"}
    assert sentences.label_names == ["Moldavian", "Romanian"]
    for row in tagging.train:
        assert len(row["words"]) == len(row["labels"])
