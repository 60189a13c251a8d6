"""A rank of a training under FSDP 2.

accelerate turns it on for GPUs alone. What it then does works on processes without one too, so it is told that it is
on.
"""

import logging
from pathlib import Path

import torch
from accelerate import PartialState
from accelerate.utils import DistributedType, FullyShardedDataParallelPlugin
from torch.distributed.tensor import DTensor
from transformers import AutoModelForTokenClassification

from helpers.toys import largest_difference, make_toy, make_trainer
from hf_multiteacher import MultiTeacherDistillationTrainer

SETTINGS = {"per_device_train_batch_size": 4, "gradient_accumulation_steps": 2, "max_steps": 7, "max_grad_norm": 0.5}
SAVING = {"save_strategy": "steps", "save_steps": 4, "optim": "adamw_torch", "learning_rate": 1e-3}


class Sharded(MultiTeacherDistillationTrainer):
    """A trainer whose accelerate shards the student."""

    def create_accelerator_and_postprocess(self) -> None:
        super().create_accelerator_and_postprocess()
        state = self.accelerator.state
        state.fsdp_plugin = FullyShardedDataParallelPlugin(
            fsdp_version=2,
            auto_wrap_policy="transformer_based_wrap",
            transformer_cls_names_to_wrap=["BertLayer"],
            reshard_after_forward=True,
            state_dict_type="FULL_STATE_DICT",
            cpu_ram_efficient_loading=False,
        )
        # Whoever asks accelerate for its state has it take the processes' kind for that of the training again.
        state.distributed_type = PartialState().distributed_type = DistributedType.FSDP
        self.is_fsdp_enabled = True


def train_sharded(rank: int, folder: str, task: str = "tagging") -> None:
    """Train whole and sharded, go on from a checkpoint, save, and print what is as it should be."""
    logging.disable(logging.WARNING)
    toy = make_toy(task, dtype=torch.float64, examples=41)

    whole = _trained(toy, f"{folder}/whole", MultiTeacherDistillationTrainer)
    expected = {name: weight.detach().clone() for name, weight in whole.model.named_parameters()}
    sharded = _trained(toy, f"{folder}/sharded", Sharded)
    told = ["sharded" if all(isinstance(each, DTensor) for each in sharded.model.parameters()) else "not sharded"]
    told.append(_compared(sharded, expected))

    resumed = _trained(toy, f"{folder}/sharded", Sharded, resume=f"{folder}/sharded/checkpoint-4")
    told.append("resumed" if _compared(resumed, expected) == "the same weights" else _compared(resumed, expected))
    resumed.save_model(f"{folder}/saved")
    resumed.accelerator.wait_for_everyone()
    told.append(_saved(Path(folder, "saved"), expected))
    print("; ".join(told))


def _trained(toy, folder, trainer, resume=None):
    made = make_trainer(toy, folder, trainer=trainer, ddp_backend="gloo", **SETTINGS | SAVING)
    made.train(resume_from_checkpoint=resume)
    return made


def _compared(trainer, expected) -> str:
    weights = {
        name: weight.full_tensor() if isinstance(weight, DTensor) else weight
        for name, weight in trainer.model.named_parameters()
    }
    difference = largest_difference(expected, weights)
    return "the same weights" if difference < 1e-9 else f"weights {difference:.1e} apart"


def _saved(folder: Path, expected) -> str:
    student = AutoModelForTokenClassification.from_pretrained(folder, dtype=torch.float64)
    difference = largest_difference(expected, dict(student.named_parameters()))
    return "saved whole" if difference < 1e-9 else f"saved {difference:.1e} apart"
