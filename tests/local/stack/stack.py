"""The local stack: Redoubt deployed on this machine, with no AWS account.

MiniStack plays SQS, EventBridge, DynamoDB, Secrets Manager, CloudFormation and Lambda; `redshift-standin` plays the
Redshift Data API over two warehouses, each a PostgreSQL whose external functions call MiniStack's Lambda. Both listen on
loopback only. The second warehouse is for what needs two: nothing is set up on it.
State lasts from `up` to `down`: each start begins empty, so that metadata and warehouse always agree.

Where MiniStack differs from AWS: an event source mapping takes at most 10 messages at a time and doesn't wait for its
batching window, functions run as ordinary processes without a sandbox, the table's time to live isn't acted on, and there is
no archive of the bus. Grants are enforced, but those on KMS, which encrypts nothing here, and on the Data API, which is the
stand-in's and asks for none: infra/checks holds them against the programs.
"""

from __future__ import annotations

import argparse
import base64
import fcntl
import hashlib
import json
import os
import secrets
import shlex
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import settings
from deploy import architecture, client, deploy
from processes import Server, stop_postgres
from settings import HOST, TARGET, Layout, Ports, StackError, child_environment, credentials

# Those fed by a queue, and those that others call.
FUNCTIONS = ("policy", "data-source", "user", "integration", "outcome", "reconcile")
CALLED = {"mask": "called by the warehouse", "webhook": "called by producers"}
START_SECONDS = 60.0
CHANGE_SECONDS = 70.0


class Stack:
    """The servers and what is deployed on them."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.ministack = Server("ministack", layout)
        self.standin = Server("redshift-standin", layout)
        self.servers = (self.ministack, self.standin)

    def running(self) -> bool:
        return all(server.pid() is not None for server in self.servers)

    def up(self) -> None:
        """Starts what isn't running and deploys what has changed."""
        begin = time.monotonic()
        fresh = not self.running()
        if fresh:
            if self.down():
                print("the stack was only partly running: starting it anew, empty")
            try:
                self._start()
                changed = self._deploy()
            except BaseException:
                self.down()
                raise
        else:
            changed = self._deploy()
        took = time.monotonic() - begin
        if fresh:
            print(f"the stack is up ({took:.1f} s): {self.layout.env} tells clients where it is")
        elif changed:
            print(f"the stack was up; deployed anew: {', '.join(changed)} ({took:.1f} s)")
        else:
            print("the stack is up, and up to date")

    def down(self) -> bool:
        """Stops everything and removes the state; says whether anything was running."""
        stopped = [server.stop() for server in reversed(self.servers)]
        warehouse = self.layout.warehouse() if self.layout.root.exists() else None
        if warehouse is not None and warehouse.exists():
            stop_postgres(warehouse)
            shutil.rmtree(warehouse, ignore_errors=True)
        shutil.rmtree(self.layout.scratch, ignore_errors=True)
        shutil.rmtree(self.layout.run, ignore_errors=True)
        self.layout.env.unlink(missing_ok=True)
        return any(stopped)

    def status(self) -> bool:
        """Prints what is running and what waits in the queues; says whether everything runs."""
        ports = None
        if any(server.pid() is not None for server in self.servers):
            ports = self.layout.remembered_ports()
        listening = {
            self.ministack: f"http://{HOST}:{ports.ministack}" if ports else "",
            self.standin: f"http://{HOST}:{ports.data_api}" if ports else "",
        }
        print("SERVERS")
        for server in self.servers:
            pid = server.pid()
            state = f"running  pid {pid}, {listening[server]}" if pid else "stopped"
            print(f"  {server.name:<18}{state}")
        print(f"  {'logs':<18}{self.layout.logs} (those of the functions are in ministack.log)")
        if ports is None:
            return False
        healthy = self.standin.pid() is not None and self._print_warehouses(ports)
        if self.ministack.pid() is None:
            return False
        healthy = self._print_queues(ports) and healthy
        healthy = self._print_functions(ports) and healthy
        return healthy and self.running()

    def change_warehouse(self, action: str, name: str) -> None:
        """Stops or starts one warehouse while everything else goes on."""
        if self.standin.pid() is None:
            raise StackError("the stack isn't running: run `make up`")
        place = f"{self.layout.remembered_ports().standin}/warehouses/{urllib.parse.quote(name, safe='')}/{action}"
        warehouse = _ask(urllib.request.Request(place, method="POST"), CHANGE_SECONDS)
        print(f"the warehouse {warehouse['name']} is {warehouse['state']}")

    def environment(self) -> dict[str, str]:
        """The variables of `.local/env`."""
        if not self.running() or not self.layout.env.exists():
            raise StackError("the stack isn't running: run `make up`")
        lines = (shlex.split(line) for line in self.layout.env.read_text().splitlines() if line.startswith("export "))
        return dict(words[1].split("=", 1) for words in lines)

    def _start(self) -> None:
        self.layout.prepare()
        ports = self.layout.ports()
        standin = TARGET / "debug" / "redshift-standin"
        if not standin.is_file():
            raise StackError(f"`{standin}` doesn't exist: run `make build`")
        environment = child_environment(ports)
        self.ministack.start(
            [sys.executable, "-m", "ministack"],
            {
                **environment,
                "GATEWAY_PORT": str(ports.ministack),
                "BIND_HOST": HOST,
                "MINISTACK_HOST": HOST,
                "MINISTACK_ACCOUNT_ID": settings.ACCOUNT,
                "MINISTACK_REGION": settings.REGION,
                "LOG_LEVEL": "INFO",
                # Requests must be signed, and each function has exactly the rights that the template's roles grant.
                "AUTH": "true",
                "PYTHONUNBUFFERED": "1",
                "TMPDIR": str(self.layout.scratch),
            },
        )
        self.standin.start(
            [
                str(standin),
                *("--data-dir", str(self.layout.warehouse())),
                *("--listen", f"{HOST}:{ports.data_api}"),
                *("--pg-port", str(ports.postgres), "--pg-port", str(ports.postgres_2)),
                *(word for name in settings.WORKGROUPS for word in ("--workgroup", name)),
                *("--event-queue", "redoubt-outcome"),
            ],
            environment,
        )
        self.ministack.wait_until(lambda: _answers(f"http://{HOST}:{ports.ministack}/_ministack/health"), START_SECONDS)
        self.standin.wait_until(lambda: _says_ready(self.standin.log), START_SECONDS)

    def _deploy(self) -> list[str]:
        """Deploys what has changed and says what that was."""
        ports = self.layout.remembered_ports()
        secret_arns = self._secrets(ports)
        parameters = {
            "Architecture": architecture(),
            # As much as the functions ever write, so that tests which look for what must not be written see all of it.
            "LogFilter": "trace",
            "WarehouseArns": ",".join(settings.WAREHOUSE_ARNS),
            "SecretArns": secret_arns["system"],
            "SetupSecretArns": secret_arns["setup"],
            "WebhookSecretArn": self._webhook_secret(ports),
        }
        changed, outputs = deploy(self.layout, ports, parameters)
        self._write_env(ports, outputs)
        return changed

    @staticmethod
    def _password_digest(ports: Ports, arn: str) -> str:
        """The system account's password as CREATE USER takes it in place of clear text: sha256|digest|salt."""
        value = json.loads(client("secretsmanager", ports).get_secret_value(SecretId=arn)["SecretString"])
        salt = "redoubtlocal"
        return f"sha256|{hashlib.sha256((value['password'] + salt).encode()).hexdigest()}|{salt}"

    def _secrets(self, ports: Ports) -> dict[str, str]:
        """Creates the credentials in Secrets Manager, or finds those of an earlier run; ARNs by purpose."""
        manager = client("secretsmanager", ports)
        users = {
            "setup": (settings.SETUP_USER, settings.SETUP_PASSWORD),
            "system": (settings.SYSTEM_USER, f"Aa1-{secrets.token_hex(16)}"),
        }
        arns = {}
        for purpose, (username, password) in users.items():
            value = json.dumps({"username": username, "password": password})
            arns[purpose] = _secret(manager, f"redoubt/{purpose}", value)
        return arns

    def _webhook_secret(self, ports: Ports) -> str:
        """The ARN of the secret with the webhook's keys: one of each scheme, and one that may send integrations."""
        standard = {"scheme": "standard", "secret": f"whsec_{base64.b64encode(secrets.token_bytes(32)).decode()}"}
        administrator = {"scheme": "github", "secret": secrets.token_hex(32), "events": ["integration."]}
        keys = [
            {"id": "producer", **standard},
            {"id": "hub", "scheme": "github", "secret": secrets.token_hex(32)},
            {"id": "administrator", **administrator},
        ]
        return _secret(client("secretsmanager", ports), "redoubt/webhook", json.dumps({"keys": keys}))

    def _write_env(self, ports: Ports, outputs: dict[str, str]) -> None:
        arns = self._secrets(ports)
        variables = {
            **credentials(ports),
            "REDOUBT_TABLE": outputs["TableName"],
            "REDOUBT_EVENT_BUS": outputs["EventBusName"],
            "REDOUBT_STANDIN": ports.standin,
            "REDOUBT_WORKGROUP": settings.WORKGROUPS[0],
            "REDOUBT_WAREHOUSE_HOST": settings.WAREHOUSE_HOSTS[0],
            "REDOUBT_WORKGROUP_2": settings.WORKGROUPS[1],
            "REDOUBT_WAREHOUSE_HOST_2": settings.WAREHOUSE_HOSTS[1],
            "REDOUBT_SETUP_SECRET_ARN": arns["setup"],
            "REDOUBT_SYSTEM_SECRET_ARN": arns["system"],
            "REDOUBT_SYSTEM_PASSWORD_DIGEST": self._password_digest(ports, arns["system"]),
            "REDOUBT_MASK_FUNCTION": outputs["MaskFunctionName"],
            "REDOUBT_MASTER_SECRET": outputs["MasterSecretArn"],
            "REDOUBT_WEBHOOK_URL": _local_url(ports, outputs["WebhookUrl"]),
            "REDOUBT_WEBHOOK_SECRET": self._webhook_secret(ports),
            "REDOUBT_LOGS": str(self.layout.logs),
            "PGHOST": HOST,
            "PGPORT": str(ports.postgres),
            "PGPORT_2": str(ports.postgres_2),
            "PGUSER": settings.SETUP_USER,
            "PGDATABASE": settings.DATABASE,
        }
        for function in FUNCTIONS:
            variable = f"REDOUBT_{function.upper().replace('-', '_')}"
            output = "".join(word.capitalize() for word in function.split("-"))
            variables[f"{variable}_QUEUE_URL"] = outputs[f"{output}QueueUrl"]
            variables[f"{variable}_DEAD_LETTER_QUEUE_URL"] = outputs[f"{output}DeadLetterQueueUrl"]
        lines = [f"export {name}={shlex.quote(value)}\n" for name, value in variables.items()]
        unfinished = self.layout.env.with_suffix(".part")
        unfinished.write_text("".join(lines))
        unfinished.rename(self.layout.env)

    @staticmethod
    def _print_warehouses(ports: Ports) -> bool:
        print("WAREHOUSES")
        warehouses = _ask(urllib.request.Request(f"{ports.standin}/warehouses"), CHANGE_SECONDS)["warehouses"]
        for warehouse in warehouses:
            print(f"  {warehouse['name']:<18}{warehouse['state']}, PostgreSQL on port {warehouse['port']}")
        return all(warehouse["state"] == "running" for warehouse in warehouses)

    def _print_queues(self, ports: Ports) -> bool:
        sqs = client("sqs", ports)
        counts = ("", "NotVisible", "Delayed")
        print(f"QUEUES{'waiting':>22}{'in flight':>12}{'delayed':>10}{'dead letters':>15}")
        for function in FUNCTIONS:
            try:
                live = _queue_counts(sqs, f"redoubt-{function}", counts)
                dead = sum(_queue_counts(sqs, f"redoubt-{function}-dead-letter", counts))
            except sqs.exceptions.QueueDoesNotExist:
                print(f"  {function:<18}missing")
                return False
            print(f"  {function:<18}{live[0]:>8}{live[1]:>12}{live[2]:>10}{dead:>15}")
        return True

    def _print_functions(self, ports: Ports) -> bool:
        functions = client("lambda", ports)
        print("FUNCTIONS")
        healthy = True
        for function in (*FUNCTIONS, *CALLED):
            name = f"redoubt-{function}"
            try:
                state = functions.get_function_configuration(FunctionName=name)["State"]
                mappings = functions.list_event_source_mappings(FunctionName=name)["EventSourceMappings"]
            except functions.exceptions.ResourceNotFoundException:
                state, mappings = "missing", []
            source = ", ".join(f"mapping {mapping['State'].lower()}" for mapping in mappings) or "no mapping"
            source = CALLED.get(function, source)
            print(f"  {function:<18}{state.lower()}, {source}")
            healthy = healthy and state == "Active" and (bool(mappings) or function in CALLED)
        return healthy


def _secret(manager: Any, name: str, value: str) -> str:
    """Creates a secret, or finds that of an earlier run; gives its ARN."""
    try:
        return str(manager.create_secret(Name=name, SecretString=value)["ARN"])
    except manager.exceptions.ResourceExistsException:
        return str(manager.describe_secret(SecretId=name)["ARN"])


def _local_url(ports: Ports, function_url: str) -> str:
    """Where MiniStack serves a function URL, whose host nothing here resolves."""
    identity = function_url.removeprefix("https://").split(".", 1)[0]
    return f"http://{HOST}:{ports.ministack}/_aws/lambda-url/{identity}/"


def _queue_counts(sqs: Any, name: str, kinds: tuple[str, ...]) -> list[int]:
    url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
    wanted = [f"ApproximateNumberOfMessages{kind}" for kind in kinds]
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=wanted)["Attributes"]
    return [int(attributes[attribute]) for attribute in wanted]


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2):
            return True
    except OSError:
        return False


def _ask(request: urllib.request.Request, seconds: float) -> dict[str, Any]:
    """What the stand-in answers; its error in its own words."""
    try:
        with urllib.request.urlopen(request, timeout=seconds) as reply:
            return dict(json.load(reply))
    except urllib.error.HTTPError as error:
        raise StackError(json.load(error).get("error", str(error))) from error
    except OSError as error:
        raise StackError(f"the stand-in doesn't answer: {error}") from error


def _says_ready(log: Path) -> bool:
    return any(line.startswith(b"ready") for line in log.read_bytes().splitlines())


@contextmanager
def _exclusive(layout: Layout) -> Iterator[None]:
    """Keeps two commands from starting or stopping the same stack at once."""
    layout.root.mkdir(parents=True, exist_ok=True)
    with layout.lock.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _run(stack: Stack, command: list[str]) -> int:
    """Runs a command against the stack, and stops the stack after it if it wasn't running before."""
    with _exclusive(stack.layout):
        started = not stack.running()
        stack.up()
    try:
        return subprocess.run(command, env={**os.environ, **stack.environment()}, check=False).returncode
    finally:
        if started:
            with _exclusive(stack.layout):
                stack.down()


def main() -> int:
    parser = argparse.ArgumentParser(prog="stack.py", description="The local stack of Redoubt.")
    place = settings.REPOSITORY / ".local"
    parser.add_argument("--dir", type=Path, default=place, help="where the stack keeps its files")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("up", help="start the stack, or deploy what has changed since it was started")
    down = commands.add_parser("down", help="stop everything and drop the state")
    down.add_argument("--purge", action="store_true", help="remove logs and remembered ports too")
    commands.add_parser("status", help="show servers, warehouses, queues and functions; fail if anything isn't running")
    commands.add_parser("env", help="print the variables that lead AWS clients to the stack")
    run = commands.add_parser("run", help="run a command with these variables, starting the stack if need be")
    run.add_argument("argv", nargs=argparse.REMAINDER, metavar="-- COMMAND", help="the command and its arguments")
    warehouse = commands.add_parser("warehouse", help="stop or start one warehouse, to see what becomes of the rest")
    warehouse.add_argument("action", choices=("stop", "start"))
    warehouse.add_argument("name", metavar="NAME", help=f"its workgroup: {' or '.join(settings.WORKGROUPS)}")
    arguments = parser.parse_args()
    # Ends as an interrupt does, so that what `run` started is stopped.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))

    settings.bypass_proxy()
    stack = Stack(Layout(arguments.dir))
    try:
        if arguments.command == "run":
            argv = arguments.argv[1:] if arguments.argv[:1] == ["--"] else arguments.argv
            if not argv:
                parser.error("run needs a command")
            return _run(stack, argv)
        if arguments.command == "status":
            return 0 if stack.status() else 1
        if arguments.command == "warehouse":
            stack.change_warehouse(arguments.action, arguments.name)
            return 0
        if arguments.command == "env":
            stack.environment()
            print(stack.layout.env.read_text(), end="")
            return 0
        with _exclusive(stack.layout):
            if arguments.command == "up":
                stack.up()
            else:
                print("the stack is down" if stack.down() else "the stack wasn't running")
                if arguments.purge:
                    shutil.rmtree(stack.layout.root, ignore_errors=True)
        return 0
    except StackError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
