"""WebSocket frames as a client sends and reads them (RFC 6455), with as little work as possible."""

from __future__ import annotations

from base64 import b64encode
from os import urandom

TEXT, CLOSE, PING, PONG = 0x81, 0x88, 0x89, 0x8A
KEY = 0x5A
"""All four bytes of the mask are this one, so that masking is one table look-up a byte, done in C."""
TABLE = bytes(byte ^ KEY for byte in range(256))
MASK = bytes([KEY]) * 4


def frame(payload: bytes, opcode: int = TEXT) -> bytes:
    """One whole masked message of at most 65,535 bytes."""
    size = len(payload)
    head = bytes((opcode, 0x80 | size)) if size < 126 else bytes((opcode, 0xFE, size >> 8, size & 0xFF))
    return head + MASK + payload.translate(TABLE)


def split(buffer: bytes) -> tuple[int, bytes, bytes] | None:
    """The first whole frame of a server: its first byte, its payload and what follows; None while it is incomplete."""
    if len(buffer) < 2:
        return None
    size, at = buffer[1], 2
    if size > 125:
        at = 4 if size == 126 else 10
        size = int.from_bytes(buffer[2:at], "big")
    if len(buffer) < at + size:
        return None
    return buffer[0], buffer[at : at + size], buffer[at + size :]


def handshake(host: str, path: str, protocol: str, authorization: str | None = None) -> bytes:
    """The request that opens a WebSocket."""
    key = b64encode(urandom(16)).decode()
    lines = [
        f"GET {path} HTTP/1.1",
        f"Host: {host}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {key}",
        "Sec-WebSocket-Version: 13",
        f"Sec-WebSocket-Protocol: {protocol}",
        *([f"Authorization: {authorization}"] if authorization else []),
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n"
