"""Where the local stack keeps its files, what it's called, and which ports it uses."""

from __future__ import annotations

import hashlib
import json
import os
import socket
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[3]
TEMPLATE = REPOSITORY / "infra" / "template.yaml"
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", REPOSITORY / "target")).resolve()

HOST = "127.0.0.1"
REGION = "us-east-1"
ACCOUNT = "000000000000"
STACK = "redoubt"
WORKGROUPS = ("redoubt-local", "redoubt-local-2")
DATABASE = "dev"
SETUP_USER = "awsuser"
SETUP_PASSWORD = "Redoubt-local-1"
SYSTEM_USER = "immuta_system_account"
WAREHOUSE_ARNS = tuple(f"arn:aws:redshift-serverless:{REGION}:{ACCOUNT}:workgroup/{name}" for name in WORKGROUPS)
WAREHOUSE_HOSTS = tuple(f"{name}.{ACCOUNT}.{REGION}.redshift-serverless.amazonaws.com" for name in WORKGROUPS)

# A PostgreSQL socket's path must fit 107 bytes, and the name of the socket needs some of them.
LONGEST_DATA_PATH = 80


class StackError(Exception):
    """What stops a command, in words for the person who ran it."""


@dataclass(frozen=True)
class Ports:
    """The ports on loopback, remembered so that a saved connection keeps working."""

    ministack: int
    data_api: int
    postgres: int
    postgres_2: int

    @property
    def standin(self) -> str:
        """What the stand-in offers beside the Data API: its warehouses can be stopped and started."""
        return f"http://{HOST}:{self.data_api}/_standin"


class Layout:
    """The files of one stack: everything below one directory that can be deleted."""

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        self.logs = self.root / "logs"
        self.run = self.root / "run"
        self.packages = self.root / "packages"
        self.env = self.root / "env"
        self.lock = self.root / "lock"
        self.ports_file = self.root / "ports.json"
        self.scratch = self.root / "tmp"

    def prepare(self) -> None:
        for directory in (self.root, self.logs, self.run, self.packages, self.scratch):
            directory.mkdir(parents=True, exist_ok=True)

    def warehouse(self) -> Path:
        """The stand-in's data directory.

        PostgreSQL refuses to run as root, so as root it runs as another user, which must be able to enter every
        directory above its data. A checkout in a home directory often isn't like that: then the data goes to the
        directory for temporary files.
        """
        inside = self.root / "redshift"
        reachable = os.geteuid() != 0 or all(parent.stat().st_mode & stat.S_IXOTH for parent in self.root.parents)
        if reachable and len(str(inside)) <= LONGEST_DATA_PATH:
            return inside
        digest = hashlib.sha256(str(self.root).encode()).hexdigest()[:12]
        return Path(tempfile.gettempdir()) / f"redoubt-{digest}"

    def ports(self) -> Ports:
        """The remembered ports where they are still free, else new ones, which are remembered."""
        try:
            ports = Ports(**json.loads(self.ports_file.read_text()))
            if all(_is_free(port) for port in vars(ports).values()):
                return ports
        except (OSError, ValueError, TypeError):
            pass
        ports = Ports(*_free_ports(4))
        self.ports_file.write_text(json.dumps(vars(ports)) + "\n")
        return ports

    def remembered_ports(self) -> Ports:
        """The ports of a stack that is running."""
        try:
            return Ports(**json.loads(self.ports_file.read_text()))
        except (OSError, ValueError, TypeError) as error:
            raise StackError(f"`{self.ports_file}` can't be read ({error}): run `make down`, then `make up`") from error


def credentials(ports: Ports) -> dict[str, str]:
    """The standard variables by which any AWS SDK finds the stack instead of AWS."""
    return {
        "AWS_ENDPOINT_URL": f"http://{HOST}:{ports.ministack}",
        "AWS_ENDPOINT_URL_REDSHIFT_DATA": f"http://{HOST}:{ports.data_api}",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def child_environment(ports: Ports) -> dict[str, str]:
    """The environment of the servers: nothing of the caller's own AWS configuration reaches them."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "PG", "REDOUBT_"))}
    nowhere = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
    return {**inherited, **nowhere, **credentials(ports)}


def bypass_proxy() -> None:
    """Keeps this process and its children from asking a proxy for what is on loopback."""
    for name in ("NO_PROXY", "no_proxy"):
        os.environ[name] = ",".join(filter(None, [os.environ.get(name), HOST, "localhost"]))


def _is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def _free_ports(count: int) -> list[int]:
    probes = [socket.socket(socket.AF_INET, socket.SOCK_STREAM) for _ in range(count)]
    try:
        for probe in probes:
            probe.bind((HOST, 0))
        return [probe.getsockname()[1] for probe in probes]
    finally:
        for probe in probes:
            probe.close()
