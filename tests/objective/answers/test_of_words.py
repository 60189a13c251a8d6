"""What masked language models answer, against a loop over the masked places."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from helpers.toys import make_toy, make_trainer
from hf_multiteacher.objective.answers.text import named


@pytest.fixture(scope="module", params=["labelled", "all"])
def trainer(request, tmp_path_factory):
    """A trainer after an evaluation, whose second teacher does not have every third word of the student."""
    folder, settings = tmp_path_factory.mktemp("run"), {"distill_positions": request.param}
    trainer = make_trainer(make_toy("masked-lm"), folder, per_device_eval_batch_size=5, **settings)
    outcomes = trainer.distillation_objective.teachers.outcomes
    outcomes[1] = without(outcomes[1], outcomes[1].student[::3])
    trainer.evaluate()
    return trainer


def without(shared, outcomes):
    """What two vocabularies share, and some outcomes less."""
    student, teacher = (each.masked_fill(torch.isin(each, outcomes), 0) for each in (shared.student, shared.teacher))
    return replace(shared, student=student, teacher=teacher)


@pytest.fixture(scope="module")
def places(trainer):
    """For each masked place: the word, the student's, the first and the second teacher's answer to it with its
    probability, and how far apart they are; the second answers with the best of the words that the two share."""
    objective, found = trainer.distillation_objective, []
    for batch in trainer.get_eval_dataloader():
        rows = objective.rows(batch)
        logits = trainer._student_forward(trainer.model, batch, rows.tokens, index=rows.index)[1]
        with torch.no_grad():
            targets = objective(batch, rows, logits, None, with_teachers=True, hooks=trainer._hooks()).targets
        for row in range(len(rows.index)):
            if rows.labels[row] >= 0:
                each = [(targets.student_logits[n][row], targets.teacher_logits[n][row], n) for n in (0, 1)]
                each = [pair if has else None for pair, has in zip(each, targets.available[:, row], strict=True)]
                answers = [best(logits[row], 0), *(pair and best(*pair[1:]) for pair in each)]
                apart = [distance(*pair) for pair in each if pair]
                found.append((rows.labels[row].item(), answers, np.mean(apart) if any(apart) else 0))
    return found


def distance(student, teacher, first):
    """By how much the probability of one of their answers differs, of the two answers the larger."""
    own, answer = best(student, first)[0], best(teacher, first)[0]
    p, q = (torch.softmax(logits.double(), -1) for logits in (student, teacher))
    return (p - q).abs()[[own, answer]].max().item()


def best(logits, first):
    """The most probable class from `first` on, and its probability."""
    answer = first + logits[first:].argmax().item()
    return answer, torch.softmax(logits.double(), -1)[answer].item()


def test_every_masked_place_counts_and_of_other_vocabularies_the_words_that_are_shared(trainer, places):
    answers = trainer.compared_answers()
    outcomes = trainer.distillation_objective.teachers.outcomes[1].student.tolist()
    assert answers.rows == "masked words" and [*answers.confidence] == ["student", "first", "second"]
    for number, name in enumerate(answers.confidence):
        spaces = [outcomes[label] if number == 2 else label for label, *_ in places]
        counted = [
            (said[number], right)
            for (_, said, _), right in zip(places, spaces, strict=True)
            if said[number] and (number < 2 or right > 0)
        ]
        rows, sure, right = np.sum(answers.confidence[name], axis=0)
        asked = sum(said[number] is not None for _, said, _ in places)
        assert rows == len(counted) > 5 and (len(counted) < asked) is (number == 2)
        assert sure == pytest.approx(sum(probability for (_, probability), _ in counted), rel=1e-4)
        assert right == sum(answer == label for (answer, _), label in counted)


def test_examples_mark_the_word_and_say_what_each_model_answers_there(trainer, places):
    said = [(*told_by_hand(trainer, word, answers), apart) for word, answers, apart in places]
    examples = trainer.compared_answers().disagreements
    assert examples and [each.distance for each in examples] == sorted((e.distance for e in examples), reverse=True)
    for example in examples:
        ((word, _),) = [part for part in example.parts if part[1] is not None]
        (row,) = example.rows
        assert row["label"] == word and row["answers"]["student"][2] is (row["answers"]["student"][0] == word)
        names = word, *((name, answer) for name, (answer, *_) in row["answers"].items())
        sure = [each for _, each, _ in row["answers"].values()]
        assert any(
            names == expected and [*sure, example.distance] == pytest.approx([*of_them, apart], abs=1e-4)
            for expected, of_them, apart in said
        )


def told_by_hand(trainer, word, answers):
    """The word, what everybody answers, and how sure each is; of the second teacher's outcomes the first entry."""
    outcomes = trainer.distillation_objective.teachers.outcomes[1].student.tolist()
    given = [(name, *answer) for name, answer in zip(("student", "first", "second"), answers, strict=True) if answer]
    entries = [(name, outcomes.index(answer) if name == "second" else answer) for name, answer, _ in given]

    tokenizer = trainer.processing_class
    names = named(word, tokenizer), *((name, named(entry, tokenizer)) for name, entry in entries)
    return names, [sure for *_, sure in given]
