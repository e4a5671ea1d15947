"""Deploys the project's own template to the stack, the way `sam package` and `sam deploy` do to AWS."""

from __future__ import annotations

import copy
import hashlib
import json
import platform
import time
import zipfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError
from samtranslator.yaml_helper import yaml_parse

from settings import REGION, STACK, TARGET, TEMPLATE, Layout, Ports, StackError, credentials

BUCKET = "redoubt-packages"
DEPLOY_SECONDS = 60.0

# What MiniStack can't create.
MISSING_TYPES = frozenset({"AWS::Events::Archive"})
# On AWS the permission of a single call is that of the batch call too; MiniStack asks for one of its own.
BATCH_CALLS = ("sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:SendMessage")


def client(service: str, ports: Ports) -> Any:
    """A client of the stack; the caller's own AWS configuration plays no part."""
    variables = credentials(ports)
    return boto3.client(
        service,
        endpoint_url=variables["AWS_ENDPOINT_URL"],
        region_name=REGION,
        aws_access_key_id=variables["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=variables["AWS_SECRET_ACCESS_KEY"],
        config=Config(retries={"max_attempts": 2}, s3={"addressing_style": "path"}),
    )


def deploy(layout: Layout, ports: Ports, parameters: Mapping[str, str]) -> tuple[list[str], dict[str, str]]:
    """Brings the deployed stack up to date; returns what changed and the outputs of the template."""
    source = yaml_parse(TEMPLATE.read_text())
    binaries = {
        name: _binary(resource["Properties"]["CodeUri"])
        for name, resource in source["Resources"].items()
        if resource["Type"] == "AWS::Serverless::Function"
    }
    with ThreadPoolExecutor() as pool:
        digests = dict(zip(binaries, pool.map(_digest, binaries.values()), strict=True))
    functions = {binaries[name].name: digest for name, digest in digests.items()}
    wanted: dict[str, Any] = {
        "template": hashlib.sha256(TEMPLATE.read_bytes()).hexdigest(),
        "parameters": dict(parameters),
        "functions": functions,
    }
    record = layout.run / "deployed.json"
    deployed = json.loads(record.read_text()) if record.exists() else {}
    former = deployed.get("functions", {})
    changed = [name for name, digest in functions.items() if former.get(name) != digest]
    if any(deployed.get(key) != wanted[key] for key in ("template", "parameters")):
        changed.insert(0, "template")
    if changed:
        packaged = _package(layout, ports, source, parameters, binaries, digests)
        _apply(ports, packaged, parameters)
        record.write_text(json.dumps(wanted, indent=1) + "\n")
    return changed, _outputs(ports)


def architecture() -> str:
    """The instruction set of this machine, by the name that Lambda gives it."""
    return "arm64" if platform.machine() in ("arm64", "aarch64") else "x86_64"


def _binary(code_uri: str) -> Path:
    """What Cargo built of the function whose package is at this address."""
    path = TARGET / "debug" / Path(code_uri).name
    if not path.is_file():
        raise StackError(f"`{path}` doesn't exist: run `make build`")
    return path


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _package(
    layout: Layout,
    ports: Ports,
    source: dict[str, Any],
    parameters: Mapping[str, str],
    binaries: dict[str, Path],
    digests: dict[str, str],
) -> dict[str, Any]:
    """Uploads the functions' code and puts its place into the template, which stays as it is otherwise."""
    s3 = client("s3", ports)
    with suppress(s3.exceptions.BucketAlreadyOwnedByYou, s3.exceptions.BucketAlreadyExists):
        s3.create_bucket(Bucket=BUCKET)
    with ThreadPoolExecutor() as pool:
        finished = pool.map(lambda name: _archive(layout, binaries[name], digests[name]), binaries)
        archives = dict(zip(binaries, finished, strict=True))
    packaged = _for_ministack(source, parameters)
    for name, archive in archives.items():
        s3.upload_file(str(archive), BUCKET, archive.name)
        packaged["Resources"][name]["Properties"]["CodeUri"] = f"s3://{BUCKET}/{archive.name}"
    return packaged


def _for_ministack(source: dict[str, Any], parameters: Mapping[str, str]) -> dict[str, Any]:
    """The template in the form that MiniStack takes. Every grant stays as narrow as it is."""
    # CloudFormation makes numbers of what parameters say, MiniStack leaves them texts.
    numbers = {
        name: parameters.get(name, parameter.get("Default"))
        for name, parameter in source["Parameters"].items()
        if parameter["Type"] == "Number"
    }
    template = copy.deepcopy(source)
    for resource in template["Resources"].values():
        if "Events" in resource.get("Properties", {}):
            resource["Properties"]["Events"] = _with_numbers(resource["Properties"]["Events"], numbers)
    missing = {name for name, resource in template["Resources"].items() if resource["Type"] in MISSING_TYPES}
    for name in missing:
        del template["Resources"][name]
    template["Outputs"] = {
        name: output for name, output in source["Outputs"].items() if missing.isdisjoint(_referred(output["Value"]))
    }
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::IAM::Role":
            for policy in resource["Properties"]["Policies"]:
                for statement in policy["PolicyDocument"]["Statement"]:
                    _allow_batch_calls(statement)
    return template


def _referred(value: dict[str, Any]) -> list[str]:
    """The resource that an output is about."""
    return [value["Ref"]] if "Ref" in value else list(value["Fn::GetAtt"][:1])


def _with_numbers(value: Any, numbers: Mapping[str, Any]) -> Any:
    """A copy in which each reference to one of these parameters is its number."""
    if isinstance(value, dict):
        if len(value) == 1 and value.get("Ref") in numbers:
            return int(numbers[value["Ref"]])
        return {key: _with_numbers(each, numbers) for key, each in value.items()}
    if isinstance(value, list):
        return [_with_numbers(each, numbers) for each in value]
    return value


def _allow_batch_calls(statement: dict[str, Any]) -> None:
    actions = statement.get("Action", [])  # a statement under a condition has its actions further down, and none of these
    actions = [actions] if isinstance(actions, str) else actions
    batches = [f"{action}Batch" for action in actions if action in BATCH_CALLS]
    if batches:
        statement["Action"] = [*actions, *batches]


def _archive(layout: Layout, binary: Path, digest: str) -> Path:
    """The deployment package: a zip file with the binary as `bootstrap`."""
    archive = layout.packages / f"{binary.name}-{digest[:16]}.zip"
    if not archive.exists():
        for outdated in layout.packages.glob(f"{binary.name}-{'?' * 16}.zip"):
            outdated.unlink()
        entry = zipfile.ZipInfo("bootstrap", date_time=(2000, 1, 1, 0, 0, 0))
        entry.external_attr = 0o755 << 16
        unfinished = archive.with_suffix(".part")
        with zipfile.ZipFile(unfinished, "w") as file:
            file.writestr(entry, binary.read_bytes(), zipfile.ZIP_DEFLATED, compresslevel=1)
        unfinished.rename(archive)
    return archive


def _apply(ports: Ports, template: dict[str, Any], parameters: Mapping[str, str]) -> None:
    cloudformation = client("cloudformation", ports)
    # Too long for the request itself, as on AWS.
    client("s3", ports).put_object(Bucket=BUCKET, Key="template.json", Body=json.dumps(template).encode())
    request = {
        "StackName": STACK,
        "TemplateURL": f"{credentials(ports)['AWS_ENDPOINT_URL']}/{BUCKET}/template.json",
        "Parameters": [{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
        "Capabilities": ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
    }
    try:
        cloudformation.describe_stacks(StackName=STACK)
        cloudformation.update_stack(**request)
    except ClientError as error:
        message = error.response["Error"]["Message"]
        if "does not exist" in message:
            cloudformation.create_stack(**request)
        elif "No updates" not in message:
            raise StackError(f"the template can't be deployed: {message}") from error
    deadline = time.monotonic() + DEPLOY_SECONDS
    while True:
        status = cloudformation.describe_stacks(StackName=STACK)["Stacks"][0]["StackStatus"]
        if status in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
            return
        if not status.endswith("IN_PROGRESS") or time.monotonic() > deadline:
            raise StackError(f"the deployment ended as {status}\n{_failures(cloudformation)}")
        time.sleep(0.1)


def _failures(cloudformation: Any) -> str:
    events = cloudformation.describe_stack_events(StackName=STACK)["StackEvents"]
    failed = [event for event in events if event["ResourceStatus"].endswith("FAILED")]
    return "\n".join(f"  | {event['LogicalResourceId']}: {event.get('ResourceStatusReason', '')}" for event in failed)


def _outputs(ports: Ports) -> dict[str, str]:
    stack = client("cloudformation", ports).describe_stacks(StackName=STACK)["Stacks"][0]
    return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
