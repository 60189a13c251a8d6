"""A run whose teachers' outputs are kept on disk is the same run, and asks them once."""

import contextlib
import copy
import json
import pickle
import random
import re

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file
from transformers import DataCollatorWithPadding

from helpers.toys import TASKS, largest_difference, make_toy, make_trainer, weights_of
from helpers.two_ranks import on_two_ranks
from hf_multiteacher import Teacher
from hf_multiteacher.cache import DamagedCacheError
from hf_multiteacher.cache.sizes import bytes_in_words
from hf_multiteacher.commands.main import main
from hf_multiteacher.teachers import placement
from hf_multiteacher.teachers.kept_outputs import KeptOutputs

WEIGHTED = ("fixed", "confidence", "entropy")


@contextlib.contextmanager
def counted(toy):
    """Count the forwards of the toy's teachers, whose encoders say that they run."""
    calls = []
    encoders = [teacher.model.base_model.embeddings for teacher in toy.teachers]
    hooks = [each.register_forward_hook(lambda *_: calls.append(1)) for each in encoders]
    try:
        yield calls
    finally:
        for hook in hooks:
            hook.remove()


def trained(toy, folder, **changes):
    trainer = make_trainer(toy, folder, **changes)
    trainer.train()
    return weights_of(trainer), trainer


def evaluated(trainer):
    return {name: value for name, value in trainer.evaluate().items() if "loss" in name or "loyalty" in name}


@pytest.mark.parametrize("hidden", [0.0, 0.5])
@pytest.mark.parametrize("task", TASKS)
def test_it_is_the_run_that_the_live_teachers_give(task, hidden, tmp_path):
    arguments = {"hidden_state_weight": hidden, "max_steps": 50} | ({"mask_rounds": 2} if "mask" in task else {})
    live, first = trained(make_toy(task), tmp_path, **arguments)

    rounded = hidden or "mask" in task
    for dtype, tolerance in (("float32", 1e-6), ("float16", 1e-3 if rounded else 1e-6)):
        cache = {"teacher_cache": str(tmp_path / dtype), "teacher_cache_dtype": dtype}
        kept, trainer = trained(make_toy(task), tmp_path, **arguments, **cache)

        assert largest_difference(live, kept) < tolerance
        found, expected = evaluated(trainer), evaluated(first)
        assert found == pytest.approx(expected, abs=5e-2)
        if not rounded:
            own = [name for name in expected if name.startswith("eval_loss/")]
            assert [found[each] for each in own] == pytest.approx([expected[each] for each in own], rel=1e-6)


@pytest.mark.parametrize("task", TASKS)
def test_a_second_run_asks_nobody_and_gives_the_very_same(task, tmp_path):
    toy, arguments = make_toy(task), {"teacher_cache": str(tmp_path), "max_steps": 13, "hidden_state_weight": 0.5}
    trainer = make_trainer(toy, tmp_path, **arguments)
    trainer.train()
    scores = trainer.evaluate()

    with counted(toy) as calls:
        again = make_trainer(toy, tmp_path, **arguments)
        before = len(calls)
        again.train()
        scores_again = again.evaluate()

    assert len(calls) == before
    assert largest_difference(weights_of(trainer), weights_of(again)) == 0
    assert {name: value for name, value in scores.items() if "loyalty" in name} == {
        name: value for name, value in scores_again.items() if "loyalty" in name
    }


def test_another_seed_and_another_student_read_the_same_outputs(tmp_path):
    toy = make_toy("single-label")
    make_trainer(toy, tmp_path, teacher_cache=str(tmp_path), max_steps=12).train()

    with counted(toy) as calls:
        other = make_trainer(toy, tmp_path, teacher_cache=str(tmp_path), max_steps=12, seed=5, temperature=4.0)
        before = len(calls)
        other.train()

    assert len(calls) == before


@pytest.mark.parametrize("task", ["masked-lm", "single-label"])
def test_teachers_are_calibrated_by_what_is_kept(task, tmp_path):
    toy, cache = make_toy(task), {"teacher_cache": str(tmp_path), "teacher_cache_dtype": "float32"}
    live = make_trainer(toy, tmp_path, calibrate_teachers=True)
    make_trainer(toy, tmp_path, **cache).evaluate()

    with counted(toy) as calls:
        make_trainer(toy, tmp_path, **cache)
        once = len(calls)  # whether their answers can be read is tried when a trainer is made
        kept = make_trainer(toy, tmp_path, **cache, calibrate_teachers=True)
        kept.evaluate()

    assert len(calls) == 2 * once
    found, expected = ([each.temperature for each in trainer.teachers] for trainer in (kept, live))
    assert found == pytest.approx(expected, abs=2e-3)


def test_masks_repeat_after_their_rounds(tmp_path):
    toy = make_toy("masked-lm", examples=32)
    arguments = {"teacher_cache": str(tmp_path), "max_steps": 10, "report_loyalty": False}  # two steps an epoch

    with counted(toy) as calls:
        trainer = make_trainer(toy, tmp_path, mask_rounds=2, **arguments)
        before = len(calls)
        trainer.train()

    assert len(calls) - before == 2 * 2 * 2 + 2  # rounds, steps, teachers; and a sample of texts beforehand


@pytest.mark.parametrize("weighting", WEIGHTED)
def test_weights_of_teachers_see_what_is_read(weighting, tmp_path):
    seen = {}

    for name in ("cold", "warm"):
        toy = make_toy("tagging", same_tokenizer=True, teacher_weighting=weighting)
        trainer = make_trainer(toy, tmp_path, teacher_cache=str(tmp_path / "cache"), max_steps=7)
        trainer.train()
        seen[name] = weights_of(trainer)

    assert largest_difference(seen["cold"], seen["warm"]) == 0


def saved(toy, folder):
    """Teachers as folders, which a run loads itself."""
    for teacher in toy.teachers:
        teacher.model.save_pretrained(folder / teacher.name)
        teacher.tokenizer.save_pretrained(folder / teacher.name)
    return [Teacher(folder / teacher.name, name=teacher.name) for teacher in toy.teachers]


@pytest.mark.parametrize("task", TASKS)
def test_teachers_that_have_said_all_are_not_loaded(task, tmp_path):
    toy = make_toy(task)
    teachers, arguments = saved(toy, tmp_path), {"teacher_cache": str(tmp_path / "cache"), "max_steps": 6}
    first = make_trainer(toy, tmp_path, teachers=teachers, **arguments)
    first.train()

    again = make_trainer(toy, tmp_path, teachers=teachers, **arguments)
    again.train()

    assert all(teacher.asleep for teacher in again.teachers)
    assert largest_difference(weights_of(first), weights_of(again)) == 0
    assert first.teachers.manifest() == again.teachers.manifest()


def test_a_head_is_read_to_a_processor_with_a_number_as_several_ranks_have_it(tmp_path):
    toy = make_toy("masked-lm")
    cache = {"teacher_cache": str(tmp_path / "cache"), "max_steps": 6, "teacher_device": "cpu:0"}
    first, _ = trained(toy, tmp_path, teachers=saved(toy, tmp_path), **cache)
    again, trainer = trained(toy, tmp_path, teachers=saved(toy, tmp_path), **cache)
    assert all(teacher.asleep for teacher in trainer.teachers)
    assert largest_difference(first, again) == 0


def test_a_teacher_wakes_up_where_something_is_missing(tmp_path):
    toy = make_toy("masked-lm")
    teachers, cache = saved(toy, tmp_path), {"teacher_cache": str(tmp_path / "cache")}
    make_trainer(toy, tmp_path, teachers=teachers, max_steps=1, **cache).train()

    trainer = make_trainer(toy, tmp_path, teachers=teachers, max_steps=3, seed=9, **cache)
    trainer.train()
    fresh = make_trainer(toy, tmp_path, teachers=teachers, max_steps=3, seed=9, teacher_cache=str(tmp_path / "other"))
    fresh.train()

    assert not any(teacher.asleep for teacher in trainer.teachers)
    assert largest_difference(weights_of(trainer), weights_of(fresh)) < 1e-6


def test_another_teacher_in_the_same_folder_is_another_teacher(tmp_path):
    toy = make_toy("single-label")
    teachers, cache = saved(toy, tmp_path), {"teacher_cache": str(tmp_path / "cache"), "max_steps": 6}
    make_trainer(toy, tmp_path, teachers=teachers, **cache).train()

    with torch.no_grad():
        toy.teachers[1].model.classifier.bias[0] += 1
    saved(toy, tmp_path)
    trainer = make_trainer(toy, tmp_path, teachers=teachers, **cache)

    assert [teacher.asleep for teacher in trainer.teachers] == [True, False]


def test_of_a_teacher_that_is_brought_in_turn_the_head_alone_reads_what_is_kept(tmp_path, monkeypatch):
    toy, brought, computed = make_toy("masked-lm"), [], []
    teachers = saved(toy, tmp_path)
    monkeypatch.setattr(placement, "brought_to", noted(placement.brought_to, brought))
    monkeypatch.setattr(KeptOutputs, "_compute", noted(KeptOutputs._compute, computed))

    weights = {}
    for where in (None, "in turn"):
        cache = {"teacher_cache": str(tmp_path / f"cache {where}"), "teacher_device": where}
        trainer = make_trainer(toy, tmp_path, teachers=teachers, max_steps=6, **cache)
        trainer.train()
        weights[where] = weights_of(trainer)
    assert len(brought) == len(computed) / 2 > 0
    assert largest_difference(weights[None], weights["in turn"]) == 0


def noted(function, calls):
    """Do the same, and note each call."""

    def call(*arguments):
        calls.append(arguments)
        return function(*arguments)

    return call


def test_what_is_going_to_be_computed_is_announced(tmp_path, caplog):
    toy = make_toy("single-label", examples=64)
    make_trainer(toy, tmp_path, teacher_cache=str(tmp_path / "cache"), max_steps=4).train()
    make_trainer(toy, tmp_path, teacher_cache=str(tmp_path / "cache"), max_steps=4).train()

    first, second = [record.message for record in caplog.records if "teacher_cache" in record.message]
    assert re.search(r"say of 16 is still to be computed. About [\d.]+ kB will be written, .* run about 0 s", first)
    assert "of 16 texts looked up, all that the teachers say is there" in second


def test_what_is_announced_counts_the_vocabulary_heads(tmp_path, caplog):
    make_trainer(make_toy("masked-lm"), tmp_path, teacher_cache=str(tmp_path / "cache"), max_steps=1).train()

    heads = sum(path.stat().st_size for path in (tmp_path / "cache").rglob("head-*.safetensors"))
    assert f"will be written beside vocabulary heads of {bytes_in_words(heads)}, for which" in caplog.text


def test_a_file_in_the_place_of_the_cache_is_refused(tmp_path):
    (tmp_path / "cache").write_text("a file")

    with pytest.raises(ValueError, match="outputs are kept, but '.*cache' is a file. Name another folder"):
        make_trainer(make_toy("single-label"), tmp_path, teacher_cache=str(tmp_path / "cache" / "below"))


def test_a_vocabulary_head_that_cannot_run_alone_is_refused_by_name(tmp_path, monkeypatch):
    monkeypatch.setattr("hf_multiteacher.teachers.kept_outputs.can_run_alone", lambda model: False)

    with pytest.raises(ValueError, match="that of teacher 'first' .BertForMaskedLM. cannot be run by itself"):
        make_trainer(make_toy("masked-lm"), tmp_path, teacher_cache=str(tmp_path))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"teacher_cache_dtype": "float32"}, "has no effect without teacher_cache"),
        ({"teacher_cache": "x", "teacher_cache_dtype": "bfloat16"}, "is one of"),
        ({"mask_rounds": 0}, "whole number from 1 on"),
        ({"mask_rounds": 2}, "no masked language model"),
    ],
)
def test_what_has_no_effect_is_refused(changes, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        make_trainer(make_toy("single-label"), tmp_path, **changes)


def test_a_changed_file_is_refused_by_name_and_pruned_it_is_computed_again(tmp_path):
    toy, cache = make_toy("single-label"), {"teacher_cache": str(tmp_path / "cache"), "max_steps": 6}
    first = make_trainer(toy, tmp_path, **cache)
    first.train()
    shard = max((tmp_path / "cache").rglob("logits/*.safetensors"))
    shard.write_bytes(shard.read_bytes()[:-1] + bytes([shard.read_bytes()[-1] ^ 1]))

    with pytest.raises(DamagedCacheError, match=shard.name):
        make_trainer(toy, tmp_path, **cache).train()

    assert main(["cache", "prune", str(tmp_path / "cache"), "--yes"]) == 0
    again = make_trainer(toy, tmp_path, **cache)
    again.train()
    assert largest_difference(weights_of(first), weights_of(again)) < 1e-6


def of_the_cache(folder):
    """The keys of all entries that were written, store by store."""
    shards = [path for path in folder.rglob("*.safetensors") if not path.name.startswith("head")]
    stores = {path.parent for path in shards}
    return [np.concatenate([load_file(path)["keys"] for path in shards if path.parent == store]) for store in stores]


def without_repetitions(toy):
    """Leave each text once in the data, in whole batches, so that no two ranks have the same one."""
    first = {tuple(ids): row for row, ids in enumerate(toy.train["input_ids"])}
    toy.train = toy.train.select(sorted(first.values())[: len(first) // 16 * 16])
    toy.evaluation = toy.train.select(range(16))
    return toy


def test_two_ranks_compute_and_write_each_text_once(fork_server, tmp_path):
    exact = {"teacher_cache_dtype": "float32", "max_steps": 12}
    toys = {
        task: without_repetitions(make_toy(task, teacher_cache=str(tmp_path / f"{task} on 2"), **exact))
        for task in ("masked-lm", "tagging")
    }
    (tmp_path / "toys.pkl").write_bytes(pickle.dumps({task: pickle.dumps(toy) for task, toy in toys.items()}))
    code = f"""
import pickle
from pathlib import Path
from helpers.two_ranks import train_on_rank
toys = pickle.loads(Path({str(tmp_path / "toys.pkl")!r}).read_bytes())
train_on_rank(toys, Path({str(tmp_path)!r}, f"{{rank}}.pkl"))
"""
    on_two_ranks(fork_server, tmp_path, code)
    result = pickle.loads((tmp_path / "0.pkl").read_bytes())

    for task, toy in toys.items():
        alone, _ = trained(toy, tmp_path, teacher_cache=None, teacher_cache_dtype="float16")
        assert result[task]["world_size"] == 2
        assert largest_difference(alone, result[task]["weights"]) < 1e-6
        for keys in of_the_cache(tmp_path / f"{task} on 2"):
            assert len(keys) == len(np.unique(keys, axis=0))


def test_a_run_that_was_killed_goes_on_as_if_nothing_had_happened(fork_server, tmp_path):
    toy = make_toy("masked-lm", teacher_cache=str(tmp_path / "cache"), mask_rounds=2, max_steps=12)
    with fork_server.fork() as victim, pytest.raises(RuntimeError, match="the process ended"):
        victim.run(f"""
import pickle
from pathlib import Path
from helpers.killed_run import train_and_die
train_and_die({pickle.dumps(toy)!r}, Path({str(tmp_path / "run")!r}))
""")

    resumed = make_trainer(toy, tmp_path / "run", save_strategy="steps", save_steps=4)
    resumed.train(resume_from_checkpoint=True)
    whole, _ = trained(toy, tmp_path, teacher_cache=str(tmp_path / "other"))

    assert largest_difference(whole, weights_of(resumed)) < 1e-6
    assert main(["cache", "verify", str(tmp_path / "cache")]) == 0


def test_of_a_tagger_all_tokens_are_kept_whichever_are_asked_for(tmp_path):
    toy, cache = make_toy("tagging"), {"teacher_cache": str(tmp_path / "cache"), "max_steps": 6}
    make_trainer(toy, tmp_path, **cache).train()

    with counted(toy) as calls:
        everywhere = make_trainer(toy, tmp_path, distill_positions="all", **cache)
        before = len(calls)
        everywhere.train()
        live = make_trainer(toy, tmp_path, distill_positions="all", max_steps=6)
        asked = len(calls)
        live.train()

    assert asked - before <= 4  # the second trainer's trial at most
    assert largest_difference(weights_of(everywhere), weights_of(live)) < 1e-3


def test_a_student_with_its_labels_in_another_order_reads_the_same_outputs(tmp_path):
    toy, cache = make_toy("single-label"), {"teacher_cache": str(tmp_path / "cache"), "max_steps": 6}
    make_trainer(toy, tmp_path, **cache).train()

    names = dict(enumerate("cab"))
    toy.student.config.id2label, toy.student.config.label2id = names, {name: index for index, name in names.items()}
    with counted(toy) as calls:
        read = make_trainer(toy, tmp_path, **cache)
        before = len(calls)
        read.train()
        assert len(calls) == before
    live = make_trainer(toy, tmp_path, max_steps=6)
    live.train()

    assert largest_difference(weights_of(read), weights_of(live)) < 1e-3


def test_a_number_too_large_for_16_bits_is_refused(tmp_path):
    toy = make_toy("regression")
    with torch.no_grad():
        toy.teachers[0].model.base_model.encoder.layer[-1].output.LayerNorm.bias.fill_(1e6)
    arguments = {"teacher_cache": str(tmp_path), "hidden_state_weight": 0.5, "max_steps": 1}

    with pytest.raises(ValueError, match="A number of 'states/2' is too large for float16"):
        make_trainer(toy, tmp_path, **arguments).train()
    make_trainer(toy, tmp_path, **arguments, teacher_cache_dtype="float32").train()


def test_a_logit_is_kept_in_all_its_digits_and_what_was_rounded_is_not_read_for_it(tmp_path):
    toy = make_toy("regression")
    made = [
        make_trainer(toy, tmp_path, teacher_cache=str(tmp_path), hidden_state_weight=states) for states in (0.0, 0.5)
    ]

    stores = [trainer.teachers.kept[0].stores for trainer in made]
    assert [{kind: store.dtype for kind, store in each.items()} for each in stores] == [
        {"logits": "float32"},
        {"logits": "float32", "states/2": "float16"},
    ]
    found = [trainer.teachers.kept[0].cache for trainer in made]
    stored_as = [json.loads((each.folder / "manifest.json").read_text())["identity"]["stored_as"] for each in found]
    assert stored_as == ["float32", "float32, hidden states float16"]


def test_a_label_on_a_hidden_token_is_refused(tmp_path):
    toy = make_toy("tagging", same_tokenizer=True)

    def hide_the_first(example):
        return {"attention_mask": [0, 0, *example["attention_mask"][2:]]}

    toy.train = toy.train.map(hide_the_first)
    with pytest.raises(ValueError, match="a token that it hides has a label"):
        make_trainer(toy, tmp_path, teacher_cache=str(tmp_path / "cache"), max_steps=1).train()


def test_the_sample_leaves_the_generators_alone(tmp_path):
    class Noisy(DataCollatorWithPadding):
        def __call__(self, features):
            batch = super().__call__(features)
            seen.append((torch.rand(()).item(), random.random(), np.random.random()))
            return batch

    toy, drawn = make_toy("single-label", same_tokenizer=True), []
    for cache in (None, str(tmp_path / "cache")):
        seen: list = []
        collator = Noisy(toy.tokenizer)
        make_trainer(toy, tmp_path, data_collator=collator, teacher_cache=cache, max_steps=3).train()
        drawn.append(seen[-3:])

    assert drawn[0] == drawn[1]


def test_a_model_of_the_same_weights_and_another_configuration_is_another_teacher(tmp_path):
    toy, arguments = make_toy("single-label", same_tokenizer=True), {"max_steps": 6, "teacher_cache_dtype": "float32"}
    make_trainer(toy, tmp_path, teacher_cache=str(tmp_path / "cache"), **arguments).train()

    other = copy.deepcopy(toy.teachers[0].model.config)
    other.num_attention_heads = 1
    model = type(toy.teachers[0].model)(other)
    model.load_state_dict(toy.teachers[0].model.state_dict())
    toy.teachers[0] = Teacher(model, tokenizer=toy.tokenizer, name="first")

    read, _ = trained(toy, tmp_path, teacher_cache=str(tmp_path / "cache"), **arguments)
    fresh, _ = trained(toy, tmp_path, teacher_cache=str(tmp_path / "fresh"), **arguments)
    assert largest_difference(read, fresh) < 1e-6
    assert len([*(tmp_path / "cache").glob("*/manifest.json")]) == 3


def test_a_teacher_that_was_changed_since_the_run_was_set_up_is_refused(tmp_path):
    toy = make_toy("single-label")
    teachers, cache = saved(toy, tmp_path), {"teacher_cache": str(tmp_path / "cache")}
    make_trainer(toy, tmp_path, teachers=teachers, max_steps=1, **cache).train()

    trainer = make_trainer(toy, tmp_path, teachers=teachers, max_steps=6, **cache)
    with torch.no_grad():
        toy.teachers[1].model.classifier.bias[0] += 1
    saved(toy, tmp_path)

    with pytest.raises(ValueError, match="'second' was changed on disk since the run was set up"):
        trainer.train()


def test_a_model_that_was_changed_since_the_run_was_set_up_is_refused(tmp_path):
    toy = make_toy("single-label")
    trainer = make_trainer(toy, tmp_path, teacher_cache=str(tmp_path / "cache"), max_steps=1)
    with torch.no_grad():
        toy.teachers[1].model.classifier.bias[0] += 1
    with pytest.raises(ValueError, match="'second' was changed since the run was set up"):
        trainer.train()


def test_a_head_that_was_removed_is_kept_again(tmp_path):
    toy = make_toy("masked-lm")
    teachers, cache = saved(toy, tmp_path), {"teacher_cache": str(tmp_path / "cache"), "max_steps": 6}
    first = make_trainer(toy, tmp_path, teachers=teachers, **cache)
    first.train()
    for head in (tmp_path / "cache").rglob("head-*"):
        head.unlink()

    again = make_trainer(toy, tmp_path, teachers=teachers, **cache)
    again.train()
    assert largest_difference(weights_of(first), weights_of(again)) == 0
    assert len([*(tmp_path / "cache").rglob("head-*")]) == 2
