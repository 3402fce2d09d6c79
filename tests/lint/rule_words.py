"""No unfinished business in the text; tests that neither sleep nor are switched off."""

import re

from tree import Finding

UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
SLEEP = re.compile(r"\b(sleep_for|sleep_until|usleep|nanosleep|time\.sleep)\b|\bsleep\s*\(\s*\d|^\s*sleep \d")
OFF = re.compile(r"\bGTEST_SKIP\b|\bDISABLED_|\bit\.skip\b|\btest\.skip\b|@unittest\.skip\b")

# The one place that may pause between two looks at a condition, and the disk that takes its time.
POLLS = {"tests/e2e/harness/waiting.py", "tests/slow_disk/slow_disk.cc"}


def check(tree):
    findings = []
    for path in tree.files(".cc", ".h", ".py", ".js", ".mjs", ".ts", ".txt", ".cmake", ".sh", ".md"):
        if path.startswith("tests/lint/"):
            continue
        for number, text in tree.lines(path):
            message = judge(path, text)
            if message:
                findings.append(Finding(path, number, message))
    return findings


def judge(path, text):
    word = UNFINISHED.search(text)
    if word:
        return f"{word.group(1)}: finish it, or write an issue"
    if path.startswith("tests/") and path not in POLLS and SLEEP.search(text):
        return "a test waits for a condition, not for time"
    if path.startswith("tests/") and OFF.search(text):
        return "a test that is switched off proves nothing"
    return None
