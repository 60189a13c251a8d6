"""A small part of `python -m tests.ranks`: four ranks, an epoch that ends unevenly, and teachers kept on disk."""

import pytest

from helpers.two_ranks import on_two_ranks
from ranks.cases import Case
from ranks.comparing import compare

CASES = [
    Case("masked-lm", streamed=False, end="one example left"),
    Case("regression", streamed=False, end="fewer than ranks"),
    Case("tagging", streamed=False, end="a rank with less"),
    Case("tagging", streamed=False, end="a rank with less", cached=True),
    Case("tagging", streamed=True, end="a rank with less"),
]


@pytest.fixture(scope="module")
def compared(fork_server, tmp_path_factory):
    return compare(fork_server, tmp_path_factory.mktemp("ranks"), CASES, [1, 4])


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.task}, {case.end}, {case.streamed}, {case.cached}")
def test_four_ranks_learn_what_one_process_learns(case, compared):
    trained = [each for each in compared if each.case == case]
    assert len(trained) == 4
    assert [each for each in trained if not each.same] == []


def test_where_one_rank_meets_nan_all_stop_at_once(fork_server, tmp_path):
    told = on_two_ranks(
        fork_server,
        tmp_path,
        f"from ranks.unsound import stop_by_nan; stop_by_nan(rank, {str(tmp_path / 'run')!r})",
    )
    named = ["UnsoundTeacherError: Teacher 'second' answered NaN" in each for each in told]
    assert named == [True, True]
    assert "in a batch of another rank" in told[0] and "soft_loss/second in batch 1 of 2, row " in told[1]
    assert all("no step, 0 weights moved" in each for each in told)


def test_where_one_rank_s_part_of_the_student_is_nan_no_rank_saves_it(fork_server, tmp_path):
    told = on_two_ranks(fork_server, tmp_path, "from ranks.unsound import look_at_weights; look_at_weights(rank)")
    says = "NotFiniteError: The student's weights are NaN or infinite in 1 of 2 tensors"
    assert [says in each for each in told] == [True, True]


def test_a_rank_that_fails_keeps_no_other_waiting(fork_server, tmp_path):
    with pytest.raises(RuntimeError, match="Connection (closed|reset) by peer"):
        on_two_ranks(fork_server, tmp_path, "import torch\nif rank: raise ValueError\ntorch.distributed.barrier()")


def test_a_student_that_is_sharded_learns_what_a_whole_one_learns_and_is_saved_whole(fork_server, tmp_path):
    """FSDP 2 as accelerate does it, on processes without a GPU."""
    told = on_two_ranks(
        fork_server, tmp_path, f"from ranks.sharded import train_sharded; train_sharded(rank, {str(tmp_path)!r})"
    )
    for each in told:
        assert each.splitlines()[-1] == "sharded; the same weights; resumed; saved whole"
