"""Rules that the template keeps by itself: of AWS's documentation, and of this project."""

from __future__ import annotations

import re
import unittest
from collections.abc import Iterator
from typing import Any

from samtranslator.yaml_helper import yaml_parse

from templates import PARAMETERS, REPOSITORY, SAM, from_sam

KEY = "arn:aws:kms:eu-west-1:123456789012:"
# The longest that messages of a queue are kept when nothing else is said.
QUEUE_RETENTION = 345_600


def each(kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, resource in from_sam().items():
        if resource["Type"] == kind:
            yield name.split(" ", 1)[1], resource["Properties"]


def arn_name(arn: str) -> str:
    return arn.rsplit(":", 1)[-1]


class Queues(unittest.TestCase):
    def setUp(self) -> None:
        self.queues = dict(each("AWS::SQS::Queue"))
        self.functions = dict(each("AWS::Lambda::Function"))
        self.mappings = {arn_name(arn): mapping for arn, mapping in each("AWS::Lambda::EventSourceMapping")}

    def test_a_message_stays_hidden_for_six_times_what_its_function_may_take(self) -> None:
        # https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
        source = yaml_parse(SAM.read_text())
        parameters = source["Parameters"]
        for name, mapping in self.mappings.items():
            logical = "".join(part.capitalize() for part in name.removeprefix("redoubt-").split("-"))
            window = source["Resources"][f"{logical}Function"]["Properties"]["Events"]["Queue"]["Properties"].get(
                "MaximumBatchingWindowInSeconds", 0
            )
            longest = parameters[window["Ref"]]["MaxValue"] if isinstance(window, dict) else window
            with self.subTest(name):
                timeout = self.functions[mapping["FunctionName"]]["Timeout"]
                self.assertGreaterEqual(self.queues[name]["VisibilityTimeout"], 6 * timeout + longest)

    def test_every_worker_reports_single_failures_and_has_a_valve(self) -> None:
        workers = {name for name in self.functions if name not in ("redoubt-mask", "redoubt-webhook")}
        self.assertEqual({mapping["FunctionName"] for mapping in self.mappings.values()}, workers)
        for name, mapping in self.mappings.items():
            with self.subTest(name):
                self.assertEqual(mapping["FunctionResponseTypes"], ["ReportBatchItemFailures"])
                self.assertGreaterEqual(mapping["ScalingConfig"]["MaximumConcurrency"], 2)
                if mapping["BatchSize"] > 10:
                    self.assertGreaterEqual(mapping["MaximumBatchingWindowInSeconds"], 1)

    def test_dead_letters_outlive_their_queue(self) -> None:
        kept = set()
        for name, queue in self.queues.items():
            with self.subTest(name):
                if name in self.mappings:
                    redrive = queue["RedrivePolicy"]
                    letters = arn_name(redrive["deadLetterTargetArn"])
                    self.assertEqual(letters, f"{name}-dead-letter")
                    self.assertGreaterEqual(redrive["maxReceiveCount"], 5)
                    self.assertNotIn("MessageRetentionPeriod", queue)
                    kept.add(letters)
                else:
                    self.assertGreater(queue["MessageRetentionPeriod"], QUEUE_RETENTION)
        self.assertEqual(self.queues.keys() - self.mappings.keys(), kept | {"redoubt-undelivered"})


class Rules(unittest.TestCase):
    def test_what_can_not_be_delivered_is_kept(self) -> None:
        sources = {f"arn:aws:events:eu-west-1:123456789012:{name}" for name, _ in each("AWS::Events::Rule")}
        for name, rule in each("AWS::Events::Rule"):
            for target in rule["Targets"]:
                with self.subTest(name):
                    self.assertEqual(arn_name(target["DeadLetterConfig"]["Arn"]), "redoubt-undelivered")
        ((bus_name, bus),) = each("AWS::Events::EventBus")
        self.assertEqual(arn_name(bus["DeadLetterConfig"]["Arn"]), "redoubt-undelivered")
        admitted = self._admitted()["redoubt-undelivered"]
        self.assertEqual(admitted, sources | {f"arn:aws:events:eu-west-1:123456789012:{bus_name}"})

    def test_a_queue_admits_the_rules_that_feed_it_and_nobody_else(self) -> None:
        feeding: dict[str, set[str]] = {}
        for name, rule in each("AWS::Events::Rule"):
            for target in rule["Targets"]:
                source = f"arn:aws:events:eu-west-1:123456789012:{name}"
                feeding.setdefault(arn_name(target["Arn"]), set()).add(source)
        admitted = self._admitted()
        del admitted["redoubt-undelivered"]
        self.assertEqual(admitted, feeding)

    @staticmethod
    def _admitted() -> dict[str, set[str]]:
        found = {}
        for _, policy in each("AWS::SQS::QueuePolicy"):
            ((statement),) = policy["PolicyDocument"]["Statement"]
            assert statement["Principal"] == {"Service": "events.amazonaws.com"}, statement
            assert statement["Action"] == ["sqs:SendMessage"], statement
            (resource,) = statement["Resource"]
            found[arn_name(resource)] = set(statement["Condition"]["ArnEquals"]["aws:SourceArn"])
        return found


class Encryption(unittest.TestCase):
    def test_all_that_is_stored_is_under_the_key(self) -> None:
        places = {
            "AWS::DynamoDB::Table": lambda table: table["SSESpecification"]["KMSMasterKeyId"],
            "AWS::Events::Archive": lambda archive: archive["KmsKeyIdentifier"],
            "AWS::Events::EventBus": lambda bus: bus["KmsKeyIdentifier"],
            "AWS::Logs::LogGroup": lambda group: group["KmsKeyId"],
            "AWS::SecretsManager::Secret": lambda secret: secret["KmsKeyId"],
            "AWS::SQS::Queue": lambda queue: queue["KmsMasterKeyId"],
        }
        for kind, key in places.items():
            found = list(each(kind))
            self.assertTrue(found, kind)
            for name, properties in found:
                with self.subTest(kind, name=name):
                    self.assertTrue(key(properties).startswith(KEY))

    def test_nobody_uses_the_key_but_through_a_service_or_for_this_deployment(self) -> None:
        ((_, key),) = each("AWS::KMS::Key")
        self.assertTrue(key["EnableKeyRotation"])
        use = re.compile(r"kms:(\*|Decrypt|Encrypt|GenerateDataKey|ReEncrypt|Sign|CreateGrant)")
        for statement in key["KeyPolicy"]["Statement"]:
            if any(use.match(action) for action in statement["Action"]):
                with self.subTest(statement["Sid"]):
                    self.assertTrue(statement["Condition"])

    def test_what_people_would_miss_outlives_the_stack(self) -> None:
        for name, resource in from_sam().items():
            kept = resource["Type"] in ("AWS::DynamoDB::Table", "AWS::KMS::Key", "AWS::SecretsManager::Secret")
            with self.subTest(name):
                self.assertEqual(resource["DeletionPolicy"], "RetainExceptOnCreate" if kept else "Delete")
                self.assertEqual(resource["UpdateReplacePolicy"], "Retain" if kept else "Delete")


class Watched(unittest.TestCase):
    def setUp(self) -> None:
        self.alarms = {name.removeprefix("redoubt-"): alarm for name, alarm in each("AWS::CloudWatch::Alarm")}

    def alarm_on(self, namespace: str, metric: str, dimension: str) -> list[dict[str, Any]]:
        return [
            alarm
            for alarm in self.alarms.values()
            if (alarm["Namespace"], alarm["MetricName"], alarm["Dimensions"][0]["Value"]) == (namespace, metric, dimension)
        ]

    def test_every_queue_is_watched(self) -> None:
        fed = {arn_name(arn) for arn, _ in each("AWS::Lambda::EventSourceMapping")}
        for name, _ in each("AWS::SQS::Queue"):
            metric = "ApproximateAgeOfOldestMessage" if name in fed else "ApproximateNumberOfMessagesVisible"
            with self.subTest(name):
                self.assertEqual(len(self.alarm_on("AWS/SQS", metric, name)), 1)

    def test_every_function_is_watched(self) -> None:
        for name, function in each("AWS::Lambda::Function"):
            for metric in ("Errors", "Throttles", "Duration"):
                with self.subTest(name, metric=metric):
                    (alarm,) = self.alarm_on("AWS/Lambda", metric, name)
                    if metric == "Duration":
                        self.assertEqual(alarm["Threshold"], function["Timeout"] * 800)

    def test_every_function_has_logs_that_end(self) -> None:
        groups = dict(each("AWS::Logs::LogGroup"))
        functions = {f"/aws/lambda/{name}" for name, _ in each("AWS::Lambda::Function")}
        self.assertEqual(set(groups), functions)
        for name, group in groups.items():
            with self.subTest(name):
                self.assertGreater(group["RetentionInDays"], 0)

    def test_the_sweep_is_missed(self) -> None:
        alarm = self.alarms["reconcile-missing"]
        self.assertEqual(alarm["TreatMissingData"], "breaching")
        self.assertEqual(alarm["Dimensions"], [{"Name": "FunctionName", "Value": "redoubt-reconcile"}])

    def test_every_alarm_tells_the_topic_and_names_its_section_of_the_runbook(self) -> None:
        for name, alarm in self.alarms.items():
            with self.subTest(name):
                self.assertEqual(alarm["AlarmActions"], [PARAMETERS["AlarmTopicArn"]])
                self.assertEqual(alarm["OKActions"], [PARAMETERS["AlarmTopicArn"]])
                self.assertRegex(alarm["AlarmDescription"], r" See docs/runbook\.md#[a-z-]+$")

    def test_metrics_are_those_that_are_written(self) -> None:
        source = (REPOSITORY / "shared" / "aws" / "src" / "metrics.rs").read_text()
        written = set(re.findall(r'Self::\w+ => "([A-Z]\w+)"', source.split("pub fn unit")[0]))
        self.assertIn('NAMESPACE: &str = "Redoubt"', source)
        watched = {alarm["MetricName"] for alarm in self.alarms.values() if alarm["Namespace"] == "Redoubt"}
        self.assertTrue(watched)
        self.assertLessEqual(watched, written)
        ((_, dashboard),) = each("AWS::CloudWatch::Dashboard")
        shown = {
            metric[1]
            for widget in dashboard["DashboardBody"]["widgets"]
            for metric in widget["properties"]["metrics"]
            if metric[0] == "Redoubt"
        }
        self.assertEqual(shown, written)

    def test_the_dashboard_shows_what_there_is(self) -> None:
        known = {name for kind in ("AWS::SQS::Queue", "AWS::Lambda::Function") for name, _ in each(kind)} | {"redoubt"}
        ((_, dashboard),) = each("AWS::CloudWatch::Dashboard")
        for widget in dashboard["DashboardBody"]["widgets"]:
            for metric in widget["properties"]["metrics"]:
                with self.subTest(widget["properties"]["title"], metric=metric):
                    self.assertIn(metric[3], known)


class Parameters(unittest.TestCase):
    def test_each_is_described_and_in_a_group(self) -> None:
        source = yaml_parse(SAM.read_text())
        groups = source["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
        grouped = [name for group in groups for name in group["Parameters"]]
        self.assertEqual(sorted(grouped), sorted(source["Parameters"]))
        for name, parameter in source["Parameters"].items():
            with self.subTest(name):
                self.assertGreater(len(parameter["Description"]), 20)


if __name__ == "__main__":
    unittest.main()
