"""The loop of the contenders that use no library: forward, backward, clipping, step."""

from collections.abc import Callable

from torch import Tensor, nn
from torch.nn.utils import clip_grad_norm_

from .clock import Clock, make_optimizer
from .settings import MAX_GRADIENT_NORM
from .training import autocast
from .workload import Batch, Workload


def run_loop(workload: Workload, student: nn.Module, clock: Clock, loss_of: Callable[[Batch], Tensor]) -> None:
    """Train the student on the batches, each trimmed to its longest row."""
    optimizer = make_optimizer(student, clock)

    for batch in workload.trimmed():
        with autocast(workload.settings):
            loss = loss_of(batch)
        loss.backward()

        clip_grad_norm_(student.parameters(), MAX_GRADIENT_NORM)
        optimizer.step()
        optimizer.zero_grad()
