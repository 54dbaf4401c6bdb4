"""llama.cpp's own server in a process of its own, which ends with the process that started it."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


def main() -> None:
    """Serve until standard input closes; print the address once requests are answered."""
    server = _server(json.loads(sys.argv[1]))
    sys.stdout.write(f"{server.listening_address}\n")
    sys.stdout.flush()
    # The pipe closes with the parent, however that ends.
    sys.stdin.buffer.read()
    # A reply in the making is not waited for.
    os._exit(0)


def _server(wanted: Mapping[str, Any]) -> Any:  # noqa: ANN401 (the library tells no types)
    """Load the weights and listen on a free port of the loopback address."""
    from xllamacpp import CommonParams, Server

    params = CommonParams()
    params.model.path = wanted["path"]
    params.model_alias = {wanted["model"]}
    params.hostnames, params.port = ["127.0.0.1"], 0
    params.n_ctx = wanted["context_window"]
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = wanted["threads"]
    params.n_gpu_layers = 0
    # One request at a time, and a context that no amount of free memory changes.
    params.n_parallel, params.fit_params = 1, False
    params.cache_ram_mib = 0
    params.use_jinja, params.ui, params.offline = True, False, True
    return Server(params)


if __name__ == "__main__":
    main()
