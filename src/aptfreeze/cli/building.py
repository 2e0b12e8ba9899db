# SPDX-License-Identifier: MIT
"""Verbs that builds are made with: run, serve, init."""

import argparse
import asyncio
import os
from contextlib import nullcontext
from pathlib import Path

from aptfreeze.cli.printing import print_data
from aptfreeze.cli.verb import Verb, add_json_flag, add_locked_flag, add_offline_flag
from aptfreeze.describe.talk import Talk
from aptfreeze.environment.opened import Opened
from aptfreeze.errors import UsageError


def _add_freezing_flags(parser: argparse.ArgumentParser) -> None:
    add_locked_flag(parser)
    add_offline_flag(parser)
    parser.add_argument(
        "--access-log", metavar="FILE", help="append a line for each answer: time, method, target, status, bytes"
    )


def _run_flags(parser: argparse.ArgumentParser) -> None:
    parser.usage = "aptfreeze run [FLAG...] -- COMMAND [ARG...]"
    _add_freezing_flags(parser)
    parser.add_argument("--json", metavar="FILE", help="write the summary as data to FILE")
    parser.add_argument(
        "--isolate", action="store_true", help="give COMMAND no IP network but the proxy: a namespace of its own"
    )
    parser.add_argument(
        "--user",
        metavar="NAME",
        nargs="?",
        const="",
        help="with --isolate, as root: run all but the namespace as NAME (default: who called sudo)",
    )
    parser.add_argument("command", nargs=argparse.REMAINDER, metavar="-- COMMAND [ARG...]", help="what to run")


def _begin_run(options: argparse.Namespace) -> None:
    options.isolation = None
    if options.isolate:
        from aptfreeze.launch.isolate import isolate  # start-up time

        options.isolation = isolate(options.user, os.environ)
    elif options.user is not None:
        raise UsageError(
            "--user goes with --isolate only", hint="without it, run all of aptfreeze as that user: sudo -u"
        )


def _run(options: argparse.Namespace, opened: Opened, talk: Talk) -> int:
    from aptfreeze.verbs import run

    command = options.command[1:] if options.command[:1] == ["--"] else options.command
    if not command:
        raise UsageError("run needs a command", hint="aptfreeze run -- COMMAND [ARG...]")
    json_file = None if options.json is None else Path(options.json)
    run.check(command, os.environ, json_file)
    access_log = None if options.access_log is None else Path(options.access_log)
    show = talk.show if talk.shows_progress else None
    with options.isolation or nullcontext() as isolation:
        running = run.run(
            opened, command, os.environ, tell=talk.tell, show=show, access_log=access_log, isolation=isolation
        )
        summary = asyncio.run(running)
    for line in summary.lines():
        talk.tell(line)
    if json_file is not None:
        run.write_json(summary, json_file)
    return summary.exit_status


def _serve_flags(parser: argparse.ArgumentParser) -> None:
    _add_freezing_flags(parser)
    parser.add_argument(
        "--listen",
        metavar="ADDRESS:PORT",
        default="127.0.0.1:3142",
        help="where to listen; other addresses than loopback need [policy] serve or credentials; port 0 takes a free "
        "one (default: %(default)s)",
    )
    parser.add_argument(
        "--ready-file", metavar="FILE", help="write url, pid and generation as JSON to FILE once clients are served"
    )
    parser.add_argument("--watch-pid", metavar="PID", type=int, help="end when this process has ended")


def _serve(options: argparse.Namespace, opened: Opened, talk: Talk) -> int:
    from aptfreeze.verbs import serve

    address = serve.Address.parse(options.listen)
    ready_file = None if options.ready_file is None else Path(options.ready_file).absolute()
    access_log = None if options.access_log is None else Path(options.access_log)
    serving = serve.serve(
        opened,
        address,
        ready_file=ready_file,
        watched_pid=options.watch_pid,
        tell=talk.tell,
        show=talk.show if talk.shows_progress else None,
        access_log=access_log,
    )
    asyncio.run(serving)
    return 0


def _init(options: argparse.Namespace, opened: Opened, talk: Talk) -> int:
    from aptfreeze.verbs import init

    found = init.init(opened)
    if options.json:
        print_data(init.data(found))
    else:
        talk.tell(init.line(found))
    return 0


VERBS = (
    Verb(
        "run",
        "run a command behind a proxy that freezes what it fetches",
        "Run COMMAND with http_proxy and the rest that apt, debootstrap and mmdebstrap\n"
        "need, so that every apt repository it uses is frozen to the state in\n"
        "aptfreeze.lock. A suite never asked before is pinned; a summary ends the run.\n\n"
        "  aptfreeze run -- mmdebstrap --variant=minbase bookworm image.tar\n"
        "  aptfreeze run --locked --offline --json used.json -- ./build.sh\n"
        "  aptfreeze run --isolate --locked --offline -- ./build.sh\n\n"
        "Exit status: COMMAND's; 128+n if signal n ended it; 126, 127 if it cannot be\n"
        "executed or found; 125 for aptfreeze's own failures and verdicts, whatever\n"
        "COMMAND ended with.",
        _run_flags,
        _run,
        _begin_run,
    ),
    Verb(
        "serve",
        "the same proxy for one environment, in the foreground",
        "Serve one environment as an HTTP proxy until SIGTERM or SIGINT.\n\n"
        "  aptfreeze serve --listen 127.0.0.1:3142 &\n"
        "  http_proxy=http://127.0.0.1:3142 apt-get update",
        _serve_flags,
        _serve,
    ),
    Verb(
        "init",
        "make a lock file with an id and no pins",
        "Make aptfreeze.lock with a generation id and no pins, if there is none; run and\n"
        "serve do it by themselves.\n\n  aptfreeze init --env images/product",
        add_json_flag,
        _init,
    ),
)
