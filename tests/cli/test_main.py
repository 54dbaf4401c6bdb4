"""What the command line makes of faults."""

from __future__ import annotations

from typing import TYPE_CHECKING

from testbed import cli

if TYPE_CHECKING:
    import pytest


def test_an_unexpected_error_keeps_its_traceback_and_is_no_failed_verification(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(**_: object) -> None:
        raise ZeroDivisionError("not expected")

    monkeypatch.setattr(cli, "app", broken)

    assert cli.main(["doctor"]) == 3
    assert "Traceback" in capsys.readouterr().err
