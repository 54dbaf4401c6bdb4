"""Sandboxes in Docker containers, through the `docker` SDK; Podman's socket works too.

The toolbox is the container's main process and its stdin the only thing that keeps it alive: a
harness that dies, however it dies, ends the stream, the toolbox and, by `auto_remove`, the
container.
"""

from __future__ import annotations

import asyncio
import os
import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

from runner.sandbox.client import ToolboxSandbox
from runner.sandbox.images import TOOLBOX_INSIDE, build, remove_all
from runner.sandbox.owner import is_dead, object_name, owner_mark
from runner.sandbox.sizes import MAX_FILES, OPEN_FILES, SHM_BYTES, TMP_BYTES, total_memory
from testbed.errors import SandboxLost, SandboxUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from docker import APIClient, DockerClient
    from docker.types import HostConfig

    from runner.sandbox.base import Dependencies, Progress, SandboxSpec

_RUN: Final = "testbed.run"
_OWNER: Final = "testbed.owner"
_NAME: Final = "testbed.name"
_COMMAND: Final = ("python3", "-I", "-S", "-B", "-X", "utf8", "-W", "ignore")
_STARTS_AT_ONCE: Final = 4
_PING_S: Final = 10
_USUAL_HOST: Final = "unix:///var/run/docker.sock"
_CALL_S: Final = 300
_PLAIN: Final = ("http+docker://localhost", "http+docker://localunixsocket", "http://")
_STDOUT: Final = 1
_CHUNK_HEADER: Final = 8


class _Demultiplexed:
    """The toolbox's stdout out of the stream in which the engine mixes stdout and stderr."""

    def __init__(self, stream: asyncio.StreamReader) -> None:
        self._stream = stream
        self._left = 0

    async def readexactly(self, n: int) -> bytes:
        """Read `n` bytes of stdout or raise `asyncio.IncompleteReadError`."""
        pieces = []
        while n:
            while not self._left:
                await self._next_chunk()
            size = min(n, self._left)
            pieces.append(await self._stream.readexactly(size))
            self._left -= size
            n -= size
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    async def _next_chunk(self) -> None:
        header = await self._stream.readexactly(_CHUNK_HEADER)
        size = int.from_bytes(header[4:])
        if header[0] == _STDOUT:
            self._left = size
            return
        while size:  # a dying toolbox's last words
            size -= len(await self._stream.readexactly(min(size, 1 << 16)))


class DockerEngine:
    """Starts sandboxes on the Docker engine that the environment names."""

    name = "docker"
    weaker = ""

    def __init__(self) -> None:
        """Connect; raise `SandboxUnavailable` when no engine answers."""
        self._client, self._cores = _connect()
        self._api = self._client.api
        self._owner = owner_mark()
        # The engine, not this process, is what gets slow: few starts at a time.
        self._starters = ThreadPoolExecutor(_STARTS_AT_ONCE, thread_name_prefix="sandbox-start")

    def close(self) -> None:
        """Let go of the engine; sandboxes that still run are not touched."""
        self._starters.shutdown()
        self._client.close()

    async def prepare(
        self, dependencies: Dependencies, progress: Progress, *, browser: bool = False
    ) -> str:
        """Build what sandboxes need, or reuse it; return the image's name (content-hashed).

        With a browser it is another image, which holds Chromium too.
        """
        labels = {_OWNER: self._owner, _RUN: "build"}
        with _translated("build the sandbox image"):
            return await build(self._client, dependencies, progress, labels, browser=browser)

    async def start(self, spec: SandboxSpec) -> ToolboxSandbox:
        """Start a sandbox with an empty workspace /ws/app, ready for the first call."""
        loop = asyncio.get_running_loop()
        creation = loop.run_in_executor(self._starters, self._create, spec)
        try:
            container, connection = await asyncio.shield(creation)
            reader, writer = await asyncio.open_connection(sock=connection, limit=1 << 20)
        except asyncio.CancelledError:
            await asyncio.shield(self._abandon(creation))
            raise

        async def end() -> None:
            await asyncio.to_thread(self._remove, container)
            writer.transport.abort()

        sandbox = ToolboxSandbox(
            name=spec.name,
            reader=_Demultiplexed(reader),
            writer=writer,
            end=end,
            environment=spec.environment,
            output_bytes=spec.limits.output_bytes,
        )
        await sandbox.hello()
        return sandbox

    async def clean(self, run_id: str | None = None) -> int:
        """Remove strays of a run (of every run whose owner process is dead when `None`)."""
        with _translated("remove stray containers"):
            return await asyncio.to_thread(self._clean, run_id)

    async def remove_images(self, progress: Progress) -> int:
        """Remove every image that was built here and is not in use; return how many."""
        with _translated("remove images"):
            return await remove_all(self._client, progress)

    async def _abandon(self, creation: asyncio.Future[tuple[str, socket.socket]]) -> None:
        """Remove what a cancelled start made; one that failed by itself made nothing."""
        with suppress(SandboxLost, SandboxUnavailable):
            container, connection = await creation
            connection.close()
            await asyncio.to_thread(self._remove, container)

    def _create(self, spec: SandboxSpec) -> tuple[str, socket.socket]:
        """Create, attach, then start: no byte is missed and nothing runs unattached."""
        with _translated(f"start sandbox {spec.name}"):
            container = self._api.create_container(
                spec.image,
                [*_COMMAND, TOOLBOX_INSIDE],
                name=object_name("testbed", spec.run_id, spec.name),
                labels={_RUN: spec.run_id, _OWNER: self._owner, _NAME: spec.name},
                hostname="sandbox",
                user="1000:1000",
                working_dir="/ws/app",
                stdin_open=True,
                tty=False,
                # Without even a disabled network of the engine's a start takes half the time;
                # the container still has a name space of its own, with a loopback.
                network_disabled=True,
                host_config=self._hardened(spec),
            )["Id"]
            try:
                connection = _attach(self._api, container)
                self._api.start(container)
            except BaseException:
                self._remove(container)
                raise
        return container, connection

    def _hardened(self, spec: SandboxSpec) -> HostConfig:
        """Describe a container that can reach nothing and fill nothing but itself."""
        from docker.types import LogConfig, Ulimit

        limits = spec.limits
        memory = total_memory(limits)
        mine = f"rw,exec,nosuid,nodev,uid=1000,gid=1000,nr_inodes={MAX_FILES}"
        return self._api.create_host_config(
            network_mode="none",
            cap_drop=["ALL"],
            security_opt=["no-new-privileges"],
            read_only=True,
            tmpfs={
                "/ws/app": f"{mine},mode=755,size={limits.disk_bytes}",
                "/tmp": f"{mine},mode=1777,size={TMP_BYTES}",  # noqa: S108  (the sandbox's own)
                **{f"/ws/app/{folder}": "ro,mode=755" for folder in spec.empty},
            },
            shm_size=SHM_BYTES,
            mem_limit=memory,
            memswap_limit=memory,
            pids_limit=limits.pids,
            nano_cpus=int(min(limits.cpus, self._cores) * 1e9),
            ulimits=[
                Ulimit(name="nofile", soft=OPEN_FILES, hard=OPEN_FILES),
                Ulimit(name="core", soft=0, hard=0),
            ],
            log_config=LogConfig(type=LogConfig.types.NONE),
            auto_remove=True,
        )

    def _remove(self, container: str) -> None:
        """Kill and remove a container at once; one that is already on its way out is awaited."""
        from docker.errors import APIError, NotFound
        from requests.exceptions import RequestException

        try:
            self._api.remove_container(container, force=True)
        except NotFound:
            return
        except APIError:
            with suppress(APIError, RequestException):
                self._api.wait(container, timeout=_PING_S, condition="removed")
        except RequestException:  # no engine: the end of stdin ends the container, if anything does
            return

    def _clean(self, run_id: str | None) -> int:
        label = _RUN if run_id is None else f"{_RUN}={run_id}"
        found = self._api.containers(all=True, filters={"label": label})
        strays = [c for c in found if run_id or is_dead(c["Labels"].get(_OWNER, ""))]
        for container in strays:
            self._remove(container["Id"])
        return len(strays)


def _connect() -> tuple[DockerClient, int]:
    """Return a client of an engine that answers, and how many cores that has."""
    import docker
    from docker.errors import DockerException
    from requests.exceptions import RequestException

    try:
        _knock(os.environ.get("DOCKER_HOST") or _USUAL_HOST)
        client = docker.from_env(timeout=_PING_S)
        cores = int(client.info()["NCPU"])
    except (DockerException, RequestException, OSError) as error:
        raise SandboxUnavailable(
            f"No Docker engine answers ({type(error).__name__})",
            next_step="Start Docker, point DOCKER_HOST at it (or at Podman's socket), or use the"
            " local sandbox",
        ) from None
    if not client.api.base_url.startswith(_PLAIN):
        raise SandboxUnavailable(
            f"The Docker engine at {client.api.base_url} is reached by TLS or SSH",
            next_step="Set DOCKER_HOST to a unix socket (forward one by `ssh -L`)",
        )
    client.api.timeout = _CALL_S
    return client, cores


def _knock(host: str) -> None:
    """Raise `OSError` when nobody listens; the SDK would leave its socket open over that."""
    scheme, _, path = host.partition("://")
    if scheme == "unix":
        with socket.socket(socket.AF_UNIX) as door:
            door.settimeout(_PING_S)
            door.connect(path)


def _attach(api: APIClient, container: str) -> socket.socket:
    """Open the container's streams as a socket that belongs to nobody else."""
    streams = {"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1}
    response = api.attach_socket(container, params=streams)
    # Taken out of the HTTP response, which would close it or complain that nobody did.
    connection = socket.socket(fileno=response._sock.detach())  # noqa: SLF001
    response.close()
    connection.setblocking(False)  # noqa: FBT003  (the socket module's own signature)
    return connection


@contextmanager
def _translated(doing: str) -> Iterator[None]:
    """Turn what the SDK raises into errors with a next step."""
    from docker.errors import DockerException, ImageNotFound
    from requests.exceptions import RequestException

    try:
        yield
    except ImageNotFound as error:
        raise SandboxUnavailable(
            f"Cannot {doing}: {error.explanation}", next_step="Prepare the image again"
        ) from error
    except (DockerException, RequestException) as error:
        raise SandboxLost(
            f"Cannot {doing}: {error}",
            next_step="Check that the Docker engine runs (`docker info`), then resume the run",
        ) from error
