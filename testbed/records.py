"""What happened, as frozen records. `None` means "not reported"; `0` means zero."""

from __future__ import annotations

from enum import StrEnum
from typing import Final, Self

from pydantic import Field

from testbed.findings import Harm, OwnTests, Quality
from testbed.record import SCHEMA_VERSION, Record


def add_known(left: int | None, right: int | None) -> int | None:
    """Add two counts; a sum with an unknown part is unknown."""
    return None if left is None or right is None else left + right


class Usage(Record):
    """Tokens of one or more requests, in disjoint classes.

    `reasoning` is the part of `output` that was spent on reasoning; the other
    classes do not overlap. A cache class that is not reported is inside `fresh_input`.
    """

    fresh_input: int | None = None
    cache_read: int | None = None
    cache_write: int | None = None
    output: int | None = None
    reasoning: int | None = None

    @property
    def read(self) -> int | None:
        """Count every token read."""
        if self.fresh_input is None:
            return None
        return self.fresh_input + (self.cache_read or 0) + (self.cache_write or 0)

    @property
    def total(self) -> int | None:
        """Count every token read and written."""
        return add_known(self.read, self.output)

    def __add__(self, other: Self) -> Usage:
        cache_read = add_known(self.cache_read, other.cache_read)
        cache_write = add_known(self.cache_write, other.cache_write)
        read = add_known(self.read, other.read)
        return Usage(
            # What one of the two did not tell apart is told apart in neither, and lost in none.
            fresh_input=None if read is None else read - (cache_read or 0) - (cache_write or 0),
            cache_read=cache_read,
            cache_write=cache_write,
            output=add_known(self.output, other.output),
            reasoning=add_known(self.reasoning, other.reasoning),
        )


NO_USAGE: Final = Usage(fresh_input=0, cache_read=0, cache_write=0, output=0, reasoning=0)


class Exchange(Record):
    """One HTTP attempt at one turn. Times are seconds since the request was sent."""

    turn: int
    attempt: int
    sent_at: str
    """UTC, ISO 8601 with microseconds."""
    status: int | None = None
    error: str | None = None
    """`None` for a complete reply, else the class: rate_limit, overloaded, quota, auth,
    context_length, content_filter, tool_use_failed, bad_request, server, stream,
    truncated_stream, empty_stream, endless_stream, connection, timeout."""
    error_detail: str | None = None
    first_byte_s: float | None = None
    first_token_s: float | None = None
    """First streamed token of any kind, reasoning included (TTFT)."""
    first_output_s: float | None = None
    """First content or tool-call token (TTFO)."""
    last_token_s: float | None = None
    last_byte_s: float | None = None
    waited_s: float = 0.0
    """Slept after this attempt before the next one."""
    usage: Usage | None = None
    """As the provider reported it; `None` when it reported none."""
    cost_usd: float | None = None
    finish_reason: str | None = None
    served_model: str | None = None
    request_id: str | None = None
    dropped_params: tuple[str, ...] = ()
    reported_cost_usd: float | None = None
    """What the provider itself says that this request cost: a check on the price card."""
    headers: dict[str, str] = Field(default_factory=dict)
    """Response headers of an allow-list, names in lower case: quota and request ids."""

    @property
    def produced(self) -> bool:
        """Say whether tokens came, which are to be counted and paid for."""
        return self.error is None or self.first_token_s is not None


class Stage(StrEnum):
    """The last stage of the tool-call funnel that a call reached."""

    EMITTED = "emitted"
    PARSED = "parsed"
    KNOWN = "known"
    SCHEMA_VALID = "schema_valid"
    EXECUTABLE = "executable"
    EFFECTIVE = "effective"


class ToolCall(Record):
    """One tool call as the model emitted it, and how far it got."""

    id: str
    name: str
    raw_arguments: str
    stage: Stage
    cause: str | None = None
    """Why it went no further than `stage`: leaked_text_call, truncated_call, invalid_json,
    concatenated_json, unknown_tool, missing_required, unexpected_param, wrong_type,
    schema_other, precondition_failed:<code>, repeated, provider_rejected; `None` for effective
    calls."""
    seconds: float = 0.0
    """Time in the sandbox."""
    result: str = ""
    """What the model was told (already capped)."""


class Turn(Record):
    """One reply of the model and the tool calls it made."""

    index: int
    text: str
    reasoning: str | None
    finish_reason: str | None
    tool_calls: tuple[ToolCall, ...]
    model_s: float
    """From request sent to last byte, waits excluded."""
    tool_s: float


class Ending(StrEnum):
    """Why the agent stopped."""

    FINISHED = "finished"
    STOPPED_TALKING = "stopped_talking"
    TURN_LIMIT = "turn_limit"
    TOKEN_LIMIT = "token_limit"  # noqa: S105  (a limit's name, no secret)
    COST_LIMIT = "cost_limit"
    TIME_LIMIT = "time_limit"
    MALFORMED = "malformed"
    REFUSED = "refused"
    CONTEXT_OVERFLOW = "context_overflow"
    MODEL_ERROR = "model_error"
    INFRA_ERROR = "infra_error"


class Verdict(StrEnum):
    """Whether the patch does the task; infrastructure alone gives `ungraded`."""

    PASS = "pass"  # noqa: S105  (a verdict's name, no secret)
    FAIL = "fail"
    UNGRADED = "ungraded"


class Origin(StrEnum):
    """Which part of the infrastructure spoiled a trial."""

    MODEL_API = "model_api"
    SANDBOX = "sandbox"
    GRADER = "grader"
    HARNESS = "harness"


class Failure(Record):
    """What infrastructure did to a trial."""

    origin: Origin
    detail: str
    final: bool = False
    """Trying again cannot help: the key, the quota or the request itself was refused."""


class Patch(Record):
    """What a trial left, measured on the diff. Paths are relative to the workspace."""

    digest: str
    """sha256 of the diff; of nothing for an empty patch."""
    files: tuple[str, ...]
    added: int
    deleted: int
    tampered: tuple[str, ...] = ()
    """Protected paths that the patch touched; discarded before grading."""


class CheckKind(StrEnum):
    """What a check looks at."""

    FAIL_TO_PASS = "fail_to_pass"  # noqa: S105  (a kind's name, no secret)
    PASS_TO_PASS = "pass_to_pass"  # noqa: S105  (a kind's name, no secret)
    TYPECHECK = "typecheck"
    WITNESS = "witness"
    """The test runner's exit code agrees with its report."""
    CONSTRAINT = "constraint"


class Check(Record):
    """One thing that was checked. A constraint never decides the verdict."""

    id: str
    kind: CheckKind
    passed: bool
    detail: str = ""


class UnusedName(Record):
    """One unused variable, parameter or import on a line that the model wrote."""

    path: str
    line: int
    message: str


class Grade(Record):
    """The outcome of every check on one patch."""

    schema_version: int = SCHEMA_VERSION
    verdict: Verdict
    failure: Failure | None = None
    checks: tuple[Check, ...] = ()
    unused: tuple[UnusedName, ...] | None = None
    """`None` when the linter could not run."""
    localised: bool | None = None
    """The patch touched a seeded file; `None` for an empty list of seeded files."""
    quality: Quality | None = None
    """`None` when it could not be measured, and for a patch without source files."""
    own_tests: OwnTests | None = None
    """`None` when the patch brought none along, or when they could not be run."""
    seconds: float = 0.0

    def failed(self, *kinds: CheckKind) -> tuple[Check, ...]:
        """List the checks of these kinds (all kinds when none is named) that failed."""
        return tuple(c for c in self.checks if not c.passed and (not kinds or c.kind in kinds))


UNKNOWN_TOOL: Final = "unknown"
"""Stands for every tool that was not offered: a model may invent any name."""


class Funnel(Record):
    """Tool calls by the last stage reached, and the causes that ended them."""

    stages: dict[str, int] = Field(default_factory=dict)
    """Stage name -> calls that went no further."""
    causes: dict[str, int] = Field(default_factory=dict)
    causes_by_tool: dict[str, dict[str, int]] = Field(default_factory=dict)
    """Tool name -> cause -> calls."""

    @property
    def emitted(self) -> int:
        """Count every call, text that looks like one included."""
        return sum(self.stages.values())

    @property
    def executable(self) -> int:
        """Count the calls that were schema-valid and executable."""
        return self.stages.get(Stage.EXECUTABLE, 0) + self.stages.get(Stage.EFFECTIVE, 0)


class Latency(Record):
    """One complete reply: seconds since the request was sent, and its output tokens."""

    response_s: float
    ttft_s: float | None
    ttfo_s: float | None
    output_tokens_per_s: float | None
    """`None` below 20 tokens or without usage."""


class Trial(Record):
    """One model, one scenario, one repeat: everything the figures need."""

    schema_version: int = SCHEMA_VERSION
    model: str
    scripted: bool
    scenario: str
    kind: str
    repeat: int
    """1-based repeat index."""
    attempt: int
    """1-based try at this repeat; earlier tries were spoiled by infrastructure."""
    ending: Ending
    verdict: Verdict
    failure: Failure | None = None
    started_at: str
    phases: dict[str, float]
    """Seconds: queue, seed, agent, model, tools, waiting, grade, total."""
    turns: int
    requests: int
    """HTTP attempts, failed ones included."""
    rate_limited: int
    """Requests answered by 429 or an overload."""
    usage: Usage | None
    """`None` when a request that produced tokens came without usage."""
    cost_usd: float | None
    """`None` when a part has no price or no usage."""
    funnel: Funnel
    latencies: tuple[Latency, ...]
    patch: Patch | None
    checks_total: int = 0
    checks_failed: tuple[str, ...] = ()
    """Ids of failed checks that decide the verdict, at most 20."""
    violations: tuple[str, ...] | None = None
    """Violated constraints; `None` when ungraded."""
    unused: int | None = None
    localised: bool | None = None
    tool_replies: int = 0
    """Complete replies whose finish reason is `tool_calls`."""
    schema_valid_replies: int = 0
    """Of these, how many hold schema-valid calls alone."""
    served_models: tuple[str, ...] = ()
    """What the endpoint called the model it served, in the order of appearance."""
    reported_cost_usd: float | None = None
    """What the provider itself says; `None` when it said nothing for a reply."""
    quota: dict[str, str] = Field(default_factory=dict)
    """The limits that response headers told, by header, as last seen."""
    quality: Quality | None = None
    own_tests: OwnTests | None = None
    harm: tuple[Harm, ...] | None = None
    """`None` when ungraded."""
    prompts: tuple[Verdict, ...] = ()
    """With follow-ups: the verdict after every prompt, the first one included; else empty."""
    files: dict[str, str] = Field(default_factory=dict)
    """Name of every other file of the try -> sha256 of its bytes."""
    lock: str | None = None
    """sha256 of the run's `lock.json`, which holds that of `run.json`."""

    @property
    def key(self) -> tuple[str, str, int]:
        """Identify the trial within its run, whatever the try."""
        return (self.model, self.scenario, self.repeat)
