"""Builds the sandbox image in layers: base, Node, dependencies, toolbox.

Each layer's tag is the hash of everything below it and of what it adds, so a layer is built only
when an input changed. A layer is files laid into a container that never runs and is committed:
no builder is needed, and a new toolbox costs a fraction of a second.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tarfile
import tempfile
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Final

from runner.sandbox.alone import alone
from runner.sandbox.node import COMMANDS, HOME, node_root, node_version
from runner.scratch import scratch_folder
from testbed.errors import SandboxUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from docker import DockerClient

    from runner.sandbox.base import Dependencies, Progress

TOOLBOX: Final = Path(__file__).parent / "toolbox.py"
TOOLBOX_INSIDE: Final = "/opt/testbed/toolbox.py"
_DOCKERFILE: Final = Path(__file__).parents[1] / "images" / "base.Dockerfile"
_PULLED: Final = "debian:bookworm-slim"
_SUITE: Final = "bookworm"
_PACKAGES: Final = (
    "ca-certificates",
    "git",
    "libatomic1",
    "libnss-myhostname",  # resolves localhost: without a network the engine writes no /etc/hosts
    "libstdc++6",
    "procps",
    "python3",
)
_BROWSER: Final = (
    "chromium-headless-shell",
    "fonts-dejavu-core",
    "fonts-liberation2",
    "fonts-noto-color-emoji",
)
_SLIMMER: Final = tuple(
    f"--dpkgopt=path-exclude=/usr/share/{folder}/*" for folder in ("doc", "man", "locale")
)
_SETUP: Final = (
    'echo "app:x:1000:1000::/tmp:/bin/bash" >> "$1/etc/passwd"'
    ' && echo "app:x:1000:" >> "$1/etc/group"'
    ' && mkdir -p "$1/ws/app" "$1/ws/node_modules"'
)


async def build(
    client: DockerClient,
    dependencies: Dependencies,
    progress: Progress,
    labels: Mapping[str, str],
    *,
    browser: bool = False,
) -> str:
    """Return the tag of the sandbox image, built where it was not there yet.

    `labels` mark the containers in between, so that a killed build's are found again. With
    `browser` the same layers stand on a base that also holds Chromium: an image of its own.
    Raises `SandboxUnavailable` when no base image can be made here.
    """
    builder = _Builder(client, progress, labels)

    def layers() -> str:
        image = builder.base(*(_BROWSER if browser else ()))
        image = builder.layer(image, "node", node_version(), _add_node)
        image = builder.layer(image, "dependencies", dependencies.digest, _adder(dependencies))
        return builder.layer(image, "sandbox", TOOLBOX.read_text(), _add_toolbox)

    return await alone(_lock(), layers, progress)


async def remove_all(client: DockerClient, progress: Progress) -> int:
    """Remove every image that `build` ever made here and no container uses; return how many."""
    return await alone(_lock(), lambda: _removed(client), progress)


def _removed(client: DockerClient) -> int:
    from docker.errors import APIError

    layers = tuple(f"testbed-{name}:" for name in ("sandbox", "dependencies", "node", "base"))
    tags = [tag for image in client.api.images() for tag in image.get("RepoTags") or ()]
    removed = 0
    for tag in sorted((t for t in tags if t.startswith(layers)), reverse=True):
        try:
            client.api.remove_image(tag)
        except APIError as fault:
            if fault.status_code != HTTPStatus.CONFLICT:
                raise
        else:
            removed += 1
    return removed


def _lock() -> Path:
    """Name what one process of this user holds at a time; the next finds the work done."""
    return Path(tempfile.gettempdir()) / f"testbed-images-{os.getuid()}.lock"


def _tag(name: str, *inputs: str) -> str:
    digest = hashlib.sha256("\0".join(inputs).encode()).hexdigest()
    return f"testbed-{name}:{digest[:16]}"


class _Builder:
    """Makes layers on one engine."""

    def __init__(self, client: DockerClient, progress: Progress, labels: Mapping[str, str]) -> None:
        self._client = client
        self._api = client.api
        self._progress = progress
        self._labels = dict(labels)

    def _has(self, tag: str) -> bool:
        return bool(self._api.images(name=tag, quiet=True))

    def layer(
        self, parent: str, name: str, key: str, fill: Callable[[tarfile.TarFile], None]
    ) -> str:
        """Return the tag of `parent` with files added."""
        tag = _tag(name, parent, key)
        if self._has(tag):
            return tag
        self._progress(f"building the image layer {tag}")
        repository, _, version = tag.partition(":")
        container = self._api.create_container(parent, ["true"], labels=self._labels)["Id"]
        try:
            with tempfile.TemporaryFile() as file:
                with tarfile.open(fileobj=file, mode="w") as tar:
                    fill(tar)
                file.seek(0)
                self._api.put_archive(container, "/", file)
            self._api.commit(container, repository, version)
        finally:
            self._api.remove_container(container, force=True)
        return tag

    def base(self, *more: str) -> str:
        """Return the tag of a Debian with what sandboxes need, and with `more` packages."""
        packages = (*_PACKAGES, *more)
        tag = _tag("base", _SUITE, _DOCKERFILE.read_text(), _SETUP, *packages, *_SLIMMER)
        if not self._has(tag) and not self._pulled_base(tag, packages):
            self._gathered_base(tag, packages)
        return tag

    def _pulled_base(self, tag: str, packages: tuple[str, ...]) -> bool:
        """Build on the published image; false where the registry or the mirror is not there."""
        from docker.errors import APIError, BuildError

        try:
            if not self._has(_PULLED):
                self._api.inspect_distribution(_PULLED)  # type: ignore[no-untyped-call]
            self._progress(f"building the base image {tag} on {_PULLED}")
            with _DOCKERFILE.open("rb") as dockerfile:
                arguments = {"PACKAGES": " ".join(packages)}
                self._client.images.build(
                    fileobj=dockerfile, tag=tag, rm=True, forcerm=True, buildargs=arguments
                )
        except (APIError, BuildError) as error:
            self._progress(f"no base image from a registry ({type(error).__name__})")
            return False
        return True

    def _gathered_base(self, tag: str, packages: tuple[str, ...]) -> None:
        """Gather a base from Debian's packages and import it."""
        _ensure_mmdebstrap(self._progress)
        about = "30 s" if packages == _PACKAGES else "two minutes"
        self._progress(f"building the base image {tag} from Debian's packages (about {about})")
        repository, _, version = tag.partition(":")
        with scratch_folder() as folder:
            rootfs = folder / "base.tar"
            _checked(
                "mmdebstrap",
                "--quiet",
                "--variant=essential",
                f"--include={','.join(packages)}",
                *_SLIMMER,
                f"--customize-hook={_SETUP}",
                _SUITE,
                str(rootfs),
            )
            with rootfs.open("rb") as file:
                self._api.import_image_from_data(file, repository=repository, tag=version)


def _ensure_mmdebstrap(progress: Progress) -> None:
    """Install mmdebstrap where that is possible."""
    if shutil.which("mmdebstrap"):
        return
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise SandboxUnavailable(
            "No registry answers, and mmdebstrap, which builds a base image without one, is absent",
            next_step="Install mmdebstrap, `docker pull debian:bookworm-slim`, or use the local"
            " sandbox",
        )
    progress("installing mmdebstrap")
    _checked("apt-get", "install", "--yes", "--no-install-recommends", "mmdebstrap")


def _checked(*argv: str) -> None:
    """Run a command of the host's; its last words become the error."""
    done = subprocess.run(argv, capture_output=True, text=True, check=False, errors="replace")
    if done.returncode:
        last = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:]
        raise SandboxUnavailable(
            f"{argv[0]} failed: {''.join(last)}",
            next_step="Check that Debian's package mirror can be reached from this machine",
        )


def _as_root(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """Give a member to root: what is in the image cannot be changed from inside."""
    member.uid = member.gid = 0
    member.uname = member.gname = "root"
    member.mode |= 0o444 | (0o111 if member.mode & 0o100 else 0)
    return member


def _add_node(tar: tarfile.TarFile) -> None:
    root = node_root()
    tar.add(root / "bin" / "node", f"{HOME}/bin/node", filter=_as_root)
    tar.add(root / "lib" / "node_modules" / "npm", f"{HOME}/lib/node_modules/npm", filter=_as_root)
    for command, script in COMMANDS.items():
        link = tarfile.TarInfo(f"{HOME}/bin/{command}")
        link.type, link.linkname = tarfile.SYMTYPE, f"../lib/node_modules/npm/bin/{script}"
        tar.addfile(link)


def _adder(dependencies: Dependencies) -> Callable[[tarfile.TarFile], None]:
    return lambda tar: tar.add(dependencies.node_modules, "ws/node_modules", filter=_as_root)


def _add_toolbox(tar: tarfile.TarFile) -> None:
    tar.add(TOOLBOX, TOOLBOX_INSIDE, filter=_as_root)
