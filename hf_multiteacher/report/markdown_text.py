"""Text of others in Markdown: names and commands are shown as they are, and are never read as Markdown or HTML."""

import re

from .private_text import without_local_paths

# An underscore within a word is one; a backslash, a pipe or a dollar would be read by tables, code and formulas.
SPECIAL = re.compile(r"[\\`*\[\]<>|~&$]|(?<![^\W_])_|_(?![^\W_])")
BLOCK_START = re.compile(r"^(\d*)([-+#=.)])")
NOT_FOR_BACKTICKS = re.compile(r"[`|\\]|^$")


def one_line(text: object) -> str:
    """Write text in one line, without the paths of this machine, which could not be told once it is escaped."""
    return " ".join(without_local_paths(str(text)).split())


def plain(text: object) -> str:
    """Write text so that Markdown shows it as it is, in a paragraph, a heading, a list or a table.

    Example:
        >>> plain("<b>my_model</b> [v1](http://a.b)")
        '&#60;b&#62;my_model&#60;/b&#62; &#91;v1&#93;(http://a.b)'
    """
    escaped = SPECIAL.sub(lambda found: _entity(found.group()), one_line(text))
    return BLOCK_START.sub(lambda found: found.group(1) + _entity(found.group(2)), escaped)


def code(text: object) -> str:
    """Write text as code in a line or a table.

    Example:
        >>> code("B-PER"), code("a`b")
        ('`B-PER`', '<code>a&#96;b</code>')
    """
    line = one_line(text)
    return f"<code>{plain(line)}</code>" if NOT_FOR_BACKTICKS.search(line) else f"`{line}`"


def code_block(text: str, language: str) -> str:
    """Write text as a block of code, between fences that it does not hold itself."""
    longest = max(map(len, re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text}\n{fence}"


def _entity(character: str) -> str:
    return f"&#{ord(character)};"
