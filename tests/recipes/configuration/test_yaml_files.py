"""A configuration in YAML: plain values, and nothing that a hostile or careless hand can do with it."""

from datetime import date

import pytest
import yaml

from hf_multiteacher.recipes.configuration import yaml_files as module
from hf_multiteacher.recipes.configuration.yaml_files import read_yaml

BOMB = "a0: &a0 [x, x]\n" + "".join(f"a{i}: &a{i} [*a{i - 1}, *a{i - 1}]\n" for i in range(1, 40))


def read(tmp_path, content):
    path = tmp_path / "config.yaml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_yaml(path)


@pytest.mark.parametrize(
    "content", ["", "a: 1\nb: [x, {c: null}]\nd: 2020-01-01\n1: ț\n", "- a\n", "a: &x [1]\nb: *x\n"]
)
def test_plain_values_are_what_yaml_says(tmp_path, content):
    assert read(tmp_path, content) == yaml.safe_load(content)
    assert read(tmp_path, content.encode("utf-8-sig")) == yaml.safe_load(content)


def test_a_mapping_that_is_merged_may_be_overridden(tmp_path):
    assert read(tmp_path, "a: &x {k: 1, l: 2}\nb: {<<: *x, k: 3}\n")["b"] == {"k": 3, "l": 2}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("a: 1\nb: 2\na: 3\n", "the key 'a' stands there twice: in line 1 and in line 3"),
        ("a:\n  b: 1\n  'b': 2\n", "the key 'b' stands there twice: in line 2 and in line 3"),
        (BOMB, "it holds more than 10,000 values, aliases repeated in line 13"),
        ("a: &a [*a]\n", "an alias stands within what it repeats in line 1"),
        ("a: &a {b: *a}\n", "an alias stands within what it repeats in line 1"),
        ("a: " + "[" * 100_000, "values are nested more than 20 deep in line 1"),
        ("a: " + "{b: " * 10_000, "values are nested more than 20 deep"),
        ("\n".join(" " * i + "a:" for i in range(100)), "values are nested more than 20 deep in line 20"),
        ("a: [" + "1, " * 90_000 + "]", "it has more than 262,144 bytes"),
        ("a: !!python/object/apply:os.system [ls]\n", "could not determine a constructor"),
        ("a: b: c\n", "mapping values are not allowed here"),
        ("[a]: 1\n", "found unhashable key"),
        ("a: 1\n---\nb: 2\n", "expected a single document"),
        ("a: 2020-02-31\n", "day is out of range"),
        (b"a: \xff\n", "invalid start byte"),
        (b"a: 1\0\n", "special characters are not allowed"),
    ],
)
def test_what_is_no_configuration_is_refused(tmp_path, content, said):
    with pytest.raises(ValueError, match=said):
        read(tmp_path, content)


def test_a_date_stays_one_and_no_code_runs(tmp_path):
    assert read(tmp_path, "a: 2020-01-31\n") == {"a": date(2020, 1, 31)}


def test_as_many_values_as_allowed_are_read(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "MOST_VALUES", 7)
    assert read(tmp_path, "a: &x [1]\nb: *x\n") == {"a": [1], "b": [1]}
    with pytest.raises(ValueError, match="more than 7 values"):
        read(tmp_path, "a: &x [1]\nb: *x\nc: 1\n")
