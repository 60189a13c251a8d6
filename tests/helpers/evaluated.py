"""A trainer after an evaluation, and what everybody said there."""

from helpers.toys import make_toy, make_trainer


def evaluated(task, pair, folder, **settings):
    """A trainer after an evaluation, and what each model's logits and labels were there, by `compute_metrics`."""
    seen = []
    keep = lambda prediction: seen.append((prediction.predictions, prediction.label_ids)) or {}  # noqa: E731
    trainer = make_trainer(
        make_toy(task, pair), folder, compute_metrics=keep, per_device_eval_batch_size=5, **settings
    )
    trainer.evaluate()
    *others, student = seen
    return trainer, [student, *others]


def text_of(trainer, example):
    """The text of an example as its tokens tell it."""
    tokenizer = trainer.processing_class
    text = tokenizer.decode(example["input_ids"])
    for special in (tokenizer.cls_token, tokenizer.sep_token):
        text = text.replace(special, "")
    return " ".join(text.split())
