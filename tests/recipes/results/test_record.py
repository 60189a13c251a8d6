"""The configuration that a run leaves: what was given and decided, and nobody's secrets."""

import yaml

from hf_multiteacher.recipes.configuration.configuration import read_config
from hf_multiteacher.recipes.results.record import write_config

GIVEN = """
task: text-classification
data: {train: a.csv, test: b.csv}
teachers: [x, y]
student_layers: [0, 2]
learning_rate: 5e-4
teacher_weights: [3, 1]
hub_token: secret
hub_model_id: org/name
push_to_hub: true
weight_decay: 0.1
"""


def test_it_holds_what_was_given_and_decided_and_reads_as_the_same_run(tmp_path):
    (tmp_path / "given.yaml").write_text(f"{GIVEN}output_dir: {tmp_path / 'out'}\n")
    config, args, given = read_config([str(tmp_path / "given.yaml")])
    write_config(tmp_path / "config.yaml", config, args, given, {"text_column": "mesaj", "max_length": 99})
    text = (tmp_path / "config.yaml").read_text()
    assert "secret" not in text and "hub" not in text

    content = yaml.safe_load(text)
    assert content["text_column"] == "mesaj" and content["seed"] == 42 and "label_column" not in content
    again, same, _ = read_config([str(tmp_path / "config.yaml")])
    assert (again.data, again.student_layers, again.max_length) == (config.data, [0, 2], 99)
    for name in ("learning_rate", "teacher_weights", "weight_decay", "save_strategy", "temperature", "teachers"):
        assert getattr(same, name) == getattr(args, name)
