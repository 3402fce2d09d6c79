"""A metric that documents, dashboards or alerts name is one that the server has."""

import re

from tree import Finding

NAME = re.compile(r"\bpenstock_[a-z0-9_]+")
# What a histogram's lines have behind its name.
SUFFIX = re.compile(r"_(bucket|sum|count)$")


def check(tree):
    known = {name for path in tree.files(".cc", ".h") if not path.startswith("tests/") for _, text in tree.lines(path) for name in NAME.findall(text)}
    findings = []
    for path in tree.files(".md", ".json", ".yaml"):
        if not path.startswith(("docs/", "docker/")):
            continue
        for number, text in tree.lines(path):
            for name in NAME.findall(text):
                if name not in known and SUFFIX.sub("", name) not in known:
                    findings.append(Finding(path, number, f"there is no metric {name}"))
    return findings
