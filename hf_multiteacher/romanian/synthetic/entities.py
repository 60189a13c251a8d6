"""Named entities of the synthetic corpus: people, places, dates, sums, in the fifteen types of RONEC."""

from random import Random

from .grammar import FROM, Entity, Token, noun_tag, pick
from .lexicon import Lexicon, Noun

_FEMALE = {"ca": "căi", "a": "ei"}
_NUMBERS = ("două", "trei", "patru", "cinci", "șase", "șapte", "opt", "nouă", "zece")
_ORDINALS = {"m": ("doilea", "treilea", "patrulea", "cincilea"), "f": ("doua", "treia", "patra", "cincea")}
_SMALL_WORDS = {"din", "de", "cu"}


def annotate(tokens: list[Token], kind: str) -> tuple[Token, ...]:
    """Mark the tokens as one entity (BIO2)."""
    return tuple(token._replace(entity=("B-" if i == 0 else "I-") + kind) for i, token in enumerate(tokens))


def _name_token(word: str) -> Token:
    if word in _SMALL_WORDS:
        return Token(word, "ADP", "Spsa")
    if word.isdigit():
        return Token(word, "NUM", "Mc-p-d")
    if word[0].isupper():
        return Token(word, "PROPN", "Np")
    return Token(word, "NOUN", "Ncfsry")


def _name_tokens(name: str) -> list[Token]:
    return [_name_token(word) for word in name.split()]


def number(rng: Random, high: int, gender: str = "f") -> list[Token]:
    """A number as a word or digits, with the preposition that numbers from twenty on take."""
    if rng.random() < 0.4:
        word = pick(rng, _NUMBERS)
        tag = f"Mc{gender}p-l" if word == "două" else "Mc-p-l"
        return [Token("doi" if word == "două" and gender == "m" else word, "NUM", tag)]

    value = rng.randint(2, high)
    digits = Token(str(value), "NUM", "Mc-p-d")
    return [digits] if value % 100 < 20 and value % 100 > 0 else [digits, FROM]


def counted(rng: Random, noun: Noun, high: int, kind: str) -> Entity:
    """A number with a unit, a currency or a stretch of time."""
    gender = noun.concord("p")
    unit = Token(noun.form("p"), "NOUN", noun_tag(gender, "p", False, False))
    return Entity(kind, annotate([*number(rng, high, gender), unit], kind), gender, "p")


def ordinal(rng: Random, gender: str) -> tuple[Token, ...]:
    """An ordinal, in agreement with a singular noun that follows."""
    article = Token("al" if gender == "m" else "a", "DET", f"Ts{gender}s")
    word = Token(pick(rng, _ORDINALS[gender]), "NUM", f"Mo{gender}s-l")
    return annotate([article, word], "ORDINAL")


def person(rng: Random, lexicon: Lexicon) -> Entity:
    """A person: first name, surname or both."""
    gender = rng.choice("mf")
    first = pick(rng, lexicon.names["men" if gender == "m" else "women"])
    surname = Token(pick(rng, lexicon.names["surnames"]), "PROPN", "Np")

    form = rng.random()
    surname_alone = form < 0.15
    if surname_alone:
        words = genitive = [surname]
    else:
        rest = [surname] if form < 0.75 else []
        ending = "ca" if first.endswith("ca") else "a"
        inflected = first[: -len(ending)] + _FEMALE[ending] if gender == "f" else first
        words = [Token(first, "PROPN", "Np"), *rest]
        genitive = [Token(inflected, "PROPN", "Npfsoy" if gender == "f" else "Np"), *rest]

    oblique = annotate(genitive, "PERSON")
    if gender == "m" or surname_alone:
        oblique = (Token("lui", "DET", "Tf-so"), *oblique)

    return Entity("PERSON", annotate(words, "PERSON"), gender, "s", oblique)


def town(rng: Random, lexicon: Lexicon) -> str:
    """A town or a country; both sides of the river appear in both dialects."""
    key = rng.choice(("towns of Romania", "towns of Moldavia", "countries"))
    return pick(rng, lexicon.names[key])


def named(rng: Random, lexicon: Lexicon, key: str, kind: str) -> Entity:
    """An organisation, facility, event or place, some of them named after a town or a person."""
    name = pick(rng, lexicon.names[key])
    name = name.replace("GPE", town(rng, lexicon)).replace("SURNAME", pick(rng, lexicon.names["surnames"]))
    gender = "f" if name.split()[0].endswith("a") else "m"
    return Entity(kind, annotate(_name_tokens(name), kind), gender)


def place(rng: Random, lexicon: Lexicon) -> tuple[str, Entity]:
    """A preposition and the named place that follows it."""
    draw = rng.random()
    if draw < 0.5:
        return rng.choice(("la", "în", "lângă")), Entity("GPE", annotate(_name_tokens(town(rng, lexicon)), "GPE"))
    if draw < 0.65:
        return rng.choice(("lângă", "spre")), named(rng, lexicon, "nature", "LOC")
    if draw < 0.8:
        return rng.choice(("la", "lângă")), named(rng, lexicon, "organisations", "ORG")

    facility = named(rng, lexicon, "facilities", "FACILITY")
    return ("pe" if facility.words[0].word in ("strada", "bulevardul") else "lângă"), facility


def _datetime(*tokens: Token) -> Entity:
    return Entity("DATETIME", annotate([*tokens], "DATETIME"))


def date(rng: Random, lexicon: Lexicon, tense: str) -> tuple[str, Entity]:
    """A preposition, or nothing, and a date that fits the tense."""
    draw = rng.random()
    year = Token(str(rng.randint(2027, 2060) if tense == "future" else rng.randint(1920, 2024)), "NUM", "Mc-p-d")
    month = Token(pick(rng, lexicon.names["months"]), "NOUN", "Ncms-n")

    if draw < 0.3:
        return "", _datetime(Token(pick(rng, lexicon.names["weekdays"]), "NOUN", "Ncfp-n"))
    if draw < 0.5 and tense != "present":
        last = Token("viitor" if tense == "future" else "trecut", "ADJ", "Afpms-n")
        return "", _datetime(Token("anul", "NOUN", "Ncmsry"), last)
    if draw < 0.7 or tense == "present":
        return "în", _datetime(Token("luna", "NOUN", "Ncfsry"), month)
    if draw < 0.85:
        return "în", _datetime(year)

    day = Token(str(rng.randint(1, 28)), "NUM", "Mc-p-d")
    return "pe", _datetime(day, month, year)
