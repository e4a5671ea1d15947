"""Has checkov look at a template and compares what it finds with the exceptions that are justified in exceptions.yaml."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import yaml

HERE = Path(__file__).resolve().parent


def main() -> int:
    checkov, template = sys.argv[1:]
    command = [checkov, "--file", template, "--framework", "cloudformation", "--output", "json", "--quiet", "--skip-download"]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        report = json.loads(ran.stdout)
        passed, failed = report["summary"]["passed"], report["results"]["failed_checks"]
    except (ValueError, KeyError, TypeError):
        print(f"checkov gave no report:\n{ran.stdout[-2000:]}\n{ran.stderr[-2000:]}", file=sys.stderr)
        return 1
    if report["summary"]["parsing_errors"] or passed < 50:
        print(f"checkov understood too little of {template}: {report['summary']}", file=sys.stderr)
        return 1
    found = {(each["check_id"], plain(each["resource"])): each["check_name"] for each in failed}
    kind = "cdk" if template.endswith(".json") else "sam"
    allowed = {
        (exception["check"], resource)
        for exception in yaml.safe_load((HERE / "exceptions.yaml").read_text())
        for resource in exception["resources"]
        if exception["reason"].strip() and exception.get("only", kind) == kind
    }
    unexpected = sorted((each, name) for each, name in found.items() if each not in allowed)
    faults = [f"{check} {resource}: {name}" for (check, resource), name in unexpected]
    faults += [f"{check} {resource}: an exception that finds nothing" for check, resource in sorted(allowed - found.keys())]
    for fault in faults:
        print(f"{template}: {fault}", file=sys.stderr)
    if not faults:
        print(f"checkov {Path(template).name}: {passed} passed, {len(found)} exceptions, each justified")
    return 1 if faults else 0


def plain(resource: str) -> str:
    """The name that a resource has in infra/template.yaml: CDK puts that of the construct before and a digest behind it."""
    return re.sub(r"^Redoubt(\w+?)[0-9A-F]{8}$", r"\1", resource.rsplit(".", 1)[-1])


if __name__ == "__main__":
    sys.exit(main())
