from __future__ import annotations

import pytest

from runner.chat.leaks import find_leaks

OFFERED = {"read_file", "write_file"}
CALL = '{"name": "read_file", "arguments": {"path": "a"}}'

DSML = "\uff5cDSML\uff5c"
PATH = f'<{DSML}parameter name="path" string="true">a</{DSML}parameter>'

LEAKED = {
    "k2": (
        (
            "Let me look.<|tool_calls_section_begin|><|tool_call_begin|>functions.read_file:0"
            '<|tool_call_argument_begin|>{"path": "a"}<|tool_call_end|><|tool_calls_section_end|>'
        ),
        [("read_file", '{"path": "a"}')],
    ),
    "k2 singular section, two calls, second unclosed": (
        (
            "<|tool_call_section_begin|><|tool_call_begin|>functions.read_file:3"
            '<|tool_call_argument_begin|>{"path": "a"}<|tool_call_end|>'
            '<|tool_call_begin|>functions.my-mcp.find:4<|tool_call_argument_begin|>{"q": 1'
        ),
        [("read_file", '{"path": "a"}'), ("my-mcp.find", '{"q": 1')],
    ),
    "dsml": (
        f'<{DSML}function_calls><{DSML}invoke name="read_file">{PATH}</{DSML}invoke>',
        [("read_file", PATH)],
    ),
    "hermes": (f"<tool_call>\n{CALL}\n</tool_call>", [("read_file", '{"path": "a"}')]),
    "hermes, unclosed and broken": (
        '<tool_call>{"name": "read_file", "arguments": {"pa',
        [("read_file", '{"name": "read_file", "arguments": {"pa')],
    ),
    "hermes, tool not offered": (
        '<tool_call>{"name": "browse", "arguments": {}}</tool_call>',
        [("browse", "{}")],
    ),
    "qwen3-coder inside hermes tags": (
        (
            "<tool_call>\n<function=read_file>\n<parameter=path>\na\n</parameter>\n</function>\n"
            "</tool_call>"
        ),
        [("read_file", "<parameter=path>\na\n</parameter>")],
    ),
    "fenced": (f"First:\n```json\n{CALL}\n```\nThen more.", [("read_file", '{"path": "a"}')]),
    "bare, arguments first": (
        '{"arguments": {"path": "a"}, "name": "read_file"}',
        [("read_file", '{"path": "a"}')],
    ),
    "bare, openai form": (
        (
            '{"tool_calls": [{"id": "x", "type": "function", "function": '
            '{"name": "read_file", "arguments": "{\\"path\\": \\"a\\"}"}}]}'
        ),
        [("read_file", '{"path": "a"}')],
    ),
    "two bare ones in a list": (
        f'[{CALL}, {{"tool": "write_file", "parameters": {{}}}}]',
        [("read_file", '{"path": "a"}'), ("write_file", "{}")],
    ),
}

INNOCENT = [
    "",
    "I will call read_file now.",
    '{"name": "read_file"}',
    '{"name": "read_file", "arguments": "a path"}',
    '{"name": "alice", "arguments": {"path": "a"}}',
    'package.json holds {"name": "app", "parameters": {}} beside "read_file"',
    'The schema is {"read_file": {"arguments": {"path": "string"}}}.',
    "Models may print <tool_call> tags, or <function> elements.",
    "Use the <|tool_calls_section_begin|> marker.",
    '<tool_call></tool_call> and later {"id": 1, "name": "bob"}',
    "if (a < b) { return { name: 'read_file', arguments: {} }; }",
    '"read_file" ' + "{" * 5000,
    '"read_file" ' + '{"a":' * 5000,
]


@pytest.mark.parametrize("case", LEAKED)
def test_a_call_written_as_text_is_found_in_every_dialect(case: str) -> None:
    text, expected = LEAKED[case]

    assert [(leak.name, leak.arguments) for leak in find_leaks(text, OFFERED)] == expected


@pytest.mark.parametrize("text", INNOCENT, ids=range(len(INNOCENT)))
def test_text_that_calls_nothing_is_no_call(text: str) -> None:
    assert find_leaks(text, OFFERED) == []
