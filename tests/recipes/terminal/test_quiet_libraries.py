"""No bars of the libraries, no advice, a warning once; and everything as it was afterwards."""

import logging
import os
import warnings

import datasets.utils as datasets_utils
import huggingface_hub.utils as hub_utils
import pytest
import transformers.utils.logging as transformers_logging

from hf_multiteacher.recipes.terminal.quiet_libraries import NO_ADVICE, PINNED, quiet_libraries, quiet_resume


def state():
    """What the libraries show, where they write it, and what they are told by the environment."""
    handlers = [[*logging.getLogger(name).handlers] for name in (None, "transformers", "datasets", "huggingface_hub")]
    bars = (
        transformers_logging.is_progress_bar_enabled(),
        hub_utils.are_progress_bars_disabled(),
        datasets_utils.are_progress_bars_disabled(),
    )
    return bars, handlers, os.environ.get(NO_ADVICE)


def test_bars_are_off_and_those_of_the_hub_are_left():
    with quiet_libraries():
        assert state()[0] == (False, False, True)


@pytest.mark.parametrize("shown", [True, False])
def test_everything_is_as_before_also_behind_an_error(monkeypatch, shown):
    monkeypatch.delenv(NO_ADVICE, raising=False)
    if not shown:
        monkeypatch.setenv(NO_ADVICE, "yes")
        hub_utils.disable_progress_bars()
        datasets_utils.disable_progress_bars()
    before = state()
    with pytest.raises(ValueError), quiet_libraries():
        raise ValueError
    assert state() == before
    hub_utils.enable_progress_bars()
    datasets_utils.enable_progress_bars()


def test_what_the_environment_decides_is_no_warning(monkeypatch, recwarn):
    monkeypatch.setitem(hub_utils.disable_progress_bars.__init__.__globals__, "HF_HUB_DISABLE_PROGRESS_BARS", False)
    with quiet_libraries():
        pass
    assert not recwarn.list


def test_memory_that_cannot_be_pinned_is_not_spoken_of(recwarn):
    with quiet_libraries():
        warnings.warn(f"{PINNED}, then device pinned memory won't be used.", stacklevel=1)
        warnings.warn("another", stacklevel=1)
    assert [str(warning.message) for warning in recwarn] == ["another"]


@pytest.mark.parametrize("name", ["transformers.models", "datasets.arrow_dataset", "hf_multiteacher.hub"])
def test_a_warning_comes_through_once_and_advice_does_not(name, capsys):
    logger = logging.getLogger(name)
    with quiet_libraries():
        for _ in range(2):
            logger.warning("%s is there", "a real warning")
            logger.info("for nobody")
            logger.warning_advice("use the other tokenizer")
    printed = capsys.readouterr().err
    assert printed.count("a real warning is there") == 1 and "tokenizer" not in printed and "nobody" not in printed


def test_the_same_words_come_through_again_in_another_run(capsys):
    for _ in range(2):
        with quiet_libraries():
            logging.getLogger("hf_multiteacher.hub").warning("a real warning")
    assert capsys.readouterr().err.count("a real warning") == 2


def said_of_a_resume(message, name="transformers.trainer_utils"):
    logging.getLogger(name).warning(message)


def test_of_a_resume_steps_given_as_a_share_are_no_news_and_others_are(caplog, monkeypatch):
    monkeypatch.setattr(logging.getLogger("transformers"), "propagate", True)
    share, changed = (
        f"\n\t{name}: {given} (from args) != 3 (from trainer_state.json)"
        for name, given in [("logging_steps", 0.05), ("save_steps", 7)]
    )
    with quiet_resume({}):
        said_of_a_resume(f"Warning: they do not match: {share}")
        said_of_a_resume(f"Warning: they do not match: {share}{changed}")
    assert [*dict.fromkeys(caplog.messages)] == [f"Warning: they do not match: {changed}"]


def test_of_a_resume_tied_weights_are_not_missed_and_others_are(caplog, monkeypatch):
    monkeypatch.setattr(logging.getLogger("transformers"), "propagate", True)
    says = "There were missing keys in the checkpoint model loaded: {}."
    tied, others = ["decoder.weight"], ["decoder.weight", "pooler.weight"]
    with quiet_resume(tied):
        said_of_a_resume(says.format(tied), "transformers.trainer")
        said_of_a_resume(says.format(others), "transformers.trainer")
    said_of_a_resume(says.format(tied), "transformers.trainer")
    assert [*dict.fromkeys(caplog.messages)] == [says.format(others), says.format(tied)]
