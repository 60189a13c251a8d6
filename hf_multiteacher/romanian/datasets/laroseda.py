"""LaRoSeDa, reviews of products: their sentiment (`sapn`) and their stars (`sar`)."""

from pathlib import Path

from ..definition import Definition
from ..files import DataFileError, check_records, check_texts, read_json
from ..scores import classification_scores
from ..source import Record, Source
from ..synthetic import generate_sentences

SIGN = {"1": "negative", "2": "negative", "4": "positive", "5": "positive"}


def _review(title: str, content: str, stars: str) -> Record:
    return {"text": title, "text_pair": content, "sar": stars, "sapn": SIGN[stars]}


def read_laroseda(path: Path) -> list[Record]:
    """Read LaRoSeDa: reviews with title (`text`), content (`text_pair`), stars (`sar`) and their sign (`sapn`).

    Raises:
        DataFileError: The file holds no reviews, or one without its texts or with stars that there are not.
    """
    data = read_json(path)
    if not isinstance(data, dict) or "reviews" not in data:
        raise DataFileError(path, 1, "expected an object with the field 'reviews'. Point to laroseda_train.json.")

    reviews = []
    for number, record in enumerate(check_records(path, data["reviews"], ("title", "content", "starRating")), 1):
        place = f"record {number}"
        check_texts(path, place, record, ("title", "content"), several=False)

        stars = str(record["starRating"])
        if stars not in SIGN:
            raise DataFileError(path, place, f"expected a rating of 1, 2, 4 or 5 stars, found '{stars}'.")

        reviews.append(_review(record["title"], record["content"], stars))
    return reviews


def _generate(count: int, seed: int) -> list[Record]:
    """Two sentences of as many stars make a review: title and content."""
    reviews: list[Record] = []
    titles: dict[int, str] = {}

    # Of each rating one sentence may be left over.
    for sentence in generate_sentences(2 * count + len(SIGN), seed):
        if sentence.stars in titles:
            reviews.append(_review(titles.pop(sentence.stars), sentence.text, str(sentence.stars)))
        else:
            titles[sentence.stars] = sentence.text
    return reviews[:count]


LAROSEDA = Source(
    title="LaRoSeDa",
    folder="laroseda",
    repository="ancatache/LaRoSeDa",
    commit="162f4c8f4a10000f7a3b65436512212b3bb629fb",
    files={
        "laroseda_train.json": ("data_splitted/laroseda_train.json", "ffa17f417ee91ad79ab3bde57b9d745e09a20310"),
        "laroseda_test.json": ("data_splitted/laroseda_test.json", "1c0fc57319a28c0eb8b786c80ff08cb620ca8192"),
    },
    splits={"train": "laroseda_train.json", "test": "laroseda_test.json"},
    license="CC BY-NC-SA 4.0",
    citation="Tache, Găman, Ionescu: Clustering Word Embeddings with Self-Organizing Maps. Application on "
    "LaRoSeDa, a Large Romanian Sentiment Data Set. EACL 2021.",
    read=read_laroseda,
    generate=_generate,
)

SAPN = Definition(
    key="sapn",
    source=LAROSEDA,
    problem="sequence-classification",
    text_columns=("text", "text_pair"),
    score=classification_scores,
    metric="accuracy",
    label_names=("negative", "positive"),
    stratum=str,
    published=(98.30, 98.07, 98.01, 98.20, 98.11),
)

SAR = Definition(
    key="sar",
    source=LAROSEDA,
    problem="sequence-classification",
    text_columns=("text", "text_pair"),
    score=classification_scores,
    metric="macro_f1",
    label_names=("1", "2", "4", "5"),
    stratum=str,
    published=(79.40, 79.61, 79.58, 80.51, 79.77),
)
