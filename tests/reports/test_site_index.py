from __future__ import annotations

import json
import re
from base64 import b64encode
from dataclasses import replace
from hashlib import sha256
from html import unescape
from html.parser import HTMLParser
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from reports import phrases, words
from reports.leaderboard import cell
from reports.plain import plain_scoreboard
from reports.site.axes import axis
from reports.site.charts import scatter
from reports.site.gather import board_of
from reports.site.index import index_page
from reports.site.links import (
    HOME,
    Links,
    compare_target,
    model_fragment,
    scenario_target,
    trial_target,
)
from reports.site.page import framed
from reports.site.tablebudget import curve
from testbed.metrics import run_figures
from testbed.records import Trial, Usage, Verdict
from testbed.view import ModelView, RunView, ScenarioView

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reports.site.board import Board
    from testbed.figures import ModelFigures

VOID = {"meta", "rect", "line", "input"}
ASSETS = Path(__file__).parent.parent.parent / "reports" / "assets"


class Page(HTMLParser):
    """Collect the elements of a page and demand that they nest."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.open: list[str] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element and that it is open."""
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element without content."""
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        """Close the element that was opened last."""
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Note a text."""
        self.words.append(data)

    def all(self, tag: str) -> list[dict[str, str]]:
        """List the attributes of each element of this name."""
        return [attributes for name, attributes in self.elements if name == tag]


def built(board: Board) -> Links:
    """Link every page that a whole site has."""
    view, contest = board.view, board.contest
    targets = [
        HOME,
        *(scenario_target(s.id) for s in view.scenarios),
        *(trial_target(t.key) for t in view.trials),
        *(compare_target(c.a.model, c.b.model) for c in (contest.comparisons if contest else ())),
    ]
    return Links(HOME, frozenset(target.id for target in targets))


def text_of(*views: RunView, baseline: str | None = None) -> str:
    board = board_of(views, baseline=baseline)
    return framed(index_page(board, built(board)))


def data_of(text: str) -> dict[str, Any]:
    block = text.split('id="board-data">')[1].partition("</script>")[0]
    found: dict[str, Any] = json.loads(block)
    return found


def shown(text: str) -> str:
    """Give the words of a page on one line."""
    plain = unescape(re.sub(r"<[^>]+>", " ", text)).replace("\N{NO-BREAK SPACE}", " ")
    return re.sub(r"\s+", " ", plain)


def numbers(letters: str, width: int = 1) -> list[int]:
    """Read what the page's script reads: digits to the base of 63."""
    found = []
    for start in range(0, len(letters), width):
        number = 0
        for letter in letters[start : start + width]:
            number = 63 * number + ord(letter) - 64
        found.append(number)
    return found


def decimals(letters: str) -> list[float]:
    return [code // 10 / 10 ** (code % 10) if code >= 0 else -1 for code in numbers(letters, 3)]


@pytest.fixture
def large_view(view: RunView) -> RunView:
    """Make up twenty models on fifty scenarios, ten repeats each."""
    models = [f"model-{n:02}-of-the-season" for n in range(20)]
    scenarios = tuple(
        ScenarioView(
            id=f"some-scenario-{n:02}", title=f"Task {n} goes wrong", kind="bug", difficulty="easy"
        )
        for n in range(50)
    )
    patterns = [t for t in view.trials if t.model == "moonbeam-2"]
    trials = [
        patterns[(7 * m + 3 * n + k) % len(patterns)].model_copy(
            update={"model": model, "scenario": scenario.id, "repeat": k, "kind": "bug"}
            | {"cost_usd": 0.0123 * (m + 1) + 0.0001 * k, "latencies": ()}
        )
        for (m, model), (n, scenario), k in product(
            enumerate(models), enumerate(scenarios), range(1, 11)
        )
    ]
    return replace(
        view,
        models=tuple(ModelView(name=name, scripted=False) for name in models),
        scenarios=scenarios,
        repeats=10,
        trials=trials,
        spoiled=[],
    )


def test_the_index_nests_and_links_to_what_is_there(
    view: RunView, rich_view: RunView, hostile_view: RunView
) -> None:
    for one in (view, rich_view, hostile_view):
        text = text_of(one)
        page = Page(text)
        ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
        links = [attributes["href"] for attributes in page.all("a")]

        assert not page.open
        assert len(ids) == len(set(ids))
        assert all(link[1:] in ids for link in links if link.startswith("#"))
        assert all(
            re.fullmatch(
                r"(scenarios|trials|compare)/[a-z0-9-]+\.html(#m-[0-9a-f]{8})?"
                r"|trials\.csv|data\.json",
                link,
            )
            for link in links
            if not link.startswith("#")
        )


def test_hostile_names_stay_words(hostile_view: RunView) -> None:
    text = text_of(hostile_view)
    page = Page(text)

    assert not {tag for tag, _ in page.elements} & {"img", "iframe", "object", "base"}
    assert len(page.all("script")) == 2
    assert not [a for _, attributes in page.elements for a in attributes if a.startswith("on")]
    assert not [a for _, attributes in page.elements for a in attributes if a == "style"]
    assert "<script>alert(1)</script>" in page.words
    assert "49" not in page.words
    assert "\u202e" not in text
    assert "\x1b" not in text
    assert data_of(text)["models"][0] == "\"'><img src=x onerror=alert(2)>"


def test_the_policy_allows_this_style_and_this_script_alone(view: RunView) -> None:
    text = text_of(view)
    style = text.split("<style>")[1].split("</style>")[0]
    script = text.split("<script>")[1].split("</script>")[0]
    (policy,) = [m["content"] for m in Page(text).all("meta") if "http-equiv" in m]
    digests = [b64encode(sha256(one.encode()).digest()).decode() for one in (style, script)]

    assert f"default-src 'none'; style-src 'sha256-{digests[0]}'" in policy
    assert f"script-src 'sha256-{digests[1]}';" in policy


def test_every_figure_of_the_leaderboard_is_the_one_of_the_plain_data(view: RunView) -> None:
    text = shown(text_of(view))
    figures = {model.model: model for model in run_figures(view).models}

    for plain in plain_scoreboard(view)["models"]:
        model = figures[plain["model"]]
        assert f"{100 * plain['pass_1']['left_out']['value']:.0f}" in words.rate(model.pass_1)
        row = " ".join(
            (
                words.score(model.single_prompt),
                words.percent(model.measures.tool_calls.micro),
                words.number_mean(model.measures.unused.per_trial),
                words.score(model.adherence),
                words.money_mean(model.measures.cost.per_trial),
                words.per_solved(model.measures.cost),
                words.median(model.measures.times.response),
                words.median(model.measures.times.ttft),
                words.percent(model.measures.waits.share_of_wall),
                words.ungraded(model.counts),
            )
        )
        assert f"{words.rate(model.pass_1)} " in text
        assert row in text


def test_ranks_are_the_contest_s_and_shared_ones_say_so(view: RunView) -> None:
    board = board_of([view])
    assert board.contest is not None
    page = framed(index_page(board, built(board)))
    told = re.findall(r'<span class="rank">(.*?)</span> ([\w.-]+)', page)
    ranks = list(board.contest.ranks.values())

    assert told == [
        (f"{rank}{'=' if ranks.count(rank) > 1 else ''}", model)
        for model, rank in ((m.model, board.contest.ranks[m.model]) for m in board.models)
    ]


def test_the_verdict_is_of_a_model_not_of_a_scripted_player(view: RunView) -> None:
    text = text_of(view, baseline="moonbeam-2")

    assert re.search(r'class="verdict">halyard-4-fast ', text)


def test_a_model_alone_is_compared_with_nobody(view: RunView) -> None:
    alone = replace(
        view,
        models=view.models[:1],
        trials=[t for t in view.trials if t.model == "moonbeam-2"],
        spoiled=[],
    )
    text = text_of(alone)

    assert "no other model is here to be compared with it" in text
    assert '<span class="rank">1</span> moonbeam-2' in text
    assert ">difference<" not in text


def test_cells_say_passed_of_valid_in_words_and_lead_to_the_models_row(view: RunView) -> None:
    board = board_of([view])
    text = framed(index_page(board, built(board)))
    heat = text.split('id="heat-table"')[1].split("</table>")[0]
    cells = {(c.scenario, c.model): c for c in board.figures.cells}

    assert heat.count("<td") == len(cells)
    for row, scenario in zip(heat.split("<tr>")[2:], view.scenarios, strict=True):
        told = re.findall(r"<td[^>]*>(.*?)</td>", row)
        assert [shown(one).strip() for one in told] == [
            cell(cells[scenario.id, m.model]) for m in board.models
        ]
        address = scenario_target(scenario.id).path
        rows = [model_fragment(m.model) for m in board.models]
        assert all(f'href="{address}#{row}"' in one for one, row in zip(told, rows, strict=True))
    assert 'class="h4"' in heat
    assert 'class="h0"' in heat


def test_a_cell_of_one_trial_leads_to_the_trial(view: RunView) -> None:
    single = replace(view, repeats=1, trials=[t for t in view.trials if t.repeat == 1], spoiled=[])
    text = text_of(single)

    assert f'href="{trial_target(("noop", "tag-export", 1)).path}"' in text


def test_bars_end_where_the_rates_and_intervals_end(view: RunView) -> None:
    table = text_of(view).split('id="results-table"')[1].partition("</table>")[0]
    (row,) = [row for row in table.split("<tr>") if "</span> halyard-4-fast" in row]
    widths = re.findall(r'<rect class="[a-z-]+" width="([\d.]+%)"', row)

    assert widths == ["62.5%", "51.9%"]
    assert '<line x1="23.1%" x2="87.9%"' in row


def test_scripted_players_wear_a_badge_in_every_table(view: RunView) -> None:
    page = Page(text_of(view))
    badges = [a for a in page.all("a") if a.get("class") == "badge"]
    without_models = 2  # the list of trials, which a script fills, and the conditions

    assert len(badges) == 2 * (len(page.all("table")) - without_models)


def test_a_page_that_is_not_built_is_not_linked(view: RunView) -> None:
    board = board_of([view])
    text = framed(index_page(board, Links(HOME, frozenset({HOME.id}))))

    assert not re.search(r'href="(scenarios|trials|compare)/', text)
    assert set(data_of(text)["digests"]) <= set("A=")


def test_the_list_of_trials_holds_every_trial_as_it_was(view: RunView) -> None:
    board = board_of([view])
    data = data_of(framed(index_page(board, built(board))))
    places = {m.model: n for n, m in enumerate(board.models)}
    order = {s.id: n for n, s in enumerate(view.scenarios)}
    trials = sorted(view.trials, key=lambda t: (order[t.scenario], places[t.model], t.repeat))
    costs, times = decimals(data["cost"]), decimals(data["time"])

    assert sum(data["cells"]) == len(trials) == len(data["verdicts"])
    assert numbers(data["repeats"]) == [t.repeat for t in trials]
    assert numbers(data["turns"]) == [t.turns for t in trials]
    assert numbers(data["unused"]) == [-1 if t.unused is None else t.unused for t in trials]
    assert [data["endings"][n] for n in numbers(data["ended"])] == [
        t.ending.value.replace("_", " ") for t in trials
    ]
    assert data["verdicts"] == "".join(
        str(["pass", "fail", "ungraded"].index(t.verdict.value)) for t in trials
    )
    for trial, cost, time in zip(trials, costs, times, strict=True):
        assert words.money(None if cost < 0 else cost) == words.money(trial.cost_usd)
        assert words.seconds(time) == words.seconds(trial.phases["total"])


def test_large_numbers_are_written_out(view: RunView) -> None:
    first, second, *others = view.trials
    trials = [
        first.model_copy(update={"turns": 70, "cost_usd": 123_456.78}),
        second.model_copy(update={"cost_usd": 12.344}),
        *others,
    ]
    data = data_of(text_of(replace(view, trials=trials)))

    assert 70 in data["turns"]
    assert {123_456_782, 12_342} <= set(data["cost"])


def test_budgets_end_at_the_pass_rate(view: RunView) -> None:
    for model in run_figures(view).models:
        trials = [t for t in view.trials if t.model == model.model]
        found = curve(trials, lambda t: t.turns)
        share = found.steps[-1][1] if found.steps else 0.0
        assert model.pass_1.left_out is not None
        assert share == pytest.approx(model.pass_1.left_out.value)
        assert [x for x, _ in found.steps] == sorted(x for x, _ in found.steps)


def test_a_model_that_always_passes_ends_at_exactly_all_of_its_trials(view: RunView) -> None:
    trial = next(t for t in view.trials if t.verdict is Verdict.PASS)
    cells = [{"scenario": scenario, "repeat": n} for scenario in "ab" for n in (1, 2, 3)]
    found = curve([trial.model_copy(update=cell) for cell in cells], lambda t: t.turns)

    assert found.steps[-1][1] == 1.0


def test_a_cost_that_is_known_in_part_is_neither_drawn_nor_ranked(view: RunView) -> None:
    trials = [t.model_copy(update={"cost_usd": 0.5}) for t in view.trials]
    first = next(n for n, t in enumerate(trials) if t.model == "moonbeam-2")
    trials[first] = trials[first].model_copy(update={"cost_usd": None})
    text = text_of(replace(view, trials=trials, spoiled=[]))
    (chart,) = re.findall(r'<figure[^>]*id="cost-success".*?</figure>', text, re.DOTALL)
    table = text.split('id="results-table"')[1].partition("</table>")[0]
    (row,) = [row for row in table.split("<tr>") if "</span> moonbeam-2" in row]

    assert "halyard-4-fast:" in shown(chart)
    assert "moonbeam-2:" not in shown(chart)
    assert re.search(r"Not known of.*moonbeam-2", shown(chart))
    assert "26 of 27 known" in shown(row)


def test_tokens_per_trial_are_those_of_the_trials_that_tell_them(view: RunView) -> None:
    told = Usage(fresh_input=90_000, cache_read=0, cache_write=None, output=3_000)
    trials = [
        t.model_copy(update={"usage": told if t.scenario == "tag-export" else None})
        for t in view.trials
        if t.model == "moonbeam-2"
    ]
    text = text_of(replace(view, trials=trials, models=view.models[:1], spoiled=[]))
    table = text.split('id="tokens"')[1].partition("</table>")[0]

    assert "93,000 (3 of 27 known)" in shown(table)


def test_a_trial_of_unknown_cost_is_within_no_budget(view: RunView) -> None:
    trials = [t for t in view.trials if t.model == "moonbeam-2" and t.verdict is Verdict.PASS][:4]
    costs: Sequence[float | None] = (0.3, None, 0.1, 0.2)
    priced = [
        t.model_copy(update={"cost_usd": cost, "scenario": "one"})
        for t, cost in zip(trials, costs, strict=True)
    ]
    found = curve(priced, lambda t: t.cost_usd)

    assert [round(share, 3) for _, share in found.steps] == [0.25, 0.5, 0.75]
    assert (found.passed, found.known) == (4, 3)
    assert found.needed(0.5) == 0.2
    assert found.needed(1.0) is None


def test_nothing_is_better_than_what_the_pareto_line_joins(view: RunView) -> None:
    models = run_figures(view).models
    costs = {"moonbeam-2": 0.2, "halyard-4-fast": 0.1, "noop": 0.0, "oracle": 0.0}

    def figure(model: ModelFigures) -> float | None:
        return costs[model.model]

    chart = scatter(models, figure, words.money, id="c", title="t", x_label="x")

    assert chart is not None
    assert {dot.label: dot.kind for dot in chart.dots} == {
        "moonbeam-2": "front",
        "halyard-4-fast": "front",
        "noop": "scripted",
        "oracle": "scripted",
    }
    assert scatter(models, lambda _: None, words.money, id="c", title="t", x_label="x") is None


def test_an_axis_holds_its_values_at_round_marks() -> None:
    near, far = axis([1.0, 3.0], start=0, end=100), axis([0.01, 3.0], start=0, end=100)

    assert [mark.text for mark in near.marks(words.number)] == ["0", "1", "2", "3"]
    assert [mark.text for mark in far.marks(words.number)] == ["0.01", "0.1", "1"]
    assert all(0 <= near.at(value) <= 100 for value in (1.0, 3.0))
    assert far.at(0.01) < far.at(0.1) < far.at(3.0)


def test_history_names_the_scenarios_that_fell(view: RunView) -> None:
    before = replace(
        view,
        run_id="2026-11-01-0900-0000",
        created="2026-11-01T09:00:00+00:00",
        trials=[
            t.model_copy(update={"verdict": Verdict.PASS}) if t.scenario == "tag-export" else t
            for t in view.trials
        ],
    )
    text = shown(text_of(before, view))

    assert "tag-export 3/3 → 0/3" in text
    history = text_of(before, view).split('id="history"')[1].partition("</table>")[0]
    for model in run_figures(view).models[:2]:
        assert words.rate(model.pass_1) in shown(history)
    assert "first run" in text
    assert "2026-11-01-0900-0000, 2026-11-01 09:00 UTC" in text


def test_conditions_that_differ_stand_first_and_are_marked(view: RunView) -> None:
    other = replace(
        view,
        run_id="2026-11-23-0900-0000",
        created="2026-11-23T09:00:00+00:00",
        conditions={**view.conditions, "testbed": "0.2.0"},
    )
    text = text_of(view, other)
    conditions = shown(text.split('id="conditions"')[1].split("</table>")[0])

    assert re.search(r"testbed differs 0\.1\.0 0\.2\.0", conditions)
    assert conditions.index("testbed differs") < conditions.index("engine")


def test_every_further_table_is_there(rich_view: RunView) -> None:
    text = text_of(rich_view)
    ids = set(re.findall(r'<h[23] id="([^"]+)"', text))

    assert {
        *("results", "heat", "trials", "budgets", "enough", "tokens", "tool-calls", "conditions"),
        *("kind-1", "costs", "money", "money-beside", "repeats", "endings", "times", "own-tests"),
        *("harm", "preflight", "prompts", "marks-1", "marks-2", "best-of-k", "scenario-costs"),
        *("causes", "probes", "agreement", "definitions", "quota"),
        *(f"quality-{factor}" for factor in ("modularity", "readability", "maintainability")),
    } <= ids
    for model in run_figures(rich_view).models:
        assert all(words.clean(note) in shown(text) for note in phrases.notes(model))


def test_every_table_has_a_caption_or_a_name_and_scoped_headings(rich_view: RunView) -> None:
    page = Page(text_of(rich_view))
    tables, regions = page.all("table"), [a for a in page.all("div") if a.get("role") == "region"]

    assert len(tables) == len(regions)
    assert all(region["aria-labelledby"] and region["tabindex"] == "0" for region in regions)
    assert {heading.get("scope") for heading in page.all("th")} == {"col", "row"}


def test_every_definition_that_is_linked_is_there_and_every_figure_has_one(view: RunView) -> None:
    text = text_of(view)
    head = text.split('id="results-table"')[1].split("</thead>")[0]

    assert head.count('scope="col"') == head.count('href="#def-')


def test_the_same_runs_give_the_same_bytes(view: RunView) -> None:
    shuffled = replace(view, trials=list(reversed(view.trials)))

    assert text_of(view) == text_of(shuffled)


def test_a_run_without_a_trial_still_has_an_index(view: RunView) -> None:
    text = text_of(replace(view, trials=[], spoiled=[]))

    assert "27 not run" in shown(text)
    assert "$0.00" not in shown(text)
    assert data_of(text)["repeats"] == ""


def test_ten_thousand_trials_make_less_than_500_kilobytes(large_view: RunView) -> None:
    text = text_of(large_view)

    assert len(large_view.trials) == 10_000
    assert len(text.encode()) < 500_000


def test_a_page_of_27_trials_is_small(view: RunView) -> None:
    assert len(text_of(view).encode()) < 110_000


def test_styles_and_scripts_keep_their_budgets() -> None:
    sizes = {path.name: path.stat().st_size for path in ASSETS.glob("*.*")}

    assert sizes["board.js"] <= 7 * 1024
    assert sizes["base.css"] < 9_000
    assert sum(size for name, size in sizes.items() if name.endswith(".js")) < 10_000


def test_a_trial_is_found_whatever_its_kind(large_view: RunView) -> None:
    trials: list[Trial] = list(large_view.trials[:1])
    text = text_of(replace(large_view, trials=trials))

    assert sum(data_of(text)["cells"]) == 1
