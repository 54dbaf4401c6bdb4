"""Every expected error, its exit code and what to do next.

* TestbedError
  + UsageError              2  the command line or a file of the user's is wrong
    - ScenarioError            a scenario, fixture or its patches
    - CardError                a model card
    - RunError                 a run directory cannot be used as asked
  + EnvironmentFault        3  the machine or a service is not as needed
    - SandboxUnavailable       no sandbox can be started
    - SandboxLost              a running sandbox went away (never a tool result)
    - EndpointError            a model's endpoint cannot be used
    - DiskFull                 results cannot be written
  + VerificationFailed      1  a gate or `verify` says no
  + Inconclusive            4  a gate can neither pass nor fail
  + Interrupted           130  Ctrl-C
"""

from __future__ import annotations


class TestbedError(Exception):
    """An expected error: shown as one line, `what; next step`, with its exit code."""

    exit_code = 3

    def __init__(self, what: str, *, next_step: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.next_step = next_step

    def __str__(self) -> str:
        return f"{self.what}. {self.next_step}" if self.next_step else self.what


class UsageError(TestbedError):
    """The command line, or a file that the user wrote, is wrong."""

    exit_code = 2


class ScenarioError(UsageError):
    """A scenario or fixture does not hold together; names the file and the key."""


class CardError(UsageError):
    """A model card cannot be used; names the file and the key."""


class RunError(UsageError):
    """A run directory cannot be used as asked."""


class EnvironmentFault(TestbedError):
    """The machine, or a service it needs, is not as needed."""

    exit_code = 3


class SandboxUnavailable(EnvironmentFault):
    """No sandbox can be started here."""


class SandboxLost(EnvironmentFault):
    """A running sandbox went away: infrastructure, never a tool result."""


class EndpointError(EnvironmentFault):
    """A model's endpoint cannot be used: unreachable, no key, no such model."""


class DiskFull(EnvironmentFault):
    """Results cannot be written."""


class VerificationFailed(TestbedError):
    """A gate or `testbed verify` found a failure."""

    exit_code = 1


class Inconclusive(TestbedError):
    """A gate can neither pass nor fail: there is too little to decide by."""

    exit_code = 4


class Interrupted(TestbedError):
    """The user pressed Ctrl-C; finished trials are kept."""

    exit_code = 130
