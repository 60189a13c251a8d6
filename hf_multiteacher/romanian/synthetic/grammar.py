"""Phrases of the synthetic corpus: words with part of speech, MULTEXT-East tag and entity, all in agreement."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import NamedTuple, TypeVar

from .inflection import adjective_forms
from .lexicon import Adjective, Choice, Noun, Verb

Item = TypeVar("Item")
Word = TypeVar("Word", Noun, Adjective, Verb)


class Token(NamedTuple):
    """One word with its annotations."""

    word: str
    upos: str
    xpos: str
    entity: str = "O"


COMMA = Token(",", "PUNCT", "COMMA")
FROM = Token("de", "ADP", "Spsa")
NOT = Token("nu", "PART", "Qz")
THAT = Token("care", "PRON", "Pw3--r")

_ARTICLES = {("m", False): "un", ("f", False): "o", ("m", True): "unui", ("f", True): "unei"}
_THIS = {
    "Romanian": ("acest", "această", "acești", "aceste", "acestui", "acestei", "acestor", "acestor"),
    "Moldavian": ("aist", "aiastă", "aiști", "aieste", "aistui", "aiestei", "aistor", "aistor"),
}
_POSSESSIVE = {"ms": "al", "fs": "a", "mp": "ai", "fp": "ale"}
_PERFECT = {"1s": "am", "2s": "ai", "3s": "a", "1p": "am", "2p": "ați", "3p": "au"}
_FUTURE = {"1s": "voi", "2s": "vei", "3s": "va", "1p": "vom", "2p": "veți", "3p": "vor"}
_COPULA = {"present": {"s": "este", "p": "sunt"}, "imperfect": {"s": "era", "p": "erau"}}
_CLITICS = {"ms": "îl", "fs": "o", "mp": "îi", "fp": "le"}
_SHORT_CLITICS = {"ms": "l-", "mp": "i-", "fp": "le-"}


def pick(rng: Random, items: Sequence[Item]) -> Item:
    """Draw an item, the first ones more often, so that words have the long tail that real text has."""
    draw = rng.random()
    return items[int(len(items) * draw * draw)]


@dataclass
class Style:
    """How one sentence is said: its dialect, and whether a word has given the dialect away."""

    rng: Random
    dialect: str
    marked: bool = False

    def word(self, word: Word) -> Word:
        """The noun, adjective or verb of this dialect."""
        if word.moldavian is None:
            return word
        self.marked = True
        return word.moldavian if self.dialect == "Moldavian" else word

    def adverb(self, choice: Choice) -> list[Token]:
        """The adverb or fixed phrase of this dialect."""
        self.marked |= choice[0] != choice[1]
        return fixed(choice[self.dialect == "Moldavian"])


def fixed(text: str) -> list[Token]:
    """Tokens of a fixed phrase: `word`, an adverb, or `word/UPOS/XPOS` for each."""
    return [Token(*part.split("/")) if "/" in part else Token(part, "ADV", "Rgp") for part in text.split()]


def noun_tag(gender: str, number: str, oblique: bool, definite: bool, kind: str = "Nc") -> str:
    """MULTEXT-East tag of a noun (`Nc`), or of an adjective (`Afp`)."""
    case = "o" if oblique else "r"
    if not definite and (gender, number) != ("f", "s"):
        case = "-"
    return f"{kind}{gender}{number}{case}{'y' if definite else 'n'}"


@dataclass(frozen=True)
class Quality:
    """An adjective with the words that grade it."""

    adjective: Adjective
    degree: Choice | None = None
    entity: str = "O"

    def tokens(self, style: Style, gender: str, number: str, oblique: bool = False) -> list[Token]:
        """The adjective in agreement."""
        word = style.word(self.adjective).form(gender, number, oblique)
        degree = style.adverb(self.degree) if self.degree else []
        return [*degree, Token(word, "ADJ", noun_tag(gender, number, oblique, False, "Afp"), self.entity)]


@dataclass(frozen=True)
class Entity:
    """A name or another phrase that does not inflect by rule; `oblique` is its genitive."""

    kind: str
    words: tuple[Token, ...]
    gender: str = "m"
    number: str = "s"
    oblique: tuple[Token, ...] = ()

    def tokens(self, style: Style, oblique: bool = False) -> list[Token]:
        """Its words."""
        return list(self.oblique if oblique else self.words)

    def concord(self, style: Style) -> str:
        """Gender and number that agreement sees."""
        return self.gender + self.number


@dataclass(frozen=True)
class NounPhrase:
    """A common noun with its article, adjectives and owner.

    `article` is `definite`, `indefinite`, `demonstrative`, `bare`; `count` stands in place of an article.
    """

    noun: Noun
    number: str = "s"
    article: str = "definite"
    qualities: tuple[Quality, ...] = ()
    owner: "NounPhrase | Entity | None" = None
    count: tuple[Token, ...] = ()
    title: tuple[Token, ...] = ()
    praise: Adjective | None = None

    def concord(self, style: Style) -> str:
        """Gender and number that agreement sees; both may depend on the dialect's word."""
        return style.word(self.noun).concord(self.number) + self.number

    def _before(self, style: Style, gender: str, oblique: bool) -> list[Token]:
        """The article that stands before the noun, or what stands in its place."""
        number, case = self.number, "o" if oblique else "r"

        if self.article == "indefinite" and number == "s":
            return [Token(_ARTICLES[gender, oblique], "DET", f"Ti{gender}s{case}")]
        if self.article == "indefinite":
            return [Token("unor" if oblique else "niște", "DET", f"Ti-p{case}")]
        if self.article == "demonstrative":
            style.marked = True
            index = ("m", "f").index(gender) + 2 * (number == "p") + 4 * oblique
            return [Token(_THIS[style.dialect][index], "DET", f"Dd3{gender}{number}{case}---e")]
        return list(self.count)

    def _head(self, style: Style, oblique: bool) -> list[Token]:
        noun, number = style.word(self.noun), self.number
        gender = noun.concord(number)
        definite = self.article == "definite"
        words = self._before(style, gender, oblique)

        if self.praise:
            word = style.word(self.praise).form(gender, number, oblique, definite)
            words.append(Token(word, "ADJ", noun_tag(gender, number, oblique, definite, "Afp")))
            definite = False

        tag = noun_tag(gender, number, oblique, definite)
        return [*words, Token(noun.form(number, oblique, definite), "NOUN", tag)]

    def tokens(self, style: Style, oblique: bool = False) -> list[Token]:
        """Words of the phrase in the direct or the oblique case."""
        concord = self.concord(style)
        gender, number = concord[0], concord[1]
        words = self._head(style, oblique) + list(self.title)

        for index, quality in enumerate(self.qualities):
            words += [Token("și", "CCONJ", "Crssp")] * (index > 0) + quality.tokens(style, gender, number, oblique)

        if self.owner:
            adjacent = self.article == "definite" and len(words) == 1
            if not adjacent:
                words.append(Token(_POSSESSIVE[gender + number], "DET", f"Ts{gender}{number}"))
            words += self.owner.tokens(style, oblique=True)

        return words


def conjugate(style: Style, verb: Verb, tense: str, person: str, clitic: str = "") -> list[Token]:
    """A verb in a tense (`present`, `imperfect`, `perfect`, `future`, `subjunctive`) and a person such as `3s`.

    `clitic` is the gender and number of an object that a pronoun takes up again, such as `fs`.
    """
    forms = style.word(verb).forms
    if tense == "perfect":
        return _perfect(forms["participle"], person, clitic)

    pronoun = [Token(_CLITICS[clitic], "PRON", f"Pp3{clitic}a--------w")] if clitic else []
    if tense == "future":
        infinitive = Token(forms["infinitive"], "VERB", "Vmnp")
        return [*pronoun, Token(_FUTURE[person], "AUX", f"Va--{person}"), infinitive]
    if tense == "subjunctive":
        word = forms["subjunctive"] if person[0] == "3" else forms[person]
        tag = "Vmsp3" if person[0] == "3" else f"Vmip{person}"
        return [Token("să", "PART", "Qs"), *pronoun, Token(word, "VERB", tag)]
    if tense == "imperfect":
        return [*pronoun, Token(forms["imperfect" + person], "VERB", f"Vmii{person}")]
    return [*pronoun, Token(forms[person], "VERB", f"Vmip{person}")]


def _perfect(participle: str, person: str, clitic: str) -> list[Token]:
    verb = [Token(_PERFECT[person], "AUX", f"Va--{person}"), Token(participle, "VERB", "Vmp--sm")]

    if clitic == "fs":
        return [*verb, Token("-o", "PRON", "Pp3fsa--------w")]
    if clitic:
        return [Token(_SHORT_CLITICS[clitic], "PRON", f"Pp3{clitic}a--y-----w"), *verb]
    return verb


def copula(tense: str, number: str) -> list[Token]:
    """The verb "to be" in the third person."""
    if tense in _COPULA:
        letter = "p" if tense == "present" else "i"
        return [Token(_COPULA[tense][number], "AUX", f"Vai{letter}3{number}")]
    if tense == "perfect":
        return [Token(_PERFECT["3" + number], "AUX", f"Va--3{number}"), Token("fost", "AUX", "Vap--sm")]
    return [Token(_FUTURE["3" + number], "AUX", f"Va--3{number}"), Token("fi", "AUX", "Vanp")]


def participle(style: Style, verb: Verb, concord: str) -> Token:
    """The participle in agreement with gender and number, as in the passive."""
    forms = adjective_forms(style.word(verb).forms["participle"])
    word = forms[("ms", "fs", "mp", "fp").index(concord)]
    gender, number = concord[0], concord[1]
    return Token(word, "VERB", f"Vmp--{number}{gender}")
