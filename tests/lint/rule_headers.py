"""Every header of the program compiles alone. A verdict is kept for as long as the header and what it includes of ours stay as they are.
The tests' own headers are left out: each has one or two readers, and they compile with it."""

import concurrent.futures
import hashlib
import json
import os
import pathlib
import subprocess

from rule_layering import INCLUDE
from tree import Finding


def check(tree):
    compiler = os.environ.get("CXX", "g++")
    cache_path = os.environ.get("PENSTOCK_LINT_CACHE")
    cache = load(cache_path)
    digests = {path: digest(tree, path, compiler) for path in tree.files(".h") if not path.startswith("tests/")}
    unknown = [path for path, value in digests.items() if cache.get(path) != value]

    findings = []
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for path, error in zip(unknown, pool.map(lambda path: compile_alone(tree, path, compiler), unknown)):
            if error is None:
                cache[path] = digests[path]
            else:
                findings.append(Finding(path, 1, "does not compile alone: " + error))
    if cache_path:
        pathlib.Path(cache_path).write_text(json.dumps(cache))
    return findings


def load(cache_path):
    try:
        return json.loads(pathlib.Path(cache_path).read_text())
    except (TypeError, OSError, ValueError):
        return {}


def digest(tree, path, compiler):
    """Of everything of ours that the header sees."""
    seen, todo, total = set(), [path], hashlib.sha256(compiler.encode())
    while todo:
        current = todo.pop()
        if current in seen or not tree.exists(current):
            continue
        seen.add(current)
        for _, text in tree.lines(current):
            match = INCLUDE.match(text)
            if match and match.group(1) == '"':
                todo.append(match.group(2))
    for name in sorted(seen):
        total.update(name.encode() + b"\0" + tree.read(name).encode() + b"\0")
    return total.hexdigest()


def compile_alone(tree, path, compiler):
    """The first line of the compiler's complaint, or None."""
    command = [compiler, "-std=c++20", "-fsyntax-only", "-Wall", "-Wextra", "-Werror", "-Wno-missing-field-initializers", "-I."]
    if "clang" not in compiler:
        command.append("-fcoroutines")
    done = subprocess.run(command + ["-x", "c++", "-"], input=f'#include "{path}"\n', cwd=tree.root,
                          stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode == 0:
        return None
    errors = [line for line in done.stderr.splitlines() if "error:" in line]
    return (errors or done.stderr.splitlines() or ["no message"])[0]
