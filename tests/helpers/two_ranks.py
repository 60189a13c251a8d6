"""Run by `torch.distributed.run`: train every toy of a dict (all pickled) on two ranks, and write what came out."""

import logging
import pickle
import sys
import tempfile
from pathlib import Path

from datasets.utils.logging import disable_progress_bar
from transformers import Trainer

from helpers.toys import make_trainer, unpickle, weights_of

logging.disable(logging.WARNING)
disable_progress_bar()


def run(toy):
    """Train and evaluate a toy, half of each batch on every rank."""
    with tempfile.TemporaryDirectory() as folder:
        trainer = make_trainer(toy, folder, per_device_train_batch_size=8, ddp_backend="gloo")
        trainer.train()
        plain = Trainer(
            model=trainer.model,
            args=trainer.args,
            eval_dataset=toy.evaluation,
            data_collator=trainer.data_collator.for_evaluation(),
            processing_class=toy.tokenizer,
        )
        plain.model_accepts_loss_kwargs = False
        return {
            "weights": weights_of(trainer),
            "evaluation": trainer.evaluate(),
            "logs": trainer.state.log_history,
            "plain_eval_loss": plain.evaluate()["eval_loss"],
            "rank": trainer.args.process_index,
        }


if __name__ == "__main__":
    toys = pickle.loads(Path(sys.argv[1]).read_bytes())
    results = {name: run(unpickle(toy)) for name, toy in toys.items()}
    rank = next(iter(results.values()))["rank"]
    Path(sys.argv[2], f"{rank}.pkl").write_bytes(pickle.dumps(results))
