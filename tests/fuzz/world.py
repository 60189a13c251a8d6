"""What a case starts from: a folder of tiny models, a corpus, and the Romanian data sets in their own formats."""

import json
import shutil
from pathlib import Path

from helpers.models import tiny_bert
from helpers.reports import write_run
from helpers.saved_classifiers import save_classifier
from helpers.saved_encoders import save_encoder
from helpers.tokenizers import SENTENCES, train_tokenizer
from helpers.treebank import treebank
from hf_multiteacher.romanian.synthetic import generate_pairs, generate_sentences

TEXTS = [f"{first} {second}" for first in SENTENCES for second in SENTENCES]
ENCODERS = ("cased", "uncased")
CLASSIFIERS = {
    "token-classification": ("tagger-0", "tagger-1"),
    "sequence-classification": ("classifier-0", "classifier-1"),
    "regression": ("scorer-0", "scorer-1"),
}

OWN_TASKS = {
    "text-classification": ("reviews.csv", CLASSIFIERS["sequence-classification"]),
    "token-classification": ("tags.jsonl", CLASSIFIERS["token-classification"]),
    "regression": ("pairs.tsv", CLASSIFIERS["regression"]),
}
ANSWERS = ("words", "labels of examples", "masked words", "numbers")
RUNS = tuple(f"run-{kind.replace(' ', '-')}" for kind in ANSWERS)


def make_world(folder: Path) -> Path:
    """Write what every case gets a copy of."""
    _save_models(folder)
    (folder / "corpus.txt").write_text("\n\n".join(TEXTS[:40]), encoding="utf-8")
    _write_data(folder / "data")
    _write_own(folder / "own")
    for run, kind in zip(RUNS, ANSWERS, strict=True):
        write_run(folder / run, kind)
    return folder


def copy_world(world: Path, folder: Path) -> Path:
    """Give a case a world of its own, which it may damage."""
    return Path(shutil.copytree(world, folder))


def _save_models(folder: Path) -> None:
    cased = train_tokenizer("wordpiece", TEXTS, 300)
    uncased = train_tokenizer("wordpiece", TEXTS, 200, lowercase=True)
    for seed, (name, tokenizer) in enumerate(zip(ENCODERS, (cased, uncased), strict=True)):
        save_encoder(folder / name, tokenizer, seed=seed)

    for seed, tokenizer in enumerate((cased, uncased)):
        save_classifier(folder / f"tagger-{seed}", tokenizer, "TokenClassification", "AB", seed)
        save_classifier(folder / f"classifier-{seed}", tokenizer, "SequenceClassification", "ABC", seed)
        scorer = tiny_bert(
            "SequenceClassification", len(tokenizer), seed=seed, num_labels=1, problem_type="regression"
        )
        scorer.save_pretrained(folder / f"scorer-{seed}")
        tokenizer.save_pretrained(folder / f"scorer-{seed}")


def _write_data(folder: Path) -> None:
    for part in ("rrt", "ronec", "laroseda", "moroco", "ro_sts"):
        (folder / part).mkdir(parents=True)

    for seed, split in enumerate(("train", "dev", "test")):
        sentences = generate_sentences(24, seed)
        words = [[*zip(each.words, each.upos, each.xpos, strict=True)] for each in sentences]
        _write(folder / f"rrt/ro_rrt-ud-{split}.conllu", treebank(words))

        name = "valid" if split == "dev" else split
        _write_json(folder / f"ronec/{name}.json", [*map(_ronec_record, range(24), sentences)])
        _write_json(folder / f"laroseda/laroseda_{split}.json", {"reviews": [*map(_review, sentences)]})
        _write_moroco(folder / "moroco" / ("validation" if split == "dev" else split), sentences)

        pairs = [f"{pair.similarity}\t{pair.first.text}\t{pair.second.text}\n" for pair in generate_pairs(24, seed)]
        _write(folder / f"ro_sts/RO-STS.{split}.tsv", "".join(pairs))


def _write_own(folder: Path) -> None:
    """Labelled files as a user has them."""
    folder.mkdir()
    texts = TEXTS[:24]
    rows = [f'{number},"{text}",{"ABC"[number % 3]}\n' for number, text in enumerate(texts)]
    _write(folder / "reviews.csv", "".join(["id,text,label\n", *rows]))

    pairs = [f"{text}\t{texts[-number]}\t{number % 7 / 2}\n" for number, text in enumerate(texts)]
    _write(folder / "pairs.tsv", "".join(["sentence1\tsentence2\tscore\n", *pairs]))

    tags = [{"words": text.split(), "tags": ["AB"[len(word) % 2] for word in text.split()]} for text in texts]
    _write(folder / "tags.jsonl", "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in tags))


def _ronec_record(number, sentence):
    return {"id": number, "tokens": [*sentence.words], "ner_tags": [*sentence.ner]}


def _review(sentence):
    return {"title": sentence.text, "content": sentence.text, "starRating": sentence.stars}


def _write_moroco(folder: Path, sentences) -> None:
    folder.mkdir()
    labels = {"Moldavian": "1", "Romanian": "2"}
    _write(folder / "samples.txt", "".join(f"{i}\t{each.text}\n" for i, each in enumerate(sentences)))
    _write(
        folder / "dialect_labels.txt", "".join(f"{i}\t{labels[each.dialect]}\n" for i, each in enumerate(sentences))
    )


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


def _write_json(path: Path, content) -> None:
    _write(path, json.dumps(content, ensure_ascii=False))
