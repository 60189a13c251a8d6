"""The text of an example on which models disagree, as its tokens tell it, and what each of them says there."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..report.compared_answers import Disagreement

LONGEST_TEXT = 600
"""Characters of an example of which the whole is answered to."""


def disagreement(
    said: np.ndarray,
    tokens: np.ndarray,
    models: Sequence[str],
    labels: Sequence[str],
    tokenizer: Any,
    *,
    by_word: bool,
) -> Disagreement:
    """Put the text of an example and what was said of it into words.

    Args:
        said: Of each token, or of the whole: each model's answer and confidence, the label, the distance between
            student and teachers; `[length or 1, columns]`, below 0 where there is nothing.
        tokens: The student's, `[length]`, below 0 for padding.
        models: Their names, the student first.
        labels: The names of the labels.
        tokenizer: The student's.
        by_word: Whether the answers are to words; else to the whole example.
    """
    answers = said[:, :-2:2]
    places = np.flatnonzero(answers[:, 0] >= 0)
    disputed = [place for place in places if ((answers[place] >= 0) & (answers[place] != answers[place, 0])).any()]
    rows = [_row(said[place], models, labels) for place in disputed]

    number = {int(place): row for row, place in enumerate(disputed)}
    parts = _words(tokens, places, number, tokenizer) if by_word else [[_text(tokens, tokenizer), None]]
    return Disagreement(round(float(max(said[place, -1] for place in disputed)), 4), parts, rows)


def _row(said: np.ndarray, models: Sequence[str], labels: Sequence[str]) -> dict[str, Any]:
    answers = {
        name: [labels[int(said[2 * model])], round(float(said[2 * model + 1]), 4)]
        for model, name in enumerate(models)
        if said[2 * model] >= 0
    }
    return {"label": labels[int(said[-2])] if said[-2] >= 0 else None, "answers": answers}


def _words(tokens: np.ndarray, places: np.ndarray, number: dict[int, int], tokenizer: Any) -> list[list[Any]]:
    """Cut the tokens into words, each from its first token on, and join those that nobody disputes."""
    ends = [*places[1:].tolist(), len(tokens)]
    parts: list[list[Any]] = []
    for start, end in zip(places.tolist(), ends, strict=True):
        word, row = _decoded(tokens[start:end], tokenizer), number.get(start)
        if row is None and parts and parts[-1][1] is None:
            parts[-1][0] += f" {word}"
        else:
            parts.append([word, row])
    return parts


def _text(tokens: np.ndarray, tokenizer: Any) -> str:
    text = _decoded(tokens, tokenizer)
    return text if len(text) <= LONGEST_TEXT else f"{text[:LONGEST_TEXT]}…"


def _decoded(tokens: np.ndarray, tokenizer: Any) -> str:
    # A word that the tokenizer does not know is disputed like any other, and must not be an empty mark.
    hidden = {*tokenizer.all_special_ids} - {tokenizer.unk_token_id}
    text = tokenizer.decode([token for token in tokens.tolist() if token >= 0 and token not in hidden])
    return " ".join(text.split())
