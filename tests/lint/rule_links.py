"""Relative links in documents lead to a file, and to a heading where they name one."""

import posixpath
import re

from tree import Finding

LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)(?:\s+\"[^\"]*\")?\)")
HEADING = re.compile(r"^#+\s+(.*?)\s*#*$")


def check(tree):
    findings = []
    for path in tree.files(".md"):
        for number, target in links(tree, path):
            message = judge(tree, path, target)
            if message:
                findings.append(Finding(path, number, message))
    return findings


def links(tree, path):
    fenced = False
    for number, text in tree.lines(path):
        if text.lstrip().startswith("```"):
            fenced = not fenced
        if not fenced:
            for match in LINK.finditer(re.sub(r"`[^`]*`", "", text)):
                yield number, match.group(1)


def judge(tree, path, target):
    if re.match(r"[a-z][a-z0-9+.-]*:", target):
        return None
    file, _, anchor = target.partition("#")
    other = posixpath.normpath(posixpath.join(posixpath.dirname(path), file)) if file else path
    if not tree.exists(other):
        return f"{target}: there is no {other}"
    if anchor and other.endswith(".md") and anchor not in anchors(tree, other):
        return f"{target}: {other} has no such heading"
    return None


def anchors(tree, path):
    """As GitHub makes them."""
    found = set()
    for _, text in tree.lines(path):
        match = HEADING.match(text)
        if match:
            plain = re.sub(r"[^\w\- ]", "", match.group(1).lower())
            found.add(plain.replace(" ", "-"))
    return found
