"""Build the source distribution and the wheel, and prove that a stranger can install them.

``python tools/check_distribution.py DIRECTORY`` builds both into DIRECTORY/dist, has twine check
their metadata strictly, installs the wheel into an empty virtual environment without any extra and
imports it there. Exits 1 with what went wrong at the first step that fails. Needs the network for
the two base dependencies.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

#: Runs inside the empty environment, outside the tree.
IMPORT_CHECK = """
import importlib.metadata, logging, pathlib, sys, tempfile
import zotify_logging
place = pathlib.Path(zotify_logging.__file__)
assert "site-packages" in place.parts, f"imported from {place}, not from the wheel"
assert zotify_logging.__version__ == importlib.metadata.version("zotify-logging")
folder = pathlib.Path(tempfile.mkdtemp())
handler = zotify_logging.FileStreamHandler(folder / "app.log")
logger = logging.getLogger("distribution")
logger.addHandler(handler)
logger.warning("written by the installed wheel")
handler.close()
text = (folder / "app.log").read_text()
assert text.endswith(" WARNING distribution written by the installed wheel\\n"), text
try:
    zotify_logging.DatabaseJobLogHandler(url="sqlite:///" + str(folder / "jobs.db"))
except Exception as error:
    assert 'pip install "zotify-logging[jobs]"' in str(error), error
else:
    raise AssertionError("the job handler works without SQLAlchemy?")
print("imported, wrote a line, and named the missing extra:", zotify_logging.__version__)
"""


def run(command: list[str], cwd: Path = ROOT) -> str:
    """Run ``command`` in ``cwd``, show it and return its output; exit 1 with that if it fails."""
    shown = (word if "\n" not in word else "..." for word in command)
    print("$", " ".join(shown), flush=True)
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        command,
        cwd=cwd,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    if done.returncode:
        sys.exit(f"{done.stdout}\nfailed with exit code {done.returncode}: {' '.join(command)}")
    return done.stdout


def check_contents(wheel: Path) -> None:
    """Exit 1 unless the wheel holds both packages, their type markers and the licence alone."""
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.split("/")[0] for name in names if ".dist-info/" not in name}
    if tops != {"zotify_logging", "zotify_api"}:
        sys.exit(
            f"{wheel.name}: top-level names {sorted(tops)}; only the two packages belong there"
        )
    for wanted in ("zotify_logging/py.typed", "zotify_api/py.typed"):
        if wanted not in names:
            sys.exit(f"{wheel.name}: {wanted} is missing; see package-data in pyproject.toml")
    if not any(name.endswith("licenses/LICENSE") for name in names):
        sys.exit(f"{wheel.name}: no LICENSE; see license-files in pyproject.toml")


def main(directory: Path) -> None:
    """Build, check and install; everything is made anew below ``directory``."""
    dist, empty, elsewhere = directory / "dist", directory / "empty", directory / "elsewhere"
    for folder in (dist, empty, elsewhere):
        shutil.rmtree(folder, ignore_errors=True)
    elsewhere.mkdir(parents=True)
    # The wheel is built from the unpacked source distribution, so that one is complete as well.
    run([sys.executable, "-m", "build", "--no-isolation", "--outdir", str(dist), str(ROOT)])
    wheels, archives = sorted(dist.glob("*.whl")), sorted(dist.glob("*.tar.gz"))
    if len(wheels) != 1 or len(archives) != 1:
        sys.exit(f"expected one wheel and one source distribution, got {sorted(dist.iterdir())}")
    run([sys.executable, "-m", "twine", "check", "--strict", str(wheels[0]), str(archives[0])])
    check_contents(wheels[0])
    run([sys.executable, "-m", "virtualenv", "--quiet", "--python", sys.executable, str(empty)])
    inside = str(empty / "bin" / "python")
    run([inside, "-m", "pip", "install", "--quiet", str(wheels[0])], cwd=elsewhere)
    print(run([inside, "-W", "error", "-c", IMPORT_CHECK], cwd=elsewhere), end="")
    print("ok:", wheels[0].name, archives[0].name)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]).resolve())
