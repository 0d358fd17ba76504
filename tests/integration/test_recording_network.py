"""Fetching from a name: what it leads to is looked at, and nothing else is connected to.

recording-and-call-stop.md §2; a CDR's body is not signed, so its address and its domain are anybody's.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from builders.recordings import FileServer, Reply, running_file_server, within
from emulator.certificates import TlsFiles, in_folder
from privatenumber.addresses import AddressRefused
from privatenumber.recordings.download import DownloadFailed, Downloads

NAME = "ostor.example.com"


class Names:
    """A resolver whose answer changes with every question; the last one stays."""

    def __init__(self, *answers: tuple[str, ...]) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    def __call__(self, host: str, port: int) -> tuple[str, ...]:
        self.asked.append(host)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@pytest.fixture
def storage() -> Iterator[FileServer]:
    with running_file_server() as server:
        server.replies["/a?b=1"] = Reply(body=b"bytes")
        yield server


def fetched(downloads: Downloads, address: str, *, anywhere: bool) -> bytes:
    with downloads.open(address, within(), anywhere=anywhere) as chunks:
        return b"".join(chunks)


def at(server: FileServer, name: str = NAME, scheme: str = "http") -> str:
    return f"{scheme}://{name}:{server.server_address[1]}/a?b=1"


def test_a_name_that_leads_into_our_network_is_refused_before_anything_is_sent(storage: FileServer) -> None:
    with pytest.raises(AddressRefused) as refused:
        fetched(Downloads(resolve=Names(("127.0.0.1",))), at(storage), anywhere=False)
    assert refused.value.part == "network"
    assert storage.asked == []


def test_an_address_in_digits_is_looked_at_like_a_name(storage: FileServer) -> None:
    with pytest.raises(AddressRefused):
        fetched(Downloads(), at(storage, "127.0.0.1"), anywhere=False)
    assert storage.asked == []


def test_a_network_of_the_operators_choice_is_fetched_from_under_its_name(storage: FileServer) -> None:
    downloads = Downloads(resolve=Names(("127.0.0.1",)))
    assert fetched(downloads, at(storage), anywhere=True) == b"bytes"
    ((path, headers),) = storage.asked
    assert (path, headers["host"]) == ("/a?b=1", f"{NAME}:{storage.server_address[1]}")


def test_a_name_is_resolved_once_so_that_a_second_answer_changes_nothing(storage: FileServer) -> None:
    """DNS rebinding: the connection goes to what was looked at."""
    names = Names(("127.0.0.1",), ("169.254.169.254",))
    assert fetched(Downloads(resolve=names), at(storage), anywhere=True) == b"bytes"
    assert names.asked == [NAME]


@pytest.mark.allow_hosts(["127.0.0.1", "127.0.0.2"])
def test_an_address_where_nobody_is_leaves_the_next_one(storage: FileServer) -> None:
    downloads = Downloads(resolve=Names(("127.0.0.2", "127.0.0.1")))
    assert fetched(downloads, at(storage), anywhere=True) == b"bytes"


def test_a_name_that_nobody_knows_is_tried_again() -> None:
    def unknown(host: str, port: int) -> tuple[str, ...]:
        raise OSError(host)

    with pytest.raises(DownloadFailed) as failed:
        fetched(Downloads(resolve=unknown), f"https://{NAME}/a", anywhere=False)
    assert failed.value.detail == "unreachable"
    assert failed.value.__cause__ is None


class TestTls:
    @pytest.fixture
    def files(self, tmp_path: Path, storage: FileServer, monkeypatch: pytest.MonkeyPatch) -> TlsFiles:
        """Certificates for the storage's name, whose authority this process trusts."""
        files = in_folder(tmp_path, NAME)
        storage.socket = files.context().wrap_socket(storage.socket, server_side=True)
        monkeypatch.setenv("SSL_CERT_FILE", str(files.authority))
        assert ssl.get_default_verify_paths().cafile == str(files.authority)
        return files

    def test_the_certificate_has_to_be_of_the_name_and_not_of_the_address(
        self, storage: FileServer, files: TlsFiles
    ) -> None:
        downloads = Downloads(resolve=Names(("127.0.0.1",)))
        assert fetched(downloads, at(storage, scheme="https"), anywhere=True) == b"bytes"

    def test_a_certificate_of_another_name_is_refused(self, storage: FileServer, files: TlsFiles) -> None:
        downloads = Downloads(resolve=Names(("127.0.0.1",)))
        with pytest.raises(DownloadFailed) as failed:
            fetched(downloads, at(storage, "other.example.com", "https"), anywhere=True)
        assert failed.value.detail == "unreachable"
        assert storage.asked == []
