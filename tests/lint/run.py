"""Runs the rules named on the command line, or all of them, over the repository."""

import importlib
import pathlib
import sys

import tree

RULES = ["layering", "headers", "coroutines", "links", "metrics", "proofs", "operations", "length", "words", "format"]


def main(names):
    ours = tree.Tree(pathlib.Path(__file__).resolve().parents[2])
    count = 0
    for name in names or RULES:
        findings = importlib.import_module("rule_" + name).check(ours)
        for finding in sorted(findings):
            print(f"{finding} [{name}]")
        count += len(findings)
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
