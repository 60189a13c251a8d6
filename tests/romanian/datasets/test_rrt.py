"""The treebank: scorers of the written files agree with our figures."""

import pytest

from helpers.tagging import file_accuracy, noisy, tags_of
from hf_multiteacher.romanian.conllu import write_conllu
from hf_multiteacher.romanian.loading import load_task
from hf_multiteacher.romanian.metrics import compute_task_metrics


def test_a_scorer_of_the_written_conllu_agrees(upos, tmp_path):
    words, gold = upos.data["test"]["words"][:], tags_of(upos, "test")
    predicted = noisy(gold, upos.label_names, 0.2)
    write_conllu(tmp_path / "gold.conllu", words, gold, "upos")
    write_conllu(tmp_path / "predicted.conllu", words, predicted, "upos")
    ours = compute_task_metrics(upos, predicted, gold)["accuracy"]
    assert file_accuracy(tmp_path / "gold.conllu", tmp_path / "predicted.conllu", 3) == pytest.approx(ours)


@pytest.mark.real_data
@pytest.mark.parametrize("key, column", [("upos", 3), ("xpos", 4)])
def test_scorers_agree_on_the_real_treebank(romanian_data, tmp_path, key, column):
    task = load_task(key, romanian_data)
    source = romanian_data / "rrt/ro_rrt-ud-dev.conllu"
    gold = tags_of(task)
    predicted = noisy(gold, task.label_names, 0.1)
    write_conllu(tmp_path / "p.conllu", task.data["validation"]["words"][:], predicted, key, source=source)
    ours = compute_task_metrics(task, predicted, gold)["accuracy"]
    assert file_accuracy(source, tmp_path / "p.conllu", column) == pytest.approx(ours)
