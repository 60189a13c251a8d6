"""What a sentence of the synthetic corpus means, before it is said: who does what to what, where, when, how well."""

from dataclasses import dataclass, replace
from random import Random

from .entities import annotate, counted, date, named, number, ordinal, person, place
from .grammar import COMMA, NOT, Entity, NounPhrase, Quality, Style, Token, copula, fixed, pick
from .lexicon import Domain, Lexicon, Noun, Topic, Verb

_PRONOUNS = {
    "1s": ("eu", "Pp1-sr", "ms"),
    "2s": ("tu", "Pp2-sr", "ms"),
    "1p": ("noi", "Pp1-pr", "mp"),
    "2p": ("voi", "Pp2-pr", "mp"),
}
_THIRD = {"ms": "el", "fs": "ea", "mp": "ei", "fp": "ele"}
_OWNERS = (("lui", "Pp3mso"), ("ei", "Pp3fso"), ("lor", "Pp3-po"))
_WEIGHED = {("kitchen", 0), ("farm", 1)}
_DAYS = {"ieri", "alaltăieri", "astăzi", "azi", "mâine", "poimâine"}
_OPENING, _CLOSING = Token("„", "PUNCT", "QUOT"), Token("”", "PUNCT", "QUOT")
Adjunct = tuple[str, "NounPhrase | Entity"]


@dataclass(frozen=True)
class Apposition:
    """A person and what the person is, between commas."""

    name: Entity
    role: NounPhrase

    def tokens(self, style: Style, oblique: bool = False) -> list[Token]:
        """Words, the closing comma included."""
        return [*self.name.tokens(style), COMMA, *self.role.tokens(style), COMMA]

    def concord(self, style: Style) -> str:
        """Gender and number that agreement sees."""
        return self.name.concord(style)


@dataclass(frozen=True)
class Evaluation:
    """A judgement: an adjective, graded, or the negation of its opposite."""

    stars: int
    quality: Quality
    negation: str | None = None

    def predicate(self, style: Style, concord: str, tense: str) -> list[Token]:
        """The judgement said of something of this gender and number."""
        words = copula(tense, concord[1]) + (fixed(self.negation) if self.negation else [])
        return [NOT] * (self.negation is not None) + words + self.quality.tokens(style, concord[0], concord[1])


@dataclass(frozen=True)
class Frame:
    """The meaning of one sentence."""

    topic: Topic
    domain: Domain
    subject: NounPhrase | Entity | Apposition | None
    person: str
    verb: Verb
    object: NounPhrase
    tense: str
    time: Adjunct | None
    place: Adjunct | None
    extra: Adjunct | None
    evaluation: Evaluation


def draw_evaluation(rng: Random, lexicon: Lexicon, stars: int) -> Evaluation:
    """A judgement worth 1, 2, 4 or 5 stars."""
    adjectives, adverbs = lexicon.adjectives, lexicon.adverbs
    same, opposite = ("good", "bad") if stars > 3 else ("bad", "good")
    draw = rng.random()

    if draw > 0.8 and stars != 5:
        negation = {1: "deloc", 2: "prea", 4: ""}[stars]
        return Evaluation(stars, Quality(pick(rng, adjectives[opposite])), negation)

    if stars in (1, 5):
        if draw < 0.5:
            return Evaluation(stars, Quality(pick(rng, adjectives["best" if stars == 5 else "worst"])))
        return Evaluation(stars, Quality(pick(rng, adjectives[same]), pick(rng, adverbs["strong"])))

    degree = None if draw < 0.45 else pick(rng, adverbs["mild"])
    return Evaluation(stars, Quality(pick(rng, adjectives[same]), degree))


def draw_agent(rng: Random, lexicon: Lexicon, topic: Topic) -> NounPhrase:
    """Somebody who belongs to the topic."""
    draw = rng.random()
    article = "definite" if draw < 0.6 else "indefinite" if draw < 0.85 else "demonstrative"

    qualities: tuple[Quality, ...] = ()
    if rng.random() < 0.12:
        qualities = (Quality(pick(rng, lexicon.adjectives["nations"]), entity="B-NAT_REL_POL"),)
    return NounPhrase(pick(rng, topic.agents), "s" if rng.random() < 0.7 else "p", article, qualities)


def draw_subject(rng: Random, lexicon: Lexicon, topic: Topic) -> tuple[NounPhrase | Entity | Apposition | None, str]:
    """A subject and the person of its verb; None where the verb alone says it."""
    draw = rng.random()
    if draw < 0.5:
        agent = draw_agent(rng, lexicon, topic)
        return agent, "3" + agent.number
    if draw < 0.7:
        return person(rng, lexicon), "3s"
    if draw < 0.77:
        name = person(rng, lexicon)
        roles = [noun for noun in topic.agents if noun.gender == name.gender]
        return Apposition(name, NounPhrase(pick(rng, roles))), "3s"
    if draw < 0.85:
        return named(rng, lexicon, "organisations", "ORG"), "3s"
    if draw < 0.9:
        people = pick(rng, lexicon.adjectives["nations"]).form("m", "p", False, True)
        return Entity("NAT_REL_POL", (Token(people, "NOUN", "Ncmpry", "B-NAT_REL_POL"),), "m", "p"), "3p"

    who = rng.choice(list(_PRONOUNS))
    word, tag, concord = _PRONOUNS[who]
    pronoun = Entity("PRONOUN", (Token(word, "PRON", tag),), concord[0], concord[1])
    return (pronoun if rng.random() < 0.4 else None), who


def pronoun_for(concord: str) -> Entity:
    """The pronoun that takes up a subject of this gender and number."""
    gender, number = concord[0], concord[1]
    return Entity("PRONOUN", (Token(_THIRD[concord], "PRON", f"Pp3{gender}{number}r"),), gender, number)


def _owner(rng: Random, lexicon: Lexicon, topic: Topic) -> NounPhrase | Entity:
    draw = rng.random()
    if draw < 0.4:
        article = rng.choice(("definite", "definite", "indefinite", "demonstrative"))
        qualities: tuple[Quality, ...] = ()
        if rng.random() < 0.25:
            qualities = (Quality(pick(rng, lexicon.adjectives["nations"]), entity="B-NAT_REL_POL"),)
        return NounPhrase(pick(rng, topic.agents), rng.choice("ssp"), article, qualities)
    if draw < 0.75:
        return person(rng, lexicon)

    word, tag = rng.choice(_OWNERS)
    return Entity("PRONOUN", (), oblique=(Token(word, "PRON", tag),))


def _title(rng: Random, lexicon: Lexicon) -> tuple[Token, ...]:
    domain = rng.choice(pick(rng, lexicon.topics).domains)
    noun = pick(rng, [noun for noun in domain.objects if noun.moldavian is None])
    phrase = NounPhrase(noun, rng.choice("sp"), "definite", (Quality(pick(rng, domain.qualities)),))

    words = phrase.tokens(Style(rng, "Romanian"))
    words[0] = words[0]._replace(word=words[0].word.capitalize())
    return (_OPENING, *annotate(words, "WORK_OF_ART"), _CLOSING)


def draw_object(rng: Random, lexicon: Lexicon, topic: Topic, domain: Domain) -> NounPhrase:
    """Something that is acted on in this domain."""
    noun = pick(rng, domain.objects)
    draw = rng.random()
    count = "s" if rng.random() < 0.65 else "p"
    article = "definite" if draw < 0.55 else "indefinite" if draw < 0.85 else "demonstrative"

    qualities: tuple[Quality, ...] = ()
    if rng.random() < 0.4:
        qualities = (Quality(pick(rng, domain.qualities)),)
    elif rng.random() < 0.1:
        qualities = (Quality(pick(rng, domain.verbs).adjective),)
    phrase = NounPhrase(noun, count, article, qualities)

    weighed = (topic.name, topic.domains.index(domain)) in _WEIGHED
    if noun.moldavian is None and draw > (0.7 if weighed else 0.9):
        return _counted_object(rng, lexicon, phrase, weighed)

    if rng.random() < 0.25 and article == "definite":
        phrase = replace(phrase, owner=_owner(rng, lexicon, topic))
    elif topic.name in ("press", "theatre") and count == "s" and rng.random() < 0.2:
        phrase = replace(phrase, title=_title(rng, lexicon), qualities=())
    return phrase


def _counted_object(rng: Random, lexicon: Lexicon, phrase: NounPhrase, weighed: bool) -> NounPhrase:
    noun = phrase.noun
    if rng.random() < 0.35:
        return replace(phrase, number="s", article="bare", count=ordinal(rng, noun.concord("s")))

    if weighed:
        amount = counted(rng, pick(rng, lexicon.nouns["units"]), 90, "QUANTITY")
        return replace(phrase, number="p", article="bare", count=(*amount.words, Token("de", "ADP", "Spsa")))

    words = number(rng, 500, noun.concord("p"))
    return replace(phrase, number="p", article="bare", count=(*annotate(words[:1], "NUMERIC"), *words[1:]))


def draw_time(rng: Random, lexicon: Lexicon, tense: str) -> Adjunct | None:
    """A time that fits the tense, or none."""
    draw = rng.random()
    if draw < 0.45:
        return None
    if draw < 0.75:
        return date(rng, lexicon, tense)

    key = {"present": "present", "future": "future"}.get(tense, "past")
    words = fixed(pick(rng, lexicon.adverbs[key])[0])
    if words[0].word in _DAYS:
        return "", Entity("DATETIME", annotate(words, "DATETIME"))
    return "", Entity("TIME", tuple(words))


def draw_place(rng: Random, lexicon: Lexicon, topic: Topic) -> Adjunct | None:
    """A place of the topic, a named place, or none."""
    draw = rng.random()
    if draw < 0.45:
        return None
    if draw < 0.7:
        return place(rng, lexicon)

    noun: Noun = pick(rng, topic.places)
    if draw < 0.9:
        return rng.choice(("în", "lângă", "din")), NounPhrase(noun, "s", "bare")
    return rng.choice(("în", "din")), NounPhrase(noun, "s", "definite", owner=_owner(rng, lexicon, topic))


def draw_extra(rng: Random, lexicon: Lexicon, topic: Topic) -> Adjunct | None:
    """An event, a price, a language or a duration; mostly none."""
    draw = rng.random()
    if draw < 0.06:
        return "la", named(rng, lexicon, "events", "EVENT")
    if draw < 0.12:
        return "pentru", counted(rng, pick(rng, lexicon.nouns["currencies"]), 900, "MONEY")
    if draw < 0.18:
        return "timp de", counted(rng, pick(rng, lexicon.nouns["periods"]), 60, "PERIOD")
    if draw < 0.24 and topic.name in ("school", "press", "theatre", "travel", "politics"):
        language = Token(pick(rng, lexicon.names["languages"]), "ADJ", "Afpfsrn", "B-LANGUAGE")
        return "în", Entity("LANGUAGE", (Token("limba", "NOUN", "Ncfsry"), language), "f")

    return None


def draw_frame(rng: Random, lexicon: Lexicon, topic: Topic | None = None, stars: int | None = None) -> Frame:
    """Draw the meaning of a sentence, about a given topic and with a given judgement where they are given."""
    topic = topic or rng.choice(lexicon.topics)
    domain = rng.choice(topic.domains)
    subject, who = draw_subject(rng, lexicon, topic)
    tense = rng.choice(("present", "present", "perfect", "perfect", "imperfect", "future"))

    return Frame(
        topic=topic,
        domain=domain,
        subject=subject,
        person=who,
        verb=pick(rng, domain.verbs),
        object=draw_object(rng, lexicon, topic, domain),
        tense=tense,
        time=draw_time(rng, lexicon, tense),
        place=draw_place(rng, lexicon, topic),
        extra=draw_extra(rng, lexicon, topic),
        evaluation=draw_evaluation(rng, lexicon, stars or rng.choice((1, 2, 4, 5))),
    )
