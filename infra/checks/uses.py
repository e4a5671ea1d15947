"""What each function needs, found out from the function itself.

- Which operations it can call at all: their names stand in the program that was built, because the SDK sends them on the wire, and
  the linker drops what nothing calls.
- Which queues it sends to and whose credentials it uses: from the source of what is in the program (rust.py).
- What services do in the name of its role: the event source mapping reads its queue, the Data API reads the credentials, and
  each service uses the key under which a resource is encrypted.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import botocore.session

import rust
from resolve import ACCOUNT, REGION, Resources
from templates import PARAMETERS, REPOSITORY, TARGET

# How a service's operations are called on the wire, by the prefix of its IAM actions.
WIRE = {
    "dynamodb": "DynamoDB_20120810",
    "redshift-data": "RedshiftData",
    "secretsmanager": "secretsmanager",
    "sqs": "AmazonSQS",
}
# Batch calls need the permission of the single ones.
SINGLE = {
    "sqs:ChangeMessageVisibilityBatch": "sqs:ChangeMessageVisibility",
    "sqs:DeleteMessageBatch": "sqs:DeleteMessage",
    "sqs:SendMessageBatch": "sqs:SendMessage",
}
# https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonredshiftdataapi.html
WITHOUT_RESOURCE = {"redshift-data:DescribeStatement", "redshift-data:GetStatementResult", "redshift-data:CancelStatement"}
# What an event source mapping does in the name of the function's role.
# https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
MAPPING = ("sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage")
READS = {"dynamodb:GetItem", "dynamodb:Query", "dynamodb:BatchGetItem", "dynamodb:Scan"}

Grant = tuple[str, str, str]
"""An action, a resource, and the condition as text."""


class UnknownUse(Exception):
    """A function calls what this module can't assign a resource to."""


@functools.cache
def _operations(service: str) -> tuple[str, ...]:
    names = botocore.session.get_session().get_service_model(service).operation_names
    return tuple(sorted(names, key=len, reverse=True))


@functools.cache
def called(program: Path) -> frozenset[str]:
    """The IAM actions of the operations whose names stand in a program."""
    if not program.is_file():
        raise UnknownUse(f"`{program}` does not exist: run `make build`")
    content = program.read_bytes()
    found = set()
    for service, wire in WIRE.items():
        for match in re.finditer(rb"%s\.([A-Z][A-Za-z]+)" % wire.encode(), content):
            # What follows in the program may be letters too: the longest operation that fits is meant.
            text = match[1].decode()
            operation = next((name for name in _operations(service) if text.startswith(name)), None)
            if operation is None:
                raise UnknownUse(f"`{program.name}` names `{wire}.{text[:40]}`, which is no operation of {service}")
            found.add(SINGLE.get(f"{service}:{operation}", f"{service}:{operation}"))
    return frozenset(found)


def queue_name(variant: str) -> str:
    """`DataSource` as the queue's name has it."""
    return re.sub(r"(?<!^)([A-Z])", r"-\1", variant).lower()


class Function:
    """One function: its resource in the template, its program and its source."""

    def __init__(self, name: str, resources: Resources, target: Path = TARGET) -> None:
        self.name = name
        self.resources = resources
        self.properties = resources[f"AWS::Lambda::Function redoubt-{name}"]["Properties"]
        self.variables: Mapping[str, str] = self.properties["Environment"]["Variables"]
        self.program = target / "debug" / name
        self.actions = called(self.program)
        self.is_worker = rust.is_worker(REPOSITORY, name)

    @functools.cached_property
    def _linked(self) -> list[rust.Function]:
        return _source().linked(self.program) if self.is_worker else []

    @functools.cached_property
    def sends_to(self) -> set[str]:
        """The names of the queues it may send to."""
        if self.is_worker:
            names = {queue_name(each) for each in rust.sends(_source(), self._linked)}
            return names | {f"{self.name}-dead-letter"}
        own = REPOSITORY / "functions" / self.name / "src"
        text = "".join(rust.production(path.read_text()) for path in sorted(own.glob("*.rs")))
        return {queue_name(each) for each in re.findall(r"\bQueue::([A-Z]\w+)", text)}

    @property
    def uses_setup_account(self) -> bool:
        return rust.uses_setup_account(self._linked)

    def needs(self) -> set[Grant]:
        """All that its role must allow for its sake."""
        return {(action, resource, condition) for action, resource, condition in self._needs()}

    def _needs(self) -> Iterator[Grant]:
        for action in self.actions:
            for resource, condition in self._resources(action):
                yield action, resource, condition
        if self.is_worker:
            queue = _queue(f"redoubt-{self.name}")
            for action in MAPPING:
                yield action, queue, ""
        if any(action.startswith("redshift-data:") for action in self.actions):
            for arn in self._credentials():
                yield "secretsmanager:GetSecretValue", arn, ""
        yield from self._key()
        group = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/lambda/redoubt-{self.name}:*"
        yield "logs:CreateLogStream", group, ""
        yield "logs:PutLogEvents", group, ""

    def _resources(self, action: str) -> Iterator[tuple[str, str]]:
        service = action.split(":")[0]
        if action in WITHOUT_RESOURCE:
            yield "*", ""
        elif service == "redshift-data":
            yield PARAMETERS["WarehouseArns"], ""
        elif service == "dynamodb":
            yield f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:redoubt", _only_deliveries(self.name)
        elif action == "sqs:ChangeMessageVisibility":
            yield _queue(f"redoubt-{self.name}"), ""
        elif action == "sqs:SendMessage":
            for name in self.sends_to:
                yield _queue(f"redoubt-{name}"), ""
        elif action == "secretsmanager:GetSecretValue":
            for value in self.variables.values():
                if ":secretsmanager:" in value:
                    yield value, ""
        else:
            raise UnknownUse(f"`{self.name}` calls {action}: say here on which resource")

    def _credentials(self) -> list[str]:
        return [PARAMETERS["SecretArns"], *([PARAMETERS["SetupSecretArns"]] if self.uses_setup_account else [])]

    def _key(self) -> Iterator[Grant]:
        """What services ask of the role because of the key. All under our own key, but the secrets that are not ours."""
        key = next(name for name in self.resources if name.startswith("AWS::KMS::Key "))
        arn = f"arn:aws:kms:{REGION}:{ACCOUNT}:{key.split(' ', 1)[1]}"
        # https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html
        if self.is_worker or "sqs:SendMessage" in self.actions:
            for action in ("kms:Decrypt", "kms:GenerateDataKey"):
                yield action, arn, _via("sqs")
        # https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html
        table = {action for action in self.actions if action.startswith("dynamodb:")}
        if table:
            for action in ("kms:Decrypt", "kms:DescribeKey"):
                yield action, arn, _via("dynamodb")
        if table - READS:
            for action in ("kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"):
                yield action, arn, _via("dynamodb")
        foreign = any(action.startswith("redshift-data:") for action in self.actions)
        for value in self.variables.values():
            if ":secretsmanager:" in value:
                ours = f"AWS::SecretsManager::Secret {value.rsplit(':', 1)[-1]}" in self.resources
                foreign = foreign or not ours
                if ours:
                    yield "kms:Decrypt", arn, _via("secretsmanager")
        if foreign:
            yield "kms:Decrypt", PARAMETERS["SecretKeyArns"], _via("secretsmanager")


def granted(resources: Resources, role: str) -> set[Grant]:
    """All that a role allows, one action on one resource at a time."""
    found = set()
    for policy in resources[role]["Properties"]["Policies"]:
        for statement in policy["PolicyDocument"]["Statement"]:
            assert statement["Effect"] == "Allow", statement
            for action in statement["Action"]:
                for resource in statement["Resource"]:
                    found.add((action, resource, condition_text(statement["Condition"])))
    return found


def condition_text(condition: Mapping[str, Any]) -> str:
    """A condition as one comparable text."""
    return "; ".join(
        f"{operator} {name} {' or '.join(values)}"
        for operator, tests in sorted(condition.items())
        for name, values in sorted(tests.items())
    )


def _via(service: str) -> str:
    return f"StringEquals kms:ViaService {service}.{REGION}.amazonaws.com"


def _only_deliveries(function: str) -> str:
    """The webhook's records, if its source names no others where it reads and writes them."""
    if function != "webhook":
        return ""
    text = rust.production((REPOSITORY / "functions/webhook/src/delivery.rs").read_text())
    if set(re.findall(r"\bKind::(\w+)", text)) != {"Delivery"}:
        raise UnknownUse("the webhook stores more than deliveries")
    return "ForAllValues:StringLike dynamodb:LeadingKeys delivery#*"


def _queue(name: str) -> str:
    return f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"


@functools.cache
def _source() -> rust.Source:
    return rust.Source(REPOSITORY)
