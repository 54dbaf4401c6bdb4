"""`testbed models watch`: ids that are new since the last look, over real HTTP."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

from testbed.cli import main

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

KEY = "sk-very-secret-0123456789"
CARD = """
schema_version = 1
id = "acme/coder"
title = "Acme Coder"
provider = "acme"
model = "coder-1"
base_url = "{base_url}"
key_variable = "ACME_KEY"
"""


class Provider:
    """An endpoint that lists models."""

    def __init__(self) -> None:
        self.ids = ["coder-1", "coder-2", "embed-1"]
        self.status = 200


def handler(provider: Provider) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            known = self.headers["Authorization"] == f"Bearer {KEY}" and self.path == "/v1/models"
            listed = [{"id": name, "created": 0} for name in provider.ids]
            data = json.dumps({"data": listed} if known else {}).encode()
            self.send_response(provider.status if known else 401)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *_: object) -> None:  # noqa: A002  (the base names it)
            del format

    return Handler


@contextmanager
def serving(provider: Provider) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), handler(provider)) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/v1"
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def provider() -> Provider:
    return Provider()


@pytest.fixture
def asked(
    provider: Provider, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[str, ...]]:
    """Give the command line that asks the provider."""
    monkeypatch.setenv("ACME_KEY", KEY)
    monkeypatch.setenv("GITHUB_OUTPUT", str(tmp_path / "outputs"))
    with serving(provider) as base_url:
        card, seen = tmp_path / "acme.toml", tmp_path / "models.seen.json"
        card.write_text(CARD.format(base_url=base_url))
        yield ("models", "watch", "--seen", str(seen), "--model", str(card))


def told(tmp_path: Path) -> list[str]:
    """Read the output `new` that was written last."""
    found: list[str] = json.loads((tmp_path / "outputs").read_text().splitlines()[-2])
    return found


def test_a_first_look_finds_nothing_new_and_can_be_kept(
    asked: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*asked]) == 0
    assert not (tmp_path / "models.seen.json").exists()
    assert main([*asked, "--update"]) == 0

    (ids,) = json.loads((tmp_path / "models.seen.json").read_text())["endpoints"].values()
    assert ids == ["coder-1", "coder-2", "embed-1"]
    said = capsys.readouterr()
    assert said.out == ""
    assert "a first look, 3 models" in said.err
    assert told(tmp_path) == []


def test_new_ids_are_printed_until_they_are_kept(
    asked: tuple[str, ...],
    provider: Provider,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    main([*asked, "--update"])
    provider.ids = ["coder-3", "coder-2", "embed-2"]

    assert main([*asked]) == 0
    assert capsys.readouterr().out == "coder-3\nembed-2\n"
    assert main([*asked, "--allow", "coder-*", "--allow", "x*", "--update", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["new"] == told(tmp_path) == ["coder-3"]
    assert list(answer["endpoints"].values()) == [["coder-3"]]

    assert main([*asked]) == 0
    assert capsys.readouterr().out == ""
    assert told(tmp_path) == []


def test_an_id_that_comes_back_is_not_new(
    asked: tuple[str, ...], provider: Provider, tmp_path: Path
) -> None:
    main([*asked, "--update"])
    provider.ids = ["coder-2"]
    main([*asked, "--update"])
    provider.ids = ["coder-1", "coder-2"]
    main([*asked, "--update"])

    assert told(tmp_path) == []


def test_ids_that_name_no_model_go_nowhere(
    asked: tuple[str, ...],
    provider: Provider,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    main([*asked, "--update"])
    provider.ids += ["$(id)", "a\n::error::b", "--help", "", "x" * 300, "coder-4"]
    main([*asked])

    assert told(tmp_path) == ["coder-4"]
    assert capsys.readouterr().out == "coder-4\n"


@pytest.mark.parametrize("refusal", [(500, ["a"]), (200, []), (401, ["a"])])
def test_a_silent_provider_is_a_fault_and_nothing_is_forgotten(
    asked: tuple[str, ...],
    provider: Provider,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    refusal: tuple[int, list[str]],
) -> None:
    main([*asked, "--update"])
    before = (tmp_path / "models.seen.json").read_bytes()
    provider.status, provider.ids = refusal

    assert main([*asked, "--update"]) == 3
    assert (tmp_path / "models.seen.json").read_bytes() == before
    said = capsys.readouterr().err
    assert "no endpoint listed its models" in said
    assert KEY not in said


def test_a_key_that_is_not_set_and_a_file_that_is_no_list_are_told(
    asked: tuple[str, ...],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "models.seen.json").write_text('{"endpoints": 1}')
    assert main([*asked]) == 2
    assert "models.seen.json: `endpoints`" in capsys.readouterr().err

    (tmp_path / "models.seen.json").unlink()
    monkeypatch.delenv("ACME_KEY")
    assert main([*asked]) == 3
    assert "ACME_KEY is not set" in capsys.readouterr().err
    assert main(["models", "watch", "--seen", "x", "--model", "scripted/oracle"]) == 2
