"""The one comment of the action, over real HTTP against a server that speaks the comments API."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from runner.github.comments import Repository, keep_comment
from testbed.comparing.outcome import MARKER, MOST_CHARACTERS
from testbed.errors import EndpointError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TOKEN = "ghs-very-secret"  # noqa: S105  (made up)
BODY = f"{MARKER}\n\nBetter.\n"


class Api:
    """The comments of issue 7 of acme/app."""

    def __init__(self) -> None:
        self.comments: list[dict[str, Any]] = []
        self.asked: list[tuple[str, str]] = []
        self.refusal: tuple[int, dict[str, str], str] | None = None

    def add(self, body: str, **fields: Any) -> dict[str, Any]:  # noqa: ANN401  (any field)
        number = 1000 + len(self.comments)
        url = f"https://example.test/{number}"
        self.comments.append({"id": number, "html_url": url, "body": body, **fields})
        return self.comments[-1]

    def answer(self, method: str, path: str, body: Any) -> tuple[int, Any]:  # noqa: ANN401  (JSON)
        found = re.fullmatch(r"/repos/acme/app/issues/7/comments(\?per_page=100&page=(\d+))?", path)
        one = re.fullmatch(r"/repos/acme/app/issues/comments/(\d+)", path)
        if method == "GET" and found and found[2]:
            page = int(found[2])
            return 200, self.comments[(page - 1) * 100 : page * 100]
        if method == "POST" and found:
            return 201, self.add(body["body"], user={"type": "Bot"})
        if method == "PATCH" and one:
            (comment,) = (c for c in self.comments if c["id"] == int(one[1]))
            comment["body"] = body["body"]
            return 200, comment
        return 404, {"message": "Not Found"}


def handler(api: Api) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            api.asked.append((self.command, self.path))
            body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or "0")
            status, answer = api.answer(self.command, self.path, body)
            headers: dict[str, str] = {}
            if self.headers["Authorization"] != f"Bearer {TOKEN}":
                status, answer = 401, {"message": "Bad credentials"}
            if api.refusal:
                status, headers, message = api.refusal
                answer = {"message": message}
            data = json.dumps(answer).encode()
            self.send_response(status)
            for name, value in (headers | {"Content-Length": str(len(data))}).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)

        def do_POST(self) -> None:
            self.do_GET()

        def do_PATCH(self) -> None:
            self.do_GET()

        def log_message(self, format: str, *_: object) -> None:  # noqa: A002  (the base names it)
            del format

    return Handler


@contextmanager
def serving(api: Api) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), handler(api)) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def api() -> Api:
    return Api()


@pytest.fixture
def place(api: Api) -> Iterator[Repository]:
    with serving(api) as address:
        yield Repository(name="acme/app", api=address, token=TOKEN)


def crowded(api: Api, *, marked_at: int) -> None:
    for number in range(150):
        mine = number == marked_at
        api.add(f"{MARKER}\nold" if mine else f"talk {number}", user={"type": "Bot"})


def test_the_first_comparison_makes_a_comment(api: Api, place: Repository) -> None:
    said = keep_comment(place, 7, BODY)

    assert said == "comment made: https://example.test/1000"
    assert [c["body"] for c in api.comments] == [BODY]


def test_a_comment_on_the_second_page_is_updated_and_not_doubled(
    api: Api, place: Repository
) -> None:
    crowded(api, marked_at=130)
    said = keep_comment(place, 7, BODY)

    assert said == "comment updated: https://example.test/1130"
    assert len(api.comments) == 150
    assert api.comments[130]["body"] == BODY
    assert [page for _, page in api.asked[:2]] == [
        f"/repos/acme/app/issues/7/comments?per_page=100&page={page}" for page in (1, 2)
    ]


def test_all_pages_are_read_before_another_comment_is_made(api: Api, place: Repository) -> None:
    crowded(api, marked_at=-1)
    keep_comment(place, 7, BODY)

    assert len(api.comments) == 151
    assert [method for method, _ in api.asked] == ["GET", "GET", "POST"]


def test_twice_the_same_comparison_is_one_comment(api: Api, place: Repository) -> None:
    keep_comment(place, 7, BODY)
    keep_comment(place, 7, BODY + "again")

    assert [c["body"] for c in api.comments] == [BODY + "again"]


def test_a_strangers_comment_with_the_marker_is_left_alone(api: Api, place: Repository) -> None:
    api.add(f"{MARKER} mine now", user={"type": "User"}, author_association="NONE")
    api.add(f"see {MARKER}", user={"type": "Bot"})
    keep_comment(place, 7, BODY)

    assert api.comments[0]["body"] == f"{MARKER} mine now"
    assert api.comments[2]["body"] == BODY


def test_the_command_finds_it_among_150_and_says_where_it_is(
    api: Api, place: Repository, tmp_path: Path
) -> None:
    crowded(api, marked_at=140)
    (tmp_path / "comment.md").write_text(BODY)
    arguments = ("action", "comment", "--repository", "acme/app", "--number", "7", "--body")
    environment = {"GITHUB_API_URL": f"{place.api}/", "GITHUB_TOKEN": TOKEN}

    def said() -> tuple[int, str, str]:
        done = subprocess.run(
            [sys.executable, "-m", "testbed", *arguments, "comment.md"],
            cwd=tmp_path,
            env={"PATH": os.environ["PATH"], **environment},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return done.returncode, done.stdout, done.stderr

    assert said() == (0, "comment updated: https://example.test/1140\n", "")
    assert api.comments[140]["body"] == BODY
    assert len(api.comments) == 150

    api.refusal = (403, {"x-ratelimit-remaining": "0"}, "slow down")
    code, line, rest = said()
    assert (code, rest) == (3, "")
    assert line.startswith("::error::the API's rate limit is used up")
    assert line.count("\n") == 1


@pytest.mark.parametrize(
    ("status", "headers", "words"),
    [
        (403, {"x-ratelimit-remaining": "0"}, "the API's rate limit is used up"),
        (403, {"retry-after": "60"}, "the API's rate limit is used up for 60 s"),
        (429, {}, "the API's rate limit is used up"),
        (403, {}, "403: the token may not do that"),
        (404, {}, "404: there is no such repository or issue"),
        (301, {"Location": "http://127.0.0.1:9/"}, "301: the API refuses"),
        (502, {}, "502: the API refuses"),
    ],
)
def test_a_refusal_is_told_in_one_line(
    api: Api, place: Repository, status: int, headers: dict[str, str], words: str
) -> None:
    api.refusal = (status, headers, "no\n::error::way")

    with pytest.raises(EndpointError) as refused:
        keep_comment(place, 7, BODY)

    line = str(refused.value)
    assert words in line
    assert "\n" not in line
    assert TOKEN not in line
    assert not api.comments


def test_a_wrong_token_and_a_dead_server_are_told(api: Api, place: Repository) -> None:
    wrong = Repository(name=place.name, api=place.api, token=TOKEN[:-1])
    with pytest.raises(EndpointError, match="401: the token is not taken"):
        keep_comment(wrong, 7, BODY)

    dead = Repository(name=place.name, api="http://127.0.0.1:9", token=TOKEN)
    with pytest.raises(EndpointError, match="does not answer: ConnectionRefusedError"):
        keep_comment(dead, 7, BODY)
    assert not api.comments


def test_a_body_that_could_never_be_found_again_or_is_too_long_is_not_sent(
    api: Api, place: Repository
) -> None:
    for body, words in (("Better.", "no marker"), (BODY + "x" * MOST_CHARACTERS, "too long")):
        with pytest.raises(UsageError, match=words):
            keep_comment(place, 7, body)
    assert not api.asked


@pytest.mark.parametrize(
    ("name", "environ", "words"),
    [
        ("acme", {"GITHUB_TOKEN": TOKEN}, "is no repository"),
        ("acme/../app", {"GITHUB_TOKEN": TOKEN}, "is no repository"),
        ("acme/app?x", {"GITHUB_TOKEN": TOKEN}, "is no repository"),
        ("acme/app", {}, "GITHUB_TOKEN is not set"),
        ("acme/app", {"GITHUB_TOKEN": "a\nb"}, "GITHUB_TOKEN is not set"),
        ("acme/app", {"GITHUB_TOKEN": TOKEN, "GITHUB_API_URL": "ftp://x"}, "is no address"),
    ],
)
def test_what_cannot_be_asked_is_refused(name: str, environ: dict[str, str], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        Repository.read(name, environ)


def test_without_an_address_the_public_api_is_asked() -> None:
    found = Repository.read("acme/app", {"GITHUB_TOKEN": f" {TOKEN}\n", "GITHUB_API_URL": ""})

    assert (found.api, found.token) == ("https://api.github.com", TOKEN)
