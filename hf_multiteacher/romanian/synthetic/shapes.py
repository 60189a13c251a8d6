"""Ways to say a frame: one meaning, several word orders, voices and clauses."""

from collections.abc import Callable
from dataclasses import replace

from .entities import person
from .frames import Adjunct, Frame
from .grammar import COMMA, FROM, NOT, THAT, NounPhrase, Style, Token, conjugate, copula, participle, pick
from .lexicon import Lexicon

_PREPOSITION = ("ADP", "Spsa")
Shape = Callable[[Frame, Style, Lexicon], list[Token]]


def _adjunct(adjunct: Adjunct | None, style: Style) -> list[Token]:
    if adjunct is None:
        return []

    preposition, phrase = adjunct
    words = [
        Token(word, "NOUN", "Ncms-n") if word == "timp" else Token(word, *_PREPOSITION) for word in preposition.split()
    ]
    return words + phrase.tokens(style)


def _subject(frame: Frame, style: Style) -> list[Token]:
    return frame.subject.tokens(style) if frame.subject else []


def _judged(frame: Frame, style: Style) -> list[Token]:
    """The object with the judgement, as an adjective or in a relative clause."""
    judgement, phrase = frame.evaluation, frame.object

    if judgement.negation is None and style.rng.random() < 0.65:
        plain = judgement.quality.degree is None and not phrase.count and phrase.article != "bare"
        if plain and not phrase.qualities and style.rng.random() < 0.3:
            return replace(phrase, praise=judgement.quality.adjective).tokens(style)
        return replace(phrase, qualities=(*phrase.qualities, judgement.quality)).tokens(style)

    words = phrase.tokens(style)
    return [*words, COMMA, THAT, *judgement.predicate(style, phrase.concord(style), frame.tense), COMMA]


def _manner(frame: Frame, style: Style, lexicon: Lexicon) -> list[Token]:
    return style.adverb(pick(style.rng, lexicon.adverbs["adverbs"])) if style.rng.random() < 0.2 else []


def active(frame: Frame, style: Style, lexicon: Lexicon) -> list[Token]:
    """Subject, verb, object, place, time."""
    verb = [*conjugate(style, frame.verb, frame.tense, frame.person), *_manner(frame, style, lexicon)]
    ends = [*_adjunct(frame.extra, style), *_adjunct(frame.place, style), *_adjunct(frame.time, style)]
    return [*_subject(frame, style), *verb, *_judged(frame, style), *ends]


def fronted(frame: Frame, style: Style, lexicon: Lexicon) -> list[Token]:
    """Time and place first."""
    start = [*_adjunct(frame.time, style), *_adjunct(frame.place, style)]
    rest = active(replace(frame, time=None, place=None), style, lexicon)
    return [*start, COMMA, *rest] if len(start) > 2 else start + rest


def passive(frame: Frame, style: Style, lexicon: Lexicon) -> list[Token]:
    """The object as the subject of a passive verb."""
    concord = frame.object.concord(style)

    subject = frame.subject
    if isinstance(subject, NounPhrase) and subject.article == "definite" and not (subject.qualities or subject.owner):
        subject = replace(subject, article="bare")

    verb = [*copula(frame.tense, concord[1]), participle(style, frame.verb, concord)]
    ends = [*_adjunct(frame.place, style), *_adjunct(frame.time, style)]
    return [*_judged(frame, style), *verb, FROM, *(subject.tokens(style) if subject else []), *ends]


def taken_up(frame: Frame, style: Style, lexicon: Lexicon) -> list[Token]:
    """The object first, taken up by a pronoun before the verb."""
    concord = frame.object.concord(style)
    verb = conjugate(style, frame.verb, frame.tense, frame.person, concord)
    ends = [*_adjunct(frame.place, style), *_adjunct(frame.time, style)]
    return [*_judged(frame, style), *verb, *_subject(frame, style), *ends]


def judged_relative(frame: Frame, style: Style, lexicon: Lexicon) -> list[Token]:
    """The object, what is done with it, and what it is like: agreement across a clause."""
    concord = frame.object.concord(style)
    clause = [Token("pe", *_PREPOSITION), THAT, *conjugate(style, frame.verb, frame.tense, frame.person, concord)]
    clause += [*_subject(frame, style), *_adjunct(frame.place, style), *_adjunct(frame.time, style)]
    judgement = frame.evaluation.predicate(style, concord, frame.tense)

    return [*frame.object.tokens(style), *clause, *judgement]


def reported(frame: Frame, style: Style, lexicon: Lexicon) -> list[Token]:
    """Somebody says so."""
    speaker = person(style.rng, lexicon)
    verb = pick(style.rng, lexicon.verbs["reporting"])
    says = conjugate(style, verb, style.rng.choice(("present", "perfect")), "3s")
    return [*speaker.tokens(style), *says, Token("că", "SCONJ", "Csssp"), *active(frame, style, lexicon)]


def wanted(frame: Frame, style: Style, lexicon: Lexicon) -> list[Token]:
    """Somebody tries, wants or refuses to do it: a subjunctive."""
    wants = conjugate(style, pick(style.rng, lexicon.verbs["wanting"]), frame.tense, frame.person)
    does = conjugate(style, frame.verb, "subjunctive", frame.person)
    ends = [*_adjunct(frame.place, style), *_adjunct(frame.time, style)]
    return [*_subject(frame, style), *wants, *does, *_judged(frame, style), *ends]


def purpose(frame: Frame, style: Style, lexicon: Lexicon) -> list[Token]:
    """The deed as the purpose of another: an infinitive."""
    other = pick(style.rng, frame.domain.verbs)
    first = NounPhrase(pick(style.rng, frame.domain.objects), "s")
    start = [*_subject(frame, style), *conjugate(style, other, frame.tense, frame.person), *first.tokens(style)]

    infinitive = [
        Token("pentru", *_PREPOSITION),
        Token("a", "PART", "Qn"),
        Token(style.word(frame.verb).forms["infinitive"], "VERB", "Vmnp"),
    ]
    return [*start, *infinitive, *_judged(frame, style), *_adjunct(frame.time, style)]


def attitude(frame: Frame, style: Style, lexicon: Lexicon) -> list[Token]:
    """What the writer thinks of the object."""
    stars = frame.evaluation.stars
    phrase = replace(frame.object, article="definite", count=(), title=())

    if stars in (1, 5):
        verb = pick(style.rng, lexicon.verbs["love" if stars == 5 else "hate"])
        return [*conjugate(style, verb, "present", style.rng.choice(("1s", "1p"))), *phrase.tokens(style)]

    number = phrase.concord(style)[1]
    likes = [
        Token("îmi", "PRON", "Pp1-sd--------w"),
        Token("place" if number == "s" else "plac", "VERB", f"Vmip3{number}"),
    ]
    negation = [NOT] * (stars == 2)

    return [*negation, *likes, *phrase.tokens(style), *_adjunct(frame.place, style)]


def _nameable(frame: Frame) -> bool:
    """Whether a pronoun can take the object up."""
    return frame.object.article in ("definite", "demonstrative")


def allowed(frame: Frame) -> list[Shape]:
    """Shapes that can carry the frame, the frequent ones several times."""
    shapes: list[Shape] = [active, active, active, active, active, fronted, fronted, wanted, purpose, attitude]

    if frame.person[0] == "3":
        shapes += [reported, passive, passive]
    if _nameable(frame):
        shapes += [taken_up, judged_relative, judged_relative]
    return shapes


def paraphrases(frame: Frame) -> list[Shape]:
    """Shapes that say everything the frame holds, for pairs of sentences."""
    if _nameable(frame):
        return [active, fronted, passive, taken_up]
    return [active, fronted, passive]
