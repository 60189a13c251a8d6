"""Data files, whatever their format: another encoding, a cut and a half download are named by file and line."""

import json

import pytest

from helpers.files import broken
from helpers.ronec import ronec_record
from hf_multiteacher.romanian.datasets.ro_sts import read_ro_sts
from hf_multiteacher.romanian.datasets.ronec import read_ronec
from hf_multiteacher.romanian.files import DataFileError


def test_another_encoding_is_named_with_its_line(tmp_path):
    path = tmp_path / "t.tsv"
    path.write_bytes("1.0\tun om\tun câine\n2.0\to casă\to mașină\n".encode("iso-8859-16"))
    with pytest.raises(DataFileError, match=r"t\.tsv, line 1: byte 0x.. is not UTF-8.*iconv"):
        read_ro_sts(path)
    path.write_bytes(b"1.0\tun om\tdoi\n" + "2.0\to casă\to".encode("cp1250"))
    with pytest.raises(DataFileError, match="line 2: byte 0x"):
        read_ro_sts(path)
    path.write_bytes("1.0\tun om\tdoi\n".encode("utf-16"))
    with pytest.raises(DataFileError, match="line 1"):
        read_ro_sts(path)


def test_a_file_padded_with_zeros_is_named(tmp_path):
    path = tmp_path / "t.tsv"
    path.write_bytes(b"1.0\tun om\tdoi\n" + bytes(20))
    with pytest.raises(DataFileError, match="line 2: zero bytes.*half downloaded"):
        read_ro_sts(path)


def test_an_empty_file_is_refused(tmp_path):
    with pytest.raises(DataFileError, match="t.tsv: the file is empty"):
        read_ro_sts(broken(tmp_path / "t.tsv", "\n"))


def test_half_downloaded_json_is_named_with_line_and_column(tmp_path):
    text = json.dumps([ronec_record(), ronec_record()], indent=1)
    with pytest.raises(DataFileError, match=r"r\.json, line \d+: column \d+: not valid JSON.*half downloaded"):
        read_ronec(broken(tmp_path / "r.json", text[:-40]))
