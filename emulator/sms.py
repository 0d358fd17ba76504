"""The SMS engine: from the arrival on a private number to the push of the outcome (notifications.md §6).

Whatever decides is read when the SMS arrives. Every final outcome is pushed, also failures and discards; an
SMS to a number whose mode knows none is dropped without a word.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from emulator.books import Books
from emulator.clock import Scheduler
from emulator.inventory import Application, Number
from emulator.pushes import Pusher
from emulator.questions import Question, ask
from emulator.settings import EmulatorSettings
from emulator.smsanswers import Unusable, read_answer
from emulator.smsbodies import outcome_body, question_body
from emulator.smsparts import parts_of
from emulator.smsrecord import SendResult, Sms, SmsScript
from emulator.smsways import WAYS, Arrived, SmsWay
from emulator.world import World
from privatenumber import phone


class SmsEngine:
    """Carries SMS and keeps them: `messages` holds every one by its id, in order of arrival."""

    def __init__(
        self,
        world: World,
        settings: EmulatorSettings,
        clock: Scheduler,
        pusher: Pusher,
        books: Books,
    ) -> None:
        self.messages: dict[str, Sms] = {}
        self._world = world
        self._settings = settings
        self._clock = clock
        self._pusher = pusher
        self._books = books

    def receive(self, script: SmsScript) -> Sms | None:
        """Let an SMS arrive now. None when nobody knows the number: no push, no trace."""
        number = self._world.numbers.get(script.x)
        application = self._world.applications.get(number.app_key) if number is not None else None
        if number is None or number.deleted or application is None:
            return None
        sms = self._arrive(script, number, application)
        find = WAYS.get(application.mode)
        if find is None:
            sms.dropped, sms.finished_at = True, sms.received_at
            return sms
        arrived = Arrived(number, script.sender, script.text, sms.received_at)
        way = find(self._world, self._settings, arrived)
        sms.direction, sms.subscription_id, sms.user_data = way.direction, way.subscription_id, way.user_data
        refused = next(self._refusals(number, application, way, sms), None)
        if refused is not None:
            self._end_later(sms, script, refused)
        elif way.receiver is None:
            self._ask(sms, script, application)
        else:
            self._forward(sms, script, way.receiver, way.text)
        return sms

    async def receive_and_wait(self, script: SmsScript) -> Sms | None:
        """Let an SMS arrive and advance the clock until its outcome is known and was pushed once."""
        sms = self.receive(script)
        if sms is not None:
            await self.finish(sms)
        return sms

    async def finish(self, sms: Sms) -> None:
        """Advance the clock until the outcome of an SMS is known and its push was attempted once."""
        while not sms.finished:
            await self._clock.advance_to(sms.next_at or self._clock.now())
        await self._pusher.settle()

    def _arrive(self, script: SmsScript, number: Number, application: Application) -> Sms:
        now = self._clock.now()
        sms = Sms(
            id=f"sms-{now:%Y%m%d}-{len(self.messages) + 1:04d}",
            app_key=number.app_key,
            mode=application.mode,
            sender=script.sender,
            x=number.x,
            text=script.text,
            received_at=now,
            number_type=number.number_type,
            area_code=number.area_code,
        )
        self.messages[sms.id] = sms
        return sms

    def _refusals(
        self, number: Number, application: Application, way: SmsWay, sms: Sms
    ) -> Iterator[SendResult]:
        """Yield what keeps an SMS from its way, in the order of the checks (notifications.md §6.3)."""
        if self._world.account_of(application.app_key).frozen:
            yield SendResult.ACCOUNT_FROZEN
        if not application.commercial:
            yield SendResult.NOT_COMMERCIAL
        if not number.usable:
            yield SendResult.X_SUSPENDED
        if not (application.sms and number.sms and way.allowed):
            yield SendResult.NO_SMS
        if not way.bound:
            yield SendResult.NO_BINDING
        if sms.sender in application.caller_blacklist or way.receiver in application.callee_blacklist:
            yield SendResult.BLACKLISTED
        if any(word in sms.text for word in application.sms_forbidden_words):
            yield SendResult.FORBIDDEN_WORD
        if application.sms_keywords and not any(word in sms.text for word in application.sms_keywords):
            yield SendResult.KEYWORD_MISSING

    def _ask(self, sms: Sms, script: SmsScript, application: Application) -> None:
        """Ask the customer's server for a receiver; the clock stands while the answer is awaited."""
        sms.asked = True
        body = question_body(sms, application, sms.received_at, self._settings)
        question = Question(application, "sms_control", body, self._settings.block.sms_timeout_s)

        async def wait() -> None:
            reply = await ask(self._pusher, question)
            try:
                answer = read_answer(reply, sms, strict=self._settings.strict)
            except Unusable as unusable:
                self._end_later(sms, script, unusable.result)
                return
            sms.user_data = answer.user_data or sms.user_data
            if answer.receiver is None:
                self._end_later(sms, script, SendResult.DISCARDED)
            elif answer.receiver in application.callee_blacklist:
                self._end_later(sms, script, SendResult.BLACKLISTED)
            else:
                self._forward(sms, script, answer.receiver, sms.text)

        self._pusher.beside(wait())

    def _forward(self, sms: Sms, script: SmsScript, receiver: str, text: str) -> None:
        """Pass a text on; as many of its parts arrive as the script lets."""
        sms.receiver, sms.forwarded = receiver, text
        parts = parts_of(text)
        mobile = phone.is_global(receiver) and phone.kind(receiver) is phone.NumberKind.MOBILE
        sent = max(parts - script.failed_parts, 0) if mobile else 0
        if sent == parts:
            self._end_later(sms, script, SendResult.SENT, sent)
        else:
            self._end_later(sms, script, SendResult.PARTLY_SENT if sent else SendResult.NOTHING_SENT, sent)

    def _end_later(self, sms: Sms, script: SmsScript, result: SendResult, sent: int = 0) -> None:
        when = self._clock.now() + timedelta(seconds=script.takes_s)

        async def end() -> None:
            sms.result, sms.parts_sent, sms.finished_at, sms.next_at = result, sent, when, None
            self._books.record_sms(sms)
            application = self._world.applications.get(sms.app_key)
            if application is not None:
                body = outcome_body(sms, application, when, self._settings)
                self._pusher.push(application, "sms_notify", body)

        sms.next_at = when
        self._clock.at(when, end, f"SMS {sms.id}")
