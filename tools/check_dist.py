"""Check what the built archives contain: ``python tools/check_dist.py dist``.

The wheel is the package and the module that Spark looks for, their markers ``py.typed`` and the
metadata, and nothing else. The sdist
is enough to build and test again, and holds no caches.
"""

import sys
import tarfile
import zipfile
from pathlib import Path

PACKAGES = ("asyncsessions", "pyspark_asyncsessions")
IN_PACKAGES = tuple(f"{name}/{file}" for name in PACKAGES for file in ("__init__.py", "py.typed"))
IN_SDIST = ("LICENSE", "Makefile", "README.md", "pyproject.toml", *IN_PACKAGES)
LITTER = ("__pycache__", ".pyc", ".venv", ".coverage", ".hypothesis", "_cache/")


def faults(folder: Path) -> list[str]:
    """Return one sentence for each thing that is wrong with the one wheel and sdist in `folder`."""
    wheels, sdists = sorted(folder.glob("*.whl")), sorted(folder.glob("*.tar.gz"))
    if len(wheels) != 1 or len(sdists) != 1:
        return [f"{folder} has {len(wheels)} wheels and {len(sdists)} sdists, not one of each"]
    with zipfile.ZipFile(wheels[0]) as wheel:
        in_wheel = wheel.namelist()
    with tarfile.open(sdists[0]) as sdist:
        in_sdist = [name.partition("/")[2] for name in sdist.getnames()]
    found = [
        f"the wheel has {name}, which is not the package"
        for name in in_wheel
        if name.partition("/")[0] not in PACKAGES and ".dist-info/" not in name
    ]
    found += [f"the wheel lacks {name}" for name in IN_PACKAGES if name not in in_wheel]
    found += [f"the wheel lacks {name}" for name in ("LICENSE",) if not _ends(in_wheel, name)]
    found += [f"the sdist lacks {name}" for name in IN_SDIST if name not in in_sdist]
    found += [
        f"litter in an archive: {name}"
        for name in (*in_wheel, *in_sdist)
        if any(part in name for part in LITTER)
    ]
    return found


def _ends(names: list[str], end: str) -> bool:
    return any(name.endswith("/" + end) for name in names)


if __name__ == "__main__":
    FOUND = faults(Path(sys.argv[1]))
    for fault in FOUND:
        print(f"tools/check_dist.py: {fault}", file=sys.stderr)
    sys.exit(1 if FOUND else 0)
