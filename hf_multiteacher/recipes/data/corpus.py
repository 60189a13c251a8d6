"""Plain text for masked-language-model training: files, folders or data sets, compressed or not, whole or streamed."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from datasets import Dataset, IterableDataset, load_dataset

from ...romanian.synthetic.sentences import generate_corpus
from .text_files import expect_whole_ends, read_words, text_files

SYNTHETIC, SYNTHETIC_LINES = "synthetic", 2000
LONGEST_TEXT, LONGEST_WORD = 4096, 30
"""Characters of a text that is always taken as it is, and of a word on the average of a longer text."""


def pack(lines: Iterable[str], words: int) -> Iterator[str]:
    """Join and cut the lines of one document into texts of at most `words` words; an empty line ends a document.

    A text also ends where it has more characters than so many words can have, since nobody could encode what has none.

    Example:
        >>> list(pack(["a b", "c", "", "d e f g"], words=3))
        ['a b c', 'd e f', 'g']
    """
    waiting: list[str] = []

    for line in lines:
        new = line.split()
        waiting += new

        full = len(waiting) - len(waiting) % words if new else len(waiting)
        for start in range(0, full, words):
            yield from _in_length(" ".join(waiting[start : start + words]), words)
        del waiting[:full]

    if waiting:
        yield from _in_length(" ".join(waiting), words)


def _in_length(text: str, words: int) -> Iterator[str]:
    """Cut a text that is too long for so many words: between two of them, or within one that is too long itself."""
    longest, start = max(LONGEST_TEXT, words * LONGEST_WORD), 0

    while len(text) - start > longest:
        blank = text.rfind(" ", start + 1, start + longest + 1)
        end = start + longest if blank < 0 else blank
        yield text[start:end]
        start = end + (text[end] == " ")

    yield text[start:]


def words_that_fit(max_length: int) -> int:
    """Return how many words fill an encoding of `max_length` tokens; where they are cut smaller, the rest is cut off.

    Romanian WordPiece and BPE vocabularies take about 1.5 tokens per word, special tokens aside.

    Raises:
        ValueError: There is no room for a word.
    """
    words = int(max_length / 1.6)
    if words < 1:
        raise ValueError(f"max_length is {max_length}, which leaves no room for a word. Give more.")
    return words


def load_corpus(
    source: str | Sequence[str],
    *,
    words: int,
    text_column: str = "text",
    streaming: bool = False,
    megabytes: float | None = None,
) -> Dataset | IterableDataset:
    """Load texts of at most `words` words from files, folders, data sets on the Hub, or several of these in turn.

    Args:
        source: A path; the id of a data set, optionally with a configuration: `wikimedia/wikipedia:20231101.ro`;
            `synthetic` for generated Romanian; or a list of sources, which give a text each in turn, to the end of
            the longest.
        words: Words per text at most.
        text_column: The column of a data set that holds the text.
        streaming: Read while training instead of before, for what does not fit on the disk or in memory.
        megabytes: Stop after so many million characters; all of it when None.

    Returns:
        A data set with the one column `text`.

    Raises:
        ValueError: A source is neither, cannot be read, or there is no text.
    """
    sources = (source,) if isinstance(source, str) else tuple(source)
    settings: dict[str, Any] = {"sources": sources, "text_column": text_column, "words": words, "megabytes": megabytes}

    if streaming:
        for path in filter(_is_path, sources):
            expect_whole_ends(text_files(path))
        corpus: Any = IterableDataset.from_generator(_texts, gen_kwargs=settings)
    else:
        corpus = Dataset.from_list([*_texts(**settings)])

    if next(iter(corpus), None) is None:
        raise ValueError(
            f"The corpus '{', '.join(sources)}' holds no text, so there is nothing to learn from. Check its content."
        )

    return corpus


def _texts(sources: Sequence[str], text_column: str, words: int, megabytes: float | None) -> Iterator[dict[str, str]]:
    left = float("inf") if megabytes is None else megabytes * 1e6
    documents = [pack(lines_of(source, text_column), words) for source in sources]

    for text in _in_turn(documents):
        left -= len(text)
        if left < 0:
            return
        yield {"text": text}


def _in_turn(streams: list[Iterator[str]]) -> Iterator[str]:
    """Yield one text of each stream in turn; a stream that has ended is left out."""
    while streams:
        for stream in [*streams]:
            try:
                yield next(stream)
            except StopIteration:
                streams.remove(stream)


def lines_of(source: str, text_column: str) -> Iterator[str]:
    """Yield the lines of a source as they are; an empty one ends a document.

    Args:
        source: A path, the id of a data set on the Hub, or `synthetic`.
        text_column: The column of a data set that holds the text.

    Raises:
        ValueError: It is neither, or cannot be read.
    """
    if source == SYNTHETIC:
        return iter(generate_corpus(SYNTHETIC_LINES))
    if _is_path(source):
        return read_words(text_files(source))
    return _hub_lines(source, text_column)


def _is_path(source: str) -> bool:
    return source != SYNTHETIC and Path(source).exists()


def _hub_lines(source: str, text_column: str) -> Iterator[str]:
    """Yield the lines of a data set on the Hub, always streamed; each example is a document."""
    name, _, configuration = source.partition(":")

    try:
        examples = load_dataset(name, configuration or None, split="train", streaming=True)
        for example in examples:
            yield from example[text_column].splitlines()
            yield ""
    except KeyError as error:
        raise ValueError(
            f"The data set '{name}' has no column {error}. Name its text column: `text_column`."
        ) from error
    except Exception as error:
        raise ValueError(
            f"The corpus '{source}' is neither a file nor a folder, nor a data set that can be loaded "
            f"({type(error).__name__}: {str(error).splitlines()[0]}). Check the path or the id."
        ) from error
