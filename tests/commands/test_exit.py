"""What the user can mend is one line; what is a fault keeps its traceback."""

import io
import sys

import pytest

from hf_multiteacher.commands.exit import FAILED, STOPPED, Failed, user_errors, write_everywhere
from hf_multiteacher.commands.main import main


@pytest.mark.parametrize("kind", [OSError, TypeError, ValueError])
def test_what_the_user_can_mend_is_one_line_behind_the_name_of_the_program(capsys, kind):
    with pytest.raises(SystemExit) as left, user_errors("ner.py"):
        raise kind("There is none.\n  Make one.")
    assert left.value.code == FAILED
    assert capsys.readouterr().err == "ner.py: There is none. Make one.\n"


def test_the_systems_number_of_an_error_is_not_shown(capsys, tmp_path):
    with pytest.raises(SystemExit), user_errors():
        (tmp_path / "none.csv").read_text()
    error = capsys.readouterr().err
    assert error.startswith("hf-multiteacher: No such file or directory: '") and "none.csv" in error


def test_a_program_leaves_with_the_code_that_it_is_given():
    with pytest.raises(SystemExit) as left, user_errors(kinds=(RuntimeError,), code=STOPPED):
        raise RuntimeError("asked to stop")
    assert left.value.code == STOPPED


def test_a_fault_passes(capsys):
    with pytest.raises(RuntimeError, match="a fault"), user_errors():
        raise RuntimeError("a fault")
    assert not capsys.readouterr().err


def test_a_program_that_leaves_for_another_reason_is_not_taken_for_one_that_failed():
    with pytest.raises(SystemExit) as left, user_errors():
        raise SystemExit(0)
    assert not isinstance(left.value, Failed)


def test_a_terminal_that_lacks_a_letter_gets_its_code(monkeypatch):
    terminal = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr("sys.stdout", terminal)
    write_everywhere()
    sys.stdout.write("9.1 ± 0.2, „țară”\n")
    sys.stdout.flush()
    assert terminal.buffer.getvalue() == rb"9.1 \xb1 0.2, \u201e\u021bar\u0103\u201d" + b"\n"


def test_the_program_writes_everywhere(monkeypatch):
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(io.BytesIO(), encoding="ascii"))
    main(["evaluate", "--describe", "--data", "synthetic"])
    assert sys.stdout.errors == "backslashreplace"
