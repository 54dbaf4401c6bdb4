"""Tours: what a visitor does with the built application, and where pictures are taken.

Declared data, never code, and no part of what decides a trial: a tour may be mended at any time
without a result changing. A fixture whose application can be seen has a folder `<id>.shots` with
`face.toml`; a scenario that is worth a look has a `tour.toml`.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Annotated, Final, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from testbed.errors import ScenarioError
from testbed.scenario import Argv, Slug
from testbed.settings import Settings, load_settings
from testbed.tree import digest_tree, read_tree

if TYPE_CHECKING:
    from pathlib import Path

    from testbed.scenario import Fixture, Scenario

MAX_SHOTS: Final = 5
MAX_STEPS: Final = 30
_ACTIONS: Final = (
    *("goto", "click", "type", "leave", "select", "upload"),
    *("emulate", "network", "see", "pause", "shot"),
)
_PLACED: Final = ("type", "select", "upload")

Address = Annotated[str, StringConstraints(pattern=r"^/(?!/)[^\s\\]*\Z", max_length=200)]
Words = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Caption = Annotated[str, StringConstraints(min_length=1, max_length=100)]
Pause = Annotated[float, Field(gt=0, le=5)]


class Place(Settings):
    """Something on the page: by role (and name), by a field's label, by selector or by text."""

    role: Words | None = None
    name: Words | None = None
    """The accessible name, exactly; goes with `role`."""
    label: Words | None = None
    css: Words | None = None
    text: Words | None = None

    @model_validator(mode="after")
    def is_one_way(self) -> Self:
        """Two ways to find it would leave open which one counts."""
        if sum(way is not None for way in (self.role, self.label, self.css, self.text)) != 1:
            raise ValueError("give one of `role`, `label`, `css`, `text`")
        if self.name is not None and self.role is None:
            raise ValueError("`name` goes with `role`")
        return self

    def in_words(self) -> str:
        """Name it, e.g. `button "Filter"`."""
        if self.role:
            return f'{self.role} "{self.name}"' if self.name else self.role
        if self.css:
            return self.css
        return f'field "{self.label}"' if self.label else f'"{self.text}"'


class Network(Settings):
    """What happens to requests whose address holds `match`; without it all of them pass again."""

    match: Words | None = None
    delay_seconds: Annotated[float, Field(ge=0, le=5)] = 0.0
    fail: bool = False

    def in_words(self) -> str:
        """Say what happens, e.g. `/api/search fails after 1 s`."""
        if self.match is None:
            return "as usual"
        after = f" after {self.delay_seconds:g} s" if self.delay_seconds else ""
        return f"{self.match} {'fails' if self.fail else 'answers'}{after}"


class Step(Settings):
    """One thing that the visitor does, or sees, or a picture of it."""

    goto: Address | None = None
    click: Place | None = None
    type: Annotated[str, StringConstraints(max_length=500)] | None = None
    """Replaces what is in the field `at`."""
    leave: Literal[True] | None = None
    """Leave the field by the Tab key."""
    select: Words | None = None
    """The option's label or value, of the select `at`."""
    upload: Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]+\.[a-z]+\Z")] | None = None
    """A file that the fixture's face brings along, into the input `at`."""
    emulate: Literal["dark", "light", "phone", "desktop"] | None = None
    network: Network | None = None
    see: Place | None = None
    """Wait until it is visible."""
    pause: Pause | None = None
    """Seconds, while frames of the animation are taken."""
    shot: Caption | None = None
    at: Place | None = None
    """The field; of a shot what is to stand in its middle, as far as that is there."""
    optional: bool = False
    """Whether the tour goes on when this cannot be done."""

    @model_validator(mode="after")
    def is_one_thing(self) -> Self:
        """Two actions would leave open which comes first."""
        done = [name for name in _ACTIONS if getattr(self, name) is not None]
        if len(done) != 1:
            raise ValueError(f"a step is one of {', '.join(_ACTIONS)}")
        if done[0] in _PLACED and self.at is None:
            raise ValueError(f"`{done[0]}` needs `at`")
        if done[0] not in (*_PLACED, "shot") and self.at is not None:
            raise ValueError(f"`at` goes with {', '.join(_PLACED)} and shot")
        return self

    def in_words(self) -> str:
        """Say what it does, e.g. `click button "Filter"`."""
        action = next(name for name in _ACTIONS if getattr(self, name) is not None)
        value = getattr(self, action)
        if isinstance(value, Place | Network):
            value = value.in_words()
        if self.at is not None and self.shot is None:
            return f'{action} "{value}" at {self.at.in_words()}'
        return action if value is True else f"{action} {value}"


class Tour(Settings):
    """The file `scenarios/<id>/tour.toml`."""

    schema_version: Literal[1]
    visitor: Slug | None = None
    """Who takes the tour, by the face's name for them; nobody signed in without."""
    steps: Annotated[tuple[Step, ...], Field(min_length=1, max_length=MAX_STEPS)]

    @model_validator(mode="after")
    def takes_a_few_pictures(self) -> Self:
        """More than a few are not looked at."""
        shots = sum(step.shot is not None for step in self.steps)
        if not 1 <= shots <= MAX_SHOTS:
            raise ValueError(f"{shots} shots: take 1 to {MAX_SHOTS}")
        return self


class Face(Settings):
    """The file `fixtures/<id>.shots/face.toml`: how the application is built, started, entered."""

    schema_version: Literal[1]
    serve: Argv
    """Builds and starts it, prints `{"base": "http://…"}` as one line, and goes on running."""
    start_seconds: Annotated[float, Field(gt=0, le=600)]
    visitors: dict[Slug, tuple[Step, ...]] = Field(default_factory=dict)
    """What each of them does to sign in."""


def load_tour(scenario: Scenario) -> Tour | None:
    """Read a scenario's tour; `None` when it has none. Raises `ScenarioError`."""
    path = scenario.root / "tour.toml"
    return load_settings(Tour, path, ScenarioError) if path.is_file() else None


def face_folder(fixture: Fixture) -> Path:
    """Locate what makes a fixture's application visible."""
    return fixture.root.with_name(f"{fixture.id}.shots")


def load_face(fixture: Fixture) -> Face | None:
    """Read how a fixture is shown; `None` when it has no face. Raises `ScenarioError`."""
    path = face_folder(fixture) / "face.toml"
    return load_settings(Face, path, ScenarioError) if path.is_file() else None


def whole_steps(tour: Tour, face: Face) -> tuple[tuple[Step, ...], tuple[Step, ...]]:
    """Return what the visitor does to sign in, and the tour itself.

    Raises `ScenarioError` for a visitor whom the face does not know.
    """
    if tour.visitor is None:
        return (), tour.steps
    if tour.visitor not in face.visitors:
        raise ScenarioError(
            f"the face knows no visitor `{tour.visitor}`",
            next_step=f"Choose from: {', '.join(sorted(face.visitors))}",
        )
    return face.visitors[tour.visitor], tour.steps


def digest_tour(tour: Tour, fixture: Fixture) -> str:
    """Digest the tour and the fixture's face (sha256): pictures of another tour are stale."""
    face = digest_tree(read_tree(face_folder(fixture)))
    return hashlib.sha256(f"{tour.model_dump_json()}\0{face}".encode()).hexdigest()
