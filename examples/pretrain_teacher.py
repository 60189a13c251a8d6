"""Train a small teacher, a WordPiece tokenizer and a ModernBERT, on text by masked-language modelling."""

from dataclasses import dataclass, field

from transformers import HfArgumentParser, TrainingArguments

from hf_multiteacher.recipes import load_corpus, new_modern_bert, train_masked_lm, train_wordpiece, words_that_fit


@dataclass
class TeacherArguments:
    """What the teacher is made from."""

    corpus: str = field(metadata={"help": "A text file, a folder of them, the id of a data set, or `synthetic`."})
    vocab_size: int = field(default=16000, metadata={"help": "Entries of the vocabulary."})
    lowercase: bool = field(default=False, metadata={"help": "Make an uncased tokenizer."})
    layers: int = field(default=6, metadata={"help": "Layers of the model."})
    hidden_size: int = field(default=256, metadata={"help": "Width of the model."})
    max_length: int = field(default=128, metadata={"help": "Tokens of an example at most."})
    megabytes: float | None = field(default=None, metadata={"help": "Use only so many million characters."})


def main() -> None:
    """Train and save one teacher."""
    teacher, args = HfArgumentParser((TeacherArguments, TrainingArguments)).parse_args_into_dataclasses()

    texts = load_corpus(teacher.corpus, words=words_that_fit(teacher.max_length), megabytes=teacher.megabytes)
    tokenizer = train_wordpiece(
        texts["text"], teacher.vocab_size, lowercase=teacher.lowercase, max_length=teacher.max_length
    )

    model = new_modern_bert(tokenizer, layers=teacher.layers, hidden_size=teacher.hidden_size)
    train_masked_lm(model, tokenizer, texts, args).save_model()


if __name__ == "__main__":
    main()
