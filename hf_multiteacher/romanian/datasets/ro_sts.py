"""RO-STS, pairs of sentences: how alike their meanings are (`sts`)."""

import math
from pathlib import Path

from ..definition import Definition
from ..files import DataFileError, read_columns
from ..scores import correlation_scores
from ..source import Record, Source
from ..synthetic import generate_pairs


def _similarity(score: str) -> float:
    try:
        return float(score)
    except ValueError:
        return math.nan


def read_ro_sts(path: Path) -> list[Record]:
    """Read RO-STS: pairs with `text`, `text_pair` and `sts` (0 to 5). Quotes are ordinary characters.

    Raises:
        DataFileError: A line has not three columns, or no such similarity.
    """
    pairs = []
    for number, (score, first, second) in enumerate(read_columns(path, 3, "score, sentence, sentence"), 1):
        similarity = _similarity(score)
        if not 0 <= similarity <= 5:
            raise DataFileError(path, number, f"expected a similarity from 0 to 5, found '{score}'.")

        pairs.append({"text": first, "text_pair": second, "sts": similarity})
    return pairs


def _generate(count: int, seed: int) -> list[Record]:
    return [
        {"text": pair.first.text, "text_pair": pair.second.text, "sts": pair.similarity}
        for pair in generate_pairs(count, seed)
    ]


RO_STS = Source(
    title="RO-STS",
    folder="ro_sts",
    repository="dumitrescustefan/RO-STS",
    commit="98b5804b454892c70815777fe03e874ea7f20f1b",
    files={
        "RO-STS.train.tsv": (
            "dataset/text-similarity/RO-STS.train.tsv",
            "142cde330be4bb6b6d08e7e502b2b99531223acd",
        ),
        "RO-STS.dev.tsv": ("dataset/text-similarity/RO-STS.dev.tsv", "f9b0f41a13b7c0b4f07b44062b1dbe51700dfba5"),
        "RO-STS.test.tsv": ("dataset/text-similarity/RO-STS.test.tsv", "6fd1968d8e510c724429208a1804b98089195147"),
    },
    splits={"train": "RO-STS.train.tsv", "validation": "RO-STS.dev.tsv", "test": "RO-STS.test.tsv"},
    license="CC BY-SA 4.0",
    citation="Dumitrescu, Rebeja, Lorincz, Gaman, Avram et al.: LiRo: Benchmark and leaderboard for Romanian "
    "language tasks. NeurIPS Datasets and Benchmarks 2021.",
    read=read_ro_sts,
    generate=_generate,
)

STS = Definition(
    key="sts",
    source=RO_STS,
    problem="sequence-classification",
    text_columns=("text", "text_pair"),
    score=correlation_scores,
    metric="pearson",
    stratum=int,  # pairs of a whole number and of what follows it up to the next
    published=(81.18, 80.30, 79.80, 80.57, 80.66),
)
