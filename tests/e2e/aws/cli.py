"""Debian's aws as it is, without the second that each start of it takes: cli.py runs the program /usr/bin/aws in a process of its own for each line
of standard input, {"words", "out", "err"}: its arguments and the files for what it prints. The answer is a line with its exit code."""

import json
import os
import runpy
import sys

# What every start would load again. None of it has state of a command.
import awscli.clidriver  # noqa: F401
import awscli.handlers  # noqa: F401
import botocore.client  # noqa: F401
import botocore.httpsession  # noqa: F401


def run(words, out, err):
    for name, descriptor in ((out, 1), (err, 2)):
        os.dup2(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), descriptor)
    sys.argv = ["/usr/bin/aws", *words]
    code = 1
    try:
        runpy.run_path(sys.argv[0], run_name="__main__")
    except SystemExit as end:
        code = end.code
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code or 0)


for line in sys.stdin:
    child = os.fork()
    if child == 0:
        run(**json.loads(line))
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
