"""Run the code blocks of the documents: ``python -m tools.run_blocks README.md docs/*.md``.

Each file has a temporary folder of its own, and its blocks run there from top to bottom:

- `python`: a script. `<!-- continues -->` above it: it goes on in the process of the previous
  Python block of the file, with that one's names.
- `console`, `shell`, `sh`, `bash`: each line that starts with `$ ` is run by bash, with the
  environment's commands first on the PATH; a block is one shell, so `export` holds until its end.
  The lines below a command are what it must print. A block without such lines is one script.
- `<!-- output -->` above a block: what the block before it must have printed. In expected output
  `...` stands for any part of a line, and alone on a line for any number of lines.
- `<!-- file: NAME -->` above a block: it is written to that file, which later blocks may use.
- `<!-- not executed: the reason -->` above a block: it is left out, counted and shown.

A block fails when it ends with another status than 0, prints something else, or takes longer than
`tools.runners.TIMEOUT_S`. What Python blocks write to stderr is not compared; a console shows both, as a
terminal does.
"""

import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from tools.markdown import Block, parse
from tools.runners import BlockError, PythonBlocks, compare, run_shell

PYTHON = {"python", "py"}
SHELL = {"bash", "console", "sh", "shell"}


@dataclass
class Tally:
    """How many blocks ran well, what was wrong with the others, and what was left out."""

    passed: int = 0
    failed: list[str] = field(default_factory=list[str])
    left_out: list[str] = field(default_factory=list[str])


def run_file(path: Path, tally: Tally) -> None:
    """Run the blocks of the document at `path` and add the results to `tally`."""
    blocks = [item for item in parse(path.read_text(encoding="utf-8")) if isinstance(item, Block)]
    with tempfile.TemporaryDirectory() as folder, PythonBlocks(path, Path(folder)) as python:
        printed: str | None = None
        for block in blocks:
            where = f"{path}:{block.line}"
            try:
                reason = _check_comments(block)
                if reason is not None:
                    tally.left_out.append(f"{where}: {reason}")
                    printed = None
                elif (name := _file_name(block)) is not None:
                    (Path(folder) / name).write_text(block.text, encoding="utf-8")
                    printed = None
                elif "output" in block.comments:
                    if printed is None:
                        raise BlockError("no block that ran stands right before this output")
                    compare(block.text, printed)
                    printed = None
                elif block.language in PYTHON | SHELL:
                    printed = None  # stays so when the block fails
                    if block.language in PYTHON:
                        printed = python.run(block)
                    else:
                        printed = run_shell(block, Path(folder))
                    tally.passed += 1
                else:
                    printed = None
            except BlockError as error:
                tally.failed.append(f"{where}: {error}")


def _file_name(block: Block) -> str | None:
    """Return the name of the file that the block is; it stands in the folder itself."""
    for comment in block.comments:
        word, _, name = (part.strip() for part in comment.partition(":"))
        if word == "file":
            if not name or Path(name).name != name:
                raise BlockError(f"a file needs a plain name: <!-- file: acme.py -->, not {name!r}")
            return name
    return None


def _check_comments(block: Block) -> str | None:
    """Return the reason for leaving the block out, if there is one; refuse unknown comments."""
    reason = None
    for comment in block.comments:
        word, _, rest = (part.strip() for part in comment.partition(":"))
        if word == "not executed":
            if not rest:
                raise BlockError("'not executed' needs a reason: <!-- not executed: … -->")
            reason = rest
        elif word not in {"continues", "output", "generated", "end", "file"}:
            raise BlockError(f"unknown comment above a block: {comment!r}")
    return reason


def main(paths: list[str]) -> int:
    """Run the documents at `paths`, print what happened, and return the exit status."""
    tally = Tally()
    for path in paths:
        run_file(Path(path), tally)
    for reason in tally.left_out:
        print(f"left out: {reason}")
    for fault in tally.failed:
        print(f"FAILED {fault}\n")
    if not paths or tally.passed + len(tally.failed) == 0:
        print("no block ran: that checks nothing")
        return 1
    failed, skipped = len(tally.failed), len(tally.left_out)
    print(f"blocks: {tally.passed} passed, {failed} failed, {skipped} skipped")
    return 1 if tally.failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
