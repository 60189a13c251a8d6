"""A trainer's way to the Hub: what a reader needs in one commit, where `Trainer` uploads its whole output folder."""

import os
import shutil
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from logging import getLogger
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from transformers.trainer_utils import HubStrategy, SaveStrategy
from transformers.utils import PushInProgress

from ..report.card import write_model_card
from ..training.card import card_data, repository_name
from ..training.checkpoint import MANIFEST, PROJECTIONS, save_projections
from .files import images_shown, matching
from .push import CHECKPOINT_FILES, Push, make_repository, push_folder

if TYPE_CHECKING:
    from ..trainer import MultiTeacherDistillationTrainer

logger = getLogger(__name__)

COPY = "_being_pushed-"
RESUMABLE = (*CHECKPOINT_FILES, MANIFEST, PROJECTIONS)


class Publisher:
    """Stands in for `Trainer`'s methods of the same purpose, which it follows in what their arguments mean.

    Args:
        trainer: Whose student goes to the Hub.
    """

    def __init__(self, trainer: "MultiTeacherDistillationTrainer") -> None:
        self.trainer = trainer
        self.worker = ThreadPoolExecutor(1, "push")  # one push after the other, in their order

    def make_repository(self, token: str | None = None, private: bool | None = None) -> None:
        """See `Trainer.init_hf_repo`.

        Raises:
            PushError: The repository could not be made, or is public although it should be private.
        """
        trainer: Any = self.trainer  # as `Any`, because transformers declares the two attributes below as None
        args = trainer.args
        if not trainer.is_world_process_zero():
            return
        private = args.hub_private_repo if private is None else private
        trainer.hub_model_id = make_repository(repository_name(args), private=private, token=token or args.hub_token)
        trainer.push_in_progress = None
        for left in Path(str(args.output_dir)).glob(f"{COPY}*"):  # by a run that was killed
            shutil.rmtree(left)

    def write_card(self, *args: Any, **kwargs: Any) -> None:
        """See `Trainer.create_model_card`, and `card_data` for the arguments."""
        if self.trainer.is_world_process_zero():
            write_model_card(card_data(self.trainer, *args, **kwargs), str(self.trainer.args.output_dir))

    def push(
        self,
        commit_message: str | None = "End of training",
        blocking: bool = True,
        token: str | None = None,
        revision: str | None = None,
        private: bool | None = None,
        also: Sequence[str] = (),
        **card: Any,
    ) -> Push | Future[Push] | None:
        """See `Trainer.push_to_hub`.

        Args:
            commit_message: The commit's message.
            blocking: Return when everything has arrived.
            token: By default `hub_token`.
            revision: By default `hub_revision`.
            private: By default `hub_private_repo`; with True, an existing public repository is refused.
            also: Patterns of more files to push: `projections.safetensors`, `teacher_manifest.json`.
            card: For the model card; see `create_model_card`.

        Returns:
            What was pushed, or with `blocking=False` its future; None on other ranks than the first.

        Raises:
            PushError: Nothing was pushed.
        """
        trainer, args = self.trainer, self.trainer.args
        trainer.callback_handler.on_push_begin(args, trainer.state, trainer.control)
        if trainer.hub_model_id is None:
            trainer.init_hf_repo(token=token, private=private)
        trainer.save_model(_internal_call=True)
        if not trainer.is_world_process_zero():
            return None
        if matching([PROJECTIONS], also):
            save_projections(str(args.output_dir), trainer.distillation_objective.hidden_loss)
        trainer.create_model_card(**card)
        trainer._finish_current_push()
        job = partial(
            self._job(token, revision, private),
            str(args.output_dir),
            also=also,
            message=commit_message or "End of training",
        )
        return self.worker.submit(job).result() if blocking else self._later(job)

    def push_checkpoint(self, folder: str) -> None:
        """See `Trainer._push_from_checkpoint`; what goes wrong is a warning, and the training goes on.

        Args:
            folder: The checkpoint, just written.
        """
        trainer: Any = self.trainer
        args = trainer.args
        if not trainer.is_world_process_zero() or args.hub_strategy == HubStrategy.END:
            return
        current = trainer.push_in_progress
        busy = current is not None and not current.is_done()
        if busy and not args.hub_always_push:
            return
        trainer.callback_handler.on_push_begin(args, trainer.state, trainer.control)
        by_steps = args.save_strategy == SaveStrategy.STEPS
        reached = f"step {trainer.state.global_step}" if by_steps else f"epoch {int(trainer.state.epoch or 0)}"
        place = {
            HubStrategy.CHECKPOINT: "last-checkpoint",
            HubStrategy.ALL_CHECKPOINTS: Path(folder).name,
        }.get(HubStrategy(args.hub_strategy))
        try:
            copy = self._copy(Path(folder))
        except Exception as error:  # a card is not worth a training
            _warn(error)
            return
        job = self._later(partial(_push_copy, copy, self._job(), f"Training in progress, {reached}", place))
        if busy:
            current.jobs.append(job)
        else:
            trainer.push_in_progress = PushInProgress(cast(Any, [job]))

    def _job(
        self, token: str | None = None, revision: str | None = None, private: bool | None = None
    ) -> Callable[..., Push]:
        args = self.trainer.args
        return partial(
            push_folder,
            repo_id=str(self.trainer.hub_model_id),
            token=token or args.hub_token,
            revision=revision or args.hub_revision,
            private=args.hub_private_repo if private is None else private,
        )

    def _later(self, job: Callable[[], Any]) -> Future[Any]:
        future = self.worker.submit(job)
        future.add_done_callback(lambda done: _warn(done.exception()))
        return future

    def _copy(self, checkpoint: Path) -> Path:
        """Put the checkpoint and a new card where nobody rotates or rewrites them before they have arrived."""
        folder = Path(str(self.trainer.args.output_dir))
        self.trainer.create_model_card()
        card = ["README.md", *images_shown(folder)]
        copy = folder / f"{COPY}{checkpoint.name}"
        shutil.rmtree(copy, ignore_errors=True)
        copy.mkdir(parents=True)
        for path in checkpoint.iterdir():
            if path.is_file() and path.name != "README.md":  # PEFT's own draft of a card
                _link(path, copy / path.name)
        for name in card:
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(folder / name, copy / name)
        return copy


def _push_copy(copy: Path, push: Callable[..., Push], message: str, place: str | None) -> None:
    try:
        push(copy, message=message)
        if place:
            push(copy, path_in_repo=place, also=RESUMABLE, message=f"{message}, checkpoint")
    finally:
        shutil.rmtree(copy)


def _link(source: Path, target: Path) -> None:
    """Give a file a second name, which takes no room on the disk, or copy it where that is not possible."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy(source, target)


def _warn(error: BaseException | None) -> None:
    if error is not None:
        reason = f"{type(error).__name__}: {error}"
        logger.warning("A push to the Hub failed, and the run goes on; the next one pushes again. %s", reason)
