"""`testbed clean`: remove what crashed runs left behind."""

from __future__ import annotations

from typing import Annotated

import typer

from testbed.cli.common import builder, talk


def command(
    *,
    run: Annotated[
        str | None, typer.Option("--run", help="Only this run's, even if its owner lives.")
    ] = None,
    images: Annotated[
        bool, typer.Option("--images", help="Also remove the images; they are built again.")
    ] = False,
) -> None:
    """Remove sandboxes and temporary folders of dead processes. Results are never touched."""
    import asyncio

    from runner.sandbox.choose import choose_engine
    from runner.sandbox.docker import DockerEngine
    from runner.scratch import sweep_scratch
    from testbed.errors import SandboxUnavailable

    removed = 0
    for name in ("docker", "local"):
        try:
            engine = choose_engine(name)
        except SandboxUnavailable:
            continue
        removed += asyncio.run(engine.clean(run))
        if images and isinstance(engine, DockerEngine):
            gone = asyncio.run(engine.remove_images(builder(talk())))
            talk().print(f"removed {gone} images")
    talk().print(f"removed {removed} stray sandbox{'' if removed == 1 else 'es'}")
    if folders := sweep_scratch():
        talk().print(f"removed {folders} temporary folder{'' if folders == 1 else 's'}")
