"""One call of the platform: what was decided at its beginning and what has happened since (axb.md §6)."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from emulator.outcomes import Ending, Party, Stage
from emulator.world import Mode


@dataclass(frozen=True, slots=True)
class Route:
    """Where the second leg goes and under which rules; read once at callin, fixed for the whole call."""

    display: str
    destination: str
    max_duration_min: int = 0
    record: bool = False
    record_hint_tone: str | None = None
    pre_voice: str | None = None
    greeting: str | None = None
    """Played first to the callee after the answer; X mode only (x.md §2)."""
    last_minute_voice: str | None = None


@dataclass(frozen=True, slots=True)
class Recording:
    """A recording file as the CDR names it (recording-and-call-stop.md §1)."""

    started_at: datetime
    domain: str
    bucket: str
    object_name: str
    url: str | None = None
    stored: bool = True
    """False: the CDR names a file that is not there (`recording.short_call` = `flag_without_file`)."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """A tone that was played: which file, to whom (`caller`, `callee` or `both`), when."""

    name: str
    to: str
    at: datetime


@dataclass(slots=True)
class Call:
    """A call and its times (aware UTC, whole seconds). Numbers are global; `dialled` is the private number.

    `recorded` says that the call is recorded from its answer on; `recording` is the file, once there is one.
    """

    session_id: str
    icid: str
    app_key: str
    mode: Mode
    caller: str
    dialled: str
    direction: int
    call_in_at: datetime
    number_type: str
    area_code: str
    subscription_id: str | None = None
    user_data: str | None = None
    extension: str | None = None
    route: Route | None = None
    started_at: datetime | None = None
    alerting_at: datetime | None = None
    answered_at: datetime | None = None
    ended_at: datetime | None = None
    ending: Ending | None = None
    released_by: Party | None = None
    recorded: bool = False
    recording: Recording | None = None
    prompts: list[Prompt] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    next_at: datetime | None = None
    redial_of: str | None = None

    @property
    def ended(self) -> bool:
        """True once the disconnect has happened."""
        return self.ended_at is not None

    @property
    def stage(self) -> Stage:
        """The last stage that was reached."""
        if self.answered_at is not None:
            return Stage.ANSWER
        if self.alerting_at is not None:
            return Stage.ALERTING
        return Stage.CALLIN if self.started_at is None else Stage.CALLOUT

    @property
    def talk_seconds(self) -> int:
        """Whole seconds between answer and end; 0 for a call that was not answered or still runs."""
        if self.answered_at is None or self.ended_at is None:
            return 0
        return int((self.ended_at - self.answered_at).total_seconds())


def play_last_minute(call: Call) -> None:
    """Note the last-minute tone, once, to both sides, when the call lasted that long (axb.md §6.3)."""
    route = call.route
    if route is None or route.last_minute_voice is None or call.answered_at is None or call.ended_at is None:
        return
    at = call.answered_at + timedelta(minutes=route.max_duration_min - 1)
    if at <= call.ended_at:
        call.prompts.append(Prompt(route.last_minute_voice, "both", at))
