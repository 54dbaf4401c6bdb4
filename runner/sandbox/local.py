"""Sandboxes in bubblewrap namespaces: no engine, nothing to install, the same policy.

What the kernel gives without an engine is the same: own namespaces for files, processes, network
and users, no capabilities, a read-only root, sized tmpfs. Memory, processes and processors are
limited by control groups where they can be made, else by rlimits.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import signal
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from runner.sandbox import cgroups
from runner.sandbox.bubblewrap import command_of, find_bwrap, open_files
from runner.sandbox.client import ToolboxSandbox
from runner.sandbox.images import TOOLBOX
from runner.sandbox.node import node_version
from runner.sandbox.owner import is_running, owner_mark
from runner.sandbox.sizes import OPEN_FILES
from runner.starting import started
from testbed.errors import SandboxLost, SandboxUnavailable

if TYPE_CHECKING:
    from runner.sandbox.base import Dependencies, Limits, Progress, SandboxSpec

_ENTER: Final = 'while [ "$1" != -- ]; do echo $$ >"$1/cgroup.procs" || exit 1; shift; done; '
_ENTER_AND_BECOME: Final = ("/bin/sh", "-c", _ENTER + 'shift; exec "$@"', "sandbox")
_OWN_COUNT_OF_PROCESSES: Final = (5, 14)
_CLAIMED: Final = 4
"""Node claims up to 4 GiB for its worker threads and uses a tenth of it."""
_PROBE_S: Final = 20
_DEATH_S: Final = 10
_POLL_S: Final = 0.002
_NEXT_STEP: Final = (
    "Allow user namespaces (`sysctl -w kernel.unprivileged_userns_clone=1`; on Ubuntu"
    " `sysctl -w kernel.apparmor_restrict_unprivileged_userns=0`), or start Docker"
)


class LocalEngine:
    """Starts sandboxes as bubblewrap processes of this machine."""

    name = "local"

    def __init__(self) -> None:
        """Try the namespaces; raise `SandboxUnavailable` when the kernel refuses them."""
        self._bwrap = find_bwrap()
        self._owner = owner_mark()
        homes = cgroups.roots()
        self._homes = homes if cgroups.usable(homes, self._owner) else []
        self._modules: dict[str, str] = {}
        _try_namespaces(self._bwrap)
        unlimited = "" if self._homes else "; memory limited per process only, processors not"
        self.weaker = (
            "local sandbox: the host's kernel and /usr are seen inside, no seccomp filter"
            f"{unlimited}"
        )

    async def prepare(self, dependencies: Dependencies, progress: Progress) -> str:
        """Note where the packages are; return a name that changes with what sandboxes see."""
        inputs = f"{dependencies.digest} {node_version()} {TOOLBOX.read_text()}"
        image = f"local-{hashlib.sha256(inputs.encode()).hexdigest()[:16]}"
        if image not in self._modules:
            progress(f"using {dependencies.node_modules}")
        self._modules[image] = dependencies.node_modules
        return image

    async def start(self, spec: SandboxSpec) -> ToolboxSandbox:
        """Start a sandbox with an empty workspace /ws/app, ready for the first call."""
        return await started(self._start(spec), end=ToolboxSandbox.close)

    async def _start(self, spec: SandboxSpec) -> ToolboxSandbox:
        if spec.image not in self._modules:
            raise SandboxUnavailable(
                f"The image {spec.image} is not prepared", next_step="Prepare it in this process"
            )
        try:
            groups = cgroups.create(self._homes, self._owner, spec.run_id, spec.name, spec.limits)
            process = await self._spawn(spec, groups)
        except OSError as error:
            raise SandboxLost(
                f"Cannot start sandbox {spec.name}: {error}",
                next_step="Run `testbed doctor`, then resume the run",
            ) from error
        if process.stdin is None or process.stdout is None:
            raise AssertionError("both are pipes")

        async def end() -> None:
            await _end(process, groups)

        sandbox = ToolboxSandbox(
            name=spec.name,
            reader=process.stdout,
            writer=process.stdin,
            end=end,
            environment=spec.environment,
            output_bytes=spec.limits.output_bytes,
        )
        await sandbox.hello(_rlimits(spec.limits, grouped=bool(groups)))
        return sandbox

    async def clean(self, run_id: str | None = None) -> int:
        """Remove strays of a run (of every run whose owner process is dead when `None`)."""
        strays = cgroups.strays(self._homes, run_id)
        for groups in strays.values():
            cgroups.kill(groups)
            await asyncio.to_thread(cgroups.remove, groups)
        return len(strays)

    async def _spawn(self, spec: SandboxSpec, groups: list[Path]) -> asyncio.subprocess.Process:
        with open_files() as files:
            modules, disk = self._modules[spec.image], spec.limits.disk_bytes
            command = command_of(self._bwrap, modules, disk, files, spec.empty)
            return await asyncio.create_subprocess_exec(
                *_ENTER_AND_BECOME,
                *map(str, groups),
                "--",
                *command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                env={},
                cwd="/",
                pass_fds=files.values(),
                limit=1 << 20,
                start_new_session=True,  # Ctrl-C is for us: it would leave us a dead sandbox
            )


def _rlimits(limits: Limits, *, grouped: bool) -> dict[str, int]:
    """Return what stands in for the limits that no control group holds."""
    rlimits = {"RLIMIT_CORE": 0, "RLIMIT_NOFILE": OPEN_FILES}
    if not grouped:
        rlimits["RLIMIT_DATA"] = _CLAIMED * limits.memory_bytes
        release = os.uname().release.split(".")
        if tuple(map(int, release[:2])) >= _OWN_COUNT_OF_PROCESSES:
            # Before, a user's processes outside the sandbox counted too.
            rlimits["RLIMIT_NPROC"] = limits.pids
    return rlimits


async def _end(process: asyncio.subprocess.Process, groups: list[Path]) -> None:
    """Kill the sandbox and what watches over it, and wait until all of it is gone."""
    if process.stdin and not process.stdin.is_closing():  # asyncio's abort fails on a broken pipe
        process.stdin.transport.abort()
    reaped = process.returncode is not None
    family = [] if reaped else _family(process.pid)  # the number may be another's by now
    for pid in family:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    with suppress(TimeoutError):
        async with asyncio.timeout(_DEATH_S):
            await process.wait()
            while any(map(is_running, family)):  # noqa: ASYNC110  (the kernel tells of no grandchild)
                await asyncio.sleep(_POLL_S)
    if groups:
        await asyncio.to_thread(cgroups.remove, groups)


def _family(pid: int) -> list[int]:
    """List a process and its descendants as far as they are outside the sandbox or its first."""
    family = [pid]
    for member in family:
        with suppress(OSError):
            family += map(int, Path(f"/proc/{member}/task/{member}/children").read_text().split())
    return family


def _try_namespaces(bwrap: Path) -> None:
    """Start and end an empty sandbox."""
    with open_files() as files:
        command = command_of(bwrap, "/usr/lib", 1 << 20, files)
        try:
            done = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,  # its end ends the toolbox
                capture_output=True,
                env={},
                pass_fds=files.values(),
                timeout=_PROBE_S,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise SandboxUnavailable(f"bubblewrap failed: {error}", next_step=_NEXT_STEP) from None
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
        raise SandboxUnavailable(f"bubblewrap failed: {''.join(said)}", next_step=_NEXT_STEP)
