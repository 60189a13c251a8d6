"""The order of stored examples: seed and epoch alone decide it."""

import pytest
import torch
import transformers.trainer
from torch.utils.data import BatchSampler, DataLoader, RandomSampler
from transformers.trainer_pt_utils import LengthGroupedSampler

from helpers.toys import largest_difference, make_toy, make_trainer, weights_of
from hf_multiteacher.training.sampling import SeededLengthGroupedSampler, seeded, set_epoch

LENGTHS = [length % 7 + 1 for length in range(40)]


def grouped(seed=3):
    return seeded(LengthGroupedSampler(4, lengths=LENGTHS), seed)


def test_an_order_depends_on_seed_and_epoch_alone():
    orders = []
    for seed, epoch in ((3, 0), (3, 1), (4, 5)):
        for _ in range(2):
            torch.rand(7)  # what else the run draws
            sampler = grouped(seed)
            sampler.set_epoch(epoch)
            orders.append([*sampler])
        assert orders[-1] == orders[-2]
    assert len({*map(tuple, orders)}) == 3
    assert all(sorted(order) == [*range(40)] for order in orders)


def test_batches_hold_examples_of_like_length():
    order = [*grouped()]
    spreads = [max(batch) - min(batch) for batch in ([LENGTHS[i] for i in order[k : k + 4]] for k in range(4, 40, 4))]
    assert sum(spreads) / len(spreads) < 3  # at random: 4.6


def test_other_samplers_stay():
    for sampler in (None, RandomSampler(LENGTHS)):
        assert seeded(sampler, 3) is sampler


def test_every_sampler_behind_a_loader_hears_of_the_epoch():
    class Outer(BatchSampler):
        """Wraps a batch sampler, as accelerate does for ranks and for a resume."""

        def __init__(self, inner):
            self.batch_sampler = inner

        def __iter__(self):
            return iter(self.batch_sampler)

    expected = grouped()
    expected.set_epoch(2)
    sampler = grouped()
    loader = DataLoader(LENGTHS, batch_sampler=Outer(Outer(BatchSampler(sampler, 4, False))))
    set_epoch(loader, 2)
    assert [*sampler] == [*expected]


@pytest.mark.parametrize("strategy", ["group_by_length", "batch_rebalance", "random"])
@pytest.mark.parametrize("saved", [2, 3, 5, 8])  # three steps to an epoch
def test_a_resume_in_a_later_epoch_finds_the_order_again(strategy, saved, tmp_path):
    if strategy == "batch_rebalance" and not hasattr(transformers.trainer, "BatchRebalanceSampler"):
        pytest.skip("this version of transformers has no such strategy")
    toy = make_toy("tagging", examples=48)
    settings = {
        "max_steps": 9,
        "train_sampling_strategy": strategy,
        "save_strategy": "steps",
        "save_steps": 1,
        "optim": "adamw_torch",
        "learning_rate": 1e-2,
    }
    whole = make_trainer(toy, tmp_path, **settings)
    whole.train()
    resumed = make_trainer(toy, tmp_path, **settings)
    resumed.train(resume_from_checkpoint=f"{tmp_path}/checkpoint-{saved}")
    assert largest_difference(weights_of(whole), weights_of(resumed)) == 0


def test_the_trainer_seeds_it_with_the_seed_of_the_data(tmp_path):
    toy = make_toy("tagging", examples=48)
    for settings, seed in (({"seed": 5}, 5), ({"seed": 5, "data_seed": 7}, 7)):
        trainer = make_trainer(toy, tmp_path, train_sampling_strategy="group_by_length", **settings)
        sampler = trainer._get_train_sampler()
        assert isinstance(sampler, SeededLengthGroupedSampler) and sampler.seed == seed
    plain = make_trainer(toy, tmp_path, train_sampling_strategy="group_by_length", teachers=[])
    assert type(plain._get_train_sampler()) is LengthGroupedSampler
