"""Orders of the platform's console: applications, accounts and numbers."""

from __future__ import annotations

import re
from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from emulator.admin import models, views
from emulator.admin.reading import AdminError, read
from emulator.inventory import Number
from emulator.platform import Emulator
from emulator.views import quota_view

_APP_KEY = re.compile(r"[!#-+\--~]{1,128}")
"""It travels in a header, between quotes (auth.md §2)."""


class Console:
    """Handlers of everything that a person would do in the console, or the provider behind it."""

    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator

    async def put_application(self, request: Request) -> Response:
        """Register or replace an application; a change takes effect after ``app.change_delay_s``."""
        app_key = request.path_params["app_key"]
        if not _APP_KEY.fullmatch(app_key):
            raise AdminError(422, "an app_key is 1 to 128 visible ASCII characters without quotes and commas")
        wanted = (await read(request, models.ApplicationInput)).application(app_key)
        emulator = self._emulator
        known = emulator.world.applications.get(app_key)
        if known is not None and known.mode is not wanted.mode:
            raise AdminError(409, f"the application is of mode {known.mode} for life; take another app_key")
        delay_s = emulator.settings.app.change_delay_s if known is not None else 0

        async def change() -> None:
            emulator.world.put_application(wanted)

        if delay_s:
            emulator.scheduler.after(delay_s, change, f"settings of {app_key}")
        else:
            await change()
        return JSONResponse(views.application(wanted), 202 if delay_s else 200)

    async def put_account(self, request: Request) -> Response:
        """Put an account into arrears, or pay."""
        wanted = await read(request, models.AccountInput)
        account_id = self._account(request)
        life = self._emulator.numbers
        account = life.enter_arrears(account_id) if wanted.frozen else life.pay(account_id)
        return JSONResponse(views.plain(account))

    async def release_account(self, request: Request) -> Response:
        """Take the numbers of an account that did not pay in time."""
        try:
            account = self._emulator.numbers.release(self._account(request))
        except ValueError as error:
            raise AdminError(409, str(error)) from None
        return JSONResponse(views.plain(account))

    async def packages(self, request: Request) -> Response:
        """Show the packages of an account and what is used of them; POST buys, effective next full hour."""
        account_id, emulator = self._account(request), self._emulator
        if request.method == "POST":
            wanted = await read(request, models.PackageInput)
            world = emulator.world
            if world.accounts[account_id].frozen:
                raise AdminError(409, "the account is in arrears: nothing can be ordered")
            owned = (number for number in world.numbers.values() if number.owned_by(number.app_key))
            if not any(world.account_of(number.app_key).id == account_id for number in owned):
                raise AdminError(409, "the account has no number: POST numbers first")
            try:
                for _ in range(wanted.count):
                    emulator.books.packages.buy(account_id, wanted.minutes)
            except ValueError as error:
                raise AdminError(422, str(error)) from None
        quotas = emulator.books.quotas()
        shown = [quota_view(quota) for quota in quotas if quota.order.account == account_id]
        return JSONResponse({"packages": shown}, 201 if request.method == "POST" else 200)

    async def post_numbers(self, request: Request) -> Response:
        """Issue X numbers to an application, at once or ``issue_after_s`` later."""
        wanted = await read(request, models.NumbersInput)
        if wanted.app_key not in self._emulator.world.applications:
            raise AdminError(404, "no such application; PUT applications/{app_key} first")
        try:
            issued = self._emulator.numbers.order(wanted.all(), wanted.issue_after_s)
        except ValueError as error:
            raise AdminError(409, str(error)) from None
        shown = [views.number(self._emulator, number) for number in issued]
        return JSONResponse({"numbers": shown}, 201 if issued else 202)

    async def numbers(self, request: Request) -> Response:
        """Show all numbers with state and load."""
        known = self._emulator.world.numbers.values()
        return JSONResponse({"numbers": [views.number(self._emulator, number) for number in known]})

    async def put_status(self, request: Request) -> Response:
        """Change the state of a number; pushed when the application wants it."""
        wanted = await read(request, models.StatusInput)
        return self._change(request, lambda x: self._emulator.numbers.change(x, wanted.status, wanted.cause))

    async def put_sms(self, request: Request) -> Response:
        """Switch SMS of a number on or off."""
        wanted = await read(request, models.SmsSwitchInput)
        return self._change(request, lambda x: self._emulator.numbers.switch_sms(x, wanted.on))

    async def activate(self, request: Request) -> Response:
        """Finish the real-name registration of a number."""
        return self._change(request, self._emulator.numbers.activate)

    async def transfer(self, request: Request) -> Response:
        """Move a number to another application."""
        wanted = await read(request, models.TransferInput)
        life = self._emulator.numbers
        return self._change(request, lambda x: life.transfer(x, wanted.app_key, wanted.takes_s))

    async def unsubscribe(self, request: Request) -> Response:
        """Give a number back for good."""
        return self._change(request, self._emulator.numbers.unsubscribe)

    def _change(self, request: Request, change: Callable[[str], Number]) -> Response:
        try:
            changed = change(models.private_number(request.path_params["x"]))
        except KeyError:
            raise AdminError(404, "no such number; POST numbers first") from None
        except ValueError as error:
            raise AdminError(422, str(error)) from None
        return JSONResponse(views.number(self._emulator, changed))

    def _account(self, request: Request) -> str:
        account_id: str = request.path_params["account"]
        if account_id not in self._emulator.world.accounts:
            raise AdminError(404, "no such account; it appears with its first application")
        return account_id
