"""A body that is a file: as it is, or as the first file of a form; read piece by piece, never kept whole."""

from __future__ import annotations

from collections.abc import AsyncIterator
from email.message import Message

from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser
from starlette.requests import Request

from application.file import TooLarge

LONGEST_HEADER = 8_192


class Unreadable(ValueError):
    """The body is no file and no form with a file."""


class Body:
    """`name` and `content_type` are what the sender says of the file; both are known once the chunks have come."""

    def __init__(self, request: Request, limit_bytes: int) -> None:
        self.request = request
        self.limit_bytes = limit_bytes
        kind = parsed(request.headers.get("content-type", ""))
        self.boundary = kind.get_param("boundary") if kind.get_content_type() == "multipart/form-data" else None
        self.name = file_name(request.headers.get("content-disposition", ""))
        self.content_type: str | None = None if self.boundary else request.headers.get("content-type")

    async def chunks(self) -> AsyncIterator[bytes]:
        """The file. Raises Unreadable, ClientDisconnect, or TooLarge: at once, where the sender says its size."""
        length = self.request.headers.get("content-length", "")
        if length.isdigit() and int(length) > self.limit_bytes + (2 * LONGEST_HEADER if self.boundary else 0):
            raise TooLarge(self.limit_bytes)
        if self.boundary is None:
            async for chunk in self.request.stream():
                yield chunk
            return
        form = Form(self, str(self.boundary).encode())
        seen = 0
        async for chunk in self.request.stream():
            seen += len(chunk)
            if seen > self.limit_bytes + 2 * LONGEST_HEADER:
                raise TooLarge(self.limit_bytes)
            for piece in form.feed(chunk):
                yield piece
        if not form.whole:
            raise Unreadable("the form has no file, or ends before it does")


class Form:
    """Finds the first file of a form while it passes."""

    def __init__(self, body: Body, boundary: bytes) -> None:
        self.body = body
        self.pieces: list[bytes] = []
        self.field = self.value = b""
        self.inside = self.whole = False
        self.parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self.on_part_begin,
                "on_header_field": self.on_header_field,
                "on_header_value": self.on_header_value,
                "on_header_end": self.on_header_end,
                "on_part_data": self.on_part_data,
                "on_part_end": self.on_part_end,
            },
        )

    def feed(self, chunk: bytes) -> list[bytes]:
        """What of the file is in this chunk."""
        self.pieces = []
        try:
            self.parser.write(chunk)
        except MultipartParseError as error:
            raise Unreadable(f"the form cannot be read: {error}") from None
        return self.pieces

    def on_part_begin(self) -> None:
        self.inside = False

    def on_header_field(self, data: bytes, start: int, end: int) -> None:
        self.field += data[start:end]
        self.short(self.field)

    def on_header_value(self, data: bytes, start: int, end: int) -> None:
        self.value += data[start:end]
        self.short(self.value)

    def short(self, text: bytes) -> None:
        if len(text) > LONGEST_HEADER:
            raise Unreadable("a header of the form is too long")

    def on_header_end(self) -> None:
        field, value = self.field.lower(), self.value.decode("utf-8", "replace")
        self.field = self.value = b""
        if self.whole:
            return
        if field == b"content-disposition":
            name = file_name(value)
            self.inside = name is not None
            self.body.name = name or self.body.name
        elif field == b"content-type" and self.inside:
            self.body.content_type = value

    def on_part_data(self, data: bytes, start: int, end: int) -> None:
        if self.inside and not self.whole:
            self.pieces.append(data[start:end])

    def on_part_end(self) -> None:
        self.whole = self.whole or self.inside


def parsed(value: str) -> Message:
    """A header with parameters, as the e-mail package reads it."""
    message = Message()
    message["Content-Type"] = value.replace("\r", " ").replace("\n", " ")
    return message


def file_name(disposition: str) -> str | None:
    """The file name of a Content-Disposition, plain or extended (RFC 6266)."""
    message = Message()
    message["Content-Disposition"] = disposition.replace("\r", " ").replace("\n", " ")
    return message.get_filename()
