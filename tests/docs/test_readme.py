"""README.md: its example runs as it is printed, with models of the test's own behind the names."""

import json
import re
from pathlib import Path

import yaml

from helpers.models import tiny_bert
from helpers.pages import PAGES, ROOT, blocks
from helpers.toys import raw_data, tokenizers

README = PAGES["README.md"]


def test_the_first_example_runs_and_is_short(tmp_path, monkeypatch):
    code = blocks("python", "README.md")[0].code
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


def test_the_configuration_on_the_first_screen_is_the_one_in_the_examples():
    shown = blocks("yaml", "README.md")[0].code
    assert len(shown.splitlines()) <= 10
    file = ROOT / re.search(r"hf-multiteacher distill (\w+\.yaml)\n.*?\((examples/\1)\)", README, re.DOTALL)[2]
    assert yaml.safe_load(shown) == yaml.safe_load(file.read_text(encoding="utf-8"))


def test_the_table_on_the_first_screen_is_what_its_run_has_measured():
    """`docs/reviews.json` is the `metrics.json` that the run left."""
    measured = json.loads((ROOT / "docs/reviews.json").read_text(encoding="utf-8"))
    models = {"student": measured["student"], **measured["teachers"], "ensemble": measured["ensemble"]}
    table = re.search(r"^```\n( .*?)\n\n", README, re.MULTILINE | re.DOTALL)[1]
    shown = {row.split()[0]: row.split()[1:] for row in table.splitlines()[1:]}

    assert {name: float(row[0]) for name, row in shown.items()} == {
        name: round(model["quality"]["accuracy"], 4) for name, model in models.items()
    }
