import pytest
from matplotlib.figure import Figure
from matplotlib.image import imread

from hf_multiteacher.report.charts import loyalty_chart, quality_chart, training_chart
from hf_multiteacher.report.colours import COLOURS
from hf_multiteacher.report.page.training_log import losses

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
    assert {(0, 114, 178), (138, 138, 138)} <= found


def test_loyalty_has_a_dot_per_teacher_and_one_for_the_ensemble(tmp_path):
    loyalty = {"one": {"label_loyalty": 0.9}, "two": {"label_loyalty": 0.8}, "ensemble": {"label_loyalty": 0.85}}
    found = colours(loyalty_chart(loyalty, tmp_path / "loyalty.png"))
    assert {(34, 34, 34), (138, 138, 138), (204, 121, 167)} <= found and (0, 114, 178) not in found


def test_the_training_chart_has_a_line_per_loss_that_was_logged_twice(tmp_path):
    found = colours(training_chart(HISTORY, tmp_path / "training.png"))
    assert {(0, 114, 178), (140, 74, 47)} <= found
    assert (204, 121, 167) not in found, (
        "neither eval_loss, logged once, nor the train_loss that closes each run is a curve"
    )


def test_a_part_of_a_loss_has_no_models_colour_and_in_an_evaluation_the_same(drawn, tmp_path):
    losses = {name: 1.0 for name in ("loss", "soft_loss", "hard_loss", "eval_soft_loss", "eval_loss")}
    training_chart([{**losses, "step": step} for step in (1, 2)], tmp_path / "t.png")
    whole, soft, hard, evaluated, labels = drawn[0].axes[0].lines
    models = {colour.on_light for colour in COLOURS.values()}
    assert whole.get_color() == COLOURS["blue"].on_light and not {soft.get_color(), hard.get_color()} & models
    assert soft.get_color() == evaluated.get_color() != hard.get_color()
    assert labels.get_color() == hard.get_color(), "what an evaluation calls the loss is the hard one"
    assert (soft.get_linestyle(), evaluated.get_linestyle()) == ("-", "--")


@pytest.mark.parametrize("figure", [0.0, 0.5, 0.9512, -0.3])
def test_where_all_models_tie_their_figure_is_the_only_tick(figure, drawn, tmp_path):
    quality_chart({"f1": dict.fromkeys(["s", "one", "two"], figure)}, "s", tmp_path / "q.png")
    (axes,) = drawn[0].axes
    assert [label.get_text() for label in axes.get_xticklabels()] == [f"{figure:.4g}"]
    low, high = axes.get_xlim()
    assert low <= figure < high and axes.get_xticks().tolist() == [figure]


def test_an_evaluation_on_other_data_continues_no_curve(drawn, tmp_path):
    evaluated = [{"eval_loss": 2.0, "step": 1}, {"eval_loss": 1.0, "step": 2}]
    other = {"eval_loss": 9.0, "step": 2, "other_data": True}
    training_chart([*evaluated, other], tmp_path / "t.png")
    (line,) = drawn[0].axes[0].lines
    assert line.get_ydata().tolist() == [2.0, 1.0]
    assert losses([*evaluated, other])["loss"]["evaluation"] == [(1.0, 2.0), (2.0, 1.0)]


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


def test_a_teacher_has_the_same_colour_in_every_picture(tmp_path):
    teachers = ["one", "two"]
    quality = colours(quality_chart({"loss": {"s": 1.0, "two": 2.0}}, "s", tmp_path / "q.png", teachers))
    loyalty = colours(loyalty_chart({"two": {"label_loyalty": 0.5}}, tmp_path / "l.png", teachers))
    assert (204, 121, 167) in quality & loyalty, "that of the second, also where the first was not measured"


@pytest.fixture
def drawn(monkeypatch):
    """The figures that are saved, laid out."""
    figures = []
    save = Figure.savefig

    def keep(figure, *args, **settings):
        save(figure, *args, **settings)
        figures.append(figure)

    monkeypatch.setattr(Figure, "savefig", keep)
    return figures


def test_figures_that_differ_by_little_stand_far_apart(drawn, tmp_path):
    quality_chart({"f1": {"s": 0.951, "one": 0.962}}, "s", tmp_path / "q.png")
    (axes,) = drawn[0].axes
    student, teacher = (axes.transData.transform((line.get_xdata()[0], 0))[0] for line in axes.lines)
    assert teacher - student > 0.4 * axes.bbox.width


def test_loyalties_that_a_few_rows_make_differ_stand_near_each_other(drawn, tmp_path):
    loyalty_chart({"one": {"label_loyalty": 0.951}, "two": {"label_loyalty": 0.962}}, tmp_path / "l.png")
    (axes,) = drawn[0].axes
    first, second = (axes.transData.transform((line.get_xdata()[0], 0))[0] for line in axes.lines)
    assert 0 < second - first < 0.1 * axes.bbox.width


def test_an_axis_of_loyalty_ends_at_1(drawn, tmp_path):
    loyalty_chart({"one": {"regression_loyalty": 0.999}, "two": {"regression_loyalty": 0.99}}, tmp_path / "l.png")
    (axes,) = drawn[0].axes
    ticks = axes.get_xticks().tolist()
    assert len(ticks) > 1 and max(ticks) <= 1 and axes.get_xlim()[0] < 0.9


@pytest.mark.parametrize(("figures", "below"), [([0.0, 0.6], False), ([0.02, 0.02], False), ([-0.1, 0.6], True)])
def test_an_axis_goes_below_0_only_where_a_figure_does(figures, below, drawn, tmp_path):
    loyalty_chart({str(figure): {"regression_loyalty": figure} for figure in figures}, tmp_path / "l.png")
    (axes,) = drawn[0].axes
    assert (axes.get_xlim()[0] < 0) == below


def test_a_legend_hides_no_point(drawn, tmp_path):
    training_chart(
        [{"step": step, **{f"{n}_loss": step * n for n in range(9)}} for step in (1, 2)], tmp_path / "t.png"
    )
    legend, axes = drawn[0].legends[0], drawn[0].axes[0]
    assert not legend.get_window_extent().overlaps(axes.bbox)


@pytest.mark.parametrize("name", ["bert-base-romanian-cased-v1" * 2, "no_place_to_break" * 3, "x" * 200, "m$1$"])
def test_a_name_of_any_length_is_inside_the_picture(name, drawn, tmp_path):
    models = [name, "one"]
    quality_chart({f"{name} {n}": dict.fromkeys(models, 0.5) for n in range(2)}, name, tmp_path / "q.png")
    (figure,) = drawn
    texts = [text for axes in figure.axes for text in (*axes.get_yticklabels(), axes.title)]
    boxes = [text.get_window_extent() for text in texts if text.get_text()]
    assert len(boxes) == 4 and all(box.x0 >= 0 and box.x1 <= figure.bbox.width for box in boxes)
    first, second = (axes.title.get_window_extent() for axes in figure.axes)
    assert not first.overlaps(second)


def test_many_measures_and_models_still_fit(tmp_path):
    models = [f"model {number}" for number in range(9)]
    many = {f"task {number}: f1": dict.fromkeys(models, 0.5) for number in range(9)}
    assert quality_chart(many, "model 3", tmp_path / "many.png").stat().st_size > 0


def test_charts_hold_nothing_but_the_picture(tmp_path):
    content = quality_chart(QUALITY, "student", tmp_path / "quality.png").read_bytes()
    assert str(tmp_path).encode() not in content
