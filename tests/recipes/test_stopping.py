"""Who was asked to stop is told from who has finished."""

from types import SimpleNamespace

import pytest

from hf_multiteacher.recipes.stopping import TrainingStoppedError, expect_finished


def trainer(step, *, enabled=True, stopped=True):
    return SimpleNamespace(
        args=SimpleNamespace(enable_jit_checkpoint=enabled),
        state=SimpleNamespace(global_step=step, max_steps=4),
        control=SimpleNamespace(should_training_stop=stopped),
    )


def test_a_training_that_was_asked_to_stop_is_not_gone_on_with():
    with pytest.raises(TrainingStoppedError, match="after step 2 of 4, .* beside its checkpoint. Start again."):
        expect_finished(trainer(2), "Start again.")


@pytest.mark.parametrize("done", [trainer(4), trainer(2, enabled=False), trainer(2, stopped=False)])
def test_one_that_ended_by_itself_is(done):
    expect_finished(done, "Start again.")
