"""WebSocket frames by hand, for the one case that matters: a whole, masked text frame from a station (RFC 6455, 5.2).

Everything else goes to the `websockets` Sans-I/O protocol. It only ever sees whole frames, so that it is never in the
middle of one when we read the next by hand.
"""

from __future__ import annotations

try:
    from websockets.speedups import apply_mask
except ImportError:  # a platform without the compiled part
    from websockets.utils import apply_mask

TEXT = 0x81
MASKED = 0x80
SHORT, LONG = 126, 127


def length(buffer: bytes | bytearray, at: int) -> int | None:
    """Bytes of the frame that begins at `at`, header included; None while its header is not complete."""
    available = len(buffer) - at
    if available < 2:
        return None
    size, header = buffer[at + 1] & 0x7F, 2
    if size == SHORT:
        if available < 4:
            return None
        size, header = int.from_bytes(buffer[at + 2 : at + 4], "big"), 4
    elif size == LONG:
        if available < 10:
            return None
        size, header = int.from_bytes(buffer[at + 2 : at + 10], "big"), 10
    return header + size + (4 if buffer[at + 1] & MASKED else 0)


def text(frame: bytes | bytearray) -> bytes | None:
    """The text of a whole masked text frame; None if it is another kind of frame."""
    if frame[0] != TEXT or not frame[1] & MASKED:
        return None
    size = frame[1] & 0x7F
    at = 2 if size < SHORT else 4 if size == SHORT else 10
    return apply_mask(frame[at + 4 :], frame[at : at + 4])


def pack(payload: bytes) -> bytes:
    """An unmasked text frame, as a server sends it."""
    size = len(payload)
    if size < SHORT:
        return bytes((TEXT, size)) + payload
    if size < 65_536:
        return bytes((TEXT, SHORT)) + size.to_bytes(2, "big") + payload
    return bytes((TEXT, LONG)) + size.to_bytes(8, "big") + payload
