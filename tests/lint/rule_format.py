"""clang-format 14 would change nothing."""

import re
import shutil
import subprocess

from tree import Finding


def check(tree):
    program = shutil.which("clang-format-14")
    if program is None:
        return [Finding(".clang-format", 1, "clang-format-14 is not installed (packages/debian-12)")]
    files = tree.files(".cc", ".h")
    if not files:
        return []
    done = subprocess.run([program, "--dry-run", "--ferror-limit=1", *files], cwd=tree.root,
                          stderr=subprocess.PIPE, text=True, check=False)
    findings = {}
    for line in done.stderr.splitlines():
        match = re.match(r"(.+?):(\d+):\d+: .*clang-format-violations", line)
        if match:
            findings.setdefault(match.group(1), Finding(match.group(1), int(match.group(2)), "run clang-format-14 -i"))
    return list(findings.values())
