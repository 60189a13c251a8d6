"""Names as the Hub takes them in the metadata of a card."""

import re
import unicodedata

from huggingface_hub.utils import HFValidationError, validate_repo_id

from .markdown_text import one_line

HUB_ID = re.compile(r"(?:[\w-]+/)?[\w.-]+", re.ASCII)  # the Hub's own rule for the data sets of results
LONGEST_ID = 96


def is_hub_id(name: str) -> bool:
    """Whether the Hub takes a name for the id of a data set or a model."""
    try:
        validate_repo_id(name)
    except HFValidationError:
        return False

    return HUB_ID.fullmatch(name) is not None


def dataset_type(name: str) -> str:
    """Return the id of a data set, or for a name in words what the Hub takes in the place of one.

    Example:
        >>> dataset_type("owner/news"), dataset_type("Știri din ziare, 2024")
        ('owner/news', 'Stiri-din-ziare-2024')
    """
    name = one_line(name)
    if is_hub_id(name):
        return name

    letters = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    joined = re.sub(r"(?:[^\w.]|\.{2,})+", "-", letters, flags=re.ASCII).strip("-.")
    short = joined[:LONGEST_ID].strip("-.")

    return re.sub(r"\.git$", "-git", short) or "unnamed-data"
