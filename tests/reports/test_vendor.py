from __future__ import annotations

import json
import os
import shutil
import subprocess
from hashlib import sha256
from typing import TYPE_CHECKING

import pytest

from reports.site.links import HOME, Links, trial_target
from reports.site.page import REPORTS
from reports.site.vendor import MANIFEST, VENDORED, digests, script_from, vendored_files
from runner.sandbox.node import node_root

if TYPE_CHECKING:
    from pathlib import Path

SOURCE = REPORTS / "vendor"
UNREACHABLE = ("ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "ECONNRESET", "ETIMEDOUT", "ENETUNREACH")


def npm(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    root = node_root()
    return subprocess.run(
        [root / "bin" / "node", root / "lib/node_modules/npm/bin/npm-cli.js", *arguments],
        cwd=folder,
        env={**os.environ, "PATH": f"{root / 'bin'}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


def install(folder: Path) -> None:
    done = npm(folder, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
    required = os.environ.get("TESTBED_REQUIRE_VENDOR") == "1"
    if done.returncode and not required and any(code in done.stderr for code in UNREACHABLE):
        pytest.skip("no npm registry can be reached")
    assert not done.returncode, done.stderr


def test_the_lockfile_gives_the_committed_bytes(tmp_path: Path) -> None:
    folder, built = tmp_path / "vendor", tmp_path / "built"
    shutil.copytree(SOURCE, folder, ignore=shutil.ignore_patterns("node_modules"))
    install(folder)
    done = npm(folder, "run", "build", "--", str(built))

    assert not done.returncode, done.stderr
    assert {path.name for path in built.iterdir()} == {path.name for path in VENDORED.iterdir()}
    for path in built.iterdir():
        assert path.read_bytes() == (VENDORED / path.name).read_bytes(), path.name


def test_the_manifest_covers_every_vendored_file() -> None:
    files = {path.name: path.read_bytes() for path in VENDORED.iterdir() if path != MANIFEST}

    assert digests() == {name: sha256(data).hexdigest() for name, data in files.items()}


def test_every_package_in_it_has_a_licence_that_stands_in_the_script_too() -> None:
    script = (VENDORED / "diff2html.js").read_text()
    packages = json.loads(MANIFEST.read_text())["packages"]

    assert [(one["name"], one["licence"]) for one in packages] == [
        ("diff", "BSD-3-Clause"),
        ("diff2html", "MIT"),
    ]
    for package in packages:
        assert (VENDORED / package["licence_text"]).read_text().strip() in script
        assert f"{package['name']} {package['version']}\n" in script


def test_nothing_in_the_script_makes_markup_of_text_or_asks_for_anything() -> None:
    script = (VENDORED / "diff2html.js").read_text()

    for word in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "DOMParser"):
        assert word not in script
    for word in ("eval(", "new Function", "fetch(", "XMLHttpRequest", "import(", "highlight"):
        assert word not in script


def test_the_lockfile_pins_every_package_and_names_no_registry() -> None:
    text = (SOURCE / "package-lock.json").read_text()
    packages = json.loads(text)["packages"]

    assert all(package["integrity"] for path, package in packages.items() if path)
    assert "resolved" not in text
    assert "://" not in "".join(line for line in text.splitlines() if '"url"' not in line)


def test_a_page_reaches_the_script_in_the_sites_own_folder_and_a_single_file_does_not() -> None:
    page = trial_target(("m", "s", 1))
    built = frozenset({page.id})

    assert list(vendored_files()) == ["assets/diff2html.js"]
    assert script_from(Links(here=page, built=built)) == "../assets/diff2html.js"
    assert script_from(Links(here=HOME, built=built)) == "assets/diff2html.js"
    assert script_from(Links(here=page, built=built, single=True)) is None


def test_the_own_script_that_offers_it_is_small() -> None:
    assert (REPORTS / "assets" / "sidebyside.js").stat().st_size <= 1000
