"""The seven tools as every model is offered them: names, descriptions, strict JSON Schemas."""

from __future__ import annotations

from typing import Any, Final

SHELL_TIMEOUT_S: Final = 120
"""Seconds a shell command gets when the model names no limit."""
SHELL_TIMEOUT_MAX_S: Final = 600
LIST_DEPTH: Final = 2
READ_LINES: Final = 2000
"""Lines that `read_file` returns when the model names no limit."""

_PATH: Final = {
    "type": "string",
    "minLength": 1,
    "description": "Path relative to the workspace root.",
}


def _text(description: str, *, empty: bool = False) -> dict[str, Any]:
    text: dict[str, Any] = {"type": "string", "description": description}
    return text if empty else {**text, "minLength": 1}


def _count(description: str, *, most: int | None = None) -> dict[str, Any]:
    count: dict[str, Any] = {"type": "integer", "minimum": 1, "description": description}
    return count if most is None else {**count, "maximum": most}


def _tool(
    name: str, description: str, *required: str, **properties: dict[str, Any]
) -> dict[str, Any]:
    parameters = {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
    }
    function = {"name": name, "description": description, "parameters": parameters}
    return {"type": "function", "function": function}


TOOLS: Final[tuple[dict[str, Any], ...]] = (
    _tool(
        "read_file",
        "Read a text file. Each line is prefixed with its number and a tab.",
        "path",
        path=_PATH,
        offset=_count("First line to read, counted from 1 (default 1)."),
        limit=_count(f"Number of lines to read (default {READ_LINES})."),
    ),
    _tool(
        "write_file",
        "Create a file, or replace the whole content of an existing one. "
        "Missing folders are created.",
        "path",
        "content",
        path=_PATH,
        content=_text("The complete content of the file.", empty=True),
    ),
    _tool(
        "edit_file",
        "Replace a piece of text in a file. The old text must occur exactly once.",
        "path",
        "old_text",
        "new_text",
        path=_PATH,
        old_text=_text("Text to replace, exactly as in the file, without line numbers."),
        new_text=_text("Text to put in its place; may be empty.", empty=True),
    ),
    _tool(
        "list_files",
        "List files and folders below a folder; node_modules and .git are not entered.",
        path={**_PATH, "description": "Folder to list (default: the workspace root)."},
        depth=_count(f"Levels to descend (default {LIST_DEPTH}).", most=10),
    ),
    _tool(
        "search",
        "Find the lines of text files that match a regular expression.",
        "pattern",
        pattern=_text("Regular expression (Python syntax)."),
        path={**_PATH, "description": "File or folder to search (default: everything)."},
        glob=_text("Only files whose path matches this glob, for example **/*.tsx."),
    ),
    _tool(
        "shell",
        "Run a command with bash in the workspace root. Standard output and error come back "
        "together, with the exit code. There is no network, and what still runs in the "
        "background when the command ends is stopped.",
        "command",
        command=_text("The command line."),
        timeout_s={
            "type": "number",
            "minimum": 1,
            "maximum": SHELL_TIMEOUT_MAX_S,
            "description": f"Seconds until it is killed (default {SHELL_TIMEOUT_S}).",
        },
    ),
    _tool(
        "finish",
        "Say that the task is done. The work ends with this call.",
        "summary",
        summary=_text("What was changed and why, in a few sentences.", empty=True),
    ),
)
"""In Chat Completions form, in the order in which they are offered."""

PARAMETERS: Final[dict[str, dict[str, Any]]] = {
    tool["function"]["name"]: tool["function"]["parameters"] for tool in TOOLS
}
"""Tool name -> JSON Schema of its arguments."""
