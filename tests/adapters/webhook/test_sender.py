"""The sender: it goes where a name was seen to lead, signs as the standard says, and always comes back with a reply."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook

from adapters.webhook import sender
from adapters.webhook.sender import Sender, retry_after
from application.webhook import generate
from tests.pki import Authority, trusting
from tests.receiver import Receiver

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
BODY = b'{"hello": "world"}'


async def sent(url: str, private: bool = True, timeout_s: float = 5.0) -> Any:
    one = Sender(private, timeout_s)
    try:
        return await one.send(url, [generate()], "m_1", BODY)
    finally:
        await one.close()


def test_the_library_of_the_standard_accepts_each_of_two_signatures() -> None:
    old, new = generate(), generate()
    headers = Sender(True, 1.0).headers([new, old], "m_1", BODY)
    for secret in (old, new):
        assert Webhook(secret).verify(BODY, headers) == {"hello": "world"}
    with pytest.raises(Exception, match="No matching signature"):
        Webhook(generate()).verify(BODY, headers)


async def test_a_private_target_is_refused_when_it_is_called_by_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    with Receiver() as receiver:
        places = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 1))]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *a, **k: places)
        reply = await sent(receiver.url.replace("127.0.0.1", "innocent.example"), private=False)
        assert (reply.status, receiver.forged) == (None, [])
        assert "innocent.example is at 127.0.0.1, in a private network" in reply.reason


async def test_a_name_that_changes_its_mind_is_looked_up_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """DNS rebinding: public for whoever checks, private for whoever connects."""
    answers = iter(["203.0.113.9", "127.0.0.1"])
    asked: list[str] = []

    def resolve(host: str, port: int, *_: Any, **__: Any) -> Any:
        asked.append(host)
        return [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(answers) if host == "rebind.example" else host, port))
        ]

    with Receiver() as receiver:
        monkeypatch.setattr(sender, "public", lambda address: address == "203.0.113.9")
        monkeypatch.setattr(socket, "getaddrinfo", resolve)
        reply = await sent(receiver.url.replace("127.0.0.1", "rebind.example"), private=False, timeout_s=0.3)
        assert reply.status is None
        assert (receiver.letters, receiver.forged) == ([], [])
        assert asked.count("rebind.example") == 1


class Page(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        words = f"for {self.headers['Host']}".encode() + b"\0" * 100_000
        self.send_response(302 if self.path == "/moved" else 200)
        self.send_header("Location", "http://169.254.169.254/")
        self.send_header("Content-Length", str(len(words)))
        self.end_headers()
        self.wfile.write(words)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Say nothing."""


@pytest.fixture
def encrypted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """An HTTPS server whose certificate is for localhost."""
    root = Authority()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*root.pair(tmp_path, "server", host="localhost"))
    server = HTTPServer(("127.0.0.1", 0), Page)
    server.handle_error = lambda *_: None  # type: ignore[method-assign]
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    monkeypatch.setattr(sender, "trusted", lambda: trusting(root.pem))
    yield str(server.server_port)
    server.shutdown()
    thread.join()
    server.server_close()


async def test_a_certificate_is_checked_against_the_name_although_we_connect_to_an_address(encrypted: str) -> None:
    reply = await sent(f"https://localhost:{encrypted}/hook")
    assert reply.delivered
    assert reply.answer.startswith(f"for localhost:{encrypted}")
    assert len(reply.answer) == 1_000
    assert "\0" not in reply.answer
    reply = await sent(f"https://127.0.0.1:{encrypted}/hook")
    assert not reply.delivered
    assert "certificate" in reply.reason


async def test_a_redirection_is_not_followed(encrypted: str) -> None:
    reply = await sent(f"https://localhost:{encrypted}/moved")
    assert (reply.status, reply.delivered, reply.reason) == (302, False, "the target answered 302")


async def test_whatever_goes_wrong_there_is_a_reply() -> None:
    with Receiver(lambda event: (204, {}, 1.0)) as slow:
        slow.secret = generate()
        one = Sender(True, 0.2)
        reply = await one.send(slow.url, [slow.secret], "m_1", BODY)
        await one.close()
        assert (reply.status, reply.reason) == (None, "no answer within 0.2 s")
    assert (await sent(slow.url)).reason
    assert (await sent("http://nowhere.invalid/")).reason
    assert (await sent("http://" + "a" * 300 + "/")).reason


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, 0), ("", 0), ("120", 120), ("-5", 0), ("soon", 0), ("9" * 50, 999_999_999),
        ("Tue, 24 Nov 2026 10:01:00 GMT", 60), ("Tue, 24 Nov 2026 09:00:00 GMT", 0), ("²", 0),
    ],
)  # fmt: skip
def test_how_long_a_target_wishes_us_to_wait(header: str | None, seconds: float) -> None:
    assert retry_after(header, NOW) == seconds
