"""A record of RONEC."""


def ronec_record(**changes):
    record = {
        "id": 7,
        "ner_tags": ["B-GPE", "O"],
        "ner_ids": [5, 0],
        "tokens": ["Iași", "."],
        "space_after": [False, True],
    }
    return record | changes
