"""`testbed models`: cards listed and shown, endpoints checked over real HTTP."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, ClassVar

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
CHUNK = {
    "model": "coder-1",
    "choices": [{"index": 0, "delta": {"content": "ready"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 9, "completion_tokens": 1, "total_tokens": 10},
}


class Endpoint(BaseHTTPRequestHandler):
    """Lists models as told, takes one key, and says `ready` to everything."""

    listing: ClassVar[Any] = {"data": [{"id": "coder-1"}]}
    status = 200

    def do_GET(self) -> None:
        right = self.headers["Authorization"] == f"Bearer {KEY}"
        refusal = {"error": {"message": f"bad key {KEY}"}}
        self._send(self.status if right else 401, self.listing if right else refusal)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self._send(200, f"data: {json.dumps(CHUNK)}\n\ndata: [DONE]\n\n")

    def _send(self, status: int, body: object) -> None:
        data = (body if isinstance(body, str) else json.dumps(body)).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *_: object) -> None:  # noqa: A002  (the base class names it)
        del format


@contextmanager
def served(**fields: Any) -> Iterator[str]:  # noqa: ANN401 (any field)
    handler = type("Told", (Endpoint,), fields)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/v1"
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def card(tmp_path: Path) -> Path:
    return tmp_path / "acme.toml"


@pytest.fixture
def with_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACME_KEY", KEY)


def checked(card: Path, *options: str, **fields: Any) -> int:  # noqa: ANN401 (any field)
    with served(**fields) as base_url:
        card.write_text(CARD.format(base_url=base_url))
        return main(["models", "check", str(card), *options])


def test_without_a_sub_command_every_card_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models"]) == 0

    said = capsys.readouterr().out
    rows = {line.split()[0]: line for line in said.splitlines()}
    assert "open weights" in rows["moonshot/kimi-k2-0905"]
    assert "retired 2026-05-15" in rows["xai/grok-4"]
    assert "https://api.moonshot.ai/v1  MOONSHOT_API_KEY" in said
    assert "scripted/oracle" in rows


def test_the_list_as_json_holds_cards_keys_and_prices_of_today(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.delenv("XAI_API_KEY", raising=False)
    assert main(["models", "--json"]) == 0

    said = capsys.readouterr().out
    rows = {row["id"]: row for row in json.loads(said)}
    assert rows["openai/gpt-4.1"]["key_set"] is True
    assert rows["xai/grok-4"]["key_set"] is False
    assert rows["ollama/qwen3-coder"]["key_set"] is None
    assert rows["xai/grok-4"]["retired_today"] is True
    assert rows["xai/grok-4"]["price_now"] is None
    assert rows["xai/grok-4"]["prices"][0]["output"] == 15.0
    assert rows["openai/gpt-5.6"]["price_now"]["input"] == 4.0
    assert rows["moonshot/kimi-k2-0905"]["open_weights"] is True
    assert KEY not in said


def test_a_card_is_shown_with_its_habits_and_its_prices_by_date(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["models", "show", "openai/gpt-5.6"]) == 0
    gpt = capsys.readouterr().out
    assert main(["models", "show", "deepseek/chat"]) == 0
    deepseek = capsys.readouterr().out

    assert "never sent      temperature" in gpt
    assert "max_tokens to max_completion_tokens" in gpt
    assert "above 272,000 input" in gpt
    spans = [line.split()[1] for line in deepseek.splitlines() if line.startswith("from ")]
    assert spans == ["2025-07-12", "2025-09-06", "2025-12-09"]
    assert "16:30 to 00:30 UTC" in deepseek


def test_one_card_as_json_is_its_row_of_the_list(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "show", "xai/grok-4", "--json"]) == 0

    assert json.loads(capsys.readouterr().out)["api"]["drop"][0] == "stop"


@pytest.mark.usefixtures("with_key")
@pytest.mark.parametrize(
    ("fields", "code", "line"),
    [
        ({}, 0, "acme/coder: usable: key set; http://127.0.0.1:{port}/v1 answers: coder-1"),
        ({"listing": [{"id": "coder-1"}]}, 0, "answers: coder-1"),
        ({"listing": {"data": [{"id": "models/coder-1"}]}}, 0, "answers: coder-1"),
        (
            {"listing": {"data": [{"id": "coder-2"}, {"id": "zebra"}]}},
            3,
            (
                "not usable: key set; http://127.0.0.1:{port}/v1 answers: "
                "coder-1 is not among the 2 listed, the nearest: coder-2"
            ),
        ),
        ({"listing": "hello"}, 0, "usable: key set; http://127.0.0.1:{port}/v1 answers: lists no"),
        ({"status": 404, "listing": {"error": "no such route"}}, 0, "lists no models: no such"),
    ],
)
def test_a_check_says_in_one_line_whether_the_model_is_served(
    card: Path,
    fields: dict[str, Any],
    code: int,
    line: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert checked(card, **fields) == code

    (said,) = capsys.readouterr().out.splitlines()
    port = card.read_text().split("127.0.0.1:")[1].split("/")[0]
    assert line.format(port=port) in said


def test_a_wrong_key_a_missing_key_and_a_closed_port_are_told_apart(
    card: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ACME_KEY", f"{KEY}-wrong")
    wrong = checked(card)
    monkeypatch.setenv("ACME_KEY", KEY)
    closed = main(["models", "check", str(card)])
    monkeypatch.delenv("ACME_KEY")
    missing = main(["models", "check", str(card), "--json"])

    said = capsys.readouterr().out
    lines = said.splitlines()
    assert (wrong, closed, missing) == (3, 3, 3)
    assert "cannot be used: auth: bad key" in lines[0]
    assert "cannot be used: connection" in lines[1]
    (reach,) = json.loads("".join(lines[2:]))["reach"]
    assert (reach["key"], reach["answers"], reach["detail"]) == ("not set", None, "set ACME_KEY")


@pytest.mark.usefixtures("with_key")
def test_a_failed_probe_is_exit_code_1_and_its_record_is_in_the_json(
    card: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = checked(card, "--deep")
    shown = capsys.readouterr().out
    code = checked(card, "--deep", "--json")
    (flight,) = json.loads(capsys.readouterr().out)["preflight"]["asked"]

    assert (table, code) == (1, 1)
    outcomes = {probe["id"]: probe["outcome"] for probe in flight["probes"]}
    assert outcomes["parameters"] == "ok"
    assert outcomes["tools_streamed"] == "failed"
    assert outcomes["tool_result"] == "not_applicable"
    assert flight["cost_usd"] is None
    assert "acme/coder tools_streamed  failed" in shown
    assert KEY not in shown


@pytest.mark.usefixtures("with_key")
def test_a_model_that_cannot_be_used_is_not_probed(
    card: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert checked(card, "--deep", "--json", listing={"data": [{"id": "other"}]}) == 3
    assert json.loads(capsys.readouterr().out)["preflight"]["asked"] == []


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["check", "scripted/oracle"], 2, "a player has no endpoint"),
        (["check", "--deep"], 2, "--deep costs tokens"),
        (["check", "no/such"], 2, "no model card `no/such`"),
        (["show", "no/such"], 2, "no model card `no/such`"),
    ],
)
def test_what_cannot_be_checked_is_one_line_with_its_exit_code(
    arguments: list[str], code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["models", *arguments]) == code

    assert said in capsys.readouterr().err


def test_without_any_key_a_check_of_all_says_what_to_do(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from testbed.catalog import shipped_cards

    for shipped in shipped_cards():
        if shipped.key_variable:
            monkeypatch.delenv(shipped.key_variable, raising=False)

    assert main(["models", "check"]) == 3
    assert "no key of a model in service is set" in capsys.readouterr().err
