"""How findings are told."""

import json

from hf_multiteacher.training.preflight.finding import Finding, Preflight


def test_the_worst_finding_is_the_level_of_all():
    fine, odd, bad = (Finding("a", "b.", level) for level in ("ok", "warning", "stop"))
    assert [Preflight(each).level for each in ([], [fine], [odd, fine], [fine, bad, odd])] == [
        "ok",
        "ok",
        "warning",
        "stop",
    ]


def test_a_report_fits_a_terminal_and_says_what_to_do_below():
    text = str(Preflight([Finding("memory", "word " * 30, "stop", "Give " + "less " * 30), Finding("time", "short.")]))
    assert max(map(len, text.splitlines())) <= 80
    assert text.startswith("stop     memory: word") and "\n         -> Give less" in text
    assert text.splitlines()[-1] == "stop: 1 ok, 0 warning, 1 stop"


def test_the_json_has_every_field_and_null_for_what_is_no_number(tmp_path):
    Preflight([Finding("time", "x.", figures={"seconds": 2.0, "loss": float("nan")})]).write(tmp_path / "found.json")
    assert json.loads((tmp_path / "found.json").read_text()) == {
        "level": "ok",
        "findings": [
            {"topic": "time", "says": "x.", "level": "ok", "do": "", "figures": {"seconds": 2.0, "loss": None}}
        ],
    }
