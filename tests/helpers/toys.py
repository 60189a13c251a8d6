"""Small students, teachers and data for every task, and a trainer around them: what the tests of training share."""

import copy
import pickle
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

import torch
from datasets import Dataset

from helpers.models import tiny_bert
from helpers.tokenizers import SENTENCES, train_tokenizer
from hf_multiteacher import DistillationTrainingArguments, MultiTeacherDistillationTrainer, MultiTokenizer, Teacher

TASKS = ("masked-lm", "tagging", "single-label", "multi-label", "regression")
HEADS = {"masked-lm": "MaskedLM", "tagging": "TokenClassification"}
LABELS = {"masked-lm": 0, "tagging": 4, "single-label": 3, "multi-label": 3, "regression": 1}
PROBLEMS = {
    "single-label": "single_label_classification",
    "multi-label": "multi_label_classification",
    "regression": "regression",
}
EXAMPLES = 96


@dataclass
class Toy:
    """A student, its teachers and encoded data."""

    task: str
    student: Any
    teachers: list[Any]
    train: Dataset
    evaluation: Dataset
    tokenizer: Any
    multi_tokenizer: MultiTokenizer
    arguments: dict[str, Any] = field(default_factory=dict)


def config_of(task: str) -> dict[str, Any]:
    """What a model's configuration says about its labels."""
    names = {index: "abcd"[index] for index in range(LABELS[task])}
    labels = {"id2label": names, "label2id": {name: index for index, name in names.items()}} if names else {}
    return labels | ({"problem_type": PROBLEMS[task]} if task in PROBLEMS else {})


@cache
def tokenizers():
    """A cased and an uncased tokenizer, different in vocabulary."""
    text = [f"{first} {second}" for first in SENTENCES for second in SENTENCES]
    return train_tokenizer("wordpiece", text, 300), train_tokenizer("wordpiece", text, 200, lowercase=True)


def words_of(example: int) -> list[str]:
    """Between 3 and 16 words, so that batches differ in length and in their numbers of rows."""
    words = f"{SENTENCES[example % 10]} {SENTENCES[example * 7 % 10]}".split()
    return words[example % 3 :][: 3 + example * 5 % 14]


def raw_data(task: str, examples: int = EXAMPLES) -> Dataset:
    """Texts with labels, or words with one label each."""
    rows = [words_of(example) for example in range(examples)]
    if task == "tagging":
        labels = [[len(word) % 4 if len(word) != 5 else -100 for word in words] for words in rows]
        return Dataset.from_dict({"words": rows, "labels": labels})
    columns: dict[str, list] = {"text": [" ".join(words) for words in rows]}
    if task == "single-label":
        columns["label"] = [len(words) % 3 for words in rows]
    elif task == "multi-label":
        columns["labels"] = [[float(len(words) % 2), float(len(words) % 3 == 0), 1.0] for words in rows]
    elif task == "regression":
        columns["labels"] = [len(words) / 8 for words in rows]
    return Dataset.from_dict(columns)


def encode(task: str, data: Dataset, multi_tokenizer: MultiTokenizer) -> Dataset:
    """Encode raw data for all tokenizers."""
    names: dict[str, Any] = {"words": "words", "labels": "labels"} if task == "tagging" else {"text": "text"}
    return data.map(
        multi_tokenizer.encode,
        batched=True,
        fn_kwargs=names,
        remove_columns=[name for name in data.column_names if name in ("text", "words")],
    )


@cache
def multi_tokenizer_of(student, *teachers) -> MultiTokenizer:
    """A `MultiTokenizer`, the same one for the same tokenizers."""
    return MultiTokenizer(student, teachers)


@cache
def encoded(task: str, examples: int, multi_tokenizer: MultiTokenizer) -> Dataset:
    """The data of a task, encoded once."""
    return encode(task, raw_data(task, examples), multi_tokenizer)


def make_toy(
    task: str,
    pair=None,
    dtype=torch.float32,
    same_tokenizer: bool = False,
    examples: int = EXAMPLES,
    layers: int = 2,
    **arguments: Any,
) -> Toy:
    """A student and two teachers: one reads the student's tokens, the other its own unless `same_tokenizer`.

    The second teacher's hidden size is not the student's. Models are the toy's own, tokenizers and data are shared.
    """
    cased, uncased = pair or tokenizers()
    second = cased if same_tokenizer else uncased
    head, config = HEADS.get(task, "SequenceClassification"), config_of(task)
    models = [
        tiny_bert(head, len(cased), layers, seed=1, **config),
        tiny_bert(head, len(cased), layers, seed=2, **config),
        tiny_bert(head, len(second), layers, seed=3, hidden_size=24, **config),
    ]
    for model in models[1:]:
        sharpen(model)
    student, *teachers = (model.to(dtype) for model in models)
    multi_tokenizer = multi_tokenizer_of(cased, cased, second)
    return Toy(
        task,
        student,
        [Teacher(teachers[0], tokenizer=cased, name="first"), Teacher(teachers[1], tokenizer=second, name="second")],
        encoded(task, examples, multi_tokenizer),
        encoded(task, 22, multi_tokenizer),
        cased,
        multi_tokenizer,
        arguments,
    )


def unpickle(toy: bytes) -> Toy:
    """Read a pickled toy; transformers' models give hidden states in processes that have built one of their class."""
    for head in ("MaskedLM", "TokenClassification", "SequenceClassification"):
        tiny_bert(head)
    return pickle.loads(toy)


def logged_losses(trainer) -> list[float]:
    """The loss of every log of a training."""
    return [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]


def sharpen(model) -> None:
    """Give a random teacher opinions: random models all answer almost uniformly."""
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "norm" not in name.lower():
                weight.mul_(10)


def routed(toy: Toy) -> Toy:
    """The toy with teachers of its own for every example: the first, the second, nobody, both."""
    routes = [["first"], ["second"], [], ["first", "second"]]
    train, evaluation = (
        data.add_column("taught_by", [routes[row % 4] for row in range(len(data))])
        for data in (toy.train, toy.evaluation)
    )
    return replace(toy, train=train, evaluation=evaluation)


def make_trainer(toy: Toy, folder, *, model=None, teachers="toy", trainer=MultiTeacherDistillationTrainer, **changes):
    """A trainer on a copy of the toy's student; `changes` are arguments, or the trainer's own by their names."""
    own = {
        name: changes.pop(name)
        for name in (
            "callbacks",
            "compute_loss_func",
            "compute_metrics",
            "data_collator",
            "eval_dataset",
            "model_init",
            "optimizers",
            "preprocess_logits_for_metrics",
            "processing_class",
            "train_dataset",
        )
        if name in changes
    }
    arguments = {
        "output_dir": str(folder),
        "use_cpu": True,
        "disable_tqdm": True,
        "report_to": [],
        "per_device_train_batch_size": 16,
        "max_steps": 20,
        "logging_steps": 5,
        "save_strategy": "no",
        "optim": "sgd",
        "learning_rate": 0.05,
        "lr_scheduler_type": "constant",
        **toy.arguments,
        **changes,
    }
    settings = {"train_dataset": toy.train, "eval_dataset": toy.evaluation, "processing_class": toy.tokenizer, **own}
    if "model_init" not in settings:
        settings["model"] = copy.deepcopy(toy.student) if model is None else model
    return trainer(
        args=DistillationTrainingArguments(**arguments),
        teachers=toy.teachers if isinstance(teachers, str) else teachers,
        **settings,
    )


def mean_answer(prediction) -> dict[str, float]:
    """A `compute_metrics`: the mean of the logits where there are labels."""
    predicted, labels = prediction.predictions, prediction.label_ids
    return {"mean": float(predicted[labels != -100].mean() if predicted.ndim == 3 else predicted.mean())}


def weights_of(trainer) -> dict[str, torch.Tensor]:
    """The trained weights: the student's and the projections'."""
    weights = {name: weight.detach().clone() for name, weight in trainer.model.named_parameters()}
    weights |= {f"projection {index}": weight.detach().clone() for index, weight in enumerate(trainer.projections)}
    return weights


def largest_difference(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> float:
    """The largest difference between two sets of weights of the same names."""
    assert first.keys() == second.keys()
    return max((first[name] - second[name]).abs().max().item() for name in first)
