"""Templates as what they make: parameters put in, references replaced by names, both kinds of template in one form.

The SAM template goes through SAM's own transform first; what CDK synthesised is taken as it is. After that a resource of one can be
compared with its counterpart in the other, property by property.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import boto3
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator
from samtranslator.yaml_helper import yaml_parse

ACCOUNT = "123456789012"
REGION = "eu-west-1"
PSEUDO = {
    "AWS::AccountId": ACCOUNT,
    "AWS::Partition": "aws",
    "AWS::Region": REGION,
    "AWS::StackName": "redoubt",
    "AWS::URLSuffix": "amazonaws.com",
}

# What says which resource one is, by type. Roles and rules have no name of their own, so their description serves.
NAMES = {
    "AWS::CloudWatch::Alarm": "AlarmName",
    "AWS::CloudWatch::Dashboard": "DashboardName",
    "AWS::DynamoDB::Table": "TableName",
    "AWS::Events::Archive": "ArchiveName",
    "AWS::Events::EventBus": "Name",
    "AWS::Events::Rule": "Description",
    "AWS::IAM::ManagedPolicy": "Description",
    "AWS::IAM::Role": "Description",
    "AWS::KMS::Alias": "AliasName",
    "AWS::KMS::Key": "Description",
    "AWS::Lambda::EventSourceMapping": "EventSourceArn",
    "AWS::Lambda::Function": "FunctionName",
    "AWS::Lambda::Permission": "Action",
    "AWS::Lambda::Url": "AuthType",
    "AWS::Logs::LogGroup": "LogGroupName",
    "AWS::SecretsManager::Secret": "Name",
    "AWS::SQS::Queue": "QueueName",
    "AWS::SQS::QueuePolicy": "Queues",
}

NO_VALUE = object()

Resources = dict[str, dict[str, Any]]


class TemplateError(Exception):
    """A template holds what this reader does not know."""


def sam(path: Path, parameters: Mapping[str, Any]) -> Resources:
    """What the SAM template makes with these parameters, by `type name`."""
    source = yaml_parse(path.read_text())
    for resource in source["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            # The transform wants the address of an upload; where code comes from is not compared.
            resource["Properties"]["CodeUri"] = "s3://bucket/key"
    values = {name: parameter["Default"] for name, parameter in source["Parameters"].items() if "Default" in parameter}
    values.update(parameters)
    missing = sorted(source["Parameters"].keys() - values.keys())
    if missing:
        raise TemplateError(f"parameters without a value: {', '.join(missing)}")
    kinds = {name: parameter["Type"] for name, parameter in source["Parameters"].items()}
    translator = Translator({}, Parser(), boto_session=boto3.Session(region_name=REGION))
    template = translator.translate(source, {name: str(value) for name, value in values.items()})
    return Resolver(template, {name: _typed(kinds[name], value) for name, value in values.items()}).resources()


def cdk(path: Path, construct: str) -> Resources:
    """What a construct of a synthesised template makes, by `type name`."""
    template = json.loads(path.read_text())
    inside = {
        name: resource
        for name, resource in template["Resources"].items()
        if resource.get("Metadata", {}).get("aws:cdk:path", "").startswith(f"{construct}/")
    }
    if not inside:
        raise TemplateError(f"`{path}` has no construct `{construct}`")
    return Resolver(template, {}).resources(inside)


def _typed(kind: str, value: Any) -> Any:
    if kind == "CommaDelimitedList":
        return [each.strip() for each in value.split(",")] if isinstance(value, str) else list(value)
    if kind == "Number":
        return int(value)
    return str(value)


class Resolver:
    """Replaces intrinsic functions by their values."""

    def __init__(self, template: dict[str, Any], parameters: Mapping[str, Any]) -> None:
        self.template = template
        self.parameters = parameters
        self.names: dict[str, str] = {}

    def resources(self, wanted: Mapping[str, Any] | None = None) -> Resources:
        """Every resource whose condition holds, in the one form."""
        found: Resources = {}
        for logical, resource in (wanted or self.template["Resources"]).items():
            if "Condition" in resource and not self._condition(resource["Condition"]):
                continue
            name = f"{resource['Type']} {self._name(logical)}"
            if name in found:
                raise TemplateError(f"two resources are `{name}`")
            properties = self.value(resource.get("Properties", {}))
            found[name] = canonical(
                {
                    "Type": resource["Type"],
                    "DeletionPolicy": resource.get("DeletionPolicy", "Delete"),
                    "UpdateReplacePolicy": resource.get("UpdateReplacePolicy", "Delete"),
                    "Properties": properties,
                }
            )
        return found

    def value(self, value: Any) -> Any:
        if isinstance(value, list):
            return [each for each in map(self.value, value) if each is not NO_VALUE]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            ((key, argument),) = value.items()
            if key == "Ref":
                return self._reference(argument)
            if key.startswith("Fn::"):
                return self._function(key.removeprefix("Fn::"), argument)
        resolved = {key: self.value(each) for key, each in value.items()}
        return {key: each for key, each in resolved.items() if each is not NO_VALUE}

    def _function(self, name: str, argument: Any) -> Any:
        if name == "GetAtt":
            logical, attribute = argument if isinstance(argument, list) else argument.split(".", 1)
            return self._attribute(logical, attribute)
        if name == "Join":
            separator, parts = argument
            return separator.join(map(str, self.value(parts)))
        if name == "Sub":
            text, extra = argument if isinstance(argument, list) else (argument, {})
            return re.sub(r"\$\{([^!}][^}]*)\}", lambda match: str(self._substitute(match[1], extra)), text)
        if name == "If":
            condition, yes, no = argument
            return self.value(yes if self._condition(condition) else no)
        raise TemplateError(f"Fn::{name} is not known here")

    def _substitute(self, name: str, extra: Mapping[str, Any]) -> Any:
        if name in extra:
            return self.value(extra[name])
        return self._attribute(*name.split(".", 1)) if "." in name else self._reference(name)

    def _condition(self, condition: str) -> bool:
        return self._truth(self.template["Conditions"][condition])

    def _truth(self, expression: Any) -> bool:
        ((key, argument),) = expression.items()
        if key == "Condition":
            return self._condition(argument)
        if key == "Fn::Not":
            return not self._truth(argument[0])
        if key == "Fn::And":
            return all(map(self._truth, argument))
        if key == "Fn::Equals":
            left, right = map(self.value, argument)
            return str(left) == str(right)
        raise TemplateError(f"{key} is not known here")

    def _reference(self, name: str) -> Any:
        if name == "AWS::NoValue":
            return NO_VALUE
        if name in PSEUDO:
            return PSEUDO[name]
        if name in self.parameters:
            return self.parameters[name]
        kind = self.template["Resources"][name]["Type"]
        if kind == "AWS::SQS::Queue":
            return f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{self._name(name)}"
        if kind == "AWS::SecretsManager::Secret":
            return self._attribute(name, "Arn")
        if kind == "AWS::KMS::Key":
            return "the id of the key"
        return self._name(name)

    def _attribute(self, logical: str, attribute: str) -> str:
        kind, name = self.template["Resources"][logical]["Type"], self._name(logical)
        if attribute not in ("Arn", "Id"):
            return name
        service = kind.split("::")[1].lower()
        return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{name}"

    def _name(self, logical: str) -> str:
        if logical not in self.names:
            resource = self.template["Resources"][logical]
            key = NAMES.get(resource["Type"])
            name = resource["Properties"].get(key, logical) if key else logical
            resolved = self.value(name)
            self.names[logical] = ",".join(resolved) if isinstance(resolved, list) else str(resolved)
        return self.names[logical]


# What CDK writes out though it is the default, and what neither template decides.
DEFAULTS = {
    "AWS::Events::Rule": {"State": "ENABLED"},
    "AWS::IAM::ManagedPolicy": {"Path": "/"},
}
INCIDENTAL = {"Code", "Tags", "PolicyName"}


def canonical(resource: dict[str, Any]) -> dict[str, Any]:
    """One form for what can be said in several ways."""
    kind, properties = resource["Type"], resource["Properties"]
    properties = {key: each for key, each in properties.items() if key not in INCIDENTAL}
    for key, default in DEFAULTS.get(kind, {}).items():
        if properties.get(key) == default:
            del properties[key]
    if kind == "AWS::CloudWatch::Dashboard":
        properties["DashboardBody"] = json.loads(properties["DashboardBody"])
    if kind == "AWS::CloudWatch::Alarm":
        properties["Threshold"] = float(properties["Threshold"])
    if kind == "AWS::Lambda::Function":
        variables = properties["Environment"]["Variables"]
        properties["Environment"] = {"Variables": {name: str(value) for name, value in variables.items()}}
    if kind in ("AWS::Lambda::Permission", "AWS::Lambda::Url"):
        for key in ("FunctionName", "TargetFunctionArn"):
            if key in properties:
                properties[key] = properties[key].rsplit(":", 1)[-1]
    return {**resource, "Properties": _canonical(properties)}


def _canonical(value: Any, key: str = "") -> Any:
    if isinstance(value, dict):
        if "Effect" in value:
            value = {**value, **{name: _listed(value[name]) for name in ("Action", "Resource") if name in value}}
            value["Condition"] = {
                operator: {name: _listed(each) for name, each in tests.items()}
                for operator, tests in value.get("Condition", {}).items()
            }
        return {name: _canonical(each, name) for name, each in value.items()}
    if isinstance(value, list):
        items = [_canonical(each) for each in value]
        return sorted(items, key=lambda item: json.dumps(item, sort_keys=True)) if key in ("Action", "Resource", "Statement", "Policies") else items
    if isinstance(value, float) and value.is_integer():
        return int(value)
    # CloudFormation takes numbers and truths also as texts.
    return {"true": True, "false": False}.get(value, value) if isinstance(value, str) else value


def _listed(value: Any) -> list[str]:
    return sorted(map(str, value if isinstance(value, list) else [value]))
