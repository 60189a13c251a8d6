"""CoNLL-U: two sentences with all that the format allows, and plain ones."""


def row(number, form, upos="X", xpos="Y", misc="_"):
    return f"{number}\t{form}\t_\t{upos}\t{xpos}\t_\t_\t_\t_\t{misc}"


def treebank(sentences):
    """A file of sentences, each a list of (word, upos, xpos)."""

    def block(words):
        return "\n".join(f"{i}\t{w}\t_\t{u}\t{x}\t_\t_\t_\t_\t_" for i, (w, u, x) in enumerate(words, 1)) + "\n\n"

    return "".join(map(block, sentences))


TREEBANK = "\n".join(
    [
        "# newdoc id = one",
        "# sent_id = 1",
        "# text = Dă-mi cartea.",
        row("1-2", "Dă-mi", "_", "_"),
        row("1", "Dă", "VERB", "Vm"),
        row("2", "-mi", "PRON", "Pp"),
        row("2.1", "ascuns", "PRON", "Pp"),
        row("3", "cartea", "NOUN", "Nc"),
        row("4", ".", "PUNCT", "PERIOD"),
        "",
        "# sent_id = 2",
        row("1", "#", "SYM", "Y"),
        row("2", "Da", "INTJ", "I"),
        "",
        "",
    ]
)
