"""How many bytes there are, in words."""


def bytes_in_words(size: float) -> str:
    """Write a number of bytes in the unit in which it is short.

    Example:
        >>> bytes_in_words(12), bytes_in_words(3_400_000)
        ('12 bytes', '3.4 MB')
    """
    for unit in ("bytes", "kB", "MB"):
        if size < 1000:
            return f"{size:.{0 if unit == 'bytes' else 1}f} {unit}"
        size /= 1000
    return f"{size:,.1f} GB"
