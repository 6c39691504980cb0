"""What a storage promises, on a folder and on an S3-compatible server."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import httpx
import pytest

from adapters.storage.bucket import Bucket
from application.ports import StorageFailed

LARGE = os.urandom(12_000_000)
"""More than one piece of a multipart upload."""

Names = Callable[[], list[str]]


class Gone(Exception):
    """The sender broke off."""


async def chunks(content: bytes, broken: bool = False) -> AsyncIterator[bytes]:
    for at in range(0, len(content), 1_000_000):
        yield content[at : at + 1_000_000]
    if broken:
        raise Gone("in mid-file")


async def content(bucket: Bucket, key: str, first: int, end: int) -> bytes:
    return b"".join([piece async for piece in await bucket.read(key, first, end)])


@pytest.fixture(scope="module")
def s3_server() -> Iterator[str]:
    """URL of an S3 server in this process."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(params=["folder", "s3"])
def place(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Where a bucket may be, empty."""
    if request.param == "folder":
        return str(tmp_path / "files")
    url = request.getfixturevalue("s3_server")
    settings = {"ACCESS_KEY_ID": "test", "SECRET_ACCESS_KEY": "test", "REGION": "us-east-1", "ENDPOINT_URL": url}
    for name, value in settings.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    bucket = f"bornier-{os.urandom(4).hex()}"
    assert httpx.put(f"{url}/{bucket}").status_code == 200
    return f"s3://{bucket}/some/prefix"


@pytest.fixture
def names(place: str, request: pytest.FixtureRequest) -> Names:
    """What lies there, uploads under way included."""
    if not place.startswith("s3://"):
        return lambda: [path.name for path in Path(place).rglob("*")]
    url, bucket = request.getfixturevalue("s3_server"), place.split("/")[2]

    def listed() -> list[str]:
        found = httpx.get(f"{url}/{bucket}").text + httpx.get(f"{url}/{bucket}?uploads").text
        return [part.split("<")[0].rpartition("/")[2] for part in found.split("<Key>")[1:]]

    return listed


async def test_what_was_written_is_read_again(place: str, names: Names) -> None:
    bucket = Bucket(place)
    for key, wanted in (("small", b"abc"), ("large", LARGE)):
        await bucket.write(key, chunks(wanted))
        assert await content(bucket, key, 0, len(wanted)) == wanted
    assert sorted(names()) == ["large", "small"]


async def test_a_part_is_read_alone(place: str) -> None:
    bucket = Bucket(place)
    await bucket.write("k", chunks(LARGE))
    assert await content(bucket, "k", 1_000_000, 1_000_010) == LARGE[1_000_000:1_000_010]
    assert await content(bucket, "k", len(LARGE) - 5, len(LARGE)) == LARGE[-5:]
    assert await content(bucket, "k", 7, 7) == b""


@pytest.mark.parametrize("size", [3, len(LARGE)])
async def test_a_sender_that_breaks_off_leaves_nothing(place: str, names: Names, size: int) -> None:
    bucket = Bucket(place)
    with pytest.raises(Gone, match="mid-file"):
        await bucket.write("half", chunks(LARGE[:size], broken=True))
    assert names() == []
    with pytest.raises(StorageFailed):
        await content(bucket, "half", 0, 1)


async def test_what_was_deleted_is_gone_and_may_be_deleted_again(place: str, names: Names) -> None:
    bucket = Bucket(place)
    await bucket.write("k", chunks(b"abc"))
    await bucket.delete("k")
    await bucket.delete("k")
    assert names() == []
    with pytest.raises(StorageFailed, match="could not give"):
        await bucket.read("k", 0, 3)


async def test_a_second_process_sees_the_same(place: str) -> None:
    await Bucket(place).write("k", chunks(b"abc"))
    assert await content(Bucket(place), "k", 0, 3) == b"abc"


async def test_a_folder_that_cannot_be_made_is_a_failure_in_words(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageFailed, match="could not keep the file"):
        await Bucket(str(tmp_path / "file" / "files")).write("k", chunks(b"abc"))


async def test_a_store_that_is_not_there_is_a_failure_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"ACCESS_KEY_ID": "a", "SECRET_ACCESS_KEY": "b", "ENDPOINT_URL": "http://127.0.0.1:1"}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    with pytest.raises(StorageFailed, match="could not keep the file"):
        await Bucket("s3://nowhere").write("k", chunks(b"abc"))
