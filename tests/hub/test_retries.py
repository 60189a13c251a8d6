import json
from importlib import import_module

import pytest
from huggingface_hub import HfApi
from huggingface_hub.errors import HTTPError
from huggingface_hub.utils import hf_raise_for_status

from hf_multiteacher.hub.files import PushError
from hf_multiteacher.hub.retries import ATTEMPTS, at_the_hub

httpx = import_module(HTTPError.__module__)  # or httpx2, as the client's version has it


@pytest.fixture
def slept(monkeypatch):
    """The seconds that were waited, without waiting."""
    slept = []
    monkeypatch.setattr("hf_multiteacher.hub.retries.time.sleep", slept.append)
    return slept


class Step:
    """Gets one answer of the Hub after the other, as the client gets it: a status is an error from 400 on."""

    def __init__(self, *answers):
        self.answers, self.times = list(answers), 0

    def __call__(self):
        self.times += 1
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        hf_raise_for_status(answer)
        return "done"


def answer(status, **headers):
    return httpx.Response(status, headers=headers, request=httpx.Request("GET", "https://hub/api/models/org/name"))


def refusal(step):
    with pytest.raises(PushError) as refused:
        at_the_hub("org/name", step)
    return str(refused.value)


def test_the_hub_is_given_the_time_it_asks_for_but_not_all_day(slept):
    assert at_the_hub("org/name", Step(answer(429, **{"Retry-After": "77"}), answer(200))) == "done"
    assert slept == [77.0]
    step = Step(answer(429, **{"Retry-After": "5000"}))
    assert "answered 429. Push again in 5000 s" in refusal(step)
    assert step.times == 1


def test_offline_is_said_at_once(slept):
    api = HfApi(endpoint="https://hub", token="hf_x")  # all tests run with HF_HUB_OFFLINE
    assert "HF_HUB_OFFLINE is set" in refusal(api.whoami)
    assert slept == []


@pytest.mark.parametrize("trouble", [answer(503), httpx.ConnectError("down"), json.JSONDecodeError("no", "<html>", 0)])
def test_the_waits_grow_and_after_the_last_attempt_it_is_an_error(slept, trouble):
    step = Step(trouble)
    said = refusal(step)
    assert said.startswith("Nothing pushed to org/name: the Hub ") and said.endswith("No local file was changed.")
    assert slept == [1.0, 2.0, 4.0] and step.times == ATTEMPTS == 4


@pytest.mark.parametrize(("status", "said"), [(401, "accept the token"), (403, "may not write"), (404, "not find")])
def test_what_another_attempt_cannot_help_is_said_at_once(slept, status, said):
    step = Step(answer(status))
    assert f"({status})" in (message := refusal(step)) and said in message and "\n" not in message
    assert slept == [] and step.times == 1


def test_an_error_that_is_not_the_hub_s_stays_what_it_is(slept):
    step = Step(KeyError("mine"))
    with pytest.raises(KeyError, match="mine"):
        at_the_hub("org/name", step)
    assert slept == [] and step.times == 1


def test_the_hub_s_error_is_found_behind_another(slept):
    behind = ValueError("could not prepare")
    behind.__cause__ = httpx.ReadTimeout("slow")
    assert at_the_hub("org/name", Step(behind, answer(200))) == "done"
    assert slept == [1.0]
