from datasets import Dataset
from transformers import TrainingArguments

from hf_multiteacher.recipes.pretraining import new_modern_bert, train_masked_lm, train_wordpiece


def test_a_trained_tokenizer_keeps_diacritics_and_its_length_through_saving(sentences, tmp_path):
    from transformers import AutoTokenizer

    tokenizer = train_wordpiece(sentences, 300, lowercase=True, max_length=32)
    assert tokenizer.decode(tokenizer("Știința Română")["input_ids"], skip_special_tokens=True) == "știința română"
    tokenizer.save_pretrained(tmp_path)
    again = AutoTokenizer.from_pretrained(tmp_path)
    assert again("Fata citește.")["input_ids"] == tokenizer("Fata citește.")["input_ids"]
    assert again.model_max_length == 32


def test_training_lowers_the_masked_lm_loss(sentences, tmp_path):
    tokenizer = train_wordpiece(sentences, 300, lowercase=False, max_length=32)
    args = TrainingArguments(
        output_dir=str(tmp_path), max_steps=30, learning_rate=5e-3, logging_steps=10, save_strategy="no",
        report_to="none", use_cpu=True, disable_tqdm=True,
    )  # fmt: skip
    model = new_modern_bert(tokenizer, layers=1, hidden_size=32)
    history = train_masked_lm(model, tokenizer, Dataset.from_dict({"text": sentences}), args).state.log_history
    assert history[2]["loss"] < history[0]["loss"] - 0.5
    assert tokenizer.backend_tokenizer.truncation is None  # it is saved with the model
