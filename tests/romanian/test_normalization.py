"""One spelling for Romanian text."""

from hf_multiteacher.romanian.normalization import normalize


def test_normalization_replaces_cedilla_and_composes():
    assert normalize("Şi aţi MUNŢI ş") == "Și ați MUNȚI ș"
    assert normalize("a\u0306 a\u0302 s\u0326 s\u0327") == "ă â ș ș"
    assert normalize("façade") == "façade"
