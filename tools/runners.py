"""How the blocks of the documents are run: one process for Python blocks, one bash for a console.

`tools/run_blocks.py` says what the blocks mean.
"""

import difflib
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Self

from tools.markdown import Block

TIMEOUT_S = 120.0
SECRETS = ("HUM_", "ATTRIBUTIONHUB_")
MARK = "\x1e"  # ASCII's record separator: no document prints it

# Runs one block after another as `__main__`, each told in one line of JSON. The empty lines before
# the text give tracebacks the line numbers of the document.
DRIVER = f"""
import json, os, sys, traceback, types
jobs = os.fdopen(os.dup(0))
os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
main = sys.modules["__main__"] = types.ModuleType("__main__")
for job in map(json.loads, jobs):
    status = 0
    try:
        code = compile("\\n" * (job["line"] - 1) + job["text"], job["file"], "exec")
        exec(code, main.__dict__)
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
        status = 1
    sys.stderr.flush()
    print(f"{MARK}{{status}}{MARK}", flush=True)
"""


class BlockError(Exception):
    """A block is wrong: the message is shown to whoever wrote the document."""


def compare(expected: str, printed: str) -> None:
    """Raise `BlockError` with a diff unless `printed` is what `expected` says."""
    wanted, got = _lines(expected), _lines(printed)
    pattern = "".join(
        r"(?:.*\n)*?"
        if line.strip() == "..."
        else ".*".join(re.escape(part) for part in line.split("...")) + r"\n"
        for line in wanted
    )
    if re.fullmatch(pattern, "".join(line + "\n" for line in got)) is None:
        diff = difflib.unified_diff(wanted, got, "in the document", "printed", lineterm="")
        raise BlockError("other output than the document says\n" + "\n".join(diff))


def _lines(text: str) -> list[str]:
    return [line.rstrip() for line in text.rstrip().splitlines()]


def _environment() -> dict[str, str]:
    """Return the caller's environment without vendor secrets, and the same terminal for all."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(SECRETS) and name not in {"PYTHONDEVMODE", "PYTHONPATH"}
    }
    commands = str(Path(sys.executable).parent)
    return kept | {
        "COLUMNS": "100",
        "NO_COLOR": "1",
        "PATH": commands + os.pathsep + kept.get("PATH", os.defpath),
        "PYTHONUTF8": "1",
        "TERM": "dumb",
    }


def _kill(process: subprocess.Popen[str]) -> None:
    """End the process and whatever it has started and left."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


# --- Python -----------------------------------------------------------------------------------


class PythonBlocks:
    """The Python blocks of one document; a block that continues is sent to the same process."""

    def __init__(self, path: Path, folder: Path) -> None:
        self._path = path
        self._folder = folder
        self._process: subprocess.Popen[str] | None = None
        self._stderr = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115 - see __exit__

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._end()
        self._stderr.close()

    def run(self, block: Block) -> str:
        """Run one block and return what it printed."""
        if "continues" not in block.comments:
            self._end()
            self._process = self._start()
        elif self._process is None or self._process.poll() is not None:
            raise BlockError("no Python block that ran stands before this one")
        assert self._process is not None
        process = self._process
        before = self._stderr.seek(0, os.SEEK_END)
        timer = threading.Timer(TIMEOUT_S, _kill, [process])
        timer.start()
        try:
            status, printed = self._send(process, block)
        finally:
            timer.cancel()
        if status != 0:
            self._stderr.seek(before)
            shown = printed + self._stderr.read()
            self._end()
            late = f"ended, or took longer than {TIMEOUT_S:.0f} s"
            ended = late if status is None else f"ended with status {status}"
            raise BlockError(f"{ended}\n{shown.rstrip()}")
        return printed

    def _send(self, process: subprocess.Popen[str], block: Block) -> tuple[int | None, str]:
        assert process.stdin is not None
        assert process.stdout is not None
        job = {"file": str(self._path.resolve()), "line": block.line, "text": block.text}
        process.stdin.write(json.dumps(job) + "\n")
        process.stdin.flush()
        printed = ""
        for line in process.stdout:
            text, mark, rest = line.partition(MARK)
            printed += text
            if mark:
                return int(rest.partition(MARK)[0]), printed
        return None, printed

    def _start(self) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-c", DRIVER],
            cwd=self._folder,
            env=_environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            text=True,
            encoding="utf-8",
            start_new_session=True,
        )

    def _end(self) -> None:
        if self._process is None:
            return
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with suppress(BrokenPipeError):
            self._process.stdin.close()
        try:
            self._process.wait(timeout=5.0)
        except subprocess.TimeoutExpired:
            _kill(self._process)
            self._process.wait()
        self._process.stdout.close()
        self._process = None


# --- shell ------------------------------------------------------------------------------------


def commands(text: str) -> Iterator[tuple[str, str]]:
    """Yield each command of a console block with the output that the block shows for it."""
    command, output = "", ""
    for line in text.splitlines():
        if line.startswith("$ "):
            if command:
                yield command, output
            command, output = line[2:], ""
        elif command.endswith("\\") and not output:
            command += "\n" + line.removeprefix("> ")
        elif command:
            output += line + "\n"
        elif line.strip():
            raise BlockError(f"output before the first command: {line!r}")
    if command:
        yield command, output


def run_shell(block: Block, folder: Path) -> str:
    """Run one shell block in `folder`, compare the output it shows, and return what it printed."""
    if not re.search(r"^\$ ", block.text, re.MULTILINE):
        status, printed = _bash("set -euo pipefail\n" + block.text, folder)
        if status != 0:
            raise BlockError(f"ended with status {status}\n{printed.rstrip()}")
        return printed
    pairs = list(commands(block.text))
    script = "".join(f"{command}\nprintf '{MARK}%d{MARK}\\n' $?\n" for command, _ in pairs)
    _, printed = _bash(script, folder)
    results = re.findall(rf"([^{MARK}]*){MARK}(\d+){MARK}\n", printed)
    for (command, expected), (got, status) in zip(pairs, results, strict=False):
        if status != "0":
            raise BlockError(f"`{command}` ended with status {status}\n{got.rstrip()}")
        if expected.strip():
            try:
                compare(expected, got)
            except BlockError as error:
                raise BlockError(f"`{command}`: {error}") from None
    if len(results) < len(pairs):
        last = pairs[len(results)][0]
        raise BlockError(f"the shell ended, or took too long, at `{last}`\n{printed.rstrip()}")
    return "".join(got for got, _ in results)


def _bash(script: str, folder: Path) -> tuple[int, str]:
    # A file and no pipe: a server left in the background would hold a pipe open.
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as printed:
        process = subprocess.Popen(
            ["bash", "--norc", "-c", script],
            cwd=folder,
            env=_environment(),
            stdin=subprocess.DEVNULL,
            stdout=printed,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        try:
            status = process.wait(timeout=TIMEOUT_S)
        except subprocess.TimeoutExpired:
            status = -1
        _kill(process)
        process.wait()
        printed.seek(0)
        return status, printed.read()
