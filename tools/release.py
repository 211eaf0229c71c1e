"""Builds everything that a release has into one folder, and SHA-256 of each file.

    python tools/release.py [--out build/release] [--only PART] [--unclean]

docs/releasing.md is the list of what a person does around it. Parts, in this order: `web`, the
engines for browsers, which wheels carry; `wheels`; `sdist`; `library`, libsignbit of this machine;
`site`, the documentation. Each needs what its target of `make` needs.
"""

from __future__ import annotations

import argparse
import hashlib
import platform
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
WEB = ROOT / "src" / "signbit" / "targets" / "web"


def version() -> str:
    """The version, which must be the same wherever it stands, with a heading in the changelog."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    package = (ROOT / "src" / "signbit" / "__init__.py").read_text("utf-8")
    found = re.search(r'^__version__ = "(.+)"$', package, re.M)
    if found is None or found[1] != project:
        sys.exit(f"pyproject.toml says {project}, src/signbit/__init__.py something else")
    if f"## {project}" not in (ROOT / "CHANGELOG.md").read_text("utf-8"):
        sys.exit(f"CHANGELOG.md has no heading ## {project}")
    return str(project)


def require_clean() -> None:
    """Ends the program where the sources are not those of a commit."""
    status = ["git", "-C", str(ROOT), "status", "--porcelain"]
    changed = subprocess.check_output(status, text=True).strip()
    if changed:
        sys.exit(f"files are not committed (--unclean builds all the same):\n{changed}")


def make(*words: str) -> None:
    subprocess.run(["make", "--no-print-directory", "-C", ROOT, *words], check=True)


def packed(folder: Path, name: str, out: Path) -> None:
    """The folder as `name`.tar.gz, in which everything lies in a folder `name`."""
    with tarfile.open(out / f"{name}.tar.gz", "w:gz") as archive:
        archive.add(folder, name)


def web(out: Path, name: str) -> None:
    make("wasm")
    packed(WEB / "built", f"{name}-web-engines", out)


def wheels(out: Path, name: str) -> None:
    shutil.rmtree(ROOT / "build" / "wheels", ignore_errors=True)  # those of an earlier version
    make("wheels")
    engines = [file.name for file in WEB.glob("built/*")]
    for wheel in sorted((ROOT / "build" / "wheels").glob("*.whl")):
        held = {Path(file).name for file in zipfile.ZipFile(wheel).namelist()}
        if missing := {*engines} - held:
            sys.exit(f"{wheel.name}: lacks {', '.join(sorted(missing))}")
        shutil.copy(wheel, out)


def sdist(out: Path, name: str) -> None:
    # The build's own hook, in its own process, as it reads the working folder.
    program = "import sys; from scikit_build_core.build import build_sdist; "
    program += "build_sdist(sys.argv[1])"
    subprocess.run([sys.executable, "-c", program, out], cwd=ROOT, check=True)


def library(out: Path, name: str) -> None:
    folder = ROOT / "build" / "release-library"
    shutil.rmtree(folder, ignore_errors=True)
    make("library", f"LIBRARY={folder}")
    packed(folder, f"lib{name}-{sys.platform}-{platform.machine()}", out)


def site(out: Path, name: str) -> None:
    make("docs")
    packed(ROOT / "build" / "site", f"{name}-site", out)


PARTS: dict[str, Callable[[Path, str], None]] = {
    each.__name__: each for each in (web, wheels, sdist, library, site)
}


def main() -> None:
    said = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    said.add_argument("--out", type=Path, default=ROOT / "build" / "release")
    said.add_argument("--only", action="append", choices=PARTS, help="again for each part")
    said.add_argument("--unclean", action="store_true", help="also where files are not committed")
    arguments = said.parse_args()
    name = f"signbit-{version()}"
    if not arguments.unclean:
        require_clean()
    out = arguments.out.absolute()
    out.mkdir(parents=True, exist_ok=True)
    for part in arguments.only or PARTS:
        print(f"{part} …", flush=True)
        PARTS[part](out, name)
    files = sorted(path for path in out.iterdir() if path.name != "SHA256SUMS")
    sums = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in files]
    (out / "SHA256SUMS").write_text("".join(sums))
    for path in files:
        print(f"{path} ({path.stat().st_size / 1e6:.2f} MB)")


if __name__ == "__main__":
    main()
