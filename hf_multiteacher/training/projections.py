"""The projections of hidden states: trained with the student, yet no part of it, so unknown to the `Trainer`."""

from typing import Any

import torch
from torch import Tensor, nn
from transformers import Trainer

from .checkpoint import load_projections, save_projections


class ProjectionsMixin(Trainer):
    """Has a `Trainer` optimize, synchronise, clip, save and resume the weights of a module beside its model."""

    _projections: nn.Module | None = None  # None where no hidden states are compared

    @property
    def projections(self) -> list[nn.Parameter]:
        """The weights that bring the student's hidden states to the teachers' sizes; trained with the student."""
        return [] if self._projections is None else [*self._projections.parameters()]

    def create_optimizer(self, model: nn.Module | None = None) -> torch.optim.Optimizer:
        """Create the optimizer as `Trainer` does, and give it the projections too."""
        optimizer = super().create_optimizer(model)
        known = {id(weight) for group in optimizer.param_groups for weight in group["params"]}

        if new := [weight for weight in self.projections if id(weight) not in known]:
            optimizer.add_param_group({"params": new, "weight_decay": self.args.weight_decay})

        return optimizer

    def training_step(
        self,
        model: nn.Module,
        inputs: dict[str, Tensor | Any],
        num_items_in_batch: Tensor | int | None = None,
    ) -> Tensor:
        """Take a step as `Trainer` does, and at its end do for the projections what DDP does for the student."""
        loss = super().training_step(model, inputs, num_items_in_batch)

        for weight in self.projections if self.accelerator.sync_gradients else []:
            if weight.grad is not None:  # a teacher of weight 0, or a step without teachers, gives none on any rank
                weight.grad = self.accelerator.reduce(weight.grad, "mean")

        return loss

    def _clip_grad_norm(self, model: nn.Module) -> Any:
        """Clip the gradients of student and projections together."""
        if not self.projections:
            return super()._clip_grad_norm(model)

        return self.accelerator.clip_grad_norm_([*model.parameters(), *self.projections], self.args.max_grad_norm)

    def _save_optimizer_and_scheduler(self, output_dir: str) -> None:
        """Save what a resume needs as `Trainer` does, and the projections."""
        super()._save_optimizer_and_scheduler(output_dir)

        if self.args.should_save:
            self.save_projections(output_dir)

    def _load_optimizer_and_scheduler(self, checkpoint: str | None) -> None:
        """Load what a resume needs as `Trainer` does, and the projections."""
        if checkpoint is not None:
            load_projections(checkpoint, self._projections)

        super()._load_optimizer_and_scheduler(checkpoint)

    def save_projections(self, output_dir: str) -> None:
        """Write the projections, where there are any, into a folder."""
        save_projections(output_dir, self._projections)
