"""What may stand on the command line; a mistake is one line that says what to do."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any, NoReturn

from explorer.errors import InputError, unknown

COLUMNS = {
    "id": ("COL", "the column of ids"),
    "text": ("COL", "the column of texts, where these are the items"),
    "image": ("COL", "the column of pictures or of their paths"),
    "series": ("COL|KEY|A,B", "the time series: a column or array of them, or the columns of their values (also t0:t99 or t*)"),
    "time": ("COL", "with a row for every moment: the column that says when"),
    "audio": ("COL", "the column of sounds"),
    "vectors": ("COL|KEY", "the vectors that are there already: a column of lists, or an array of the file"),
    "columns": ("A,B,C", "the columns to keep"),
    "layout": ("X,Y|KEY", "a layout that is there already: two columns, or an array"),
    "window": ("SECONDS", "how much sound is one item; longer recordings are cut"),
}


class _Parser(argparse.ArgumentParser):
    """Raises its complaints, so that there is one place that says them."""

    def error(self, message: str) -> NoReturn:
        raise InputError(f"{message}; see {self.prog} --help")

    def options(self) -> list[str]:
        return [name for action in self._actions for name in action.option_strings]


def parse(argv: Sequence[str]) -> argparse.Namespace | None:
    """The arguments by name, or None when --help or --version was all that was asked.

    Raises
    ------
    InputError
        For a command or option that is not known (the closest right one is offered), or one that lacks its value.
    """
    parser, commands = _parsers(pictured=list(argv[:1]) == ["picture"])
    if not argv or (argv[0].startswith("-") and argv[0] not in {"-h", "--help", "--version"}):
        return _start(argv)
    if not argv[0].startswith("-") and argv[0] not in commands:
        raise unknown("command", argv[0], commands)
    try:
        given, extra = parser.parse_known_args(argv)
    except SystemExit:  # argparse ends the program after --help and --version
        return None
    if extra:
        chosen = commands[given.command]
        if extra[0].startswith("-"):
            raise unknown(f"option of {chosen.prog}", extra[0].split("=")[0], chosen.options())
        chosen.error(f"{extra[0]!r} is one argument too many")
    return given


def _start(argv: Sequence[str]) -> argparse.Namespace | None:
    """The arguments of `explorer` without a command, which serves the start page."""
    parser = _Parser(prog="explorer", allow_abbrev=False)
    _add_server(parser)
    given, extra = parser.parse_known_args(argv)
    if extra and extra[0].startswith("-"):
        raise unknown("option of explorer", extra[0].split("=")[0], parser.options())
    if extra:
        parser.error(f"{extra[0]!r} stands after an option; put the command first")
    given.command = "start"
    return given


def _parsers(*, pictured: bool) -> tuple[_Parser, dict[str, _Parser]]:
    """The parser of all commands; the options of `picture` only where it is `pictured`, since pandas is loaded to know them."""
    from explorer import __doc__ as about
    from explorer import __version__

    alone = "Without a command it serves and opens the start page; --host, --port, --no-browser and --desktop apply."
    parser = _Parser(prog="explorer", description=(about or "").splitlines()[0], epilog=alone, allow_abbrev=False)
    parser.add_argument("--version", action="version", version=f"explorer {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True, parser_class=_Parser)
    made: dict[str, _Parser] = {}

    def command(name: str, doc: str) -> _Parser:
        made[name] = commands.add_parser(name, help=doc, description=doc[0].upper() + doc[1:] + ".", allow_abbrev=False)
        return made[name]

    _add_server(command("demo", "serve the shipped sample and open the browser"))
    opened = command("open", "serve the dashboard on a file or folder")
    _add_source(opened)
    opened.add_argument(
        "--no-workspace",
        action="store_true",
        help="keep results and labels in memory (default: in NAME.explorer beside the source)",
    )
    _add_server(opened)
    run = command("run", "no screen: extract, reduce, cluster, export")
    _add_source(run)
    _add_output(run)
    run.add_argument("--quiet", action="store_true", help="no progress and no summary")
    export = command("export", "write the labels and clusters of a workspace")
    export.add_argument("workspace", metavar="WORKSPACE", help="the folder that --workspace named")
    _add_output(export)
    gone = "write the labels of items that are no longer in the source instead (.csv, .parquet or .jsonl)"
    export.add_argument("--gone", action="store_true", help=gone)
    checked = command("check", "verify a workspace, and say what was found; nothing is changed")
    checked.add_argument("workspace", metavar="WORKSPACE", help="the folder to verify")
    checked.add_argument("--repair", action="store_true", help="then mend what can be mended; what was there is kept aside")
    picture = command("picture", "write a picture of the map, as PNG or SVG")
    if pictured:
        _add_picture(picture)
    methods = command("methods", "list every step with its settings, defaults and bounds")
    methods.add_argument("--json", action="store_true", help="as JSON")
    _add_login(command("login", "say who may log in, in the file that open --login is given"))
    _add_doctor(command("doctor", "say what is installed here, what this machine can do, and what to do about problems"))
    return parser, made


def parsers() -> dict[str, argparse.ArgumentParser]:
    """The parser of each command by its name, with every option: what the site's reference is made from."""
    return dict(_parsers(pictured=True)[1])


def _add_source(parser: _Parser, name: str = "SOURCE", more: str = "") -> None:
    kinds = "a table, an array file, a folder of pictures or sounds, a dataset folder, an archive, or the address of one"
    parser.add_argument("source", metavar=name, help=f"{kinds}{more}")
    for name, (shape, doc) in COLUMNS.items():
        parser.add_argument(f"--{name}", metavar=shape, help=doc)
    parser.add_argument("--allow-download", action="store_true", help="fetch the pictures or sounds that a column names by address")
    for kind, what in (("extract", "items to vectors"), ("reduce", "vectors to a layout"), ("cluster", "the groups")):
        parser.add_argument(f"--{kind}", metavar="NAME", help=f"the method for {what}; see explorer methods")
    sets = "a step's setting, as in --set reduce.n_neighbors=30; may be given often"
    parser.add_argument("--set", metavar="STEP.SETTING=VALUE", action="append", default=[], help=sets)
    parser.add_argument("--seed", metavar="N", type=_whole(0, 2**32 - 1), help="random_state of all steps")
    parser.add_argument("--workspace", metavar="DIR", help="a folder to keep results and labels in")


def _add_server(parser: _Parser) -> None:
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on (default: this computer only)")
    parser.add_argument("--port", type=_whole(0, 65535), default=0, help="the port (default: a free one)")
    parser.add_argument("--no-browser", action="store_true", help="do not open the browser")
    parser.add_argument("--desktop", action="store_true", help="show the page in a window of its own, rather than the browser")
    parser.add_argument("--user", metavar="NAME", help="whose the labels are (default: who runs this)")
    parser.add_argument("--login", metavar="FILE", help="let in only who logs in; explorer login makes the file")


def _add_doctor(parser: _Parser) -> None:
    parser.epilog = "Exit status: 0 when nothing is a problem (notes are none), 2 when something is. Nothing is changed."
    parser.add_argument("--json", action="store_true", help="as JSON")
    parser.add_argument("--quick", action="store_true", help="without what takes seconds: a kernel, torch and numba's threads")
    ask = "also ask the Hugging Face hub whether it can be reached (otherwise nothing leaves this computer)"
    parser.add_argument("--network", action="store_true", help=ask)


def _add_login(parser: _Parser) -> None:
    parser.add_argument("file", metavar="FILE", help="the file of those who may log in")
    does = parser.add_mutually_exclusive_group(required=True)
    does.add_argument("--add", metavar="NAME", help="add a user or change a password, which is asked for")
    does.add_argument("--remove", metavar="NAME", help="remove a user")
    does.add_argument("--list", action="store_true", help="list the users")


def _add_picture(parser: _Parser) -> None:
    """The source, what it is coloured by, and an option for each of a picture's settings."""
    from explorer.exports.picture.settings import PictureSettings

    _add_source(parser, "SOURCE|WORKSPACE", "; or a workspace, whose results are drawn as they are")
    parser.add_argument("-o", "--out", metavar="OUT", required=True, help="the file to write: .png or .svg")
    parser.add_argument("--force", action="store_true", help="replace OUT where it is there already")
    parser.add_argument("--quiet", action="store_true", help="no progress and no summary")
    colors = "what colours the map: a column, cluster, label, density or none (default: the clusters)"
    parser.add_argument("--color", metavar="COLUMN", help=colors)
    for setting in PictureSettings.describe():
        name, doc = setting["name"].replace("_", "-"), setting["doc"][0].lower() + setting["doc"][1:].rstrip(".")
        if setting["type"] != "switch":
            known = f"{doc} ({PictureSettings.allowed(setting['name'])}; default: {_said(setting['default'])})"
            parser.add_argument(f"--{name}", dest=setting["name"], metavar="VALUE", help=known)
        elif setting["default"]:
            parser.add_argument(f"--no-{name}", dest=setting["name"], action="store_const", const="no", help=f"without {doc}")
        else:
            parser.add_argument(f"--{name}", dest=setting["name"], action="store_const", const="yes", help=doc)


def _said(default: object) -> str:
    return "none" if default is None else f"{default:g}" if isinstance(default, float) else str(default)


def _add_output(parser: _Parser) -> None:
    known = ".csv, .parquet, .jsonl, .h5ad, .coco.json, .hf, .folders or .html"
    doc = f"the file or folder to write; its ending picks the format: {known}"
    parser.add_argument("-o", "--out", metavar="OUT", required=True, help=doc)
    parser.add_argument("--force", action="store_true", help="replace OUT where it is there already")
    parser.add_argument("--only", metavar="WHICH", default="all", help="which items: all, selected or labelled (default: all)")
    own = "a setting of OUT's format, as in --with files=copies (.folders) or --with thumbnails=no (.html); may be given often"
    parser.add_argument("--with", dest="settings", metavar="SETTING=VALUE", action="append", default=[], help=own)
    safe = "put an apostrophe before text cells that a spreadsheet would run (CSV)"
    parser.add_argument("--for-spreadsheets", action="store_true", help=safe)


def _whole(low: int, high: int) -> Any:
    def number(text: str) -> int:
        if not (text.isascii() and text.isdigit() and low <= int(text) <= high):
            raise argparse.ArgumentTypeError(f"{text!r} is not allowed; it takes a whole number from {low} to {high}")
        return int(text)

    return number
