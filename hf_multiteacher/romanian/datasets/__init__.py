"""The Romanian data sets, one file each: where it lives, how it is read and generated, what its tasks are."""

from .laroseda import SAPN, SAR
from .moroco import DI
from .ro_sts import STS
from .ronec import NER
from .rrt import UPOS, XPOS

DEFINITIONS = {
    definition.key: definition
    for definition in (
        UPOS,
        XPOS,
        NER,
        SAPN,
        SAR,
        DI,
        STS,
    )
}
SOURCES = {definition.source.folder: definition.source for definition in DEFINITIONS.values()}
