#!/usr/bin/env python3
"""Proves that the store's tests can fail: applies each mutation to a copy of the tree and expects the named tests to notice.

A mutation is a patch in this folder with a header of its own:

    Breaks: the promise that it breaks, in words
    Caught-by: <test program> [arguments]      (one or more, tried in order until one fails)
    Env: NAME=value                            (optional, any number)

It counts as caught if one of these programs says which of its tests failed. It is an error if a patch no longer applies, if what it
gives does not compile, if a program crashes or hangs without a failed test, if every test passes, or if any fails without a mutation.
"""

import argparse
import contextlib
import fcntl
import hashlib
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
SOURCE = HERE.parents[1]
TEST_SECONDS_MAX = 240


class Failure(Exception):
    """Why a mutation does not count as caught."""


class Mutation:
    def __init__(self, path):
        self.path = path
        self.name = path.stem
        self.breaks, self.commands, self.env = "", [], {}
        header, _, patch = path.read_text().partition("diff --git ")
        for line in header.splitlines():
            key, _, value = line.partition(": ")
            if key == "Breaks":
                self.breaks = value
            elif key == "Caught-by":
                self.commands.append(tuple(shlex.split(value)))
            elif key == "Env":
                name, _, text = value.partition("=")
                self.env[name] = text
        self.files = re.findall(r"^\+\+\+ b/(\S+)", patch, re.MULTILINE)
        if not (self.breaks and self.commands and self.files):
            sys.exit(f"{path}: needs Breaks, Caught-by and a patch")


def run(command, **options):
    return subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          errors="replace", **options)


class Tree:
    """A copy of the working tree: what git knows of, and what it would not ignore. Files that are the same keep their time, so that a
    second run builds next to nothing."""

    def __init__(self, folder):
        self.folder = folder
        listed = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=SOURCE, check=True,
                                stdout=subprocess.PIPE, text=True)
        self.files = {name for name in listed.stdout.split("\0") if name and (SOURCE / name).is_file()}

    def copy(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        for folder, folders, files in os.walk(self.folder):
            if folder == str(self.folder) and "build" in folders:
                folders.remove("build")
            for name in files:
                path = pathlib.Path(folder, name)
                if str(path.relative_to(self.folder)) not in self.files:
                    path.unlink()
        for name in self.files:
            self.restore(name)

    def restore(self, name):
        source, copy = SOURCE / name, self.folder / name
        if copy.exists() and copy.read_bytes() == source.read_bytes():
            return
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, copy)
        shutil.copymode(source, copy)

    @contextlib.contextmanager
    def mutated(self, mutation):
        # Not as a part of the repository around it, or git would silently skip what that ignores.
        env = {**os.environ, "GIT_CEILING_DIRECTORIES": str(self.folder.parent)}
        try:
            done = run(["git", "apply", "-p1", mutation.path], cwd=self.folder, env=env)
            if done.returncode != 0:
                raise Failure(f"does not apply any more: make it again from the code as it is\n{done.stdout}")
            for name in mutation.files:
                if (self.folder / name).read_bytes() == (SOURCE / name).read_bytes():
                    raise Failure(f"applies and changes nothing in {name}")
            yield
        finally:
            for name in mutation.files:
                self.restore(name)


class Build:
    def __init__(self, tree, preset, jobs):
        self.tree, self.preset, self.jobs = tree, preset, jobs
        self.programs = {}  # by their digest: from which sources
        self.folder = tree.folder / "build" / preset
        # Relative to the copy every command is that of the same preset in the tree, whose objects are then found in the cache.
        self.env = {**os.environ, "CCACHE_BASEDIR": str(tree.folder), "CCACHE_NOHASHDIR": "1",
                    "CCACHE_SLOPPINESS": "pch_defines,time_macros,include_file_mtime,include_file_ctime"}

    def configure(self):
        self._run(["cmake", "--preset", self.preset])

    def build(self, commands):
        self._run(["cmake", "--build", self.folder, "-j", self.jobs, "--target", *sorted({command[0] for command in commands})])

    def _run(self, command):
        done = run(command, cwd=self.tree.folder, env=self.env)
        if done.returncode != 0:
            raise Failure(f"does not build: {shlex.join(map(str, command))}\n{done.stdout[-6000:]}")

    def new_programs(self, commands, source):
        """Nothing is proven by a program that was made from other sources than one thinks."""
        for name in sorted({command[0] for command in commands}):
            digest = hashlib.sha256((self.folder / "bin" / name).read_bytes()).digest()
            if self.programs.setdefault(digest, source) != source:
                raise Failure(f"{name} is the same program as {self.programs[digest]}")

    def test(self, command, env):
        """The names of the tests that failed; none if all passed."""
        program = self.folder / "bin" / command[0]
        try:
            done = run([program, *command[1:], "--gtest_color=no"], cwd=self.tree.folder, env={**os.environ, **env},
                       timeout=TEST_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            raise Failure(f"{shlex.join(command)} hangs") from None
        # A filter that selects nothing passes, too, and would prove nothing.
        if not re.search(r"^\[==========\] Running [1-9]", done.stdout, re.MULTILINE):
            raise Failure(f"{shlex.join(command)} runs no test\n{done.stdout[-2000:]}")
        failed = sorted(set(re.findall(r"^\[  FAILED  \] (\w\S*\.[^\s,]+)", done.stdout, re.MULTILINE)))
        if done.returncode != 0 and not failed:
            raise Failure(f"{shlex.join(command)} dies with {done.returncode}, and no test says why\n{done.stdout[-3000:]}")
        return failed


def catch(mutation, tree, build):
    with tree.mutated(mutation):
        build.build(mutation.commands)
        build.new_programs(mutation.commands, mutation.name)
        for command in mutation.commands:
            if failed := build.test(command, mutation.env):
                return failed
    raise Failure("SURVIVES: every test passes")


def prove(mutations, tree, build):
    tree.copy()
    build.configure()
    commands = [command for mutation in mutations for command in mutation.commands]
    build.build(commands)
    build.new_programs(commands, "the one without a mutation")
    # A test that fails anyway would notice everything.
    for command, env in sorted({(command, tuple(mutation.env.items())) for mutation in mutations for command in mutation.commands}):
        start = time.monotonic()
        if failed := build.test(command, dict(env)):
            raise Failure(f"without any mutation {shlex.join(command)} fails: {', '.join(failed)}")
        print(f"passes as it is: {shlex.join(command)} ({time.monotonic() - start:.0f} s)", flush=True)

    missed = 0
    for mutation in mutations:
        start = time.monotonic()
        try:
            by, verdict = catch(mutation, tree, build), "caught"
        except Failure as failure:
            by, verdict = [str(failure)], "NOT CAUGHT"
            missed += 1
        print(f"{verdict} {mutation.name}: {mutation.breaks} ({time.monotonic() - start:.0f} s)\n    {', '.join(by)}", flush=True)
    print(f"{len(mutations) - missed} of {len(mutations)} mutations caught")
    return missed == 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=pathlib.Path, default=SOURCE / "build/mutations", help="a folder that is kept between runs")
    parser.add_argument("--only", action="append", default=[], metavar="NAME", help="this mutation; may be repeated")
    parser.add_argument("--except", action="append", default=[], metavar="NAME", dest="others", help="all but this one; may be repeated")
    parser.add_argument("--preset", default="dev", help="one whose build without a mutation is in the compiler cache is quickest")
    parser.add_argument("-j", "--jobs", type=int, default=os.cpu_count())
    options = parser.parse_args()
    mutations = [Mutation(path) for path in sorted(HERE.glob("*.patch"))]
    if unknown := {*options.only, *options.others} - {mutation.name for mutation in mutations}:
        sys.exit(f"no such mutation: {', '.join(sorted(unknown))}")
    chosen = [mutation for mutation in mutations
              if (not options.only or mutation.name in options.only) and mutation.name not in options.others]

    work = options.work.resolve()
    work.mkdir(parents=True, exist_ok=True)
    with open(work / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        tree = Tree(work / "tree")
        try:
            return 0 if prove(chosen, tree, Build(tree, options.preset, options.jobs)) else 1
        except Failure as failure:
            sys.exit(str(failure))


if __name__ == "__main__":
    sys.exit(main())
