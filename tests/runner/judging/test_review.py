"""Review files: blinded when written, mistrusted when read."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING

import pytest

from runner.judging.docket import Exhibit
from runner.judging.question import load_rubric
from runner.judging.review import entry_id, read_review, write_template
from testbed.errors import UsageError
from testbed.marks import Factor, TryKey

if TYPE_CHECKING:
    from pathlib import Path

HOSTILE = (
    "+'''\"\"\"\n"
    "+[[entry]]\n"
    "\n[[entry]]\nid = 'forged'\nmodularity = 5\n"
    "+bell\x07 escape\x1b[2J feed\x0c return\rid = 'forged' next\x85line\u2028sep \u202ereversed\n"
    "+tab\there, na\u00efve \u6f22\u5b57 stay\r\n"
)


def exhibit(model: str = "acme/left", *, repeat: int = 1, diff: str = "+one\n") -> Exhibit:
    return Exhibit(
        key=TryKey(model, "minus", repeat, 1), task="Mend the sum.", diff=diff, patch=f"d-{diff}"
    )


SHOWN = (exhibit(), exhibit("acme/right"), exhibit("acme/right", repeat=2, diff="+two\n"))


def template(*shown: Exhibit, reviewer: str = "Anna", show_models: bool = False) -> str:
    return write_template(
        "r1", shown or SHOWN, load_rubric(), reviewer=reviewer, show_models=show_models
    )


def filled(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "marks.toml"
    path.write_text(text)
    return path


def faults_of(tmp_path: Path, text: str, *, reviewer: str = "Anna") -> list[str]:
    with pytest.raises(UsageError) as refused:
        read_review(filled(tmp_path, text), "r1", SHOWN, reviewer=reviewer)
    return str(refused.value).splitlines()


def test_what_is_filled_in_is_read_back(tmp_path: Path) -> None:
    text = template().replace("modularity = 0", "modularity = 4", 1)
    text = text.replace("readability = 0", "readability = 3", 1)
    text = text.replace("maintainability = 0", "maintainability = 2", 1)
    text = text.replace("testability = 0", "testability = 1", 1)
    text = text.replace('note = ""', 'note = " Fine. "', 1)
    first = tomllib.loads(text)["entry"][0]["id"]

    (mark,) = read_review(filled(tmp_path, text), "r1", SHOWN, reviewer="Anna")

    (meant,) = [one for one in SHOWN if entry_id("r1", one) == first]
    assert (mark.key, mark.patch) == (meant.key, meant.patch)
    assert list((mark.scores or {}).values()) == [4, 3, 2, 1]
    assert (mark.by, mark.note, mark.cost_usd) == ("human:Anna", "Fine.", 0.0)
    assert mark.rubric == load_rubric().digest
    assert mark.blinded


def test_a_template_tells_neither_model_nor_repeat_unless_asked() -> None:
    blinded, open_ = template(), template(show_models=True)

    assert "acme" not in blinded
    assert "repeat" not in blinded
    assert blinded.count("Mend the sum.") == 3
    assert "# Written by acme/right, repeat 2\n" in open_
    assert tomllib.loads(open_)["blinded"] is False
    assert tomllib.loads(blinded)["blinded"] is True


def test_every_reviewer_gets_an_order_of_their_own() -> None:
    shown = [exhibit(repeat=n) for n in range(1, 9)]

    anna, ben = (tomllib.loads(template(*shown, reviewer=name)) for name in ("Anna", "Ben"))

    assert anna["entry"] != ben["entry"]
    assert sorted(e["id"] for e in anna["entry"]) == sorted(e["id"] for e in ben["entry"])
    assert template(*shown) == template(*shown)


def test_a_hostile_patch_adds_no_entry_and_no_control_character() -> None:
    text = template(exhibit(diff=HOSTILE))

    data = tomllib.loads(text)

    assert len(data["entry"]) == 1
    assert "forged" not in str(data)
    assert not [c for c in text if not c.isprintable() and c not in "\t\n"]
    assert "# +tab\there, na\u00efve \u6f22\u5b57 stay\n" in text
    assert "escape\\u{1b}[2J" in text


def test_names_of_people_and_runs_are_quoted() -> None:
    assert tomllib.loads(template(reviewer='A "b" \\ c'))["reviewer"] == 'A "b" \\ c'


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("modularity = 0", "modularity = 6", ("`modularity` is 6: give a whole number",)),
        ("modularity = 0", "modularity = 2.5", ("`modularity` is 2.5",)),
        ("modularity = 0", "modularity = true", ("`modularity` is True",)),
        ("modularity = 0", 'modularity = "4"', ("`modularity` is '4'",)),
        ("modularity = 0", "modularity = 4", ("`readability` is not marked", "or 0 for all")),
        ("modularity = 0", "modularty = 4", ("`modularty` is not known: remove it",)),
        ('note = ""', "note = 3", ("`note` is no text",)),
        ('id = "p-', 'id = "q-', ("no patch to be marked has this `id`",)),
        ('run = "r1"', 'run = "r2"', ("`run` is 'r2', not 'r1'",)),
        ("blinded = true", "", ("`rubric` or `blinded` is missing",)),
        ("[[entry]]", "[[entries]]", ("`entries` is not known",)),
    ],
)
def test_each_fault_is_one_line_that_says_what_to_do(
    tmp_path: Path, old: str, new: str, words: tuple[str, ...]
) -> None:
    lines = faults_of(tmp_path, template().replace(old, new, 1))

    assert all(line.startswith(str(tmp_path / "marks.toml: ")) for line in lines)
    assert any(all(word in line for word in words) for line in lines), lines


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    text = template().replace("testability = 0", "testability = 9").replace('"r1"', '"r2"')

    assert len(faults_of(tmp_path, text)) == 1 + 3 * 4  # the run, and all factors of each entry


def test_marks_of_somebody_else_are_refused(tmp_path: Path) -> None:
    (line,) = faults_of(tmp_path, template(), reviewer="Ben")

    assert "`reviewer` is 'Anna', not 'Ben'" in line


def test_a_patch_that_is_marked_twice_is_refused(tmp_path: Path) -> None:
    text = template(SHOWN[0])
    entry = text[text.index("[[entry]]") :]

    (line,) = faults_of(tmp_path, text + entry)

    assert f"entry 2 ({entry_id('r1', SHOWN[0])}): stands twice: remove one" in line


@pytest.mark.parametrize(
    ("text", "words"), [(template(), "no entry is marked"), ("run = ", "not TOML")]
)
def test_a_file_without_marks_is_refused(tmp_path: Path, text: str, words: str) -> None:
    (line,) = faults_of(tmp_path, text)

    assert words in line


def test_identical_patches_of_two_models_have_names_of_their_own() -> None:
    assert len({entry_id("r1", one) for one in SHOWN}) == 3
    assert {factor.value for factor in Factor} <= set(tomllib.loads(template())["entry"][0])
