from matplotlib.image import imread

from hf_multiteacher.report.interval_chart import interval_chart

PANELS = {f"task {number} $": {"one": (0.5, (-0.1, 1.1)), "two_$": (0.1, (0.0, 0.2))} for number in range(4)}


def test_every_difference_is_drawn(tmp_path):
    path = interval_chart(PANELS, tmp_path / "gains.png", title="gains")
    assert min(imread(path).shape[:2]) > 200
    seen = {tuple(round(255 * value) for value in pixel[:3]) for row in imread(path)[::2, ::2] for pixel in row}
    assert (0, 114, 178) in seen


def test_an_older_chart_goes_where_there_is_nothing_to_draw(tmp_path):
    interval_chart(PANELS, tmp_path / "gains.png", title="gains")
    assert interval_chart({"task": {}}, tmp_path / "gains.png", title="gains") is None
    assert not (tmp_path / "gains.png").exists()
