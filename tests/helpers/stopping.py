"""What a queue does to a training: asks it to stop."""

from transformers.trainer_jit_checkpoint import JITCheckpointCallback


def stop_at(step: int, monkeypatch) -> None:
    """Have every training with `enable_jit_checkpoint` be asked to stop after a step."""
    on_step_end = JITCheckpointCallback.on_step_end

    def asked(callback, args, state, control, **more):
        callback.jit_manager.is_checkpoint_requested = state.global_step == step
        on_step_end(callback, args, state, control, **more)

    monkeypatch.setattr(JITCheckpointCallback, "on_step_end", asked)
