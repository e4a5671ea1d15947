"""Sends events from files to the queues of the running stack.

A file holds one event or a list of them; `${NAME}` in it is taken from the environment, so source `.local/env` first.
Usage: send.py FILE...
"""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path
from typing import Any

import boto3

QUEUES = {
    "policy": "POLICY",
    "data_source": "DATA_SOURCE",
    "user": "USER",
    "project": "USER",
    "integration": "INTEGRATION",
}


def variable(name: str) -> str:
    """A variable of the environment; a clear message where it is missing."""
    value = os.environ.get(name)
    if value is None:
        sys.exit(f"send.py: {name} is not set: run `make up`, then `. .local/env`")
    return value


def events(path: Path) -> list[dict[str, Any]]:
    """The events in a file."""
    try:
        text = re.sub(r"\$\{([A-Z0-9_]+)\}", lambda match: variable(match[1]), path.read_text("utf-8"))
        content = json.loads(text)
    except (OSError, ValueError) as error:
        sys.exit(f"send.py: {path}: {error}")
    return content if isinstance(content, list) else [content]


def main() -> None:
    """Sends each event to the queue of the function that takes it."""
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    sqs = boto3.client("sqs")
    for path in map(Path, sys.argv[1:]):
        for event in events(path):
            kind = str(event.get("type", "")).split(".")[0]
            if kind not in QUEUES:
                sys.exit(f"send.py: {path}: found type `{event.get('type')}`, expected one of events/event.schema.json")
            sqs.send_message(QueueUrl=variable(f"REDOUBT_{QUEUES[kind]}_QUEUE_URL"), MessageBody=json.dumps(event))
            print(f"sent {event['type']}")


if __name__ == "__main__":
    main()
