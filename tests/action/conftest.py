"""The platform without the platform: act on this machine, its actions as stubs, its API local."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ROOT = Path(__file__).parents[2]
STUBS = Path(__file__).parent / "stubs"
TINY = ROOT / "tests" / "suites" / "tiny"
COMMIT = "0" * 40
"""What examples name in the place of a reviewed commit of testbed."""
POLICY = "min_scenarios = 1\nmin_repeats = 2\n"
DEAF = """\
schema_version = 1
id = "own/deaf"
title = "Deaf"
provider = "own"
model = "deaf"
base_url = "http://127.0.0.1:9/v1"
"""
"""A card whose endpoint nobody serves."""
SHIM = """\
#!/bin/sh
printf '%s %s %s\\n' "$1" "$2" "$(env | grep -o '^[A-Z]*_API_KEY=.' | tr '\\n' ' ')" >>"{calls}"
PYTHONPATH="{tool}" exec "{python}" -P -m testbed "$@"
"""
PYTHON = """\
#!/bin/sh
PYTHONPATH="{tool}" exec "{python}" "$@"
"""


@dataclass(frozen=True)
class Tool:
    """A copy of testbed as an action's checkout has it, and a folder for PATH that runs it."""

    folder: Path
    path: Path
    calls: Path
    """What was asked of it, a line per call, and the keys that were in its environment."""


@dataclass(frozen=True)
class Ran:
    """What a workflow did."""

    code: int
    log: str
    artifacts: Path

    def artifact(self, kind: str) -> Path:
        """Return the folder of the one artifact `testbed-<run-id>-<kind>`."""
        (found,) = self.artifacts.glob(f"testbed-*-{kind}")
        return found

    def jobs(self) -> dict[str, str]:
        """Say how each job ended: `succeeded` or `failed`."""
        return dict(re.findall(r"\[[^]]*?([\w-]+)\] 🏁  Job (\w+)", self.log))


@dataclass(frozen=True)
class Team:
    """A team's repository with the tiny suite."""

    folder: Path
    tool: Tool
    cache: Path

    def write(self, path: str, text: str) -> None:
        place = self.folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")

    def environment(self, more: Mapping[str, str]) -> dict[str, str]:
        scratch = self.folder.parent / "scratch"
        scratch.mkdir(exist_ok=True)
        docker = {name: v for name, v in os.environ.items() if name.startswith("DOCKER_")}
        return {
            **docker,
            "PATH": f"{self.tool.path}:{os.environ['PATH']}",
            "HOME": str(scratch),
            "TESTBED_CACHE": str(self.cache),
            **more,
        }

    def testbed(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["testbed", *arguments],
            cwd=self.folder,
            env=self.environment(environment),
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )

    def act(
        self,
        event: str,
        payload: Mapping[str, Any],
        *,
        secrets: Mapping[str, str] | None = None,
        **environment: str,
    ) -> Ran:
        """Commit what is there and run the workflow `team.yml` on an event."""
        self._commit()
        artifacts, said = self.folder.parent / "artifacts", self.folder.parent / "event.json"
        artifacts.mkdir(exist_ok=True)
        said.write_text(json.dumps(payload))
        told = {
            "STUB_TOOL": str(self.tool.folder),
            "STUB_ARTIFACTS": str(artifacts),
            "STUB_SCRIPT": str(STUBS / "artifacts.py"),
            "TESTBED_CACHE": str(self.cache),
            **environment,
        }
        done = subprocess.run(
            [
                *(Path(sys.executable).parent / "act", event, "--eventpath", said),
                *("--workflows", ".github/workflows/team.yml", "--pull=false"),
                *("--platform", "ubuntu-latest=-self-hosted", "--no-cache-server"),
                *(f"--local-repository={name}={place}" for name, place in self._actions()),
                *(f"--env={name}={value}" for name, value in told.items()),
                *(f"--secret={name}={value}" for name, value in (secrets or {}).items()),
            ],
            cwd=self.folder,
            env=self.environment({"XDG_CACHE_HOME": str(self.folder.parent / "act")}),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=280,
            check=False,
        )
        return Ran(done.returncode, done.stdout, artifacts)

    def _actions(self) -> Iterator[tuple[str, Path]]:
        """Map every third-party action that our files name to its stub, and testbed to its copy."""
        files = [ROOT / "action.yml", *(ROOT / ".github" / "workflows").glob("*.yml")]
        for name, commit in used_actions(files):
            yield f"{name}@{commit}", STUBS / name.partition("/")[2]
        yield f"your-org/testbed@{COMMIT}", self.tool.folder

    def _commit(self) -> None:
        author = ("-c", "user.name=team", "-c", "user.email=team@example.org")
        for words in (
            ("init", "-q", "-b", "main"),
            ("remote", "add", "origin", "https://github.com/team/app"),
            ("add", "--all"),
            (*author, "commit", "-q", "-m", "All"),
        ):
            subprocess.run(["git", *words], cwd=self.folder, check=True, capture_output=True)


@dataclass
class Comments:
    """A server that speaks the platform's comments API, over one issue."""

    url: str = ""
    kept: list[dict[str, Any]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    """Method and path of each request."""
    tokens: set[str] = field(default_factory=set)

    def answer(self, method: str, target: str, body: dict[str, Any]) -> tuple[int, Any, str]:
        """Give status, answer and `Link`."""
        place = urlsplit(target)
        self.asked.append(f"{method} {place.path}")
        if method == "POST" and place.path == "/repos/team/app/issues/7/comments":
            self.kept.append({"id": len(self.kept) + 1000, "user": {"type": "Bot"}, **body})
            return 201, self.kept[-1], ""
        if method == "PATCH":
            (one,) = [c for c in self.kept if place.path.endswith(f"/comments/{c['id']}")]
            one.update(body)
            return 200, one, ""
        query = {name: int(values[0]) for name, values in parse_qs(place.query).items()}
        size, page = min(query.get("per_page", 30), 100), query.get("page", 1)
        more = size * page < len(self.kept)
        link = f'<{self.url}{place.path}?page={page + 1}>; rel="next"' if more else ""
        return 200, self.kept[size * (page - 1) : size * page], link


@pytest.fixture
def comments() -> Iterator[Comments]:
    """Serve an issue with 150 comments of other people."""
    api = Comments()
    api.kept += [
        {"id": n, "body": f"Comment {n}", "user": {"type": "User"}, "author_association": "NONE"}
        for n in range(1, 151)
    ]

    class Handler(BaseHTTPRequestHandler):
        def _serve(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length) or b"{}")
            api.tokens.add(self.headers.get("Authorization", ""))
            status, answer, link = api.answer(self.command, self.path, body)
            told = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(told)))
            if link:
                self.send_header("Link", link)
            self.end_headers()
            self.wfile.write(told)

        do_GET = do_POST = do_PATCH = _serve  # noqa: N815  (the names that http.server calls)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (its name there)
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    api.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield api
    server.shutdown()
    server.server_close()
    thread.join()


def used_actions(files: list[Path]) -> list[tuple[str, str]]:
    """List the third-party actions that files use: name and commit."""
    text = "\n".join(path.read_text() for path in files)
    return sorted(set(re.findall(r"uses: ([\w./-]+)@(\S+)", text)))


@pytest.fixture(scope="session")
def tool(tmp_path_factory: pytest.TempPathFactory) -> Tool:
    folder, path = tmp_path_factory.mktemp("tool"), tmp_path_factory.mktemp("bin")
    for name in ("testbed", "runner", "reports", ".github"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy2(ROOT / "action.yml", folder)
    calls = path / "calls.txt"
    calls.touch()
    for name, script in (("testbed", SHIM), ("python", PYTHON)):
        (path / name).write_text(script.format(tool=folder, python=sys.executable, calls=calls))
        (path / name).chmod(0o755)
    return Tool(folder, path, calls)


@pytest.fixture(scope="session")
def action_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("action-cache")


@pytest.fixture
def team(tmp_path: Path, tool: Tool, action_cache: Path) -> Team:
    folder = tmp_path / "app"
    shutil.copytree(TINY, folder)
    tool.calls.write_text("")
    found = Team(folder, tool, action_cache)
    found.write("gate.toml", POLICY)
    return found
