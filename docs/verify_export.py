"""Check an export of Bornier without Bornier: python verify_export.py PUBLIC_KEY.pem EXPORT PROOF
(needs only the package `cryptography`). EXPORT is JSON lines or CSV. Exit code 0: every line is, byte for byte, the
event that was sealed there; and where the whole of a range was exported, nothing of it is missing."""

import csv
import hashlib
import json
import re
import sys
from itertools import chain
from pathlib import Path

from cryptography.hazmat.primitives.serialization import load_pem_public_key

FIELDS = ("position", "stream", "version", "topic", "state")
COLUMNS = (*FIELDS[:4], "recorded_at", "occurred_at", "cause", "data")


def read(path):
    """The events of an export: position, stream, version, topic, JSON. Each line must be what Bornier would write."""
    with Path(path).open(encoding="utf-8", newline="") as file:
        first = next(file, "")
        if first.rstrip("\r\n") == ",".join(COLUMNS):
            csv.field_size_limit(2**31 - 1)
            for place, stream, version, topic, recorded, occurred, cause, state in csv.reader(file):
                data = json.loads(state)
                told = data["recorded_at"], data.get("occurred_at") or "", data["cause"]["by"]
                if (recorded, occurred, cause) != told or place != str(int(place)) or version != str(int(version)):
                    raise ValueError(f"the line of position {place} does not say what its data says")
                yield int(place), stream, int(version), topic, state
            return
        for text in chain([first] if first else [], file):
            head, mark, rest = text.partition(', "data": ')
            fields, state = json.loads(head + "}"), rest.removesuffix("}\n")
            if json.dumps(fields, ensure_ascii=False)[:-1] + mark + state + "}\n" != text:
                raise ValueError(f"this is no line of an export: {text[:60]!r}")
            yield fields["position"], fields["stream"], fields["version"], fields["topic"], state


def leaf(position, stream, version, topic, state):
    """SHA-256 over 0x00, position, version, and stream and topic with their lengths, then the event's JSON."""
    text = b"\0" + position.to_bytes(8, "big") + version.to_bytes(8, "big")
    for part in (stream.encode(), topic.encode()):
        text += len(part).to_bytes(4, "big") + part
    return hashlib.sha256(text + state.encode()).digest()


class Seen:
    """What a proof accounts for, in order: lines of the export, events shown Before or After the range, Hidden ones."""

    def __init__(self, first, last):
        self.first, self.last, self.position, self.course = first, last, 0, ""

    def see(self, position, line):
        if position <= self.position or (line and not self.first <= position <= self.last):
            raise ValueError(f"position {position} is not where it belongs")
        self.position = position
        self.go_on("L" if line else "B" if position < self.first else "A" if position > self.last else "H")

    def go_on(self, kind):
        if not self.course.endswith(kind):
            self.course += kind

    def whole(self):
        """Nothing can be left out: what is hidden comes before an event before the range, or after one after it."""
        return re.fullmatch("(H?B)?L?(AH?)?", self.course) is not None


def climb(tree, events, seen):
    """The root of a tree: null is the next line, a text a hash, an object an event beside the range, a list halves."""
    if isinstance(tree, list):
        left, right = (climb(half, events, seen) for half in tree)
        return hashlib.sha256(b"\1" + left + right).digest()
    if isinstance(tree, str):
        seen.go_on("H")
        return bytes.fromhex(tree)
    event = next(events, None) if tree is None else tuple(tree[name] for name in FIELDS)
    if event is None:
        raise ValueError("lines are missing at the end")
    seen.see(event[0], tree is None)
    return leaf(*event)


def check(key, events, proof):
    """Raise when anything does not hold; returns a sentence that says what is proven."""
    header, previous, end = json.loads(next(proof)), None, None
    seen = Seen(header["first"], header["last"])
    for text in proof:
        part = json.loads(text)
        key.verify(bytes.fromhex(part["signature"]), part["seal"].encode())
        lines = part["seal"].splitlines()
        seal = dict(line.split(" ", 1) for line in lines[1:])
        if lines[0] != "bornier seal v1":
            raise ValueError("this is no seal")
        follows = int(seal["first"]) <= header["first"] if end is None else seal["previous"] == previous
        if header["complete"] and not follows:
            raise ValueError("a seal is left out")
        if int(seal["count"]) and climb(part["tree"], events, seen).hex() != seal["root"]:
            raise ValueError(f"positions {seal['first']} to {seal['last']}: not what was sealed there")
        previous, end = hashlib.sha256(part["seal"].encode()).hexdigest(), int(seal["last"])
    if header["complete"] and (end is None or end < header["last"] or not seen.whole()):
        raise ValueError("an event of the range is left out")
    rest = next(events, None)
    if rest is not None:
        raise ValueError(f"position {rest[0]} is not in the proof")
    if header["complete"]:
        return f"positions {header['first']} to {header['last']}: proven and complete"
    return "every line is proven; it is a selection, which cannot show what else there is"


if __name__ == "__main__":
    try:
        with Path(sys.argv[3]).open(encoding="utf-8") as file:
            print(check(load_pem_public_key(Path(sys.argv[1]).read_bytes()), read(sys.argv[2]), file))
    except Exception as error:
        sys.exit(f"NOT PROVEN: {error or type(error).__name__}")
