"""`modelpack dev`."""

from __future__ import annotations

import argparse

from modelpack.cli.project import config_path
from modelpack.cli.terminal import Terminal
from modelpack.cli.watching import WatchOptions, add_watch_arguments, watching
from modelpack.errors import UsageError
from modelpack.watched import Serving

EXAMPLES = """\
  modelpack dev                                          watch, serve, and print the address
  modelpack dev --port 8080                              at this port, or not at all
  modelpack dev --allow-origin http://localhost:5173     a page of another server may load the models
  modelpack dev --json=stream                            one JSON object a line, for other programs"""
_LAST_PORT = 65535


class DevOptions(WatchOptions):
    """What `dev` understands."""

    port: int | None
    allow_origin: list[str]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments of `dev`."""
    add_watch_arguments(parser)
    parser.add_argument(
        "--port",
        type=_port,
        metavar="N",
        help="the port on 127.0.0.1 and ::1 (default: 4747, or the next that is free)",
    )
    parser.add_argument(
        "--allow-origin",
        action="append",
        default=[],
        type=_origin,
        metavar="ORIGIN",
        help="pages of this origin may read what is served; may be given again",
    )


def execute(options: DevOptions, terminal: Terminal) -> int:
    """Watches and serves until it is interrupted, or until stdin is closed."""
    try:
        from modelpack.serve.dev import serve  # noqa: PLC0415 (an extra)
        from modelpack.serve.parts import find_parts  # noqa: PLC0415
    except ImportError as err:
        raise _missing(err) from err
    config = config_path(options)
    parts = find_parts(config.parent)
    with (
        serve(config, parts, options.port, frozenset(options.allow_origin)) as served,
        watching(options, terminal, served.site) as (watch, tell),
    ):
        tell(Serving(served.url, served.token))
        for note in parts.notes():
            terminal.say(f"note {note}")
        watch.run()
    return 0


def _port(text: str) -> int:
    if not text.isdecimal() or not 0 <= int(text) <= _LAST_PORT:
        raise argparse.ArgumentTypeError(f'found "{text}"; expected a port, 0 to {_LAST_PORT}')
    return int(text)


def _origin(text: str) -> str:
    from modelpack.serve.gate import is_origin  # noqa: PLC0415 (only where it is given)

    if not is_origin(text):
        raise argparse.ArgumentTypeError(
            f'found "{text}"; expected an origin such as http://localhost:5173'
        )
    return text


def _missing(err: ImportError) -> UsageError:
    return UsageError(
        "MP-E106",
        f"`modelpack dev` needs the package {err.name}",
        remedy="pip install 'modelpack[dev]'",
    )
