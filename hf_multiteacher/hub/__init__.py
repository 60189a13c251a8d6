"""From a folder to the Hub: the files a reader needs, in one commit, or nothing."""

from .files import CHECKPOINT_FILES, PushError
from .push import Push, make_repository, push_folder, repository_name

__all__ = [
    "CHECKPOINT_FILES",
    "Push",
    "PushError",
    "make_repository",
    "push_folder",
    "repository_name",
]
