from hf_multiteacher.report.tables import aligned, figures_table, format_figure, table


def test_a_cell_cannot_break_its_table():
    assert table(["a|b", "c"], [["x\ny", "1"]]).splitlines() == ["| a\\|b | c |", "| --- | --- |", "| x y | 1 |"]


def test_a_missing_figure_is_an_empty_cell_or_has_its_reason():
    columns = {"f1": "F1", "ms": "ms", "gb": "GB", "never": "Never"}
    rows = {
        "student": {"f1": 0.5, "ms": "no clock", "gb": "no GPU"},
        "teacher": {"f1": float("nan"), "ms": 3},
        "other": {"ms": 4, "gb": "no GPU"},
        "last": {"ms": "no clock", "gb": None},
    }
    assert figures_table("Model", columns, rows).splitlines() == [
        "| Model | F1 | ms |",
        "| --- | --- | --- |",
        "| student | 0.5 | (1) |",
        "| teacher | (2) | 3 |",
        "| other |  | 4 |",
        "",
        "Missing figures:",
        "",
        "1. no clock",
        "2. came out as nan",
    ]


def test_a_table_without_figures_is_left_out():
    assert figures_table("Model", {"f1": "F1"}, {}) == ""
    assert figures_table("Model", {"f1": "F1"}, {"student": {"f1": None}, "other": {"f1": "not run"}}) == ""


def test_figures_are_written_for_readers():
    assert [format_figure(value) for value in (81_234_567, 0.98765, 312.04, 1234.5, 3, 0.0)] == [
        "81,234,567",
        "0.9877",
        "312",
        "1,234",
        "3",
        "0",
    ]


def test_columns_are_as_wide_as_their_longest_cell():
    assert aligned([["name", "x"], ["a", "10.5"]]) == "name     x\na     10.5"
