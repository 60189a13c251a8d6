from hf_multiteacher.report.tables import NOT_MEASURED, aligned, figures_table, format_figure, table


def test_a_cell_cannot_break_its_table():
    assert table(["a|b", "c"], [["x\ny", "1"]]).splitlines() == ["| a\\|b | c |", "| --- | --- |", "| x y | 1 |"]


def test_every_missing_figure_is_a_dash_with_its_reason():
    columns = {"f1": "F1", "ms": "ms", "never": "Never"}
    rows = {"student": {"f1": 0.5, "ms": "no clock"}, "teacher": {"f1": float("nan")}, "other": {"ms": "no clock"}}
    assert figures_table("Model", columns, rows).splitlines() == [
        "| Model | F1 | ms |",
        "| --- | --- | --- |",
        "| student | 0.5 | — (1) |",
        "| teacher | — (2) | — (3) |",
        "| other | — (3) | — (1) |",
        "",
        "Missing figures:",
        "",
        "1. no clock",
        "2. came out as nan",
        f"3. {NOT_MEASURED}",
    ]


def test_a_table_without_figures_is_a_sentence():
    assert figures_table("Model", {"f1": "F1"}, {}) == f"— ({NOT_MEASURED})"
    assert figures_table("Model", {"f1": "F1"}, {"student": {"f1": None}}) == f"— ({NOT_MEASURED})"


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
