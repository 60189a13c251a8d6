"""The synthetic corpus: consistent, varied, learnable but not trivial, the same for the same seed."""

import hashlib
import json
import subprocess
import sys
import unicodedata
from collections import Counter, defaultdict

import pytest

from hf_multiteacher.romanian.synthetic.lexicon import load_lexicon
from hf_multiteacher.romanian.synthetic.sentences import generate_corpus, generate_pairs, generate_sentences

RONEC_TYPES = set(
    "PERSON ORG GPE LOC NAT_REL_POL EVENT LANGUAGE WORK_OF_ART DATETIME PERIOD MONEY QUANTITY NUMERIC ORDINAL "
    "FACILITY".split()
)


@pytest.fixture(scope="module")
def generated():
    return generate_sentences(6000, seed=1)


def test_the_same_seed_gives_the_same_sentences_and_another_seed_others():
    assert generate_sentences(50, seed=5) == generate_sentences(50, seed=5)
    assert generate_sentences(50, seed=5) != generate_sentences(50, seed=6)
    assert generate_pairs(20, seed=5) == generate_pairs(20, seed=5)
    assert generate_corpus(20, seed=5) == generate_corpus(20, seed=5)


def test_the_generator_does_not_wait_for_the_libraries_of_training():
    heavy = ("torch", "transformers", "datasets", "numpy")
    code = f"import sys, hf_multiteacher.romanian.synthetic; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_longer_run_begins_with_the_shorter_one():
    assert generate_sentences(40, seed=2)[:10] == generate_sentences(10, seed=2)


def test_the_sentences_of_a_seed_are_pinned_over_platforms():
    sentences = [[s.text, s.xpos, s.ner, s.stars, s.dialect] for s in generate_sentences(200, seed=0)]
    digest = hashlib.sha256(json.dumps(sentences, ensure_ascii=False).encode()).hexdigest()
    assert digest[:16] == "d5c27bc1520b219a"


def test_every_word_has_every_annotation_and_the_text_holds_the_words(generated):
    for sentence in generated:
        assert len(sentence.words) == len(sentence.upos) == len(sentence.xpos) == len(sentence.ner)
        assert sentence.text.replace(" ", "") == "".join(sentence.words)


def test_text_is_written_with_its_usual_spaces(generated):
    for sentence in generated:
        assert not any(
            wrong in sentence.text for wrong in ("  ", " ,", " .", " !", "„ ", " ”", "- ", " -o", ",,", ",.")
        )
        assert sentence.text[0] == sentence.text[0].upper()


def test_text_is_composed_and_has_comma_below(generated):
    text = " ".join(sentence.text for sentence in generated)
    assert unicodedata.is_normalized("NFC", text)
    assert not set("şţŞŢ") & set(text)
    assert {"ș", "ț"} <= set(text)


def test_entities_are_bio2_and_of_all_types_of_ronec(generated):
    seen = Counter()
    for sentence in generated:
        for before, tag in zip(["O", *sentence.ner], sentence.ner, strict=False):
            if tag.startswith("I-"):
                assert before[2:] == tag[2:]
            seen[tag[2:]] += tag.startswith("B-")
    assert {kind for kind, count in seen.items() if count >= 10} == RONEC_TYPES


def test_an_indefinite_article_agrees_with_its_noun(generated):
    checked = 0
    for sentence in generated:
        for here, following, word in zip(sentence.xpos, sentence.xpos[1:], sentence.words, strict=False):
            if here.startswith("Ti") and here[3] == "s" and following.startswith("Nc"):
                assert here[2] == following[2], sentence.text
                assert following[3] == "s" and following.endswith("n")
                assert (word.lower() in ("un", "unui")) == (here[2] == "m")
                checked += 1
    assert checked > 300


def test_an_adjective_agrees_with_the_noun_before_it(generated):
    checked = 0
    for sentence in generated:
        for here, following in zip(sentence.xpos, sentence.xpos[1:], strict=False):
            if here.startswith("Nc") and following.startswith("Afp") and here[4] == following[5]:
                assert here[2:4] == following[3:5], sentence.text
                checked += 1
    assert checked > 500


def test_a_verb_agrees_with_a_common_noun_before_it(generated):
    checked = 0
    for sentence in generated:
        if (
            sentence.xpos[0].startswith("Nc")
            and sentence.xpos[0].endswith("ry")
            and sentence.upos[1] in ("VERB", "AUX")
        ):
            assert sentence.xpos[1][-1] == sentence.xpos[0][3], sentence.text
            checked += 1
    assert checked > 100


def test_both_cases_occur_with_and_without_article(generated):
    tags = Counter(tag for sentence in generated for tag in sentence.xpos)
    assert all(
        tags[tag] > 5 for tag in ("Timso", "Tifso", "Ncfson", "Ncfsoy", "Ncmsoy", "Ncmpoy", "Ncfpoy", "Afpfson")
    )


def test_sentiment_follows_from_the_stars(generated):
    assert {(s.stars, s.sentiment) for s in generated} == {
        (1, "negative"),
        (2, "negative"),
        (4, "positive"),
        (5, "positive"),
    }


def test_every_sentence_has_a_word_that_only_its_dialect_uses(generated):
    def common(sentence):
        return {w.lower() for w, upos in zip(sentence.words, sentence.upos, strict=True) if upos != "PROPN"}

    words = {"Romanian": set(), "Moldavian": set()}
    for sentence in generated:
        words[sentence.dialect] |= common(sentence)
    for sentence in generated:
        other = "Romanian" if sentence.dialect == "Moldavian" else "Moldavian"
        assert common(sentence) - words[other], sentence.text


def test_vocabulary_is_large_and_forms_are_ambiguous(generated):
    tags = defaultdict(set)
    for sentence in generated:
        for word, upos in zip(sentence.words, sentence.upos, strict=True):
            tags[word.lower()].add(upos)
    assert len(tags) > 5000
    assert sum(len(upos) > 1 for upos in tags.values()) > 200
    assert {"AUX", "DET", "PART"} <= tags["a"] and {"DET", "PRON"} <= tags["o"] and {"DET", "PRON"} <= tags["lui"]
    assert len({sentence.text for sentence in generated}) > 0.99 * len(generated)


@pytest.mark.parametrize("label", ["sentiment", "dialect", "stars"])
def test_labels_can_be_learned_from_the_words_but_not_at_once(generated, label):
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.naive_bayes import MultinomialNB
    from sklearn.pipeline import make_pipeline

    texts, labels = [s.text for s in generated], [getattr(s, label) for s in generated]
    few = make_pipeline(CountVectorizer(), MultinomialNB()).fit(texts[:300], labels[:300])
    many = make_pipeline(CountVectorizer(), MultinomialNB()).fit(texts[:5000], labels[:5000])
    assert few.score(texts[5000:], labels[5000:]) < 0.9
    assert many.score(texts[5000:], labels[5000:]) > few.score(texts[5000:], labels[5000:])
    assert many.score(texts[5000:], labels[5000:]) > 1.4 * max(Counter(labels).values()) / len(labels)


def test_similarity_is_spread_over_the_scale_and_equal_meanings_get_five():
    pairs = generate_pairs(2000, seed=4)
    scores = [pair.similarity for pair in pairs]
    assert min(scores) == 0 and max(scores) == 5
    assert all(sum(low <= score <= low + 1 for score in scores) > 50 for low in range(5))
    assert all(pair.similarity == 5 for pair in pairs if pair.first.text == pair.second.text)
    assert any(pair.similarity == 5 and pair.first.text != pair.second.text for pair in pairs)
    assert all(pair.first.topic == pair.second.topic for pair in pairs if pair.similarity >= 3)


def test_similarity_goes_with_shared_words():
    from scipy.stats import spearmanr

    def overlap(pair):
        one, other = set(pair.first.words), set(pair.second.words)
        return len(one & other) / len(one | other)

    pairs = generate_pairs(1500, seed=4)
    assert 0.5 < spearmanr([overlap(p) for p in pairs], [p.similarity for p in pairs]).statistic < 0.95


def test_a_paragraph_keeps_to_its_topic():
    lexicon = load_lexicon()
    owner = defaultdict(set)
    for topic in lexicon.topics:
        for noun in (*topic.agents, *topic.domains[0].objects, *topic.domains[1].objects):
            for number in "sp":
                for definite in (False, True):
                    owner[noun.form(number, definite=definite)].add(topic.name)
    single = {word: next(iter(names)) for word, names in owner.items() if len(names) == 1}
    same, total = 0, 0
    for line in generate_corpus(300, seed=9):
        topics = [single[w] for w in line.lower().replace(".", "").replace(",", "").split() if w in single]
        same += sum(topic == topics[0] for topic in topics[1:])
        total += max(len(topics) - 1, 0)
    assert total > 500 and same / total > 0.9
