"""The table of docs/compatibility.md has one row for each of Amazon's operations that the server has, without empty fields, and each
row names a test."""

import re

from tree import Finding

DOCUMENT = "docs/compatibility.md"
FOLDER = "server/operations/video/"
HEADING = "## Amazon Kinesis Video Streams"
OPERATION = re.compile(r'\bconst Operation k\w+\{\s*"(\w+)"')
ROW = re.compile(r"\| (\w+) \|")
EMPTY = re.compile(r"\|\s*\|")
PROOF = re.compile(r"_test\.(?:py|cc)\).*`test_\w+`")


def check(tree):
    if not tree.exists(DOCUMENT):
        return []
    served = {name for path in tree.files(".cc") if path.startswith(FOLDER) for name in OPERATION.findall(tree.read(path))}
    findings, seen, inside, heading = [], set(), False, 1
    for number, text in tree.lines(DOCUMENT):
        if text.startswith("## "):
            inside = text == HEADING
            heading = number if inside else heading
        match = ROW.match(text) if inside else None
        if not match or match.group(1) == "operation":
            continue
        name = match.group(1)
        if name not in served:
            findings.append(Finding(DOCUMENT, number, f"no operation of {FOLDER} is called {name}"))
        if name in seen:
            findings.append(Finding(DOCUMENT, number, f"{name} has a row already"))
        if EMPTY.search(text):
            findings.append(Finding(DOCUMENT, number, f"{name} has an empty field"))
        if not PROOF.search(text):
            findings.append(Finding(DOCUMENT, number, f"{name} has no proof: link the test's file and name the test"))
        seen.add(name)
    return findings + [Finding(DOCUMENT, heading, f"{name} has no row in the table") for name in sorted(served - seen)]
