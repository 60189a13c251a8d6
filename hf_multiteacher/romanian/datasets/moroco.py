"""MOROCO, news from Moldova and Romania: their dialect (`di`)."""

from pathlib import Path

from ..definition import Definition
from ..files import DataFileError, read_columns, read_lines
from ..scores import classification_scores
from ..source import Record, Source
from ..synthetic import generate_sentences

DIALECTS = {"1": "Moldavian", "2": "Romanian"}


def read_moroco(folder: Path) -> list[Record]:
    """Read a folder of MOROCO: `samples.txt` and `dialect_labels.txt`, each line an id, a tab and the rest.

    The texts are in `text`, the dialects in `di`.

    Raises:
        DataFileError: A line lacks its id, or the two files are not of the same samples.
    """
    samples, labels = folder / "samples.txt", folder / "dialect_labels.txt"
    rows = [line.split("\t", 1) for line in read_lines(samples)]
    targets = read_columns(labels, 2, "id, label")

    texts = []
    for number, row in enumerate(rows, 1):
        if len(row) != 2:
            raise DataFileError(samples, number, "expected an id, a tab and a text: the file is damaged.")
        sample, text = row

        if number > len(targets) or targets[number - 1][0] != sample:
            raise DataFileError(labels, number, f"expected the label of sample '{sample}'. Download both files again.")
        label = targets[number - 1][1]

        if label not in DIALECTS:
            raise DataFileError(labels, number, f"expected 1 (Moldavian) or 2, found '{label}'.")
        texts.append({"text": text, "di": DIALECTS[label]})

    if len(targets) > len(rows):
        raise DataFileError(
            samples, len(rows), f"{len(rows)} samples for {len(targets)} labels: half downloaded. Download it again."
        )
    return texts


def _generate(count: int, seed: int) -> list[Record]:
    return [{"text": sentence.text, "di": sentence.dialect} for sentence in generate_sentences(count, seed)]


_BLOBS = {
    "train": ("f1f7e2356c052b452180afe4422ce2afb54d04e5", "0534a7c1c37d269568ea60589fb1703ff04ab34a"),
    "validation": ("512933eba849b809ed1f8321e51fb31992df1525", "0dfbc8d6f7c947d130a69abbc4d8e083e7bffc90"),
    "test": ("d34d6da1aafd33b3f50956a203c0d276420df5be", "908498706ca000c89bb747065d1e43067ffdea08"),
}

MOROCO = Source(
    title="MOROCO",
    folder="moroco",
    repository="butnaruandrei/MOROCO",
    commit="eb9ee0292d5064ce3bc6c904dcdd4708d3dbe1d3",
    files={
        f"{split}/{name}": (f"MOROCO/preprocessed/{split}/{name}", blob)
        for split, blobs in _BLOBS.items()
        for name, blob in zip(("samples.txt", "dialect_labels.txt"), blobs, strict=True)
    },
    splits={"train": "train", "validation": "validation", "test": "test"},
    license="CC BY-NC-SA 4.0",
    citation="Butnaru, Ionescu: MOROCO: The Moldavian and Romanian Dialectal Corpus. ACL 2019.",
    read=read_moroco,
    generate=_generate,
)

DI = Definition(
    key="di",
    source=MOROCO,
    problem="sequence-classification",
    text_columns=("text",),
    score=classification_scores,
    metric="macro_f1",
    label_names=("Moldavian", "Romanian"),
    stratum=str,
    published=(96.07, 95.58, 96.11, 96.31, 96.18),
)
