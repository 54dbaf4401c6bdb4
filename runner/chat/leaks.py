"""Tool calls that came as text: in content or reasoning, in the markers of any model family."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final


@dataclass(frozen=True, kw_only=True)
class Leak:
    """One tool call that was written as text."""

    name: str
    arguments: str
    """The text where the arguments stand, as it came."""
    marked: bool
    """It stood in a model family's own markers, not in plain JSON."""


_K2: Final = (
    r"<\|tool_call_begin\|>\s*(?:functions\.)?(?P<name>(?:(?!<\|).)*?)(?::\d+)?\s*"
    r"<\|tool_call_argument_begin\|>(?P<arguments>.*?)"
    r"(?:<\|tool_call_end\|>|(?=<\|tool_call_begin\|>)|(?=<\|tool_calls?_section_end\|>)|\Z)"
)
_DEEPSEEK: Final = (
    r"<\uff5ctool\u2581call\u2581begin\uff5c>(?:function<\uff5ctool\u2581sep\uff5c>)?"
    r"(?P<name>[^\s<`{]+)\s*(?:<\uff5ctool\u2581sep\uff5c>)?\s*(?:```json\s*)?"
    r"(?P<arguments>.*?)(?:\s*```\s*)?(?:<\uff5ctool\u2581call\u2581end\uff5c>"
    r"|(?=<\uff5ctool\u2581call\u2581begin\uff5c>)"
    r"|(?=<\uff5ctool\u2581calls\u2581end\uff5c>)|\Z)"
)
_DSML: Final = (
    r"<\uff5cDSML\uff5cinvoke name=\"(?P<name>[^\"]*)\"[^>]*>(?P<arguments>.*?)"
    r"(?:</\uff5cDSML\uff5cinvoke>|\Z)"
)
_QWEN: Final = (
    r"(?:<tool_call>\s*)?<function=(?P<name>[\w.-]+)>(?P<arguments>.*?)"
    r"(?:</function>(?:\s*</tool_call>)?|\Z)"
)
_HERMES: Final = (
    r"<tool_call>\s*(?P<arguments>\{(?:(?!</tool_call>).)*?"
    r"\"name\"\s*:\s*\"(?P<name>[^\"]+)\".*?)(?:</tool_call>|(?=<tool_call>)|\Z)"
)
_MARKED: Final = tuple(re.compile(p, re.DOTALL) for p in (_K2, _DEEPSEEK, _DSML, _QWEN, _HERMES))
"""Kimi K2; DeepSeek V3 and R1; DeepSeek since V3.2; Qwen3-Coder, alone or inside Hermes tags;
Hermes. Unclosed ones count."""
_NAME_KEYS: Final = ("name", "tool", "tool_name", "function")
_ARGUMENT_KEYS: Final = ("arguments", "parameters", "args", "input")


def find_leaks(text: str, offered: Collection[str]) -> list[Leak]:
    """Return the calls written into a text, family by family.

    A family's markers are evidence enough; plain JSON counts only when it names an offered
    tool beside an object of arguments.
    """
    leaks: list[Leak] = []
    for pattern in _MARKED if "<" in text else ():
        leaks.extend(_marked(found) for found in pattern.finditer(text))
        text = pattern.sub(" ", text)
    if any(f'"{name}"' in text for name in offered):
        calls = (call for value in _objects(text) for call in _calls(value))
        leaks.extend(call for call in calls if call.name in offered)
    return leaks


def _marked(found: re.Match[str]) -> Leak:
    name, arguments = found["name"].strip(), found["arguments"].strip()
    inner = next((call for value in _objects(arguments) for call in _calls(value)), None)
    if inner is not None and inner.name == name:
        arguments = inner.arguments
    return Leak(name=name, arguments=arguments, marked=True)


def _objects(text: str) -> Iterator[Mapping[str, Any]]:
    """Yield the outermost JSON objects of a text."""
    decoder = json.JSONDecoder()
    at = text.find("{")
    while at >= 0:
        try:
            value, end = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            value, end = None, at + 1
        if isinstance(value, Mapping):
            yield value
        at = text.find("{", end)


def _calls(value: Mapping[str, Any]) -> Iterator[Leak]:
    """Read an object as calls: a name beside an object of arguments, alone or in a list."""
    inner = value.get("tool_calls", value.get("function"))
    if isinstance(inner, list | Mapping):
        for item in inner if isinstance(inner, list) else [inner]:
            yield from _calls(item) if isinstance(item, Mapping) else ()
        return
    name = next((value[key] for key in _NAME_KEYS if isinstance(value.get(key), str)), None)
    arguments = next((value[key] for key in _ARGUMENT_KEYS if key in value), None)
    text = arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)
    if name and is_object(text):
        yield Leak(name=name, arguments=text, marked=False)


def is_object(text: str) -> bool:
    """Say whether a text is one JSON object."""
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False
