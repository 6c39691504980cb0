"""Check proofs of Bornier without Bornier: python verify.py PUBLIC_KEY.pem PROOF.json (needs only `cryptography`).
The file holds one proof, or one a line. Exit code 0: every event is, byte for byte, the one that was sealed."""

import hashlib
import json
import sys
from pathlib import Path

from cryptography.hazmat.primitives.serialization import load_pem_public_key


def leaf(event):
    """SHA-256 over 0x00, position, version, and stream and topic with their lengths, then the event's JSON."""
    text = b"\0" + event["position"].to_bytes(8, "big") + event["version"].to_bytes(8, "big")
    for part in (event["stream"].encode(), event["topic"].encode()):
        text += len(part).to_bytes(4, "big") + part
    return hashlib.sha256(text + event["state"].encode()).digest()


def check(proof, key):
    """Raise when the signature, the range or the path does not hold."""
    key.verify(bytes.fromhex(proof["signature"]), proof["seal"].encode())
    lines = proof["seal"].splitlines()
    if lines[0] != "bornier seal v1":
        raise ValueError("this is no seal")
    seal = dict(line.split(" ", 1) for line in lines[1:])
    if not int(seal["first"]) <= proof["event"]["position"] <= int(seal["last"]):
        raise ValueError("the seal is of other positions")
    found = leaf(proof["event"])
    for side, sibling in proof["path"]:
        pair = bytes.fromhex(sibling) + found if side == "left" else found + bytes.fromhex(sibling)
        found = hashlib.sha256(b"\1" + pair).digest()
    if found.hex() != seal["root"]:
        raise ValueError("the event is not the one that was sealed")


def main(key_path, proof_path):
    key, text = load_pem_public_key(Path(key_path).read_bytes()), Path(proof_path).read_text("utf-8")
    proofs = [json.loads(line) for line in ([text] if text.startswith("{\n") else text.splitlines())]
    for proof in proofs:
        try:
            check(proof, key)
        except Exception as error:
            sys.exit(f"position {proof['event']['position']}: NOT PROVEN, {error or type(error).__name__}")
    print(f"{len(proofs)} proven")


if __name__ == "__main__":
    main(*sys.argv[1:3])
