#!/usr/bin/env python3
"""A Lambda function for tests of the stand-in: what it does is told by the name of the external function.

It keeps every request in the file that FAKE_LAMBDA_LOG names, one a line.
"""

import http.client
import json
import os
import sys

ROOT = "/2018-06-01/runtime"


def results(name, request):
    """The result of each row."""
    rows = request["arguments"]
    if name == "joined":
        return [None if row[0] is None else "|".join("~" if cell is None else str(cell) for cell in row) for row in rows]
    if name == "kinds":
        return [" ".join(f"{type(cell).__name__}:{cell}" for cell in row) for row in rows]
    if name == "who":
        return [f"{request['user']}@{request['database']}" for _ in rows]
    if name == "twice":
        return [None if row[0] is None else row[0] * 2 for row in rows]
    if name == "short":
        return [row[0] for row in rows][1:]
    if name == "long":
        return ["x" * 7_000_000] + ["" for _ in rows[1:]]
    return [row[0] if row else "nothing" for row in rows]


def reply(name, request):
    """What the function returns."""
    if name == "refuse":
        return json.dumps({"success": False, "error_msg": "row 2: no"})
    if name == "garbage":
        return "success"
    if name == "die":
        sys.exit(3)
    answer = {"success": True, "num_records": request["num_records"], "results": results(name, request)}
    if name == "written":
        answer["success"] = "true"
    return answer if name == "object" else json.dumps(answer)


def main():
    connection = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
    while True:
        connection.request("GET", f"{ROOT}/invocation/next")
        response = connection.getresponse()
        request = json.loads(response.read())
        place = f"{ROOT}/invocation/{response.headers['Lambda-Runtime-Aws-Request-Id']}"
        with open(os.environ["FAKE_LAMBDA_LOG"], "a") as log:
            log.write(json.dumps(request) + "\n")
        name = request["external_function"].split(".")[-1]
        if name == "raise":
            fault = {"errorType": "ValueError", "errorMessage": "it broke"}
            connection.request("POST", f"{place}/error", json.dumps(fault))
        else:
            connection.request("POST", f"{place}/response", json.dumps(reply(name, request)))
        connection.getresponse().read()


main()
