"""A meter of our own that signs: OCMF records over ECDSA keys, and the sample of a real one."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

KEBA = Path(__file__).parent / "golden/ocmf/keba-kcp30-transparency-sample.xml"


def keba() -> tuple[str, str]:
    """The record of a real meter, and its public key."""
    tree = ElementTree.parse(KEBA)
    record, key = tree.findtext(".//signedData"), tree.findtext(".//publicKey")
    assert record is not None
    assert key is not None
    return record, key


class SigningMeter:
    """Signs registers with a key of its own."""

    def __init__(self, serial: str = "M1") -> None:
        self.serial = serial
        self.private = ec.generate_private_key(ec.SECP256R1())
        octets = self.private.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        self.key = octets.hex()

    def sign(self, *registers: tuple[str, float], at: datetime | None = None) -> str:
        """An OCMF record: kind (B, C, E) and register in kWh, with three decimals."""
        moment = (at or datetime.now(UTC)).strftime("%Y-%m-%dT%H:%M:%S,000+0000 S")
        lines = ",".join(
            f'{{"TM":"{moment}","TX":"{kind}","RV":{kwh:.3f},"RI":"1-b:1.8.0","RU":"kWh","RT":"AC","EF":"","ST":"G"}}'
            for kind, kwh in registers
        )
        payload = f'{{"FV":"1.0","GI":"B","GS":"{self.serial}","GV":"1","PG":"T1","MS":"{self.serial}"'
        payload += f',"IS":false,"IF":[],"IT":"NONE","ID":"","RD":[{lines}]}}'
        signature = self.private.sign(payload.encode(), ec.ECDSA(hashes.SHA256()))
        return f"OCMF|{payload}|{json.dumps({'SA': 'ECDSA-secp256r1-SHA256', 'SD': signature.hex()})}"
