"""A fine-tuning on labelled data, and what is measured after it."""

from helpers.models import tiny_bert
from helpers.tagging import tags_of
from hf_multiteacher.recipes.data.labelled_data import LabelledData
from hf_multiteacher.recipes.data.task_data import TaskData
from hf_multiteacher.recipes.fine_tuning import fine_tune
from hf_multiteacher.romanian.metrics import read_predictions
from hf_multiteacher.training_args import DistillationTrainingArguments


def test_windows_keep_their_order_where_batches_are_grouped_by_length(cased_tokenizer, ner, tmp_path):
    data = LabelledData.of(TaskData.of(ner), [cased_tokenizer], 16)
    assert len(data.test) > len(ner.data["test"])
    options = {"use_cpu": True, "save_strategy": "no", "disable_tqdm": True, "max_steps": 1}
    args = DistillationTrainingArguments(str(tmp_path), train_sampling_strategy="group_by_length", **options)
    model = tiny_bert("TokenClassification", vocab_size=len(cased_tokenizer), num_labels=len(ner.label_names))
    trainer, _ = fine_tune(model, cased_tokenizer, data, args)
    _, gold = read_predictions(ner, trainer.predict(trainer.eval_dataset), data.test["sentence"][:])
    assert gold == tags_of(ner, "test")
