"""A real Apache Kafka for tests: the one of BORNIER_TEST_KAFKA, or a broker of its own in KRaft mode on loopback.

The broker's jars are Maven artifacts. They are resolved once into a cache and started with Java 17 or newer.
"""

from __future__ import annotations

import base64
import os
import shutil
import socket
import subprocess
import time
import uuid
from pathlib import Path
from typing import Any

VERSION = "4.1.0"
MISSING = (
    "no Kafka: install Java 17 or newer and Maven (on Debian and Ubuntu: apt install openjdk-17-jre-headless maven), "
    "or set BORNIER_TEST_KAFKA=host:port"
)
POM = f"""<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>bornier</groupId><artifactId>broker</artifactId><version>1</version>
<dependencies><dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId>
<version>{VERSION}</version></dependency></dependencies></project>"""
PROPERTIES = """process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
log.dirs={home}/data
offsets.topic.replication.factor=1
group.initial.rebalance.delay.ms=0
auto.create.topics.enable=false
"""
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / f"bornier-kafka-{VERSION}"
PATIENCE_S = 60


def installable() -> bool:
    """Java and Maven are here."""
    return shutil.which("java") is not None and shutil.which("mvn") is not None


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
    """One node; may be killed and started again with the same data on the same port."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.port, controller = free_port(), free_port()
        self.servers = f"127.0.0.1:{self.port}"
        self.settings = home / "server.properties"
        self.settings.write_text(PROPERTIES.format(home=home, port=self.port, controller=controller))
        cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        self.java("kafka.tools.StorageTool", "format", "-t", cluster, "-c", str(self.settings)).wait(PATIENCE_S)
        self.process: subprocess.Popen[bytes] | None = None

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
