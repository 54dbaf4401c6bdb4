from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Final

import pytest

from reports.site.board import Album, Shown
from reports.site.gather import board_of
from reports.site.links import (
    HOME,
    Links,
    model_fragment,
    pair_target,
    scenario_target,
    trial_target,
)
from reports.site.outcomes import KEPT_CHECKS, failed_checks
from reports.site.page import framed
from reports.site.scenario import scenario_page
from testbed.briefs import Brief, CertificateBrief
from testbed.records import Trial, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from reports.site.board import Baseline, Board
    from reports.site.links import Target
    from reports.site.page import Page
    from testbed.view import RunView

HERE: Final = "docx-upload"
HOSTILE: Final = (
    "<img src=x onerror=alert(1)></script><script>alert(2)</script>\"'>{{ 7 * 7 }}\x1b\u202e"
)
SEED: Final = """diff --git a/lib/upload.ts b/lib/upload.ts
index 1111111..2222222 100644
--- a/lib/upload.ts
+++ b/lib/upload.ts
@@ -1,3 +1,3 @@
 export function accepts(name: string) {
-  return [".docx", ".pdf"].some((end) => name.endsWith(end));
+  return [".pdf"].some((end) => name.endsWith(end));
 }
diff --git a/lib/upload.test.ts b/lib/upload.test.ts
deleted file mode 100644
index 3333333..0000000
--- a/lib/upload.test.ts
+++ /dev/null
@@ -1 +0,0 @@
-test("Word documents are taken", () => {});
"""
BRIEF: Final = Brief(
    prompt=(
        "# No résumés\n\nA good `.docx` is **refused**.\n\n"
        "- Take it.\n- Leave `.pdf` alone.\n\n| ending | taken |\n| --- | --- |\n| `.exe` | no |\n"
    ),
    seed=SEED,
    seeded_files=("lib/upload.ts",),
    constraints={"allowed_paths": "lib/**", "max_changed_lines": "40"},
    commands={"test": "npm test"},
    fail_to_pass=4,
    pass_to_pass=120,
    certificate=CertificateBrief(
        state="fresh",
        accepted=3,
        rejected=11,
        gradings=20,
        flakes=0,
        most_flakes=0.1685,
        killed=12,
        mutants=13,
        score=12 / 13,
    ),
)


class Tags(HTMLParser):
    """Collects every start tag with its attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, {name: value or "" for name, value in attrs}))


def everything(board: Board) -> list[Target]:
    return [
        HOME,
        *(scenario_target(s.id) for s in board.view.scenarios),
        *(trial_target(t.key) for t in board.view.trials),
    ]


def page_of(
    board: Board,
    *,
    scenario: str = HERE,
    brief: Brief | None = BRIEF,
    built: Iterable[Target] | None = None,
    single: bool = False,
) -> Page:
    targets = everything(board) if built is None else built
    here = scenario_target(scenario)
    ids = frozenset(target.id for target in targets)
    return scenario_page(board, scenario, brief, Links(here, ids, single=single))


def album(*names: str, failure: bool = False) -> Album:
    """Show the moments `moment 1`, `moment 2`; a failure's tour stopped at the last one."""
    shown = tuple(
        Shown(
            path=f"pictures/{name}",
            caption=f"moment {number}",
            width=960,
            height=600,
            failure=failure and number == len(names),
            moving=name.endswith(".webp"),
        )
        for number, name in enumerate(names, 1)
    )
    return Album(shown=shown, stopped="step 2 of 3, click: no button" if failure else None)


def rows_of(page: Page) -> dict[str, str]:
    """Give the text of each model's row."""
    table = page.body.split("<tbody>")[1].split("</tbody>")[0]
    texts = [" ".join(re.sub(r"<[^>]+>", " ", row).split()) for row in table.split("</tr>")]
    return {text.split()[0]: text for text in texts if text}


@pytest.fixture
def board(view: RunView) -> Board:
    return board_of([view], baseline="moonbeam-2")


def test_the_page_is_as_it_was_looked_at(board: Board, golden: Callable[[str, str], None]) -> None:
    failed = ("lib/upload.test.ts::a .docx is taken", "typecheck")
    trials = [
        t.model_copy(update={"checks_failed": failed}) if t.verdict is Verdict.FAIL else t
        for t in board.view.trials
    ]
    pictures = {
        (model, HERE, repeat): album(f"{model}-{repeat}-1.png", f"{model}-{repeat}-2.webp")
        for model in ("moonbeam-2", "oracle")
        for repeat in (1, 2)
    }
    shown = replace(
        board,
        view=replace(board.view, trials=trials),
        pictures=pictures,
        baselines={HERE: {"seed": album("seed-2.png", failure=True)}},
    )

    golden("scenario.html", page_of(shown).body)


def test_models_stand_in_the_leaderboards_order_with_passes_and_interval(board: Board) -> None:
    rows = rows_of(page_of(board))

    assert list(rows) == [m.model for m in board.models]
    assert "3/3 [44, 100]" in rows["moonbeam-2"]
    assert "0/3 [0, 56]" in rows["noop"]


@pytest.mark.parametrize("single", [False, True])
def test_every_row_can_be_led_to_whatever_its_model_is_called(
    hostile_view: RunView, *, single: bool
) -> None:
    shown, scenario = board_of([hostile_view]), hostile_view.scenarios[0].id
    target = scenario_target(scenario)
    tags = Tags(page_of(shown, scenario=scenario, single=single).body).found
    ids = [attrs["id"] for tag, attrs in tags if tag == "tr" and "id" in attrs]
    links = Links(HOME, frozenset({target.id}), single=single)
    led = [links.to(target, model_fragment(model.model)) for model in shown.models]

    assert [str(href).partition("#")[2] for href in led] == ids
    assert all(re.fullmatch(r"[a-z0-9-]+", one) for one in ids)


def test_trials_without_a_verdict_are_left_out_and_told(board: Board) -> None:
    page = page_of(board, scenario="search-filter")

    assert "2/2 of 3" in rows_of(page)["halyard-4-fast"]
    assert "1 trial was spoiled by infrastructure" in page.body
    assert 'class="chip ungraded"' in page.body


def test_trials_that_were_not_run_are_told(board: Board) -> None:
    rows = rows_of(page_of(board, scenario="split-pipeline"))

    assert "1 not run" in rows["halyard-4-fast"]
    assert "not run" not in rows["moonbeam-2"]


def test_a_trial_is_a_link_only_when_its_page_is_built(board: Board) -> None:
    one = trial_target(("moonbeam-2", HERE, 2))
    page = page_of(board, built=[HOME, one])
    links = [attrs["href"] for tag, attrs in Tags(page.body).found if tag == "a"]

    assert [link for link in links if "trials/" in link] == [f"../{one.path}"]


def test_the_best_trial_says_what_speaks_for_it(board: Board) -> None:
    assert "1: pass 0 violations" in rows_of(page_of(board))["moonbeam-2"]


def test_candidates_are_laid_beside_the_baseline_with_fishers_p(board: Board) -> None:
    rows = rows_of(page_of(board))

    assert " baseline " in rows["moonbeam-2"]
    assert re.search(r"\N{MINUS SIGN}100 points p \d\.\d{3}", rows["noop"])
    assert " even p 1.000 " in rows["oracle"]


def test_one_model_alone_has_no_column_of_differences(view: RunView) -> None:
    alone = replace(
        view,
        models=view.models[:1],
        trials=[t for t in view.trials if t.model == "moonbeam-2"],
        spoiled=[],
    )
    page = page_of(board_of([alone]))

    assert "difference" not in page.body
    assert "baseline" not in page.body


def test_two_trials_side_by_side_are_linked_only_when_their_page_is_built(board: Board) -> None:
    pair = pair_target(("moonbeam-2", HERE, 1), ("oracle", HERE, 1))
    page = page_of(board, built=[*everything(board), pair])

    assert f'href="../{pair.path}"' in page.body
    assert page.body.count("side by side<") == 1
    assert "side by side<" not in page_of(board).body


@pytest.mark.parametrize(
    ("scenario", "texts"),
    [
        ("cursor-paging", ["Next: Uploads of .docx are refused"]),
        (HERE, ["Previous: Paging skips a candidate", "Next: Duplicate e-mail addresses"]),
        ("timezone-shift", ["Previous: Export tags as CSV"]),
    ],
)
def test_neighbours_are_linked_in_the_plans_order(
    board: Board, scenario: str, texts: list[str]
) -> None:
    body = page_of(board, scenario=scenario).body
    found = re.sub(r"<[^>]+>", "", body.split('aria-label="Other scenarios"')[1].split("</nav>")[0])

    assert all(text in found for text in texts)
    assert (found.count("Previous: "), found.count("Next: ")) == (
        sum(text.startswith("Previous") for text in texts),
        sum(text.startswith("Next") for text in texts),
    )


def test_prompt_contract_and_seed_are_told(board: Board) -> None:
    body = page_of(board).body

    assert '<p class="heading">No résumés</p>' in body
    assert "A good <code>.docx</code> is <strong>refused</strong>." in body
    assert "<li>Leave <code>.pdf</code> alone.</li>" in body
    assert "<td><code>.exe</code></td><td>no</td>" in body
    for name, value in (("hidden tests to make pass", "4"), ("allowed paths", "lib/**")):
        assert f'<th scope="row">{name}</th><td>{value}</td>' in body
    seeded = body.split('<ul class="seeded">')[1].split("</ul>")[0]
    assert 'lib/upload.ts</code> <span class="soft">+1 \N{MINUS SIGN}1</span>' in seeded
    assert "not counted for localisation" in seeded.split("lib/upload.test.ts")[1]


def test_a_run_that_wrote_no_brief_says_so(board: Board) -> None:
    page = page_of(board, brief=None)

    assert "did not write down what its scenarios ask for, nor what their cert" in page.body
    assert not page.vendored


def certificate_of(board: Board, certificate: CertificateBrief | None) -> str:
    """Give what the page says of the certificate, lines joined by `/`."""
    body = page_of(board, brief=BRIEF.model_copy(update={"certificate": certificate})).body
    cell = body.split(">certificate</a></th><td>")[1].split("</td>")[0]
    return cell.replace("<br>", " / ")


def test_a_certificate_is_told_in_sentences(board: Board) -> None:
    assert certificate_of(board, BRIEF.certificate) == (
        "Fresh when the run began."
        " / 3 right patches accepted, 11 wrong ones rejected."
        " / 0 of 20 repeated gradings flaky; the rate&#39;s 95 % interval ends at 17 %."
        " / 12 of 13 small mutants of the reference found: 92 %."
    )


def test_a_stale_a_missing_and_an_unread_certificate_are_told_plainly(board: Board) -> None:
    assert BRIEF.certificate
    faults = ("stale: prompt.md has changed", f"the hidden checks {HOSTILE}")
    stale = BRIEF.certificate.model_copy(update={"state": "stale", "faults": faults})

    told = certificate_of(board, stale)
    assert told.startswith("Stale, made for other files than those used, when the run began.")
    assert " / stale: prompt.md has changed / the hidden checks &lt;img" in told
    assert "<img" not in told
    assert certificate_of(board, CertificateBrief(state="none")).startswith("None: nothing shows")
    assert certificate_of(board, CertificateBrief(state="stale", faults=("cannot be read",))) == (
        "Stale when the run began. / cannot be read"
    )
    assert certificate_of(board, None) == "This run did not look for one."


def with_failures(
    board: Board, failures: dict[tuple[str, int], tuple[str, ...]]
) -> dict[str, list[Trial]]:
    found: dict[str, list[Trial]] = {}
    for trial in board.view.trials:
        if trial.scenario == HERE:
            checks = failures.get((trial.model, trial.repeat), ())
            changed = trial.model_copy(update={"checks_failed": checks})
            found.setdefault(trial.model, []).append(changed)
    return found


def test_checks_that_the_same_trials_failed_stand_together_most_trials_first(board: Board) -> None:
    groups, more = failed_checks(
        with_failures(
            board,
            {
                ("noop", 1): ("a::x", "a::y", "types"),
                ("noop", 2): ("a::x", "a::y"),
                ("oracle", 1): ("a::x", "a::y"),
            },
        )
    )

    assert [(g.checks, g.trials, g.models) for g in groups] == [
        ((("a", "x"), ("a", "y")), 3, (("noop", 2), ("oracle", 1))),
        ((("", "types"),), 1, (("noop", 1),)),
    ]
    assert (more, [g.more for g in groups]) == (0, [False, False])


def test_a_count_is_a_lower_bound_where_a_trial_failed_more_than_is_kept(board: Board) -> None:
    many = tuple(f"a::{number}" for number in range(KEPT_CHECKS))
    (first, second), _ = failed_checks(
        with_failures(board, {("noop", 1): many, ("oracle", 1): ("types",)})
    )

    assert (len(first.checks), first.more) == (KEPT_CHECKS, False)
    assert (second.checks, second.trials, second.more) == ((("", "types"),), 1, True)


def test_ungraded_trials_fail_no_check(board: Board) -> None:
    trials = with_failures(board, {("noop", 1): ("a::x",)})
    trials["noop"][0] = trials["noop"][0].model_copy(update={"verdict": Verdict.UNGRADED})

    assert failed_checks(trials) == ((), 0)


def test_models_the_reference_and_the_seed_stand_beside_each_other(board: Board) -> None:
    pictures = {
        ("moonbeam-2", HERE, 1): album("a-1.png", "a-2.png", "a-3.webp"),
        ("noop", HERE, 2): album("n-1.png"),
    }
    baselines: Mapping[Baseline, Album] = {
        "seed": album("s-1.png"),
        "reference": album("r-1.png", "r-2.png"),
    }
    shown = replace(board, pictures=pictures, baselines={HERE: baselines, "tag-export": {}})
    body = page_of(shown).body
    images = [attrs for tag, attrs in Tags(body).found if tag == "img"]

    assert [str(image["src"]).removeprefix("../pictures/") for image in images] == [
        *("a-1.png", "n-1.png", "r-1.png", "s-1.png"),
        *("a-2.png", "r-2.png"),
        "a-3.webp",
    ]
    assert [image["alt"] for image in images][:4] == [
        "moonbeam-2, trial 1, passed: moment 1",
        "noop, trial 2, failed: moment 1",
        "Reference: moment 1",
        "Seed: moment 1",
    ]
    assert {(image["width"], image["height"], image["loading"]) for image in images} == {
        ("960", "600", "lazy")
    }
    assert "2 of 4 models were not pictured." in body
    assert body.index('<details class="play">') < body.index("a-3.webp") < body.index("</details>")
    assert "What they built" not in page_of(shown, scenario="tag-export").body


def test_of_each_model_the_first_pictured_trial_is_shown_even_if_a_later_one_passed(
    board: Board,
) -> None:
    failed, passed = (("moonbeam-2", "interview-slots", repeat) for repeat in (1, 3))
    pictures = {failed: album("bad.png"), passed: album("good.png")}
    body = page_of(replace(board, pictures=pictures), scenario="interview-slots").body

    assert "bad.png" in body
    assert "good.png" not in body


def test_foreign_text_stays_text(hostile_view: RunView) -> None:
    board = board_of([hostile_view])
    brief = Brief(
        prompt=f"# {HOSTILE}\n\n- {HOSTILE}\n\n| {HOSTILE} |\n\n```\n{HOSTILE}\n```\n`{HOSTILE}`",
        seed=f"diff --git a/{HOSTILE} b/{HOSTILE}\n@@ -1 +1 @@ {HOSTILE}\n-{HOSTILE}\n+{HOSTILE}\n",
        seeded_files=(HOSTILE,),
        constraints={HOSTILE: HOSTILE},
        commands={HOSTILE: HOSTILE},
        fail_to_pass=1,
        pass_to_pass=1,
    )
    trials = [
        t.model_copy(
            update={"checks_failed": (HOSTILE,), "violations": (HOSTILE,), "verdict": Verdict.FAIL}
        )
        for t in hostile_view.trials
    ]
    shown = replace(board, view=replace(board.view, trials=trials))
    for scenario in board.view.scenarios:
        page = page_of(shown, scenario=scenario.id, brief=brief)
        tags = Tags(page.body).found

        assert not {tag for tag, _ in tags} & {"script", "img", "svg", "iframe", "style"}
        assert not [name for _, attrs in tags for name in attrs if name.startswith("on")]
        links = [attrs["href"] for tag, attrs in tags if tag == "a"]
        safe = re.compile(r"(\.\./)?[a-z0-9/-]+\.html(#[a-z0-9-]+)?")
        assert [link for link in links if not safe.fullmatch(link)] == []
        assert not {"\x1b", "\u202e"} & set(framed(page))
        assert "49" not in page.title


def test_ids_are_the_pages_own_in_a_single_file(board: Board) -> None:
    page = page_of(board, single=True)
    tags = Tags(page.body).found
    ids = [attrs["id"] for _, attrs in tags if "id" in attrs]

    assert len(ids) == len(set(ids)) > 4
    assert all(found.startswith(page.target.id) for found in ids)
    assert {attrs["aria-labelledby"] for _, attrs in tags if "aria-labelledby" in attrs} <= set(ids)
    assert not page.vendored
    assert "data-diff" not in page.body


def test_the_same_board_gives_the_same_bytes(view: RunView) -> None:
    backwards = replace(view, trials=list(reversed(view.trials)))
    one, other = (board_of([v], baseline="oracle") for v in (view, backwards))

    assert framed(page_of(one)) == framed(page_of(other))


def test_a_scenario_that_is_not_on_the_board_is_refused(board: Board) -> None:
    with pytest.raises(ValueError, match="not in list"):
        page_of(board, scenario="none-such")
