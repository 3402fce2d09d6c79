"""Amazon's own clients behind one way to ask: call(operation, **input) gives the answer, times as seconds since 1970, payloads read whole, or
raises Refused. `operations` is what the client knows of the three services, `asked` what it was asked for and answered."""

import base64
import datetime
import json
import os
import pathlib
import re
import subprocess
import tempfile

import boto3
import botocore
import botocore.config
import botocore.exceptions

from harness import programs

FOLDER = programs.ROOT / "tests/e2e/aws"
SERVICES = ("kinesisvideo", "kinesis-video-media", "kinesis-video-archived-media")
KEYS = {"AWS_ACCESS_KEY_ID": "any", "AWS_SECRET_ACCESS_KEY": "any", "AWS_DEFAULT_REGION": "eu-west-1", "AWS_REGION": "eu-west-1",
        "AWS_MAX_ATTEMPTS": "1", "AWS_PAGER": "", "AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED": "true"}


class Refused(Exception):
    def __init__(self, name, status):
        super().__init__(name, status)
        self.name, self.status = name, status  # None where the client does not tell it


def plain(value):
    """Times as numbers, however a client writes them."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items() if key != "ResponseMetadata"}
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, datetime.datetime):
        return value.timestamp()
    if isinstance(value, str) and re.match(r"\d{4}-\d\d-\d\dT[\d:.]+[-+]\d\d:\d\d$", value):
        return datetime.datetime.fromisoformat(value).timestamp()
    return value


class Client:
    def __init__(self):
        self.operations = {}  # name: service
        self.asked = set()

    def knows(self, operation):
        return operation in self.operations

    def call(self, operation, **arguments):
        answer = plain(self.ask(self.operations[operation], operation, arguments))
        self.asked.add(operation)
        return answer

    def close(self):
        pass


class Boto3(Client):
    def __init__(self, endpoint):
        super().__init__()
        self.clients = {service: boto3.client(service, endpoint_url=endpoint, region_name="eu-west-1", aws_access_key_id="any",
                                              aws_secret_access_key="any", config=botocore.config.Config(retries={"max_attempts": 0}))
                        for service in SERVICES}
        self.operations = {name: service for service, client in self.clients.items() for name in client.meta.service_model.operation_names}

    def ask(self, service, operation, arguments):
        try:
            answer = getattr(self.clients[service], botocore.xform_name(operation))(**arguments)
        except botocore.exceptions.ClientError as error:
            raise Refused(error.response["Error"]["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"]) from None
        if "Payload" in answer:
            answer["Payload"] = answer["Payload"].read()
        return answer

    def close(self):
        for client in self.clients.values():
            client.close()


class AwsCli(Client):
    """Debian's aws: each call is a process of its own; what an answer streams goes to a file."""

    def __init__(self, endpoint, operations):
        super().__init__()
        self.endpoint = endpoint
        self.process = subprocess.Popen(["/usr/bin/python3", FOLDER / "cli.py"], env={**os.environ, **KEYS}, text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        names = {botocore.xform_name(name, "-"): name for name in operations}
        for service in SERVICES:
            offered = self.run(service, "none")[2].partition("valid choices are:")[2]
            self.operations |= {names[word]: service for word in re.findall(r"[a-z][a-z-]+", offered) if word in names}

    def run(self, *words):
        """(exit code, standard output, standard error)"""
        with tempfile.TemporaryDirectory() as folder:
            out, err = (pathlib.Path(folder, name) for name in ("out", "err"))
            words = ["--endpoint-url", self.endpoint, "--output", "json", *words]
            self.process.stdin.write(json.dumps({"words": words, "out": str(out), "err": str(err)}) + "\n")
            self.process.stdin.flush()
            return int(self.process.stdout.readline()), out.read_text(), err.read_text()

    def ask(self, service, operation, arguments):
        with tempfile.TemporaryDirectory() as folder:
            streams = operation in ("GetMedia", "GetMediaForFragmentList", "GetClip")
            payload = pathlib.Path(folder, "payload")
            words = [service, botocore.xform_name(operation, "-"), *[str(payload)] * streams]
            for name, value in arguments.items():
                words += ["--" + botocore.xform_name(name, "-"), value if isinstance(value, str) else json.dumps(value)]
            code, out, err = self.run(*words)
            if code != 0:
                refused = re.search(r"An error occurred \((\w+)\) when calling the (\w+) operation", err)
                assert refused and refused[2] == operation, (words, err)
                raise Refused(refused[1], None)
            answer = json.loads(out or "{}")
            return {**answer, "Payload": payload.read_bytes()} if streams else answer

    def close(self):
        end(self.process)


def end(process):
    process.kill()
    process.wait(30)
    process.stdin.close()
    process.stdout.close()


class JavaScript(Client):
    """The SDK for JavaScript in one process of Node."""

    def __init__(self, endpoint):
        super().__init__()
        if not (FOLDER / "node_modules/@aws-sdk").exists():
            programs.run(programs.ROOT / "scripts/web_packages", "tests/e2e/aws", seconds=120)
        self.process = subprocess.Popen([programs.foreign("node"), "call.mjs", endpoint], cwd=FOLDER, env={**os.environ, **KEYS}, text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.operations = {name: service for service, names in self.line().items() for name in names}
        self.spread = {}  # of each operation's last payload, in s from its first bytes to its end

    def line(self):
        line = self.process.stdout.readline()
        assert line, "node has ended; it says why above"
        return json.loads(line)

    def ask(self, service, operation, arguments):
        self.process.stdin.write(json.dumps({"service": service, "operation": operation, "input": arguments}) + "\n")
        self.process.stdin.flush()
        said = self.line()
        if "error" in said:
            assert said.get("status"), said
            raise Refused(said["error"], said["status"])
        answer = said["answer"]
        if "Payload" in answer:
            self.spread[operation] = answer["Payload"]["spread"] / 1000
            answer["Payload"] = base64.b64decode(answer["Payload"]["base64"])
        return answer

    def close(self):
        end(self.process)
