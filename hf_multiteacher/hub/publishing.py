"""A trainer's way to the Hub: what a reader needs in one commit, where `Trainer` uploads its whole output folder."""

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import cached_property, partial
from logging import getLogger
from pathlib import Path
from typing import Any, cast

import datasets
from transformers import Trainer, TrainerState, TrainingArguments
from transformers.trainer_utils import HubStrategy, SaveStrategy
from transformers.utils import PushInProgress

from ..models.task import adapters_of
from ..report.card import is_our_card, write_model_card
from ..report.card_data import DistillationCardData
from ..tokenization.pairs import mostly_pairs
from ..whole_file import saving_to, write_text
from .files import CHECKPOINT_FILES, images_shown
from .push import Push, make_repository, push_folder, repository_name

logger = getLogger(__name__)

Names = str | Sequence[str] | None

ROWS_LOOKED_AT = 20  # to tell whether the data are pairs of texts
COPY = "_being_pushed-"


class PublishingMixin(Trainer):
    """Puts its own pushes and card in the place of `Trainer`'s, with their signatures; as `PushToHubMixin` for models.

    A trainer without teachers pushes as `Trainer` does. One with teachers sets `_has_teachers` before
    `Trainer.__init__`, which makes the repository, and fills in `card_data`.
    """

    _has_teachers = False
    _more_checkpoint_files: tuple[str, ...] = ()  # what a resume needs beside the files of `Trainer`
    _told_base: str | None = None  # the name that `create_model_card` gave to an adapter's base
    multi_tokenizer: Any = None  # the trainer's; None where nobody knows a tokenizer
    hub_model_id: Any  # a text in time; `Trainer` declares None
    push_in_progress: Any  # likewise

    # ---- For the trainer to fill in ----

    def card_data(self, **card: Any) -> DistillationCardData:
        """Gather what `create_model_card` writes; `card` are its arguments."""
        raise NotImplementedError

    def _save_asked_for(self, folder: str, also: Sequence[str]) -> None:
        """Save into the folder what fits a pattern of `also` and is not saved with every student."""

    # ---- What stands in for `Trainer`'s own ----

    def init_hf_repo(self, token: str | None = None, private: bool | None = None) -> None:
        """Make the repository, where it is not there yet; without teachers as `Trainer` does.

        Args:
            token: By default `hub_token`.
            private: By default `hub_private_repo`; with True, an existing public repository is refused.

        Raises:
            PushError: The repository could not be made, or is public although it should be private.
        """
        if not self._has_teachers:
            super().init_hf_repo(token=token, private=private)
            return
        if not self.is_world_process_zero():
            return

        args = self.args
        private = args.hub_private_repo if private is None else private
        self.hub_model_id = make_repository(repository_name(args), private=private, token=token or args.hub_token)

        self.push_in_progress = None
        for left_over in Path(str(args.output_dir)).glob(f"{COPY}*"):  # by a run that was killed
            shutil.rmtree(left_over)

    def create_model_card(
        self,
        language: Names = None,
        license: str | None = None,  # noqa: A002 (the Trainer's name)
        tags: Names = None,
        model_name: str | None = None,
        finetuned_from: str | None = None,
        tasks: Names = None,
        dataset_tags: Names = None,
        dataset: Names = None,
        dataset_args: Names = None,
        **fields: Any,
    ) -> None:
        """Write the card of a distilled student and its charts into `output_dir`; without teachers, `Trainer`'s card.

        Args:
            language: Language codes.
            license: The licence of the student's weights.
            tags: More tags.
            model_name: By default the last part of `hub_model_id` or `output_dir`.
            finetuned_from: Hub id of the model that the student started from.
            tasks: The Hub's name of the evaluation's task; by default that of the student's pipeline.
            dataset_tags: Hub ids of the data.
            dataset: The data in words.
            dataset_args: Its configuration or split, beside `dataset`.
            **fields: Fields of `DistillationCardData`, in place of what the trainer knows.

        Raises:
            TypeError: A field does not exist.
        """
        card: dict[str, Any] = {
            "language": language,
            "license": license,
            "tags": tags,
            "model_name": model_name,
            "finetuned_from": finetuned_from,
            "tasks": tasks,
            "dataset_tags": dataset_tags,
            "dataset": dataset,
            "dataset_args": dataset_args,
            **fields,
        }

        if not self._has_teachers:
            super().create_model_card(**card)
            return

        self._name_base(finetuned_from)
        if self.is_world_process_zero():
            write_model_card(self.card_data(**card), str(self.args.output_dir))

    def _reads_pairs(self) -> bool:
        """Whether the data are pairs of texts; only stored rows are looked at, as reading others may change a run."""
        evaluated = self.eval_dataset.values() if isinstance(self.eval_dataset, dict) else (self.eval_dataset,)
        stored = [data for data in (self.train_dataset, *evaluated) if isinstance(data, datasets.Dataset)]
        if self.multi_tokenizer is None or not stored:
            return False

        rows = stored[0].with_format(None)[:ROWS_LOOKED_AT].get("input_ids", [])
        return mostly_pairs(self.multi_tokenizer.student_tokenizer, rows)

    def _name_base(self, finetuned_from: Names) -> None:
        """Tell an adapter the name of a base that was made in memory, so that every later save knows it too."""
        names = [finetuned_from] if isinstance(finetuned_from, str) else [*(finetuned_from or ())]
        adapters = adapters_of(cast(Any, self.model))
        if adapters is None or not names:
            return

        for config in adapters.peft_config.values():
            if config.base_model_name_or_path in (None, "", self._told_base):
                config.base_model_name_or_path = names[0]
        self._told_base = names[0]

    def _save(self, output_dir: str | None = None, state_dict: dict | None = None) -> None:
        """Save as `Trainer` does, without the token, and keep a card of ours, which PEFT would take for its draft."""
        if not self._has_teachers:
            super()._save(output_dir, state_dict)
            return

        card = Path(output_dir or str(self.args.output_dir), "README.md")
        content = card.read_text("utf-8") if card.is_file() else ""
        with saving_to(card.parent), _without_token(self.args):
            super()._save(output_dir, state_dict)

        if is_our_card(content):
            write_text(card, content)

    def push_to_hub(
        self,
        commit_message: str | None = "End of training",
        blocking: bool = True,
        token: str | None = None,
        revision: str | None = None,
        private: bool | None = None,
        **kwargs: Any,
    ) -> Any:
        """Save the student, write its card, and push both with the tokenizer; without teachers as `Trainer` does.

        Args:
            commit_message: The commit's message.
            blocking: Return when everything has arrived.
            token: By default `hub_token`.
            revision: By default `hub_revision`.
            private: By default `hub_private_repo`; with True, an existing public repository is refused.
            **kwargs: `also`, patterns of more files to push (`projections.safetensors`, `teacher_manifest.json`), and
                the arguments of `create_model_card`.

        Returns:
            What was pushed (`Push`), or with `blocking=False` its future; None on other ranks than the first. Without
            teachers, what `Trainer` returns.

        Raises:
            PushError: Nothing was pushed. The student is saved all the same.
            TypeError: The card has no such field.
        """
        if not self._has_teachers:
            return super().push_to_hub(commit_message, blocking, token, revision, private, **kwargs)

        also = kwargs.pop("also", ())
        folder = str(self.args.output_dir)
        self.callback_handler.on_push_begin(self.args, self.state, self.control)
        if self.hub_model_id is None:
            self.init_hf_repo(token=token, private=private)

        self.save_model(_internal_call=True)
        if not self.is_world_process_zero():
            return None
        self._save_asked_for(folder, also)
        self.create_model_card(**kwargs)

        self._finish_current_push()
        push = self._push_with(token, revision, private)
        job = partial(push, folder, also=also, message=commit_message or "End of training")
        if blocking:
            return self._push_worker.submit(job).result()
        return _start(job, self._push_worker)

    def _push_from_checkpoint(self, checkpoint_folder: str) -> None:
        """Push beside the training, as `hub_strategy` says; what goes wrong is a warning, and the training goes on.

        Args:
            checkpoint_folder: The checkpoint, just written.
        """
        if not self._has_teachers:
            super()._push_from_checkpoint(checkpoint_folder)
            return
        if not self.is_world_process_zero() or self.args.hub_strategy == HubStrategy.END:
            return

        if self._is_pushing() and not self.args.hub_always_push:
            return

        self.callback_handler.on_push_begin(self.args, self.state, self.control)
        checkpoint = Path(checkpoint_folder)
        try:
            self.create_model_card()
            copy = _copy_to_push(checkpoint, Path(str(self.args.output_dir)))
        except Exception as error:  # a card is not worth a training
            _warn(error)
            return

        message = f"Training in progress, {_reached(self.args, self.state)}"
        place = _place_of(checkpoint, HubStrategy(self.args.hub_strategy))
        resumable = (*CHECKPOINT_FILES, *self._more_checkpoint_files)
        job = _start(partial(_push_copy, copy, self._push_with(), message, place, resumable), self._push_worker)

        if self._is_pushing():
            self.push_in_progress.jobs.append(job)
        else:
            self.push_in_progress = PushInProgress(cast(Any, [job]))

    def _is_pushing(self) -> bool:
        return self.push_in_progress is not None and not self.push_in_progress.is_done()

    @cached_property
    def _push_worker(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(1, "push")  # one push after the other, in their order

    def _push_with(
        self, token: str | None = None, revision: str | None = None, private: bool | None = None
    ) -> Callable[..., Push]:
        """Prepare a push of a folder to this trainer's repository, without holding the trainer."""
        args = self.args
        return partial(
            push_folder,
            repo_id=str(self.hub_model_id),
            token=token or args.hub_token,
            revision=revision or args.hub_revision,
            private=args.hub_private_repo if private is None else private,
        )


@contextmanager
def _without_token(args: TrainingArguments) -> Iterator[None]:
    """Keep the token out of `training_args.bin`, which is a pickle of the arguments."""
    token, args.hub_token = args.hub_token, None
    try:
        yield
    finally:
        args.hub_token = token


def _start(job: Callable[[], Any], worker: ThreadPoolExecutor) -> Future[Any]:
    """Have the worker do a job; nobody may ever ask for its result, so what goes wrong is a warning."""
    future = worker.submit(job)
    future.add_done_callback(lambda done: _warn(done.exception()))
    return future


def _reached(args: TrainingArguments, state: TrainerState) -> str:
    if args.save_strategy == SaveStrategy.STEPS:
        return f"step {state.global_step}"
    return f"epoch {int(state.epoch or 0)}"


def _place_of(checkpoint: Path, strategy: HubStrategy) -> str | None:
    """The folder of the repository in which a resume finds the checkpoint; None where it is not pushed."""
    if strategy == HubStrategy.CHECKPOINT:
        return "last-checkpoint"
    return checkpoint.name if strategy == HubStrategy.ALL_CHECKPOINTS else None


def _copy_to_push(checkpoint: Path, folder: Path) -> Path:
    """Put checkpoint and card where nobody rotates or rewrites them before they have arrived.

    Args:
        checkpoint: A folder in `folder`.
        folder: Where the card is, and the copy will be.
    """
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


def _push_copy(
    copy: Path, push: Callable[..., Push], message: str, place: str | None, resumable: Sequence[str]
) -> None:
    """Push the student of a copy and, where a place is given, the whole checkpoint there; then remove the copy."""
    try:
        push(copy, message=message)
        if place:
            push(copy, path_in_repo=place, also=resumable, message=f"{message}, checkpoint")
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
