"""What the libraries say meanwhile: no bars of their own and no advice, and a warning once."""

import logging
import os
import re
import warnings
from ast import literal_eval
from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager

import datasets.utils as datasets_utils
import huggingface_hub.utils as hub_utils
import transformers.utils.logging as transformers_logging
from tqdm.contrib.logging import logging_redirect_tqdm

LOGGERS = [
    None,
    "transformers",
    "datasets",
    "huggingface_hub",
]
"""The root, by None, and those that have handlers of their own."""
PINNED = "'pin_memory' argument is set as true but no accelerator is found"
NO_ADVICE = "TRANSFORMERS_NO_ADVISORY_WARNINGS"
RESUMING = ["transformers.trainer", "transformers.trainer_utils"]
"""The loggers that speak of what a checkpoint holds."""
SHARE = re.compile(r"\n\t\w+: (?:0\.\d+|\S+e-\d+) \(from args\) != \d+ \(from trainer_state\.json\)")
MISSING = re.compile(r"There were missing keys in the checkpoint model loaded: (\[.*\])\.")


@contextmanager
def quiet_libraries() -> Iterator[None]:
    """Have only warnings come through, each once and above a bar; what was set before is set again afterwards.

    The bars of transformers ("Loading weights", "Writing model shards") and of datasets ("Map") are off. Those of the
    Hub stay: a download may take minutes, and they are shown on a terminal alone.
    """
    with ExitStack() as before:
        before.enter_context(_without_bars())
        before.enter_context(_without_advice())
        before.enter_context(warnings.catch_warnings())
        warnings.filterwarnings("ignore", PINNED)  # the Trainer asks for it on every processor
        before.enter_context(_warnings_once())
        yield


@contextmanager
def _without_bars() -> Iterator[None]:
    of_transformers = transformers_logging.is_progress_bar_enabled()
    of_hub = not hub_utils.are_progress_bars_disabled()
    of_datasets = not datasets_utils.are_progress_bars_disabled()

    _switch_bars(transformers=False, hub=of_hub, datasets=False)
    try:
        yield
    finally:
        _switch_bars(transformers=of_transformers, hub=of_hub, datasets=of_datasets)


def _switch_bars(*, transformers: bool, hub: bool, datasets: bool) -> None:
    """Show the bars of a library or not; that of transformers takes the Hub's with it, so that comes behind it."""
    on_or_off = [
        (transformers, transformers_logging.enable_progress_bar, transformers_logging.disable_progress_bar),
        (hub, hub_utils.enable_progress_bars, hub_utils.disable_progress_bars),
        (datasets, datasets_utils.enable_progress_bars, datasets_utils.disable_progress_bars),
    ]

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a variable of the environment that decides, which is as it should be
        for on, enable, disable in on_or_off:
            enable() if on else disable()


@contextmanager
def _without_advice() -> Iterator[None]:
    before = os.environ.get(NO_ADVICE)
    os.environ[NO_ADVICE] = "1"
    try:
        yield
    finally:
        del os.environ[NO_ADVICE]
        if before is not None:
            os.environ[NO_ADVICE] = before


@contextmanager
def _warnings_once() -> Iterator[None]:
    """Write what is logged above a bar, and nothing twice."""
    loggers = [logging.getLogger(name) for name in LOGGERS]
    once = _Once()

    with logging_redirect_tqdm(loggers):
        for logger in loggers:
            logger.handlers[-1].addFilter(once)
        yield


class _Once(logging.Filter):
    def __init__(self) -> None:
        super().__init__()
        self.said: set[tuple[str, str]] = set()

    def filter(self, record: logging.LogRecord) -> bool:
        """Let a message of a logger pass the first time."""
        message = (record.name, record.getMessage())
        new = message not in self.said
        self.said.add(message)
        return new


@contextmanager
def quiet_resume(tied: Collection[str]) -> Iterator[None]:
    """Around a training that may be resumed: of what the checkpoint lacks and has otherwise, only news comes through.

    Args:
        tied: The weights of the model that are others' too, so that a checkpoint does not hold them.
    """
    unsaid = _NoNews(tied)
    loggers = [logging.getLogger(name) for name in RESUMING]
    for logger in loggers:
        logger.addFilter(unsaid)

    try:
        yield
    finally:
        for logger in loggers:
            logger.removeFilter(unsaid)


class _NoNews(logging.Filter):
    def __init__(self, tied: Collection[str]) -> None:
        super().__init__()
        self.tied = {*tied}

    def filter(self, record: logging.LogRecord) -> bool:
        """Drop steps given as a share, which a checkpoint holds as a number, and tied weights."""
        said = record.getMessage()
        missing = MISSING.fullmatch(said)
        if missing:
            return not {*literal_eval(missing[1])} <= self.tied

        news, shares = SHARE.subn("", said)
        if shares:
            record.msg, record.args = news, ()
        return not shares or "\n" in news
