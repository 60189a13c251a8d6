"""The modules of the first version that scripts, pickles and Spaces name, which now lie in folders."""

import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any, cast

PLACE_OF = {
    # documented
    "hf_multiteacher.benchmark": "hf_multiteacher.report",
    "hf_multiteacher.data_collator": "hf_multiteacher.collation",
    "hf_multiteacher.loyalty_report": "hf_multiteacher.loyalty",
    "hf_multiteacher.model_card": "hf_multiteacher.report",
    "hf_multiteacher.model_card_data": "hf_multiteacher.report",
    "hf_multiteacher.spans": "hf_multiteacher.tokenization",
    "hf_multiteacher.student": "hf_multiteacher.models",
    "hf_multiteacher.vocabulary": "hf_multiteacher.tokenization",
    # used in the examples
    "hf_multiteacher.arguments": "hf_multiteacher.recipes.configuration.arguments",
    "hf_multiteacher.corpus": "hf_multiteacher.recipes.data.corpus",
    "hf_multiteacher.distillation": "hf_multiteacher.recipes.distillation",
    "hf_multiteacher.experiment": "hf_multiteacher.recipes.distillation",
    "hf_multiteacher.fine_tuning": "hf_multiteacher.recipes.fine_tuning",
    "hf_multiteacher.pretrained": "hf_multiteacher.recipes.pretrained",
    "hf_multiteacher.pretraining": "hf_multiteacher.recipes.pretraining",
}


class MovedModules:
    """Has the old name of a module stand for the place that holds what was in it."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Answer for the old names alone."""
        return ModuleSpec(name, cast(Any, self)) if name in PLACE_OF else None

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """Leave it to Python to make the module that `exec_module` replaces."""
        return None

    def exec_module(self, module: ModuleType) -> None:
        """Put what is there now in the place of the module."""
        sys.modules[module.__name__] = import_module(PLACE_OF[module.__name__])


def install() -> None:
    """Ask for the old names last, after every finder that looks for files."""
    if not any(isinstance(finder, MovedModules) for finder in sys.meta_path):
        sys.meta_path.append(cast(Any, MovedModules()))
