"""The batches that stand for all."""

from datasets import Dataset

from hf_multiteacher.training.preflight.sample import Sample


def data(lengths):
    return Dataset.from_dict({"input_ids": [[1] * length for length in lengths]})


def test_batches_are_those_of_the_sampler():
    sample = Sample.of(data([3, 9, 1, 2, 5, 5]), [5, 0, 1, 2, 3, 4], 2)
    assert sample.batches == [[5, 0], [1, 2], [3, 4]] and sample.costs == [10, 18, 10]
    assert sample.longest == [1, 2] and len(sample.longest_example["input_ids"]) == 9 and sample.examples == 6
    assert [len(row["input_ids"]) for row in sample.some([[1], [0]])] == [9, 3]


def test_a_few_batches_stand_for_all_lengths_in_the_order_of_the_training():
    sample = Sample.of(data(range(1, 101)), range(99, -1, -1), 1)
    assert [len(row["input_ids"]) for row in sample.some(sample.spread(4))] == [88, 63, 38, 13]
    assert len(sample.spread(1000)) == 100


def test_a_part_of_each_batch_stands_for_it():
    whole = Sample.of(data(range(1, 11)), range(10), 5)
    part = whole.every(2)
    assert part.batches == [[0, 2, 4], [5, 7, 9]] and (part.batch_size, part.part_of) == (3, 5)
    assert (whole.scale, part.scale) == (1, 5 / 3) and part.longest == [5, 7, 9]
    assert whole.every(100).batches == [[0], [5]]


def test_a_batch_that_is_not_full_is_left_out_unless_there_is_no_other():
    assert [len(batch) for batch in Sample.of(data([1] * 5), range(5), 2).batches] == [2, 2]
    assert [len(batch) for batch in Sample.of(data([1] * 5), range(5), 8).batches] == [5]


def test_of_a_stream_the_beginning_is_read():
    sample = Sample.of(data([4] * 100).to_iterable_dataset(), None, 2)
    assert len(sample.some(sample.batches)) == 40 and sample.examples is None
