"""The documented modules of the first version, which now lie in folders: scripts, pickles and Spaces still load."""

import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any, cast

FOLDER_OF = {
    "hf_multiteacher.benchmark": "hf_multiteacher.report",
    "hf_multiteacher.data_collator": "hf_multiteacher.collation",
    "hf_multiteacher.loyalty_report": "hf_multiteacher.loyalty",
    "hf_multiteacher.model_card": "hf_multiteacher.report",
    "hf_multiteacher.model_card_data": "hf_multiteacher.report",
    "hf_multiteacher.spans": "hf_multiteacher.tokenization",
    "hf_multiteacher.student": "hf_multiteacher.models",
    "hf_multiteacher.vocabulary": "hf_multiteacher.tokenization",
}


class MovedModules:
    """Has the old name of a module stand for the folder that holds what was in it."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Answer for the old names alone."""
        return ModuleSpec(name, cast(Any, self)) if name in FOLDER_OF else None

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """Leave it to Python to make the module that `exec_module` replaces."""
        return None

    def exec_module(self, module: ModuleType) -> None:
        """Put the folder in the place of the module."""
        sys.modules[module.__name__] = import_module(FOLDER_OF[module.__name__])


def install() -> None:
    """Ask for the old names last, after every finder that looks for files."""
    if not any(isinstance(finder, MovedModules) for finder in sys.meta_path):
        sys.meta_path.append(cast(Any, MovedModules()))
