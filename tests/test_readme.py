"""README.md: its example runs as it is printed, with models of the test's own behind the names."""

import re
from pathlib import Path

from helpers.models import tiny_bert
from helpers.toys import raw_data, tokenizers

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")


def test_the_first_example_runs_and_is_short(tmp_path, monkeypatch):
    code = re.search(r"^```python\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)[1]
    assert sum(bool(line.strip()) for line in code.splitlines()) <= 15
    monkeypatch.chdir(tmp_path)
    names = re.search(r'teachers = \["(.*)", "(.*)"\]', code).groups()
    for name, tokenizer in zip(names, tokenizers(), strict=True):
        tiny_bert("MaskedLM", len(tokenizer), layers=6).save_pretrained(name)
        tokenizer.save_pretrained(name)
    Path("text.txt").write_text("\n".join(raw_data("masked-lm", 24)["text"]), encoding="utf-8")
    space = {}
    exec(compile(code, "README.md", "exec"), space)
    trainer = space["trainer"]
    assert trainer.multi_tokenizer.source_of(1) == 1
    assert trainer.state.global_step == 9
    assert trainer.model.config.num_hidden_layers == 6
