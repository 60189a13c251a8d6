"""Which columns of a data set hold texts, words and labels: named by the user, or guessed where that is plain."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ...tokenization.columns import TAUGHT_BY
from .listed import listed

TEXTS = ("text", "sentence", "review", "content", "comment", "document", "tweet", "title", "question", "body")
PAIRS = (
    ("text", "text_pair"),
    ("sentence1", "sentence2"),
    ("sentence_1", "sentence_2"),
    ("sentence", "sentence_pair"),
    ("text1", "text2"),
    ("text_1", "text_2"),
    ("text_a", "text_b"),
    ("premise", "hypothesis"),
    ("question1", "question2"),
    ("question", "answer"),
    ("question", "sentence"),
    ("query", "passage"),
    ("query", "document"),
    ("first", "second"),
)
WORDS = ("words", "tokens")
LABELS = ("label", "labels", "class", "category", "target", "sentiment", "stars", "rating", "intent", "gold_label")
TAGS = ("labels", "tags", "ner_tags", "upos", "upos_tags", "pos_tags", "chunk_tags", "xpos", "label", "tag")
SCORES = ("score", "similarity", "similarity_score", "label", "labels", "target", "rating", "stars", "value")
NO_TEXTS = ("id", "idx", "index", "", TAUGHT_BY)
"""Columns that are never taken for the text where they have another beside them alone."""


@dataclass(frozen=True)
class Columns:
    """The names of the columns that are read.

    Attributes:
        label: That of the labels.
        text: That of the texts; None where there are words.
        text_pair: That of the second texts; None where there are none.
        words: That of the words; None where there are texts.
        guessed: Those that the user did not name: the key of a configuration -> the column.
    """

    label: str | None
    text: str | None = None
    text_pair: str | None = None
    words: str | None = None
    guessed: Mapping[str, str] | None = None

    @property
    def inputs(self) -> dict[str, str]:
        """What `MultiTokenizer.encode` calls a column -> its name."""
        named = {"words": self.words, "text": self.text, "text_pair": self.text_pair}
        return {role: name for role, name in named.items() if name is not None}


def find_columns(
    names: Sequence[str],
    *,
    tagging: bool,
    regression: bool,
    labelled: bool = True,
    label_column: str | None = None,
    words_column: str | None = None,
    text_column: str | None = None,
    second_text_column: str | None = None,
) -> Columns:
    """Find the columns of a data set.

    Args:
        names: Its columns.
        tagging: Whether there are words with a label each.
        regression: Whether the labels are numbers.
        labelled: Whether labels are looked for.
        label_column: What the user says, if anything; so are the other three.
        words_column: Likewise.
        text_column: Likewise.
        second_text_column: Likewise.

    Raises:
        ValueError: A column that is named is not there, or it is not plain which one is meant.
    """
    given = {
        "label_column": label_column,
        "words_column": words_column,
        "text_column": text_column,
        "second_text_column": second_text_column,
    }
    for key, name in given.items():
        if name is not None and name not in names:
            raise ValueError(
                f"{key} is '{name}', but the data have the columns {listed(names)} only. Name one of them."
            )

    guess = _Guess(names, {key: name for key, name in given.items() if name is not None})
    candidates = TAGS if tagging else SCORES if regression else LABELS
    label = guess.one("label_column", candidates) if labelled else None
    words = guess.one("words_column", WORDS) if tagging else None
    text, pair = (None, None) if tagging else guess.texts()

    guess.expect_plain()
    return Columns(label, text, pair, words, guess.guessed)


class _Guess:
    """Finds columns among those that nobody has named yet."""

    def __init__(self, names: Sequence[str], given: Mapping[str, str]) -> None:
        self.names = names
        self.given = given
        self.guessed: dict[str, str] = {}
        self.unclear: dict[str, list[str]] = {}
        self.taken = [*given.values()]

    def one(self, key: str, candidates: Sequence[str]) -> str | None:
        """Return the column that is named, or the only one with a usual name; None where that is not plain."""
        if key in self.given:
            return self.given[key]

        found = [name for name in self._free() if name.lower() in candidates]
        return self._only(key, found)

    def texts(self) -> tuple[str | None, str | None]:
        """Return the column of the texts, and of the second ones where there are pairs; None as `one` does."""
        first, second = self.given.get("text_column"), self.given.get("second_text_column")
        if first is not None:
            return first, second
        if second is not None:
            return self.one("text_column", TEXTS), second

        lower = {name.lower(): name for name in self._free()}
        pairs = [pair for pair in PAIRS if all(name in lower for name in pair)]
        if len(pairs) == 1:
            one, two = (lower[name] for name in pairs[0])
            return self._take("text_column", one), self._take("second_text_column", two)

        found = [name for name in self._free() if name.lower() in TEXTS]
        free = [name for name in self._free() if name.lower() not in (*NO_TEXTS, *WORDS)]
        found = free if not found and len(free) == 1 else found
        return self._only("text_column", found), None

    def expect_plain(self) -> None:
        """Ask for all columns at once of which it is not plain which they are.

        Raises:
            ValueError: There is one.
        """
        if self.unclear:
            each = [f"{key.replace('_', ' ')}: {_why(found)}" for key, found in self.unclear.items()]
            asked = "; nor which is the ".join(each)
            raise ValueError(
                f"The data have the columns {listed(self.names)}, and it is not plain which is the {asked}. Name "
                f"{'it' if len(self.unclear) == 1 else 'them'}: {', '.join(self.unclear)}."
            )

    def _only(self, key: str, found: list[str]) -> str | None:
        """Take the only column that may be meant; keep the key to ask for it where there is another number of them."""
        if len(found) == 1:
            return self._take(key, found[0])

        self.unclear[key] = found
        return None

    def _free(self) -> list[str]:
        return [name for name in self.names if name not in self.taken]

    def _take(self, key: str, name: str) -> str:
        self.taken.append(name)
        self.guessed[key] = name
        return name


def _why(found: Sequence[str]) -> str:
    return f"{' and '.join(repr(name) for name in found)} may be meant" if found else "none has a usual name"
