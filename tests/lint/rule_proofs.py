"""A test that a document names as proof is in the test file that it names with it."""

import posixpath
import re

from tree import Finding

DOCUMENT = "docs/compatibility.md"
LINK = re.compile(r"\]\(([^)\s]+_test\.(?:py|cc))\)")
NAME = re.compile(r"`(test_\w+)`")


def check(tree):
    if not tree.exists(DOCUMENT):
        return []
    findings, file = [], None
    for number, text in tree.lines(DOCUMENT):
        for match in re.finditer(f"{LINK.pattern}|{NAME.pattern}", text):
            if match.group(1):
                file = posixpath.normpath(posixpath.join(posixpath.dirname(DOCUMENT), match.group(1)))
            elif not file or not tree.exists(file) or not defines(tree, file, match.group(2)):
                findings.append(Finding(DOCUMENT, number, f"{file or 'no file'} has no {match.group(2)}"))
    return findings


def defines(tree, file, name):
    return any(re.match(rf"\s*def {name}\(", text) for _, text in tree.lines(file))
