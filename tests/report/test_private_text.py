import pytest

from hf_multiteacher.report.private_text import without_local_paths


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("a /home/ioana/x.yaml b", "a x.yaml b"),
        ("'/srv/data/corpus/'", "'corpus/'"),
        (r"C:\Users\ioana\x.yaml", "x.yaml"),
        ("https://a.b/c/d and/or 1/2/3 </sup> ~/x ./a/b", "https://a.b/c/d and/or 1/2/3 </sup> ~/x ./a/b"),
        ("HOME/run/x", "x"),
    ],
)
def test_local_paths_are_cut_and_nothing_else(text, cleaned, monkeypatch):
    monkeypatch.setenv("HOME", "/srv/Ioana Secret")
    assert without_local_paths(text.replace("HOME", "/srv/Ioana Secret")) == cleaned
