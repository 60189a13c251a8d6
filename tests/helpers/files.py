"""Files with a content of our own."""


def broken(path, text):
    path.write_text(text, encoding="utf-8")
    return path
