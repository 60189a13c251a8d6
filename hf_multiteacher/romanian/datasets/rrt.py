"""The Romanian treebank of Universal Dependencies: parts of speech, universal (`upos`) and MULTEXT-East (`xpos`)."""

from functools import partial

from ..conllu import read_conllu, write_conllu
from ..definition import Definition, PredictionFile
from ..scores import tag_scores
from ..source import Record, Source
from ..synthetic import generate_sentences


def _generate(count: int, seed: int) -> list[Record]:
    return [
        {"words": sentence.words, "upos": sentence.upos, "xpos": sentence.xpos}
        for sentence in generate_sentences(count, seed)
    ]


RRT = Source(
    title="UD_Romanian-RRT",
    folder="rrt",
    repository="UniversalDependencies/UD_Romanian-RRT",
    commit="cc00bf852bc3c19ac345457eef8b3e5665392a72",
    files={
        "ro_rrt-ud-train.conllu": ("ro_rrt-ud-train.conllu", "53104d80f613f3df88b3b02dd72286576ce25228"),
        "ro_rrt-ud-dev.conllu": ("ro_rrt-ud-dev.conllu", "da3c3c78d07a4e05851862516d3baa57a8664af8"),
        "ro_rrt-ud-test.conllu": ("ro_rrt-ud-test.conllu", "ae5470899ccb54d12063c59fa8dff636d658e8ae"),
    },
    splits={
        "train": "ro_rrt-ud-train.conllu",
        "validation": "ro_rrt-ud-dev.conllu",
        "test": "ro_rrt-ud-test.conllu",
    },
    license="CC BY-SA 4.0",
    citation="Barbu Mititelu, Ion, Simionescu, Irimia, Perez: The Romanian Treebank Annotated According to "
    "Universal Dependencies. HrTAL 2016.",
    read=read_conllu,
    generate=_generate,
)

UPOS = Definition(
    key="upos",
    source=RRT,
    problem="token-classification",
    text_columns=("words",),
    score=tag_scores,
    metric="accuracy",
    prediction_file=PredictionFile("predictions.conllu", partial(write_conllu, column="upos")),
    published=(98.02, 98.00, 97.12, 97.97, 98.07),
)

XPOS = Definition(
    key="xpos",
    source=RRT,
    problem="token-classification",
    text_columns=("words",),
    score=tag_scores,
    metric="accuracy",
    prediction_file=PredictionFile("predictions.conllu", partial(write_conllu, column="xpos")),
    published=(97.15, 96.46, 95.79, 97.08, 96.83),
)
