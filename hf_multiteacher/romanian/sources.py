"""Where the Romanian data sets live: repository, commit, files with checksums, licence, citation."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Source:
    """A published data set.

    Attributes:
        title: Its name.
        folder: Folder that holds it, in the layout of `data_dir`.
        repository: GitHub repository of its authors.
        commit: The version that is downloaded.
        files: Path in `folder` -> (path in the repository, git blob id, which is a SHA-1 checksum of the content).
        splits: Split -> path in `folder` that its reader takes.
        license: Its licence.
        citation: What to cite.
    """

    title: str
    folder: str
    repository: str
    commit: str
    files: dict[str, tuple[str, str]]
    splits: dict[str, str]
    license: str
    citation: str


_MOROCO_BLOBS = {
    "train": ("f1f7e2356c052b452180afe4422ce2afb54d04e5", "0534a7c1c37d269568ea60589fb1703ff04ab34a"),
    "validation": ("512933eba849b809ed1f8321e51fb31992df1525", "0dfbc8d6f7c947d130a69abbc4d8e083e7bffc90"),
    "test": ("d34d6da1aafd33b3f50956a203c0d276420df5be", "908498706ca000c89bb747065d1e43067ffdea08"),
}

SOURCES = {
    "rrt": Source(
        title="UD_Romanian-RRT",
        folder="rrt",
        repository="UniversalDependencies/UD_Romanian-RRT",
        commit="cc00bf852bc3c19ac345457eef8b3e5665392a72",
        files={
            "ro_rrt-ud-train.conllu": ("ro_rrt-ud-train.conllu", "53104d80f613f3df88b3b02dd72286576ce25228"),
            "ro_rrt-ud-dev.conllu": ("ro_rrt-ud-dev.conllu", "da3c3c78d07a4e05851862516d3baa57a8664af8"),
            "ro_rrt-ud-test.conllu": ("ro_rrt-ud-test.conllu", "ae5470899ccb54d12063c59fa8dff636d658e8ae"),
        },
        splits={
            "train": "ro_rrt-ud-train.conllu",
            "validation": "ro_rrt-ud-dev.conllu",
            "test": "ro_rrt-ud-test.conllu",
        },
        license="CC BY-SA 4.0",
        citation="Barbu Mititelu, Ion, Simionescu, Irimia, Perez: The Romanian Treebank Annotated According to "
        "Universal Dependencies. HrTAL 2016.",
    ),
    "ronec": Source(
        title="RONEC",
        folder="ronec",
        repository="dumitrescustefan/ronec",
        commit="5ca6a898d4fa42f27fd49501d4a3265e61e9340c",
        files={
            "train.json": ("data/train.json", "2fe4ca48da4a6486373ce00ac739481fb7b2033a"),
            "valid.json": ("data/valid.json", "441ea060579b2d940ef874dd5faecba370baa75d"),
            "test.json": ("data/test.json", "8bd2fb3da216301e6c76e8fcd71cd1f7cd96455c"),
        },
        splits={"train": "train.json", "validation": "valid.json", "test": "test.json"},
        license="MIT",
        citation="Dumitrescu, Avram: Introducing RONEC, the Romanian Named Entity Corpus. LREC 2020.",
    ),
    "laroseda": Source(
        title="LaRoSeDa",
        folder="laroseda",
        repository="ancatache/LaRoSeDa",
        commit="162f4c8f4a10000f7a3b65436512212b3bb629fb",
        files={
            "laroseda_train.json": ("data_splitted/laroseda_train.json", "ffa17f417ee91ad79ab3bde57b9d745e09a20310"),
            "laroseda_test.json": ("data_splitted/laroseda_test.json", "1c0fc57319a28c0eb8b786c80ff08cb620ca8192"),
        },
        splits={"train": "laroseda_train.json", "test": "laroseda_test.json"},
        license="CC BY-NC-SA 4.0",
        citation="Tache, Găman, Ionescu: Clustering Word Embeddings with Self-Organizing Maps. Application on "
        "LaRoSeDa, a Large Romanian Sentiment Data Set. EACL 2021.",
    ),
    "moroco": Source(
        title="MOROCO",
        folder="moroco",
        repository="butnaruandrei/MOROCO",
        commit="eb9ee0292d5064ce3bc6c904dcdd4708d3dbe1d3",
        files={
            f"{split}/{name}": (f"MOROCO/preprocessed/{split}/{name}", blob)
            for split, blobs in _MOROCO_BLOBS.items()
            for name, blob in zip(("samples.txt", "dialect_labels.txt"), blobs, strict=True)
        },
        splits={"train": "train", "validation": "validation", "test": "test"},
        license="CC BY-NC-SA 4.0",
        citation="Butnaru, Ionescu: MOROCO: The Moldavian and Romanian Dialectal Corpus. ACL 2019.",
    ),
    "ro_sts": Source(
        title="RO-STS",
        folder="ro_sts",
        repository="dumitrescustefan/RO-STS",
        commit="98b5804b454892c70815777fe03e874ea7f20f1b",
        files={
            "RO-STS.train.tsv": (
                "dataset/text-similarity/RO-STS.train.tsv",
                "142cde330be4bb6b6d08e7e502b2b99531223acd",
            ),
            "RO-STS.dev.tsv": ("dataset/text-similarity/RO-STS.dev.tsv", "f9b0f41a13b7c0b4f07b44062b1dbe51700dfba5"),
            "RO-STS.test.tsv": ("dataset/text-similarity/RO-STS.test.tsv", "6fd1968d8e510c724429208a1804b98089195147"),
        },
        splits={"train": "RO-STS.train.tsv", "validation": "RO-STS.dev.tsv", "test": "RO-STS.test.tsv"},
        license="CC BY-SA 4.0",
        citation="Dumitrescu, Rebeja, Lorincz, Gaman, Avram et al.: LiRo: Benchmark and leaderboard for Romanian "
        "language tasks. NeurIPS Datasets and Benchmarks 2021.",
    ),
}
