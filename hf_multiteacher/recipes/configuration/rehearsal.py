"""The arguments of a training tried on the smallest BERT: what fails there would fail after the work was done."""

import random
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields, replace
from tempfile import TemporaryDirectory
from typing import Any, cast

import numpy as np
import torch
from datasets import Dataset
from torch.utils.data import DataLoader
from transformers import BertConfig, BertForSequenceClassification, PrinterCallback, Trainer, TrainingArguments
from transformers.integrations import get_available_reporting_integrations, get_reporting_integration_callbacks

# What a rehearsal leaves alone: the network, what lasts (processes, compilers, files) and what asks for real data.
NOT_REHEARSED: dict[str, Any] = {
    "max_steps": 1,
    "gradient_accumulation_steps": 1,
    "report_to": "none",
    "push_to_hub": False,
    "disable_tqdm": True,
    "save_strategy": "no",
    "load_best_model_at_end": False,
    "metric_for_best_model": "loss",
    "resume_from_checkpoint": None,
    "full_determinism": False,
    "torch_compile": False,
    "torch_compile_backend": None,
    "torch_compile_mode": None,
    "dataloader_num_workers": 0,
    "dataloader_prefetch_factor": None,
    "dataloader_persistent_workers": False,
    "dataloader_multiprocessing_context": None,
}
SMALLEST: dict[str, Any] = {
    "vocab_size": 2,
    "hidden_size": 1,
    "num_hidden_layers": 1,
    "num_attention_heads": 1,
    "intermediate_size": 1,
    "max_position_embeddings": 1,
}
NOT_LISTED = ("azure_ml", "flyte")
"""Places to report to that transformers does not always list as available where they are; others it does."""


def check_reporters(args: TrainingArguments) -> None:
    """Refuse places to report to that do not exist, or whose package is not installed.

    Raises:
        ValueError: There is one.
    """
    available = {*get_available_reporting_integrations(), *NOT_LISTED}
    for name in args.report_to or ():
        try:
            (reporter,) = get_reporting_integration_callbacks([name])
            if name not in available:
                raise ImportError("its package is not installed")
            if name in NOT_LISTED:
                reporter()
        except (ImportError, RuntimeError, ValueError) as error:
            raise ValueError(
                f"report_to names '{name}', which cannot be used here: {str(error).rstrip('.')}. Install its package, "
                "or leave it out."
            ) from error


def rehearse(args: TrainingArguments) -> None:
    """Train the smallest BERT for a step, with the same optimizer, schedule, precision and batches.

    Several ranks, and engines that keep one state for the whole process, are not rehearsed.

    Raises:
        ValueError: It fails.
    """
    if args.world_size > 1 or args.deepspeed or args.fsdp:
        return

    known = {field.name for field in fields(args)}
    changes = {name: value for name, value in NOT_REHEARSED.items() if name in known}
    with TemporaryDirectory() as scratch, _same_random_numbers(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the run itself will say them
        try:
            _expect_workers(args)
            _train(replace(args, output_dir=scratch, **changes))
        except Exception as error:  # of whatever kind: all of it follows from the arguments
            raise ValueError(
                f"The training arguments do not work here: {_reason(error)}. Correct them, or leave out what is not "
                "needed."
            ) from error


def expect_best_metric(trainer: Trainer, examples: Dataset) -> None:
    """Refuse a `metric_for_best_model` that the evaluations during a training would not give.

    Args:
        trainer: The run's; it is not changed.
        examples: A few of those that will be evaluated.

    Raises:
        ValueError: It is none of their figures.
    """
    wanted = trainer.args.metric_for_best_model
    if wanted is None or trainer.args.eval_strategy == "no" or wanted.removeprefix("eval_") == "loss":
        return
    if trainer.is_fsdp_enabled:  # it shards a model and its optimizer together, when the training begins
        return

    handler = trainer.callback_handler
    callbacks, handler.callbacks = handler.callbacks, []  # nobody is told of a trial
    try:
        with _same_random_numbers():
            found = trainer.evaluation_loop(trainer.get_eval_dataloader(cast(Any, examples)), "A trial").metrics or {}
    finally:
        handler.callbacks = callbacks

    if f"eval_{wanted.removeprefix('eval_')}" not in found:
        names = ", ".join(sorted(name.removeprefix("eval_") for name in found))
        raise ValueError(f"metric_for_best_model is '{wanted}', which no evaluation gives. Choose one of {names}.")


def _reason(error: Exception) -> str:
    if "values to unpack" in str(error):
        return "optim_args must be of the form `key=value,key=value`"
    unknown = re.search(r"unexpected keyword argument '(\w+)'", str(error))
    if unknown:
        return f"neither the schedule nor the optimizer takes '{unknown[1]}' (lr_scheduler_kwargs, optim_args)"
    missing = re.search(r"missing \d+ required positional arguments?: '(\w+)'", str(error))
    if missing:
        return f"the schedule needs '{missing[1]}' (lr_scheduler_kwargs)"
    return f"{error} ({type(error).__name__})"


def _train(args: TrainingArguments) -> None:
    examples: Any = [{"input_ids": [1], "labels": 0}] * 2
    model = BertForSequenceClassification(BertConfig(**SMALLEST))
    trainer = Trainer(model, args, train_dataset=examples, eval_dataset=examples)
    trainer.remove_callback(PrinterCallback)

    trainer.train()
    trainer.evaluate()


def _expect_workers(args: TrainingArguments) -> None:
    """Make what would start the processes that read the data, without starting them."""
    DataLoader(
        cast(Any, [0]),
        num_workers=args.dataloader_num_workers,
        prefetch_factor=args.dataloader_prefetch_factor,
        persistent_workers=args.dataloader_persistent_workers,
        multiprocessing_context=getattr(args, "dataloader_multiprocessing_context", None),
    )


@contextmanager
def _same_random_numbers() -> Iterator[None]:
    """Give back all random generators as they were."""
    python, numpy = random.getstate(), np.random.get_state()
    with torch.random.fork_rng():
        yield
    random.setstate(python)
    np.random.set_state(numpy)
