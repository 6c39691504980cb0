"""A real Apache Kafka for tests: the one of BORNIER_TEST_KAFKA, or a broker of its own in KRaft mode on loopback.

The broker's jars are Maven artifacts. They are resolved once into a cache and started with Java 17 or newer. It listens
three times: for everybody, for whoever knows the password (SASL), and for whoever has a certificate (TLS).
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from tests.pki import Authority

SERVERS = "BORNIER_TEST_KAFKA"
VERSION = "4.1.0"
MISSING = (
    "no Kafka: install Java 17 or newer and Maven (on Debian and Ubuntu: apt install openjdk-17-jre-headless maven), "
    f"or set {SERVERS}=host:port; tests that stop the broker or need its passwords take Java and Maven in any case"
)
POM = f"""<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>bornier</groupId><artifactId>broker</artifactId><version>1</version>
<dependencies><dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId>
<version>{VERSION}</version></dependency></dependencies></project>"""
CLUSTER = "Ym9ybmllci1icm9rZXIhIQ"
USER, PASSWORD = "bornier", "correct-horse-battery"
PROPERTIES = """process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=OPEN://127.0.0.1:{port},SASL://127.0.0.1:{sasl},TLS://127.0.0.1:{tls},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=OPEN://127.0.0.1:{port},SASL://127.0.0.1:{sasl},TLS://localhost:{tls}
controller.listener.names=CONTROLLER
inter.broker.listener.name=OPEN
listener.security.protocol.map=CONTROLLER:PLAINTEXT,OPEN:PLAINTEXT,SASL:SASL_PLAINTEXT,TLS:SSL
listener.name.sasl.sasl.enabled.mechanisms=SCRAM-SHA-256
listener.name.sasl.scram-sha-256.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.tls.ssl.client.auth=required
listener.name.tls.ssl.keystore.type=PEM
listener.name.tls.ssl.keystore.location={home}/broker.keystore.pem
listener.name.tls.ssl.truststore.type=PEM
listener.name.tls.ssl.truststore.location={home}/root.pem
broker.session.timeout.ms=1000
broker.heartbeat.interval.ms=300
log.dirs={home}/data
offsets.topic.replication.factor=1
group.initial.rebalance.delay.ms=0
auto.create.topics.enable=false
"""
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / f"bornier-kafka-{VERSION}"
PATIENCE_S = 60


def installable() -> bool:
    """Java 17 or newer is here, and the jars are, or Maven that brings them."""
    if shutil.which("java") is None or not ((CACHE / "complete").exists() or shutil.which("mvn")):
        return False
    told = subprocess.run(["java", "-version"], capture_output=True, text=True, check=False).stderr
    version = re.search(r'version "(\d+)', told)
    return version is not None and int(version[1]) >= 17


def jars() -> Path:
    """The folder with the broker's jars; resolved when it is not there yet."""
    if not (CACHE / "complete").exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        (CACHE / "pom.xml").write_text(POM)
        copy = ["mvn", "-q", "-B", "dependency:copy-dependencies", "-DoutputDirectory=jars", "-DincludeScope=runtime"]
        subprocess.run(copy, cwd=CACHE, check=True, capture_output=True, timeout=600)
        (CACHE / "complete").touch()
    return CACHE / "jars"


class Broker:
    """One node; may be killed and started again with the same data on the same ports."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.port, sasl, tls, controller = (free_port() for _ in range(4))
        self.servers, self.sasl, self.tls = f"127.0.0.1:{self.port}", f"127.0.0.1:{sasl}", f"localhost:{tls}"
        self.certify()
        self.settings = home / "server.properties"
        ports = {"port": self.port, "sasl": sasl, "tls": tls, "controller": controller}
        self.settings.write_text(PROPERTIES.format(home=home, **ports))
        user = f"SCRAM-SHA-256=[name={USER},password={PASSWORD}]"
        self.java("kafka.tools.StorageTool", "format", "-t", CLUSTER, "-c", str(self.settings), "-S", user).wait(
            PATIENCE_S
        )
        self.process: subprocess.Popen[bytes] | None = None

    def certify(self) -> None:
        """A root, and under it a certificate for the broker and one for its client."""
        root = Authority("Kafka root")
        (self.home / "root.pem").write_text(root.pem)
        certificate, key = root.pair(self.home, "broker", host="localhost")
        (self.home / "broker.keystore.pem").write_text(key.read_text() + certificate.read_text())
        self.pair = root.pair(self.home, "client")

    @property
    def encrypted(self) -> dict[str, str]:
        """What a client must be told to come in with its certificate."""
        certificate, key = map(str, self.pair)
        return {
            "security_protocol": "SSL", "ssl_cafile": str(self.home / "root.pem"),
            "ssl_certfile": certificate, "ssl_keyfile": key,
        }  # fmt: skip

    def java(self, *arguments: str) -> subprocess.Popen[bytes]:
        command = ["java", "-Xmx256m", "-XX:TieredStopAtLevel=1", "-cp", f"{jars()}/*", *arguments]
        with (self.home / "broker.log").open("ab") as log:
            return subprocess.Popen(command, stdout=log, stderr=log, cwd=self.home)

    def start(self) -> None:
        self.process = self.java("kafka.Kafka", str(self.settings))
        for _ in range(PATIENCE_S * 10):
            if reachable(self.port):
                return
            if self.process.poll() is not None:
                break
            time.sleep(0.1)
        raise RuntimeError(f"the broker did not start: {(self.home / 'broker.log').read_text()[-2000:]}")

    def kill(self) -> None:
        """As if the power went."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


def named_servers() -> str | None:
    """The broker somebody named for the tests. Raises ValueError for what is no address."""
    servers = os.environ.get(SERVERS)
    if servers and not re.fullmatch(r"[^\s,:]+:\d+(,[^\s,:]+:\d+)*", servers):
        raise ValueError(f"{SERVERS} must be host:port, not {servers!r}")
    return servers or None


def missing() -> None:
    """No broker: a failure where services are required, else a skip that says how to get one."""
    if os.environ.get("BORNIER_REQUIRE_SERVICES") == "1":
        pytest.fail(MISSING)
    pytest.skip(MISSING)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: Any = listening.getsockname()[1]
        return int(port)


def reachable(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True
