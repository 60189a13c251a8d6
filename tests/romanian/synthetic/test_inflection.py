"""Romanian inflection."""

from hf_multiteacher.romanian.synthetic.inflection import adjective_forms, noun_form, verb_forms


def test_nouns_inflect():
    assert noun_form("carte", "cărți", True, "s", True, True) == "cărții"
    assert noun_form("cafea", "cafele", True, "s", False, True) == "cafeaua"
    assert noun_form("farmacie", "farmacii", True, "s", True, True) == "farmaciei"
    assert noun_form("ministru", "miniștri", False, "p", False, True) == "miniștrii"
    assert noun_form("câine", "câini", False, "s", True, True) == "câinelui"
    assert noun_form("tren", "trenuri", True, "p", True, True) == "trenurilor"
    assert noun_form("fată", "fete", True, "s", True, False) == "fete"


def test_adjectives_inflect():
    assert adjective_forms("frumos") == ("frumos", "frumoasă", "frumoși", "frumoase")
    assert adjective_forms("încântător") == ("încântător", "încântătoare", "încântători", "încântătoare")
    assert adjective_forms("fierbinte") == ("fierbinte", "fierbinte", "fierbinți", "fierbinți")
    assert adjective_forms("magnific") == ("magnific", "magnifică", "magnifici", "magnifice")
    assert adjective_forms("adânc") == ("adânc", "adâncă", "adânci", "adânci")
    assert adjective_forms("obligatoriu") == ("obligatoriu", "obligatorie", "obligatorii", "obligatorii")


def test_verbs_inflect():
    parked = verb_forms("parca", "ez")
    assert (parked["1s"], parked["3p"], parked["1p"]) == ("parchez", "parchează", "parcăm")
    studied = verb_forms("studia", "ez")
    assert (studied["3s"], studied["1p"], studied["subjunctive"]) == ("studiază", "studiem", "studieze")
    built = verb_forms("construi", "esc")
    assert (built["3s"], built["imperfect3p"], built["subjunctive"]) == ("construiește", "construiau", "construiască")
    seen = verb_forms("vedea", "x", "văd", "vezi", "vede", "vadă", "vedea", "văzut")
    assert (seen["3p"], seen["2p"], seen["participle"], seen["imperfect1s"]) == ("văd", "vedeți", "văzut", "vedeam")
