"""What all commands share on the command line: both spellings of an option, examples, and what is wrong in a line."""

import argparse
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

from ..recipes.configuration.did_you_mean import did_you_mean
from .exit import FAILED, PROGRAM


class CommandParser(argparse.ArgumentParser):
    """Reads the words of a command, and says in one line what is wrong with them.

    An option declared as `--output-dir` is taken as `--output_dir` too, but never by its first letters.

    Args:
        examples: Commands for the end of the help.
        takes_more: Whether words that are not declared are handed on, instead of being refused.
        **settings: Those of `argparse.ArgumentParser`.
    """

    def __init__(self, *, examples: Sequence[str] = (), takes_more: bool = False, **settings: Any) -> None:
        super().__init__(allow_abbrev=False, **settings)
        self.examples = examples
        self.takes_more = takes_more

    def parse_known_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: Any = None
    ) -> tuple[Any, list[str]]:
        """Read the words in either spelling; refuse what nobody knows, unless that is handed on."""
        words = sys.argv[1:] if args is None else args
        parsed, others = super().parse_known_args([self._as_declared(word) for word in words], namespace)

        if others and not self.takes_more:
            self.error(self._unknown(others))
        return parsed, others

    def format_help(self) -> str:
        """Write the help, and the examples as they are, to be copied."""
        lines = [f"  {example}\n" for example in self.examples]
        return "".join([super().format_help(), "\nexamples:\n" if lines else "", *lines])

    def error(self, message: str) -> NoReturn:
        """Say what is wrong in one line, without the usage that argparse writes before it, and leave."""
        text = message if message.endswith((".", "?")) else f"{message}."
        self.exit(FAILED, f"{PROGRAM}: {text[0].upper()}{text[1:]} `{self.prog} --help` says what there is.\n")

    def _as_declared(self, word: str) -> str:
        name, equals, value = word.partition("=")
        declared = name.replace("_", "-")
        return f"{declared}{equals}{value}" if declared in self._option_string_actions else word

    def _unknown(self, others: Sequence[str]) -> str:
        """Name the first word that nobody knows: an option, as those behind it may be its values."""
        option = next((word.partition("=")[0] for word in others if word.startswith("-")), None)
        if option is None:
            return f"nothing more is expected, but got {' '.join(others)}. Leave it out."
        known = self._option_string_actions
        return f"there is no option '{option}'.{did_you_mean(option.replace('_', '-'), known)}"
