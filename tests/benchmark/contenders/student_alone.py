"""The student with the labels alone, in a bare loop: what a step would cost if the teachers cost nothing."""

from torch import Tensor
from torch.nn.functional import cross_entropy

from hf_multiteacher.models.row_forward import RowForward

from ..clock import Clock
from ..loop import run_loop
from ..models import student
from ..workload import Batch, Workload


def train(workload: Workload, clock: Clock) -> None:
    """Train the student without teachers, its head at the labelled rows only."""
    model = student(workload.settings)
    clock.models_are_loaded()
    run = RowForward(model, "the student")

    def loss_of(batch: Batch) -> Tensor:
        rows = batch["labels"] != -100
        return cross_entropy(run(model, batch, rows)[1], batch["labels"][rows])

    run_loop(workload, model, clock, loss_of)
