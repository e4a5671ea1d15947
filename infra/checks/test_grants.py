"""Everything that a function uses is granted to its role, and nothing else: in the SAM template and in what CDK synthesises."""

from __future__ import annotations

import copy
import unittest
from collections.abc import Callable, Iterator

import rust
from resolve import Resources
from templates import REPOSITORY, from_cdk, from_sam
from uses import Function, Grant, granted

TEMPLATES: dict[str, Callable[[], Resources]] = {"SAM": from_sam, "CDK": from_cdk}
FUNCTION = "AWS::Lambda::Function redoubt-"


def functions(resources: Resources) -> list[Function]:
    return [Function(name.removeprefix(FUNCTION), resources) for name in resources if name.startswith(FUNCTION)]


def roles(resources: Resources) -> dict[str, list[Function]]:
    """The functions of each role."""
    found: dict[str, list[Function]] = {name: [] for name in resources if name.startswith("AWS::IAM::Role ")}
    for function in functions(resources):
        description = function.properties["Role"].split(":", 5)[-1]
        found[f"AWS::IAM::Role {description}"].append(function)
    return found


def faults(resources: Resources, needed: dict[str, set[Grant]]) -> list[str]:
    """What is granted and not used, and what is used and not granted."""
    found = []
    for role, needs in needed.items():
        grants = granted(resources, role)
        found += [f"{role}: {' '.join(grant)} is granted and not used" for grant in sorted(grants - needs)]
        found += [f"{role}: {' '.join(grant)} is used and not granted" for grant in sorted(needs - grants)]
    return found


def needed(resources: Resources) -> dict[str, set[Grant]]:
    every = {role: [function.needs() for function in members] for role, members in roles(resources).items()}
    return {role: set().union(*needs) for role, needs in every.items()}


def mutations(resources: Resources) -> Iterator[tuple[str, Resources]]:
    """The template with one grant wrong: each statement, action and resource in turn."""
    for role in roles(resources):
        for p, policy in enumerate(resources[role]["Properties"]["Policies"]):
            for s, statement in enumerate(policy["PolicyDocument"]["Statement"]):
                where = f"{role} {statement['Sid']}"

                def changed(**fields: object) -> Resources:
                    # The rest is only read, so one role is enough to be copied.
                    mutated = {**resources, role: copy.deepcopy(resources[role])}
                    mutated[role]["Properties"]["Policies"][p]["PolicyDocument"]["Statement"][s].update(fields)
                    return mutated

                service = statement["Action"][0].split(":")[0]
                yield f"{where}: one more action", changed(Action=[*statement["Action"], f"{service}:TagResource"])
                yield f"{where}: every action", changed(Action=[f"{service}:*"])
                for action in statement["Action"]:
                    rest = [each for each in statement["Action"] if each != action]
                    yield f"{where}: without {action}", changed(Action=rest)
                if statement["Resource"] != ["*"]:
                    yield f"{where}: everywhere", changed(Resource=["*"])
                    for resource in statement["Resource"]:
                        rest = [each for each in statement["Resource"] if each != resource]
                        yield f"{where}: without {resource}", changed(Resource=rest)
                        wider = ":".join([*resource.split(":")[:5], "*"])
                        yield f"{where}: wider than {resource}", changed(Resource=[*rest, wider])
                if statement["Condition"]:
                    yield f"{where}: without its condition", changed(Condition={})


class Grants(unittest.TestCase):
    maxDiff = None

    def test_what_is_used_is_granted_and_nothing_else(self) -> None:
        for name, template in TEMPLATES.items():
            with self.subTest(name):
                self.assertEqual(faults(template(), needed(template())), [])

    def test_every_role_is_some_functions(self) -> None:
        for name, template in TEMPLATES.items():
            for role, members in roles(template()).items():
                with self.subTest(name, role=role):
                    self.assertTrue(members)

    def test_one_wrong_grant_is_noticed(self) -> None:
        resources = from_sam()
        needs = needed(resources)
        count = 0
        for what, mutated in mutations(resources):
            count += 1
            self.assertNotEqual(faults(mutated, needs), [], what)
        self.assertGreater(count, 100)

    def test_one_more_use_is_noticed(self) -> None:
        resources = from_sam()
        for use in ("dynamodb:Scan", "redshift-data:CancelStatement", "redshift-data:ListStatements"):
            for role, members in roles(resources).items():
                with self.subTest(use, role=role):
                    if use in members[0].actions:
                        continue
                    members[0].actions = members[0].actions | {use}
                    try:
                        needs = set().union(*(member.needs() for member in members))
                    except Exception as error:
                        self.assertIn(use, str(error))
                    else:
                        self.assertNotEqual(faults(resources, {role: needs}), [])

    def test_wildcards_are_for_what_knows_no_resource(self) -> None:
        for name, template in TEMPLATES.items():
            for role in roles(template()):
                for action, resource, _ in granted(template(), role):
                    with self.subTest(name, role=role, action=action):
                        if resource == "*":
                            self.assertTrue(action.startswith("redshift-data:"), action)

    def test_only_the_integration_function_reads_credentials_of_setup_accounts(self) -> None:
        readers = {function.name for function in functions(from_sam()) if function.uses_setup_account}
        self.assertEqual(readers, {"integration"})


class Variables(unittest.TestCase):
    def test_a_function_knows_the_queues_that_it_sends_to_and_its_own(self) -> None:
        for template in TEMPLATES.values():
            for function in functions(template()):
                with self.subTest(function.name):
                    urls = {name: url for name, url in function.variables.items() if name.endswith("_QUEUE_URL")}
                    known = {url.rsplit("/", 1)[-1].removeprefix("redoubt-") for url in urls.values()}
                    own = {function.name} if function.is_worker else set()
                    self.assertEqual(known, function.sends_to | own)
                    for name, url in urls.items():
                        queue = url.rsplit("/", 1)[-1].removeprefix("redoubt-").removeprefix(f"{function.name}-dead")
                        expected = "dead-letter" if queue == "-letter" else queue
                        self.assertEqual(name, f"REDOUBT_{expected.replace('-', '_').upper()}_QUEUE_URL")

    def test_every_variable_is_known_to_the_program(self) -> None:
        for function in functions(from_sam()):
            content = function.program.read_bytes()
            for name in function.variables:
                with self.subTest(function.name, variable=name):
                    self.assertIn(name.encode(), content)


class Reading(unittest.TestCase):
    """How the source is read, by cases that are known."""

    def test_who_sends_where(self) -> None:
        every = {"data-source", "user", "policy"}
        known = {"policy": {"data-source"}, "user": {"data-source"}, "outcome": every, "integration": every}
        for function in functions(from_sam()):
            if function.name in known:
                with self.subTest(function.name):
                    self.assertEqual(function.sends_to - {f"{function.name}-dead-letter", function.name}, known[function.name])

    def test_what_a_program_lacks_does_not_count(self) -> None:
        programs = {each.name: each.program for each in functions(from_sam()) if each.is_worker}
        source = rust.Source(REPOSITORY)
        names = {name: {(each.module, each.name) for each in source.linked(path)} for name, path in programs.items()}
        self.assertIn(("reach", "park"), names["policy"])
        self.assertNotIn(("reach", "wake"), names["policy"])
        self.assertIn(("reach", "wake"), names["reconcile"])

    def test_tests_comments_and_texts_do_not_count(self) -> None:
        text = 'fn a() { b(); } // c()\n#[cfg(test)]\nmod tests { fn d() { "x}"; } }\nfn e(x: [u8; 2]) { "f()" }'
        found = {each.name: each.body for each in rust.functions("m", rust.production(text))}
        self.assertEqual(sorted(found), ["a", "e"])
        self.assertNotIn("f()", found["e"])


if __name__ == "__main__":
    unittest.main()
