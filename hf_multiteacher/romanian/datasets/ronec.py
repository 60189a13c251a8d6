"""RONEC, the Romanian named entity corpus: names and other entities of fifteen types (`ner`)."""

import json
import logging
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from ...whole_file import write_text
from ..definition import Definition, PredictionFile, Splits
from ..files import DataFileError, check_records, check_tags, check_texts, read_json
from ..scores import entity_scores
from ..source import Record, Source
from ..synthetic import generate_sentences

_ENTITIES = (
    "PERSON ORG GPE LOC NAT_REL_POL EVENT LANGUAGE WORK_OF_ART DATETIME PERIOD MONEY QUANTITY NUMERIC ORDINAL FACILITY"
).split()
ENTITY_TAGS = ("O", *(f"{prefix}-{entity}" for entity in _ENTITIES for prefix in "BI"))
_VERSION_1 = {"ORGANIZATION": "ORG", "NUMERIC_VALUE": "NUMERIC"}
logger = logging.getLogger(__name__)


def read_ronec(path: Path) -> list[Record]:
    """Read RONEC version 2: sentences with `words` and `ner` (BIO2).

    Raises:
        DataFileError: The file holds no records, or one without its texts, or one with more tokens than tags.
    """
    sentences = []
    for number, record in enumerate(check_records(path, read_json(path), ("id", "tokens", "ner_tags")), 1):
        place = f"record {number} (id {record['id']})"
        check_texts(path, place, record, ("tokens", "ner_tags"), several=True)

        words, tags = record["tokens"], record["ner_tags"]
        if len(words) != len(tags):
            raise DataFileError(
                path,
                place,
                f"{len(words)} tokens and {len(tags)} tags, expected as many: the file is damaged. Download it again.",
            )

        sentences.append({"words": words, "ner": tags})
    return sentences


def write_ronec(
    path: str | Path,
    words: Sequence[Sequence[str]],
    tags: Sequence[Sequence[str]],
    source: str | Path | None = None,
) -> None:
    """Write predicted entity tags in the layout of RONEC version 2, as well-formed BIO2.

    An `I-` tag that continues nothing is written as `O`: it is no entity in strict scores, and scorers that would take
    it for one then give the same figures.

    Args:
        path: File to write.
        words: Words of each sentence.
        tags: Predicted tag of each word.
        source: The gold file; its ids, tokens and spaces are kept. Without it sentences are numbered.

    Raises:
        ValueError: Sentences and tags differ in number, or the source holds other sentences.
    """
    check_tags("write_ronec", words, tags)

    if source is None:
        records = [{"id": i, "tokens": list(row), "space_after": [True] * len(row)} for i, row in enumerate(words)]
    else:
        check_tags(f"write_ronec with source {source}", [s["words"] for s in read_ronec(Path(source))], tags)
        records = read_json(Path(source))

    ids = {tag: number for number, tag in enumerate(ENTITY_TAGS)}
    filled = [
        record | {"ner_tags": row, "ner_ids": [ids[tag] for tag in row]}
        for record, row in zip(records, map(_well_formed, tags), strict=True)
    ]

    write_text(path, json.dumps(filled, ensure_ascii=False))


def _well_formed(tags: Sequence[str]) -> list[str]:
    """Give tags of one sentence as BIO2, where every `I-` tag continues a `B-` or `I-` tag of its own type."""
    written: list[str] = []
    for tag in tags:
        continued = written[-1][1:] if written else ""
        written.append("O" if tag.startswith("I-") and continued != tag[1:] else tag)
    return written


def _known_tags(splits: Splits) -> tuple[Splits, Counter[str]]:
    """Read the type names of RONEC's first version as those of the second, and every other tag as `O`."""
    unknown: Counter[str] = Counter()

    def known(tag: str) -> str:
        """Name of the tag in version 2."""
        prefix, dash, kind = tag.partition("-")
        name = prefix + dash + _VERSION_1.get(kind, kind)
        if name in ENTITY_TAGS:
            return name

        unknown[tag] += 1
        return "O"

    mapped = {
        split: [record | {"ner": [known(tag) for tag in record["ner"]]} for record in records]
        for split, records in splits.items()
    }

    if unknown:
        logger.warning("load_task reads tags that RONEC version 2 does not have as O: %s", dict(unknown))
    return mapped, unknown


def _generate(count: int, seed: int) -> list[Record]:
    return [{"words": sentence.words, "ner": sentence.ner} for sentence in generate_sentences(count, seed)]


RONEC = Source(
    title="RONEC",
    folder="ronec",
    repository="dumitrescustefan/ronec",
    commit="5ca6a898d4fa42f27fd49501d4a3265e61e9340c",
    files={
        "train.json": ("data/train.json", "2fe4ca48da4a6486373ce00ac739481fb7b2033a"),
        "valid.json": ("data/valid.json", "441ea060579b2d940ef874dd5faecba370baa75d"),
        "test.json": ("data/test.json", "8bd2fb3da216301e6c76e8fcd71cd1f7cd96455c"),
    },
    splits={"train": "train.json", "validation": "valid.json", "test": "test.json"},
    license="MIT",
    citation="Dumitrescu, Avram: Introducing RONEC, the Romanian Named Entity Corpus. LREC 2020.",
    read=read_ronec,
    generate=_generate,
)

NER = Definition(
    key="ner",
    source=RONEC,
    problem="token-classification",
    text_columns=("words",),
    score=entity_scores,
    metric="entity_f1",
    label_names=ENTITY_TAGS,
    known_tags=_known_tags,
    prediction_file=PredictionFile("predictions.json", write_ronec),
    published=(85.14, 85.88, 83.11, 83.35, 83.22),
    published_metric="boundary_f1",
)
