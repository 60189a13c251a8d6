"""A stream is trained on as the same examples in a list: with accumulation, after a resume, and on two ranks."""

import copy
import pickle

import pytest
import torch
from datasets.distributed import split_dataset_by_node
from transformers import Trainer

from helpers.stream_ranks import KINDS, STEPS, heavier, stream_of
from helpers.toys import largest_difference, logged_losses, make_toy, make_trainer, tokenizers, unpickle, weights_of
from helpers.two_ranks import on_two_ranks
from hf_multiteacher import DataCollatorForDistillation
from hf_multiteacher.training.streams import Filler, RankStream


@pytest.fixture(scope="module")
def pickled():
    """A toy for other processes."""
    return pickle.dumps(make_toy("tagging", tokenizers(), hidden_state_weight=0.5))


@pytest.fixture(scope="module")
def toy(pickled):
    """The toy itself; a model that has run cannot be pickled any more."""
    return unpickle(pickled)


def trained(toy, folder, resume=None, **changes):
    trainer = make_trainer(toy, folder, **{"logging_steps": 1, **changes})
    trainer.train(resume_from_checkpoint=resume)
    return trainer


# ---- One rank ----


@pytest.mark.parametrize("examples", [50, 49, 33, 96])  # the last step has 1, 1, 3 and all of its 4 batches
@pytest.mark.parametrize("optim", ["sgd", "adamw_torch"])
def test_an_epoch_that_is_no_multiple_of_the_accumulation_ends_with_a_shorter_step(examples, optim, toy, tmp_path):
    data = toy.train.select(range(examples))
    settings = {"optim": optim, "per_device_train_batch_size": 4, "gradient_accumulation_steps": 4, "max_steps": 9}
    stream = trained(toy, tmp_path, train_dataset=data.to_iterable_dataset(), **settings)
    stored = trained(toy, tmp_path, train_dataset=data, train_sampling_strategy="sequential", **settings)
    assert logged_losses(stream) == pytest.approx(logged_losses(stored), rel=1e-6)
    assert largest_difference(weights_of(stream), weights_of(stored)) < 1e-6
    assert stream.data_collator._round == stored.data_collator._round


def test_what_fills_a_step_up_counts_for_nothing(toy, tmp_path):
    trainer = make_trainer(toy, tmp_path)
    batch = next(iter(trainer.get_train_dataloader()))
    alone = trainer._get_num_items_in_batch([batch], trainer.args.device)
    filled = trainer._get_num_items_in_batch([batch, Filler(batch)], trainer.args.device)
    assert alone == filled == (batch["labels"] != -100).sum()
    loss = trainer.training_step(trainer.model, Filler(batch), filled)
    said = trainer._callback.latest
    assert loss == 0
    assert all(weight.grad is None or not weight.grad.any() for weight in trainer.model.parameters())
    assert said.keys() > {"hard_loss", "soft_loss"} and not any(said.values())


def test_the_ranks_ask_one_another_for_steps_only_that_are_taken(toy, tmp_path, monkeypatch):
    """Trainer goes through all steps of the run in every epoch of a stream."""
    settings = {"per_device_train_batch_size": 4, "gradient_accumulation_steps": 4, "max_steps": 8}
    trainer = make_trainer(toy, tmp_path, train_dataset=toy.train.select(range(41)).to_iterable_dataset(), **settings)
    asked, longest = [], trainer._longest
    monkeypatch.setattr(trainer, "_longest", lambda *each: asked.append(each) or longest(*each))
    trainer.train()
    assert len(asked) == trainer.state.global_step == 8


@pytest.mark.parametrize("saved", [2, 3, 4, 6, 7])  # 3 steps, the last one shorter, to an epoch
def test_a_shuffled_stream_resumes_where_it_was_left(saved, toy, tmp_path):
    data = toy.train.select(range(41)).to_iterable_dataset(num_shards=3).shuffle(seed=1, buffer_size=13)
    settings = {"per_device_train_batch_size": 4, "gradient_accumulation_steps": 4, "max_steps": 8}
    settings |= {"optim": "adamw_torch", "learning_rate": 1e-2, "save_strategy": "steps", "save_steps": 1}
    whole = trained(toy, tmp_path, train_dataset=data, **settings)
    resumed = trained(toy, tmp_path, f"{tmp_path}/checkpoint-{saved}", train_dataset=data, **settings)
    assert largest_difference(weights_of(whole), weights_of(resumed)) == 0
    assert logged_losses(whole)[saved:] == logged_losses(resumed)[saved:]
    assert resumed.data_collator._round == whole.data_collator._round == 2


def test_a_finished_run_on_a_stream_goes_on_with_more_steps(toy, tmp_path):
    data = toy.train.to_iterable_dataset()
    settings = {"save_strategy": "steps", "save_steps": 2, "optim": "adamw_torch", "learning_rate": 1e-2}
    trained(toy, tmp_path, train_dataset=data, max_steps=2, **settings)
    resumed = trained(toy, tmp_path, f"{tmp_path}/checkpoint-2", train_dataset=data, max_steps=8, **settings)
    whole = trained(toy, tmp_path, train_dataset=data, max_steps=8, **settings)
    assert largest_difference(weights_of(whole), weights_of(resumed)) == 0


def test_without_teachers_a_stream_is_trainers(toy, tmp_path):
    settings = {"train_dataset": toy.train.select(range(50)).to_iterable_dataset(), "max_steps": 9}
    settings |= {"per_device_train_batch_size": 4, "gradient_accumulation_steps": 4}
    collate = DataCollatorForDistillation(toy.multi_tokenizer)
    collator = lambda rows: {key: value for key, value in collate(rows).items() if "teacher" not in key}  # noqa: E731
    runs = []
    for kind in (None, Trainer):
        ours = make_trainer(toy, tmp_path, teachers=[], data_collator=collator, **settings)
        if kind:
            ours = Trainer(
                model=copy.deepcopy(toy.student),
                args=ours.args,
                data_collator=collator,
                train_dataset=settings["train_dataset"],
            )
        ours.train()
        runs.append({name: weight.detach() for name, weight in ours.model.named_parameters()})
    assert largest_difference(*runs) == 0


@pytest.mark.parametrize("kind", KINDS)
def test_the_parts_of_a_stream_hold_every_example_once(kind, toy):
    parts = [[*RankStream(stream_of(toy.train, kind, rank, 2), rank, 2)] for rank in range(2)]
    together = sorted(tuple(row["input_ids"]) for part in parts for row in part)
    assert together == sorted(map(tuple, toy.train[: KINDS[kind][0]]["input_ids"]))


def test_a_generator_of_a_stream_has_the_same_state_on_every_rank(toy):
    stream = stream_of(toy.train, "of torch")
    stream.generator = torch.Generator()
    RankStream(stream, 0, 2).set_epoch(3)
    assert torch.equal(stream.generator.get_state(), torch.Generator().manual_seed(3).get_state())


# ---- Two ranks ----


@pytest.fixture(scope="module")
def two_ranks(pickled, fork_server, tmp_path_factory):
    """What two ranks read of every kind of stream, and made of it."""
    folder = tmp_path_factory.mktemp("ranks")
    (folder / "toy.pkl").write_bytes(pickled)
    code = f"""
from pathlib import Path
from helpers.stream_ranks import train_on_rank
train_on_rank(rank, Path({str(folder / "toy.pkl")!r}).read_bytes(), Path({str(folder)!r}))
"""
    on_two_ranks(fork_server, folder, code)
    return [pickle.loads((folder / f"{rank}.pkl").read_bytes()) for rank in range(2)]


@pytest.mark.parametrize("kind", KINDS)
def test_two_ranks_read_every_example_of_a_stream_once_and_take_the_same_steps(kind, two_ranks, toy):
    read = [row for rank in two_ranks for row in rank[kind]["read"]]
    assert sorted(read) == sorted(map(tuple, toy.train[: KINDS[kind][0]]["input_ids"]))
    assert all(rank[kind]["logs"][-1]["step"] == 6 for rank in two_ranks)
    assert largest_difference(*(rank[kind]["weights"] for rank in two_ranks)) == 0


def test_two_ranks_make_of_a_stream_what_one_makes_of_it(two_ranks, toy, tmp_path):
    # By examples, every step of two ranks reads the same rows as one of one rank with batches of twice the size.
    for kind in ("one shard", "of torch", "one batch less", "less than a batch"):
        alone = trained(
            toy,
            tmp_path,
            train_dataset=stream_of(toy.train, kind),
            **STEPS | {"per_device_train_batch_size": 4},
        )
        for rank in two_ranks:
            assert largest_difference(weights_of(alone), rank[kind]["weights"]) < 1e-6


def test_two_ranks_evaluate_a_loss_of_ones_own_as_one_does(two_ranks, toy, tmp_path):
    expected = heavier(toy, tmp_path, per_device_eval_batch_size=16).evaluate()["eval_loss"]
    together = [rank["loss of one's own"]["eval_loss"] for rank in two_ranks]
    assert together == pytest.approx([expected] * 2, rel=1e-5)


@pytest.mark.parametrize("name", ["stream", "group_by_length", "random", "a part that has ended"])
def test_two_ranks_resume_in_mid_epoch_as_if_they_had_never_stopped(name, two_ranks):
    for whole, resumed in (rank[name] for rank in two_ranks):
        assert largest_difference(whole, resumed) == 0


def test_a_batch_that_is_split_among_ranks_is_one_batch(two_ranks):
    for rank in two_ranks:
        assert largest_difference(rank["split_batches"]["weights"], rank["one shard"]["weights"]) == 0


def test_two_ranks_evaluate_a_stream_as_one_does(two_ranks, toy, tmp_path):
    alone = make_trainer(toy, tmp_path, eval_dataset=toy.evaluation.to_iterable_dataset())
    alone.model.load_state_dict({name: w for name, w in two_ranks[0]["one shard"]["weights"].items() if "." in name})
    alone._projections.load_state_dict(
        dict(
            zip(
                alone._projections.state_dict(),
                [w for name, w in two_ranks[0]["one shard"]["weights"].items() if name.startswith("projection ")],
                strict=True,
            )
        )
    )
    expected, together = alone.evaluate(), two_ranks[0]["one shard"]["evaluation"]
    names = [name for name in expected if "loyalty" in name or "_loss" in name.removeprefix("eval_loss")]
    assert {name: expected[name] for name in names} == pytest.approx({n: together[n] for n in names}, rel=1e-4)


def test_an_evaluation_stream_that_is_split_already_is_refused_on_several_ranks(toy, tmp_path, monkeypatch):
    trainer = make_trainer(toy, tmp_path)
    stream = split_dataset_by_node(toy.evaluation.to_iterable_dataset(), 0, 2)
    with pytest.raises(ValueError, match="Pass the stream as it was before"):
        trainer._read(stream)


def test_a_rank_without_examples_is_told_to_every_rank(toy, tmp_path, monkeypatch):
    trainer = make_trainer(toy, tmp_path, train_dataset=toy.train.to_iterable_dataset())
    trainer._last_batch = {}
    monkeypatch.setattr(trainer.accelerator, "gather", lambda told: torch.cat([told, torch.tensor([[0, 0]])]))
    with pytest.raises(ValueError, match="the part of the stream for rank 1 has none"):
        trainer._longest(2, trainer.args.device)
