"""What the user can mend is one line; what is a fault keeps its traceback."""

import pytest

from hf_multiteacher.commands.exit import FAILED, Failed, user_errors


@pytest.mark.parametrize("kind", [OSError, TypeError, ValueError])
def test_what_the_user_can_mend_is_one_line_behind_the_name_of_the_program(capsys, kind):
    with pytest.raises(SystemExit) as left, user_errors("ner.py"):
        raise kind("There is none.\n  Make one.")
    assert left.value.code == FAILED
    assert capsys.readouterr().err == "ner.py: There is none. Make one.\n"


def test_a_fault_passes(capsys):
    with pytest.raises(RuntimeError, match="a fault"), user_errors():
        raise RuntimeError("a fault")
    assert not capsys.readouterr().err


def test_a_program_that_leaves_for_another_reason_is_not_taken_for_one_that_failed():
    with pytest.raises(SystemExit) as left, user_errors():
        raise SystemExit(0)
    assert not isinstance(left.value, Failed)
