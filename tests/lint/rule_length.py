"""A file past 450 lines is two ideas in one room."""

from tree import Finding

LINES_MAX = 450


def check(tree):
    findings = []
    for path in tree.files(".cc", ".h", ".py", ".js", ".mjs", ".ts", ".css", ".sh"):
        count = len(tree.read(path).splitlines())
        if count > LINES_MAX:
            findings.append(Finding(path, count, f"{count} lines; divide it ({LINES_MAX} at most)"))
    return findings
