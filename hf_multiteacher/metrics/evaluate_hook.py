"""Let `evaluate.load("loyalty")` find the metrics of this package, whether or not the package is imported.

An installation puts a copy of this module beside the package, together with a start-up file that calls `install`
(`.pth`; `.start` from Python 3.15 on, PEP 829). It therefore uses the standard library only, and little of it, and
does nothing until `evaluate` is imported. HF_MULTITEACHER_NO_EVALUATE_HOOK=1 switches it off.
"""

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType

METRICS = ("loyalty", "label_loyalty", "probability_loyalty", "regression_loyalty")


class LoyaltyFinder:
    """Has `evaluate.loading` found by the other finders, and wrapped as soon as it is executed."""

    @classmethod
    def find_spec(
        cls, name: str, path: "Sequence[str] | None" = None, target: "ModuleType | None" = None
    ) -> "ModuleSpec | None":
        """Answer for `evaluate.loading` alone."""
        if name != "evaluate.loading":
            return None

        others = (finder.find_spec(name, path, target) for finder in sys.meta_path if finder is not cls)
        spec = next((spec for spec in others if spec is not None), None)
        if spec is not None and spec.loader is not None:
            execute = spec.loader.exec_module

            def _exec_module(module: "ModuleType") -> None:
                execute(module)
                wrap(module)

            spec.loader.exec_module = _exec_module  # type: ignore[method-assign]

        return spec


def wrap(loading: "ModuleType") -> None:
    """Put a function that knows our metrics in front of `evaluate.loading.evaluation_module_factory`, once.

    A local script of that name, a `revision`, another module type and a folder to inspect the script in are answered
    by evaluate itself.
    """
    import functools
    from importlib.util import find_spec

    original = loading.evaluation_module_factory
    if getattr(original, "knows_loyalty", False):
        return

    @functools.wraps(original)
    def _factory(
        path: str,
        module_type: "str | None" = None,
        revision: "str | None" = None,
        *arguments: object,
        **options: object,
    ) -> object:
        ours = path in METRICS and module_type in (None, "metric") and revision is None
        to_be_inspected = len(arguments) > 2 or options.get("force_local_path")
        if not ours or to_be_inspected or os.path.isfile(os.path.join(path, f"{path}.py")):
            return original(path, module_type, revision, *arguments, **options)
        module = f"hf_multiteacher.metrics.{path}.{path}"
        return loading.ImportableModule(module, loading.files_to_hash([find_spec(module).origin]))  # type: ignore[union-attr]

    _factory.knows_loyalty = True  # type: ignore[attr-defined]
    loading.evaluation_module_factory = _factory  # type: ignore[attr-defined]


def install() -> None:
    """Wrap evaluate's loader now if evaluate is imported, else when it will be; again is no harm."""
    if os.environ.get("HF_MULTITEACHER_NO_EVALUATE_HOOK", "0") not in ("", "0"):
        return

    if "evaluate.loading" in sys.modules:
        wrap(sys.modules["evaluate.loading"])
    elif not any(getattr(finder, "__name__", None) == LoyaltyFinder.__name__ for finder in sys.meta_path):
        sys.meta_path.insert(0, LoyaltyFinder)
