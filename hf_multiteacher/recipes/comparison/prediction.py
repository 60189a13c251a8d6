"""What fine-tuned models say about every word or text of a data set, each model through its own tokenizer."""

from typing import Any

import numpy as np
import torch
from tqdm.auto import tqdm

from ...collation.padding import pad_encoding
from ...losses.functional import IGNORED_LABEL
from ...models.labels import label_names
from ...models.limits import position_limit
from ...models.task import without_adapters
from ...teachers.ensemble import TeacherEnsemble
from ...tokenization.encoder import NO_LIMIT, Encoder
from .examples import Examples


def input_limit(models: TeacherEnsemble, index: int, examples: Examples, max_length: int | None) -> int:
    """Return the most tokens of an example that a model reads: what it can take, and `max_length` at most.

    Raises:
        ValueError: That leaves no room beside the special tokens.
    """
    model: Any = models[index]
    config = without_adapters(model.model).config
    limit = min(position_limit(config), model.tokenizer.model_max_length, max_length or NO_LIMIT)
    special = model.tokenizer.num_special_tokens_to_add(pair=len(examples.sequences) > 1)
    if limit <= special:
        raise ValueError(
            f"'{model.name}' would read {limit} tokens of each example, {special} of them special tokens, so it would "
            "see no text. Give a larger --max-length."
        )

    return limit


def predict(
    models: TeacherEnsemble, index: int, examples: Examples, *, batch_size: int, max_length: int | None = None
) -> np.ndarray:
    """Run one model over all examples, the longest first, behind a progress bar.

    Args:
        models: Fine-tuned models for token or sequence classification or regression, each with its tokenizer.
        index: Which of them.
        examples: What to read. Longer ones than the model can take are cut.
        batch_size: Examples at once.
        max_length: Tokens of an example at most; by default as many as the model can take.

    Returns:
        The logits of every row, `[rows, classes]`, float32, in the student's label order; in token classification
        those of the first token of each word, and zeros for a word that the sentence was cut before.
    """
    model = models[index]
    limit = input_limit(models, index, examples, max_length)
    device = next(model.model.parameters()).device

    classes = label_names(without_adapters(model.model).config)
    logits = np.zeros((examples.rows_per_example.sum(), len(classes)), np.float32)

    order = np.argsort([-len(examples.text(example)) for example in range(len(examples))], kind="stable")
    for start in tqdm(range(0, len(order), batch_size), desc=model.name, unit="batch"):
        rows, inputs, where = _read(model.tokenizer, examples, order[start : start + batch_size], limit)
        tensors = {name: torch.from_numpy(values).to(device) for name, values in inputs.items()}
        mask = None if where is None else torch.from_numpy(where).to(device)

        logits[rows] = models.forward(index, tensors, mask)[0].float().cpu().numpy()

    return logits


def _read(
    tokenizer: Any, examples: Examples, picked: np.ndarray, limit: int
) -> tuple[np.ndarray, dict[str, np.ndarray], np.ndarray | None]:
    """Encode some examples: the rows that are there, the model's inputs, and in tagging where the rows' tokens are."""
    sequences = [[sequence[example] for example in picked] for sequence in examples.sequences]
    encoded = Encoder([tokenizer]).encode(sequences, examples.tagging, True, limit)
    features = [dict(zip(encoded.columns, row, strict=True)) for row in zip(*encoded.columns.values(), strict=True)]
    inputs, layout = pad_encoding(features, "", tokenizer, None)
    if not examples.tagging:
        return picked, inputs, None

    counts = examples.rows_per_example
    ends = np.cumsum(counts)
    words = np.concatenate([np.arange(ends[example] - counts[example], ends[example]) for example in picked])
    first = layout.pad(encoded.first_token_labels(words, counts[picked]), IGNORED_LABEL, "words")
    where = first != IGNORED_LABEL
    return first[where], inputs, where
