"""What is said of a cache of the teachers' outputs."""

import pytest

from hf_multiteacher import DistillationTrainingArguments
from hf_multiteacher.training.preflight.caching import cache_findings, plan_cache
from hf_multiteacher.training.preflight.duration import Length

FOUR_EPOCHS = Length(40, 10, 0)


def plan(tmp_path, *, masks, **arguments):
    args = DistillationTrainingArguments(output_dir=str(tmp_path), use_cpu=True, **arguments)
    planned = plan_cache(100.0, 50, FOUR_EPOCHS, args, 0.5, masks=masks, heads=7)
    return planned, cache_findings(planned, args, masks=masks)


@pytest.mark.parametrize(
    ("masks", "rounds", "texts", "helps_from"),
    [(False, None, 50, 2), (True, None, 200, None), (True, 2, 100, 3), (True, 9, 200, None)],
)
def test_a_text_is_kept_once_for_each_of_its_masks(tmp_path, masks, rounds, texts, helps_from):
    planned, _ = plan(tmp_path, masks=masks, mask_rounds=rounds)
    assert (planned.bytes, planned.helps_from) == (100 * texts + 7, helps_from)


def test_a_cache_that_no_epoch_reads_again_is_a_warning_with_the_remedy(tmp_path):
    _, (kept, disk) = plan(tmp_path, masks=True, teacher_cache=str(tmp_path / "cache"))
    assert kept.level == "warning" and "mask_rounds" in kept.do and disk.level == "ok"
    _, (kept, disk) = plan(tmp_path, masks=True, mask_rounds=2, teacher_cache=str(tmp_path / "cache"))
    assert kept.level == "ok" and "from epoch 3 on" in kept.says


def test_a_cache_that_nobody_asked_for_is_offered(tmp_path):
    _, (offered,) = plan(tmp_path, masks=False)
    assert offered.says == "none; one (teacher_cache) would take 5.0 kB and save up to 50 % of a step from epoch 2 on."
