"""The words and names of the synthetic corpus, read from `lexicon.txt` and `names.txt`."""

from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

from .inflection import adjective_forms, noun_form, verb_forms

Choice = tuple[str, str]
_VERBS = ("reporting", "wanting")
_NOUNS = ("units", "currencies", "periods")


@dataclass(frozen=True)
class Noun:
    """A common noun; `moldavian`, here and below, is the word that a Moldavian uses instead."""

    singular: str
    plural: str
    gender: str
    moldavian: "Noun | None" = None

    def concord(self, number: str) -> str:
        """Gender that agreement sees: a neuter is masculine in the singular and feminine in the plural."""
        return self.gender if self.gender != "n" else "m" if number == "s" else "f"

    def form(self, number: str, oblique: bool = False, definite: bool = False) -> str:
        """Inflected form."""
        feminine = self.concord(number) == "f"
        return noun_form(self.singular, self.plural, feminine, number, oblique, definite)


@dataclass(frozen=True)
class Adjective:
    """An adjective with its four forms: ms, fs, mp, fp."""

    forms: tuple[str, ...]
    moldavian: "Adjective | None" = None

    def form(self, gender: str, number: str, oblique: bool = False, definite: bool = False) -> str:
        """Form that agrees with a noun of this gender, number and case; `definite` before the noun."""
        feminine = gender == "f"
        singular, plural = (self.forms[1], self.forms[3]) if feminine else (self.forms[0], self.forms[2])
        return noun_form(singular, plural, feminine, number, oblique, definite)


@dataclass(frozen=True)
class Verb:
    """A verb that takes a direct object."""

    parts: tuple[str, ...]
    moldavian: "Verb | None" = None

    @property
    def forms(self) -> dict[str, str]:
        """See `verb_forms`."""
        return verb_forms(*self.parts)

    @property
    def adjective(self) -> Adjective:
        """The participle as an adjective."""
        forms = adjective_forms(self.forms["participle"])
        return Adjective(forms, self.moldavian.adjective if self.moldavian else None)


@dataclass(frozen=True)
class Domain:
    """Things, what is done with them and what they are like: the selectional preferences of a topic."""

    objects: tuple[Noun, ...]
    verbs: tuple[Verb, ...]
    qualities: tuple[Adjective, ...]


@dataclass(frozen=True)
class Topic:
    """Who acts where on what."""

    name: str
    agents: tuple[Noun, ...]
    places: tuple[Noun, ...]
    domains: tuple[Domain, ...]


@dataclass(frozen=True)
class Lexicon:
    """Everything that the grammar draws from."""

    topics: tuple[Topic, ...]
    adjectives: dict[str, tuple[Adjective, ...]]
    verbs: dict[str, tuple[Verb, ...]]
    adverbs: dict[str, tuple[Choice, ...]]
    names: dict[str, tuple[str, ...]]
    nouns: dict[str, tuple[Noun, ...]]


def _noun(text: str) -> Noun:
    here, _, there = text.partition(" = ")
    singular, plural, gender = here.split()
    return Noun(singular, plural, gender, _noun(there) if there else None)


def _adjective(text: str) -> Adjective:
    here, _, there = text.partition(" = ")
    forms = here.split()
    inflected = tuple(forms) if len(forms) > 1 else adjective_forms(forms[0])
    return Adjective(inflected, _adjective(there) if there else None)


def _verb(text: str) -> Verb:
    here, _, there = text.partition(" = ")
    return Verb(tuple(here.split()), _verb(there) if there else None)


def _choice(text: str) -> Choice:
    here, _, there = text.partition(" = ")
    return here, there or here


def _read(name: str) -> dict[str, dict[str, list[str]]]:
    sections: dict[str, dict[str, list[str]]] = {}

    for line in files(__package__).joinpath(name).read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            section = sections.setdefault(line.strip("[]"), {})
        elif line and not line.startswith("#"):
            key, _, values = line.partition(": ")
            section[key] = values.split(", ")
    return sections


def _topic(name: str, section: dict[str, list[str]]) -> Topic:
    domains = tuple(
        Domain(
            tuple(map(_noun, section[f"objects {i}"])),
            tuple(map(_verb, section[f"verbs {i}"])),
            tuple(map(_adjective, section[f"qualities {i}"])),
        )
        for i in (1, 2)
    )

    return Topic(name, tuple(map(_noun, section["agents"])), tuple(map(_noun, section["places"])), domains)


@lru_cache(maxsize=1)
def load_lexicon() -> Lexicon:
    """Read the lexicon of the package, once."""
    sections, names = _read("lexicon.txt"), _read("names.txt")["names"]
    evaluation, words = sections["evaluation"], sections["words"]

    adjectives = {key: evaluation[key] for key in ("good", "best", "bad", "worst")} | {"nations": names["nations"]}
    verbs = {key: evaluation[key] for key in ("love", "hate")} | {key: words[key] for key in _VERBS}
    adverbs = {key: evaluation[key] for key in ("strong", "mild", "pleased", "sorry")}
    adverbs |= {key: value for key, value in words.items() if key not in _VERBS}

    return Lexicon(
        topics=tuple(_topic(key[6:], value) for key, value in sections.items() if key.startswith("topic ")),
        adjectives={key: tuple(map(_adjective, value)) for key, value in adjectives.items()},
        verbs={key: tuple(map(_verb, value)) for key, value in verbs.items()},
        adverbs={key: tuple(map(_choice, value)) for key, value in adverbs.items()},
        names={key: tuple(value) for key, value in names.items() if key not in (*_NOUNS, "nations")},
        nouns={key: tuple(map(_noun, names[key])) for key in _NOUNS},
    )
