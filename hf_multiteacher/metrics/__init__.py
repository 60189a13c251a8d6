"""The metric modules that `evaluate.load` finds by name."""

from pathlib import Path

FOLDER = Path(__file__).parent
NAMES = tuple(sorted(card.parent.name for card in FOLDER.glob("*/README.md")))
