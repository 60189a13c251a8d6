"""What is done when the Hub does not answer as it should: wait and try again, or say in one line what is wrong."""

import json
import re
import time
from collections.abc import Callable
from logging import getLogger
from typing import Any, TypeVar

from huggingface_hub.errors import HfHubHTTPError, HTTPError, OfflineModeIsEnabled

from .files import PushError

logger = getLogger(__name__)
Result = TypeVar("Result")

ATTEMPTS = 4
LONGEST_WAIT = 120.0  # seconds
TRANSIENT = (408, 429, 500, 502, 503, 504)


def at_the_hub(repo_id: str, step: Callable[[], Result]) -> Result:
    """Do a step, more than once where that helps; what keeps it from being done becomes one line.

    Args:
        repo_id: Whose repository it is about, for the message.
        step: Something that can be repeated; it changes no local file.

    Returns:
        What the step returns.

    Raises:
        PushError: The Hub or the network kept it from being done. Any other error of the step stays what it is.
    """
    try:
        return _with_retries(step)
    except Exception as error:
        cause = _hub_error(error)
        if cause is None:
            raise
        raise PushError(f"Nothing pushed to {repo_id}: {_explain(cause)} No local file was changed.") from error


def _with_retries(step: Callable[[], Result]) -> Result:
    """Repeat a step while the Hub is busy or out of reach; the client itself does so for uploads only."""
    for attempt in range(ATTEMPTS - 1):
        try:
            return step()
        except Exception as error:
            wait = _seconds_to_wait(_hub_error(error), attempt)
            if wait is None:
                raise
            logger.warning("The Hub did not answer as it should (%s); trying again in %g s.", error, wait)
            time.sleep(wait)

    return step()


def _hub_error(error: BaseException | None) -> Any:
    """Find the error of the Hub or the network in a chain of causes; None when there is none."""
    # the client parses validate-yaml's answer before it looks at the status: an HTML 503 is a JSONDecodeError
    while error is not None and not isinstance(error, (HTTPError, OfflineModeIsEnabled, json.JSONDecodeError)):
        error = error.__cause__
    return error


def _seconds_to_wait(error: Any, attempt: int) -> float | None:
    """Seconds before the next attempt; None when another attempt cannot help."""
    status = _status(error)
    if error is None or isinstance(error, OfflineModeIsEnabled) or (status is not None and status not in TRANSIENT):
        return None

    asked = _retry_after(error)
    if asked is None:
        return 2.0**attempt
    return asked if asked <= LONGEST_WAIT else None


def _status(error: Any) -> int | None:
    """The number with which the Hub answered, if it did."""
    return error.response.status_code if isinstance(error, HfHubHTTPError) else None


def _retry_after(error: Any) -> float | None:
    """The seconds that the Hub asks to wait, if it does."""
    seconds = error.response.headers.get("Retry-After", "") if isinstance(error, HfHubHTTPError) else ""
    return float(seconds) if re.fullmatch(r"\d+", seconds) else None


def _explain(error: Any) -> str:
    """Say in a sentence or two what went wrong and what to do."""
    if isinstance(error, OfflineModeIsEnabled):
        return "HF_HUB_OFFLINE is set. Unset it to push."

    status = _status(error)
    if status == 401:
        return "the Hub does not accept the token (401). Run `hf auth login` with one that may write."
    if status == 403:
        return "the token may not write there (403): it only reads, or the namespace or repository is another's."
    if status == 404:
        return "the Hub does not find the repository or the revision (404). Check the name and the token's rights."
    if status is not None and status not in TRANSIENT:
        return f"the Hub refused ({status}): {' '.join(str(error).split())}"

    asked = _retry_after(error)
    reason = f"the Hub answered {status}" if status else f"the Hub is out of reach ({type(error).__name__})"
    wait = f" in {asked:g} s" if asked else ""
    return f"{reason}. Push again{wait}; what has arrived is not sent twice."
