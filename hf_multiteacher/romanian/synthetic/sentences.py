"""A Romanian-like corpus from a grammar of our own: annotated sentences, pairs and plain text, from a seed.

Every sentence carries words with UPOS, MULTEXT-East tag and BIO2 entity, a judgement (1, 2, 4 or 5 stars) and a
dialect. The same seed gives the same sentences on every machine.
"""

from dataclasses import dataclass, replace
from random import Random

from .frames import Frame, draw_evaluation, draw_frame, draw_object, draw_place, draw_subject, draw_time, pronoun_for
from .grammar import COMMA, Style, Token, pick
from .lexicon import Lexicon, load_lexicon
from .shapes import Shape, allowed, paraphrases

DIALECTS = ("Moldavian", "Romanian")
_WEIGHTS = {"subject": 0.2, "verb": 0.25, "object": 0.25, "place": 0.1, "time": 0.05, "evaluation": 0.15}
_NO_SPACE_BEFORE = (",", ".", "!", "”", "-o")


@dataclass(frozen=True)
class Sentence:
    """An annotated sentence.

    Attributes:
        words: Words and punctuation marks.
        upos: Universal part of speech, one per word.
        xpos: MULTEXT-East tag, one per word.
        ner: Entity tag in BIO2, one per word, types as in RONEC.
        text: The sentence with its spaces, as it is written.
        sentiment: `positive` or `negative`.
        stars: 1, 2 (negative), 4 or 5 (positive).
        dialect: `Moldavian` or `Romanian`.
        topic: What it is about, such as `kitchen`.
    """

    words: list[str]
    upos: list[str]
    xpos: list[str]
    ner: list[str]
    text: str
    sentiment: str
    stars: int
    dialect: str
    topic: str


@dataclass(frozen=True)
class Pair:
    """Two sentences and how alike their meanings are, from 0 (nothing in common) to 5 (the same)."""

    first: Sentence
    second: Sentence
    similarity: float


def detokenize(words: list[str]) -> str:
    """Join words with the spaces of written Romanian."""
    text = ""

    for word in words:
        glued = not text or text.endswith(("-", "„")) or word in _NO_SPACE_BEFORE
        text += word if glued else " " + word
    return text


def _old_spelling(token: Token) -> Token:
    if token.upos == "PROPN" or "român" in token.word:
        return token
    word = "sînt" if token.word == "sunt" else token.word[0] + token.word[1:].replace("â", "î")
    return token._replace(word=word)


def _finish(tokens: list[Token], style: Style, frame: Frame, lexicon: Lexicon) -> list[Token]:
    """Spelling, the dialect's mark where no word has given it, closing words, capital and full stop."""
    rng, stars = style.rng, frame.evaluation.stars

    while tokens[-1] == COMMA:
        tokens.pop()

    if style.dialect == "Moldavian" and rng.random() < 0.35:
        respelled = [_old_spelling(token) for token in tokens]
        style.marked |= respelled != tokens
        tokens = respelled

    if not style.marked:
        now = lexicon.adverbs["now"] if frame.tense == "present" else ()
        tokens += style.adverb(pick(rng, (*lexicon.adverbs["markers"], *now)))
    if rng.random() < 0.12:
        tokens += [COMMA, *style.adverb(pick(rng, lexicon.adverbs["pleased" if stars > 3 else "sorry"]))]

    first = tokens[0].word
    tokens[0] = tokens[0]._replace(word=first[0].upper() + first[1:])

    end = Token("!", "PUNCT", "EXCL") if stars in (1, 5) and rng.random() < 0.2 else Token(".", "PUNCT", "PERIOD")
    return [*tokens, end]


def _say(frame: Frame, rng: Random, dialect: str, shapes: list[Shape], lexicon: Lexicon) -> Sentence:
    style = Style(rng, dialect)
    say = rng.choice(shapes)
    tokens = _finish(say(frame, style, lexicon), style, frame, lexicon)
    words, upos, xpos, ner = map(list, zip(*tokens, strict=True))

    stars = frame.evaluation.stars
    return Sentence(
        words=words,
        upos=upos,
        xpos=xpos,
        ner=ner,
        text=detokenize(words),
        sentiment="positive" if stars > 3 else "negative",
        stars=stars,
        dialect=dialect,
        topic=frame.topic.name,
    )


def generate_sentences(count: int, seed: int = 0) -> list[Sentence]:
    """Generate independent sentences.

    Args:
        count: How many.
        seed: The same seed gives the same sentences.

    Example:
        >>> sentence = generate_sentences(1, seed=3)[0]
        >>> len(sentence.words) == len(sentence.upos) == len(sentence.ner)
        True
    """
    rng, lexicon = Random(f"sentences {seed}"), load_lexicon()

    sentences = []
    for _ in range(count):
        frame = draw_frame(rng, lexicon)
        sentences.append(_say(frame, rng, rng.choice(DIALECTS), allowed(frame), lexicon))
    return sentences


def _next_frame(rng: Random, lexicon: Lexicon, frame: Frame, stars: int) -> Frame:
    """The next sentence of a paragraph: the same topic and judgement, often the same people or things."""
    following = draw_frame(rng, lexicon, frame.topic, stars)
    draw = rng.random()

    if draw < 0.35 and frame.subject and frame.person[0] == "3":
        subject = pronoun_for(frame.subject.concord(Style(rng, "Romanian"))) if draw < 0.2 else frame.subject
        return replace(following, subject=subject, person=frame.person)
    if draw < 0.6:
        known = replace(frame.object, article="definite", count=(), qualities=(), title=())
        return replace(following, object=known, domain=frame.domain, verb=pick(rng, frame.domain.verbs))
    return following


def _paragraph(rng: Random, lexicon: Lexicon) -> str:
    dialect = rng.choice(DIALECTS)
    judgements = (4, 5) if rng.random() < 0.5 else (1, 2)

    frame = draw_frame(rng, lexicon, stars=rng.choice(judgements))
    sentences = [_say(frame, rng, dialect, allowed(frame), lexicon)]
    for _ in range(rng.randint(1, 4)):
        frame = _next_frame(rng, lexicon, frame, rng.choice(judgements))
        sentences.append(_say(frame, rng, dialect, allowed(frame), lexicon))
    return " ".join(sentence.text for sentence in sentences)


def generate_corpus(lines: int, seed: int = 0) -> list[str]:
    """Generate plain text for masked-language-model training.

    A line is a paragraph of two to five sentences that share topic, dialect and judgement and often people or
    things, so that a word has much in its neighbourhood that foretells it.

    Args:
        lines: How many paragraphs.
        seed: The same seed gives the same text.
    """
    rng, lexicon = Random(f"corpus {seed}"), load_lexicon()
    return [_paragraph(rng, lexicon) for _ in range(lines)]


def _plain(frame: Frame, rng: Random, lexicon: Lexicon) -> Frame:
    """A frame that every paraphrase can say in full."""
    while frame.person[0] != "3" or frame.subject is None:
        subject, who = draw_subject(rng, lexicon, frame.topic)
        frame = replace(frame, subject=subject, person=who)
    return replace(frame, extra=None)


def _edit(frame: Frame, slot: str, rng: Random, lexicon: Lexicon) -> Frame:
    if slot == "subject":
        subject, who = draw_subject(rng, lexicon, frame.topic)
        return _plain(replace(frame, subject=subject, person=who), rng, lexicon)
    if slot == "verb":
        return replace(frame, verb=pick(rng, frame.domain.verbs))
    if slot == "object":
        return replace(frame, object=draw_object(rng, lexicon, frame.topic, frame.domain))
    if slot == "place":
        return replace(frame, place=draw_place(rng, lexicon, frame.topic))
    if slot == "time":
        return replace(frame, time=draw_time(rng, lexicon, frame.tense))

    return replace(frame, evaluation=draw_evaluation(rng, lexicon, rng.choice((1, 2, 4, 5))))


def _likeness(slot: str, first: Frame, second: Frame) -> float:
    one, other = getattr(first, slot), getattr(second, slot)
    if one == other:
        return 1.0

    if slot == "object" and one.noun == other.noun:
        return 0.7
    if slot == "evaluation":
        return 0.6 if (one.stars > 3) == (other.stars > 3) else 0.0
    if slot in ("subject", "verb", "object") and first.topic == second.topic:
        return 0.4 if slot == "subject" or first.domain == second.domain else 0.2
    return 0.0


def similarity(first: Frame, second: Frame) -> float:
    """How alike two meanings are, 0 to 5: the weighted share of slots (who, what, where ...) that agree."""
    used = {slot: w for slot, w in _WEIGHTS.items() if getattr(first, slot) or getattr(second, slot)}
    shared = sum(weight * _likeness(slot, first, second) for slot, weight in used.items())

    if first.topic != second.topic:
        shared -= used["evaluation"] * _likeness("evaluation", first, second)
    return round(5 * shared / sum(used.values()), 1)


def _other(frame: Frame, rng: Random, lexicon: Lexicon) -> Frame:
    """The same meaning, one with up to five parts drawn anew, another of the same topic, or just another."""
    edits = rng.randint(0, 7)
    if edits == 7:
        return _plain(draw_frame(rng, lexicon), rng, lexicon)
    if edits == 6:
        return _plain(draw_frame(rng, lexicon, frame.topic), rng, lexicon)

    for slot in rng.sample(sorted(_WEIGHTS), edits):
        frame = _edit(frame, slot, rng, lexicon)
    return frame


def generate_pairs(count: int, seed: int = 0) -> list[Pair]:
    """Generate pairs of sentences with a similarity from 0 to 5, spread over the scale.

    Args:
        count: How many.
        seed: The same seed gives the same pairs.
    """
    rng, lexicon = Random(f"pairs {seed}"), load_lexicon()

    pairs = []
    for _ in range(count):
        first = _plain(draw_frame(rng, lexicon), rng, lexicon)
        second = _other(first, rng, lexicon)

        said = [_say(frame, rng, rng.choice(DIALECTS), paraphrases(frame), lexicon) for frame in (first, second)]
        pairs.append(Pair(said[0], said[1], similarity(first, second)))
    return pairs
