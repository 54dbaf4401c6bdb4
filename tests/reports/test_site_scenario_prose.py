from __future__ import annotations

import pytest

from reports.site.prose import Block, prose


def told(block: Block) -> list[str]:
    return ["|".join("".join(span.text for span in cell) for cell in row) for row in block.rows]


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("# One\n## Two\nThree\nfour", ["heading", "heading", "paragraph"]),
        ("One:\n- two\n- three\n\nfour", ["paragraph", "list", "paragraph"]),
        ("```ts\n- a\n\n# b\n```\nc", ["code", "paragraph"]),
        ("| a | b |\n| --- | --- |\n| c | d |", ["table"]),
        ("```\nnever closed", ["code"]),
        ("", []),
    ],
)
def test_blocks_are_told_apart(text: str, kinds: list[str]) -> None:
    assert [block.kind for block in prose(text)] == kinds


def test_a_list_keeps_the_lines_that_go_on_with_an_item() -> None:
    (block,) = prose("- one\n  and more\n- two")

    assert told(block) == ["one and more", "two"]


def test_code_is_kept_to_the_character() -> None:
    (block,) = prose("```ts\nconst a = `**b**`;\n\n- c\n```")

    assert told(block) == ["const a = `**b**`;\n\n- c"]
    assert [span.kind for span in block.rows[0][0]] == ["text"]


def test_a_table_loses_its_rule_and_keeps_its_cells() -> None:
    (block,) = prose("| a | b |\n| :-- | --- |\n| `c` | |")

    assert told(block) == ["a|b", "c|"]


def test_code_and_strong_words_are_told_apart_within_a_line() -> None:
    (block,) = prose("Take `ab` or **it** or `**no**`, [link](javascript:x) <b>")

    assert [(span.kind, span.text) for span in block.rows[0][0]] == [
        ("text", "Take "),
        ("code", "ab"),
        ("text", " or "),
        ("strong", "it"),
        ("text", " or "),
        ("code", "**no**"),
        ("text", ", [link](javascript:x) <b>"),
    ]


def test_no_word_is_lost() -> None:
    text = "A `b c **d\n*e* _f_ 1. g\n> h ![i](j)"

    assert "\n".join(told(prose(text)[0])) == text


def test_characters_that_steer_are_made_visible() -> None:
    (block,) = prose("a\x1b[31m\u202eb")

    assert told(block) == ["a\N{SYMBOL FOR ESCAPE}[31m⟨U+202E⟩b"]


def test_a_long_text_of_signs_alone_is_a_text() -> None:
    text = "a" + "`" * 200_000 + "**" * 200_000

    assert "".join(told(prose(text)[0])) == text
