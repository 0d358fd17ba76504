"""The platform's bill (I6 of billing-rules.md §9.1): one line per fee item, number type and unit price."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal

from emulator.books import Books, rounded
from emulator.charges import Fee, fees, shown_type
from emulator.exportoptions import ExportOptions
from emulator.rent import RentCharge

Row = Mapping[str, object]
Price = Decimal


def bill_rows(books: Books, month: str | None, options: ExportOptions) -> Iterator[Row]:
    """Yield the lines of a month `yyyy-MM`, or of all months."""
    for period in [month] if month is not None else books.months():
        yield from _rent_rows(books, period, options)
        yield from _fee_rows(books, period, options)
        yield from _package_rows(books, period, options)


def _rent_rows(books: Books, period: str, options: ExportOptions) -> Iterator[Row]:
    counts: dict[tuple[str, Price, str], int] = defaultdict(int)
    for charge in _rents(books, period, options):
        number_type = shown_type(charge.x, charge.number_type, options)
        price = charge.amount if number_type == charge.number_type else books.price("rent", number_type)
        price = price if options.rent_price is None else options.rent_price
        counts[number_type, price, charge.x if options.name_rents else ""] += 1
    for (number_type, price, x), quantity in sorted(counts.items(), reverse=True):
        yield {**_row(period, "rent", number_type, quantity, price, options), "x_number": x or None}


def _rents(books: Books, period: str, options: ExportOptions) -> Iterator[RentCharge]:
    for charge in books.rent_of(period):
        if charge.x not in options.delayed_rents:
            yield charge
        if charge.x in options.extra_rents:
            yield charge
    if options.delayed_rents:
        before = f"{date.fromisoformat(f'{period}-01') - timedelta(days=1):%Y-%m}"
        yield from (charge for charge in books.rent_of(before) if charge.x in options.delayed_rents)


def _fee_rows(books: Books, period: str, options: ExportOptions) -> Iterator[Row]:
    wrong = {"call": options.call_price, "sms": options.sms_price}
    lines: dict[tuple[str, str, Price], list[Fee]] = defaultdict(list)
    for fee in fees(books, period, options):
        if fee.quantity or fee.package_quantity:
            price = wrong[fee.item]
            right = books.price(fee.item, fee.number_type)
            lines[fee.item, fee.number_type, right if price is None else price].append(fee)
    for item in ("call", "sms"):
        ofitem = [(key, found) for key, found in lines.items() if key[0] == item]
        for (_, number_type, price), found in sorted(ofitem, key=lambda line: line[0], reverse=True):
            quantity = sum(fee.quantity for fee in found)
            given = sum(fee.package_quantity for fee in found)
            amount = _amount(found, price, options)
            yield _row(period, item, number_type, quantity, price, options, given, amount)


def _amount(charged: Iterable[Fee], price: Price, options: ExportOptions) -> Decimal:
    """The sum, rounded once at its end, or every record or hour by itself."""
    if options.rounding == "record":
        return sum((rounded(fee.quantity * price) for fee in charged), Decimal("0.00"))
    if options.rounding == "sum":
        return rounded(sum(fee.quantity for fee in charged) * price)
    hours: dict[datetime, int] = defaultdict(int)
    for fee in charged:
        hours[fee.at.replace(minute=0, second=0, microsecond=0)] += fee.quantity
    return sum((rounded(quantity * price) for quantity in hours.values()), Decimal("0.00"))


def _package_rows(books: Books, period: str, options: ExportOptions) -> Iterator[Row]:
    counts: dict[Price, int] = defaultdict(int)
    for order in books.packages_of(period):
        right = order.package.price
        counts[right if options.package_price is None else options.package_price] += 1
    for price, quantity in sorted(counts.items()):
        yield _row(period, "package", None, quantity, price, options)


def _row(
    period: str,
    item: str,
    number_type: str | None,
    quantity: int,
    price: Price,
    options: ExportOptions,
    package_quantity: int = 0,
    amount: Decimal | None = None,
) -> Row:
    amount = rounded(quantity * price) if amount is None else amount
    discount = rounded(amount * options.discount_percent / 100)
    return {
        "period": period,
        "item": item,
        "number_type": number_type,
        "quantity": quantity,
        "unit_price": price,
        "list_amount": rounded((quantity + package_quantity) * price),
        "package_quantity": package_quantity,
        "discount": discount,
        "amount": amount - discount,
        "currency": "CNY",
    }
