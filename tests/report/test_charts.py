import pytest
from matplotlib.image import imread

from hf_multiteacher.report.charts import loyalty_chart, quality_chart, training_chart

QUALITY = {"tags: accuracy": {"student": 0.9, "one": 0.95}, "tags: loss": {"student": 1.5, "one": "not run"}}
HISTORY = [
    {"loss": 2.0, "soft_loss": 1.0, "step": 1},
    {"eval_loss": 1.9, "step": 1},
    {"loss": 1.0, "soft_loss": 0.5, "step": 2},
    {"train_loss": 1.5, "step": 1},
    {"train_loss": 1.5, "step": 2},
]


def colours(path):
    image = imread(path)
    assert image.ndim == 3 and min(image.shape[:2]) > 200
    return {tuple(round(255 * value) for value in pixel[:3]) for row in image[::2, ::2] for pixel in row}


def test_the_student_stands_out_in_the_quality_chart(tmp_path):
    found = colours(quality_chart(QUALITY, "student", tmp_path / "quality.png"))
    assert {(0, 114, 178), (153, 153, 153)} <= found


def test_loyalty_has_a_bar_per_teacher_and_the_ensemble_stands_out(tmp_path):
    loyalty = {"one": {"label_loyalty": 0.9}, "two": {"label_loyalty": 0.8}, "ensemble": {"label_loyalty": 0.85}}
    found = colours(loyalty_chart(loyalty, tmp_path / "loyalty.png"))
    assert {(0, 114, 178), (153, 153, 153), (204, 121, 167)} <= found


def test_the_training_chart_has_a_line_per_loss_that_was_logged_twice(tmp_path):
    found = colours(training_chart(HISTORY, tmp_path / "training.png"))
    assert {(0, 114, 178), (153, 153, 153)} <= found
    assert (204, 121, 167) not in found, (
        "neither eval_loss, logged once, nor the train_loss that closes each run is a curve"
    )


@pytest.mark.parametrize(
    "draw",
    [
        lambda path: quality_chart({"f1": {"student": None, "one": float("nan"), "two": "why"}}, "student", path),
        lambda path: quality_chart({"f1": {"student": 0.5, "one": None}}, "student", path),
        lambda path: loyalty_chart({}, path),
        lambda path: training_chart([{"loss": 1.0, "step": 1}], path),
    ],
)
def test_without_figures_there_is_no_chart_and_an_old_one_goes(tmp_path, draw):
    path = tmp_path / "chart.png"
    path.write_bytes(b"old")
    assert draw(path) is None
    assert not path.exists()


def test_many_measures_and_models_still_fit(tmp_path):
    models = [f"model {number}" for number in range(9)]
    many = {f"task {number}: f1": dict.fromkeys(models, 0.5) for number in range(9)}
    assert quality_chart(many, "model 3", tmp_path / "many.png").stat().st_size > 0


def test_charts_hold_nothing_but_the_picture(tmp_path):
    content = quality_chart(QUALITY, "student", tmp_path / "quality.png").read_bytes()
    assert str(tmp_path).encode() not in content
