"""Everything the tests share: no network, small tokenizers and models built here, the real data where it is."""

import gc
import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # for models this small, more threads cost more than they bring
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["HF_EVALUATE_OFFLINE"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"

from pathlib import Path

import pytest

from helpers.hub_server import OWNER, Hub
from helpers.tokenizers import SENTENCES, train_tokenizer

FORKING = (
    "tests/docs/test_hub_page.py",
    "tests/hub/",
    "tests/models/test_heads.py",
    "tests/ranks/",
    "tests/recipes/test_task_distillation.py",
    "tests/test_trainer_exactness.py",
)


def pytest_collection_finish() -> None:
    """Everything is imported now: spare every later `gc.collect()`, one per training, the walk through all of it."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log):
    """Give every file to one worker, which makes its fixtures once; those that fork, all to the same."""
    from xdist.scheduler import LoadFileScheduling

    class ByFile(LoadFileScheduling):
        def _split_scope(self, nodeid):
            return "forking" if nodeid.startswith(FORKING) else super()._split_scope(nodeid)

    config.option.loadscopereorder = False
    return ByFile(config, log)


@pytest.fixture(scope="session")
def sentences() -> list[str]:
    """A hundred short Romanian sentences written for these tests."""
    return [f"{first} {second}" for first in SENTENCES for second in SENTENCES]


@pytest.fixture(scope="session")
def pair():
    """The student's tokenizer and a teacher's with another vocabulary, those of `make_toy`."""
    from helpers.toys import tokenizers

    return tokenizers()


@pytest.fixture(scope="session")
def romanian_data() -> Path:
    """The folder with the real Romanian data sets; the test is skipped where it is not there."""
    folder = os.environ.get("HF_MULTITEACHER_DATA")
    if not folder or not Path(folder).is_dir():
        pytest.skip("needs the Romanian data sets: set HF_MULTITEACHER_DATA to their folder")
    return Path(folder)


@pytest.fixture(scope="session")
def upos():
    """Parts of speech on generated sentences."""
    from hf_multiteacher.romanian.loading import load_task

    return load_task("upos", "synthetic")


@pytest.fixture(scope="session")
def ner():
    """Named entities on generated sentences."""
    from hf_multiteacher.romanian.loading import load_task

    return load_task("ner", "synthetic")


@pytest.fixture(scope="module")
def few_sentences(upos, ner):
    """For a module that only needs some: sixty generated sentences a split, in what is loaded from now on."""
    from hf_multiteacher.romanian.splits import SYNTHETIC_SIZES

    with pytest.MonkeyPatch.context() as patch:
        for split in SYNTHETIC_SIZES:
            patch.setitem(SYNTHETIC_SIZES, split, 60)
        yield


@pytest.fixture(scope="session")
def cased_tokenizer(sentences):
    """A cased WordPiece tokenizer, the student's in most tests."""
    return train_tokenizer("wordpiece", sentences, 300)


@pytest.fixture(scope="session")
def uncased_tokenizer(sentences):
    """An uncased WordPiece tokenizer with another vocabulary."""
    return train_tokenizer("wordpiece", sentences, 200, lowercase=True)


@pytest.fixture(scope="session")
def byte_level_tokenizer(sentences):
    """A byte-level BPE tokenizer."""
    return train_tokenizer("bpe", sentences, 400)


@pytest.fixture(scope="session")
def unigram_tokenizer(sentences):
    """A Unigram tokenizer."""
    return train_tokenizer("unigram", sentences, 250)


@pytest.fixture(scope="session")
def running():
    """A local Hub."""
    with Hub() as hub:
        yield hub


@pytest.fixture(scope="session")
def fork_server(running):
    """Where processes come from that need not be fresh interpreters."""
    return running.fork_server


@pytest.fixture
def hub(running):
    """The local Hub, as new."""
    running.clear()
    return running


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A home folder whose owner has a name that can be looked for."""
    folder = tmp_path_factory.mktemp("home") / OWNER
    folder.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LOGNAME", OWNER)
        patch.setenv("USER", OWNER)
        yield folder


@pytest.fixture(scope="module")
def process(running, home):
    """Another process at home there, whose Hub is the local one."""
    with running.client(home) as process:
        yield process


@pytest.fixture
def client(process):
    """That process, which has not waited or warned yet."""
    process.run("slept.clear(); warned.clear()")
    return process
