"""Files of the platform's console as billing reads them: detail exports and a bill."""

from __future__ import annotations

import io

from builders.billing import APP_KEY, V2, A, B
from privatenumber.billing.reconciliation.export_files import Export
from privatenumber.billing.reconciliation.exports_in import (
    Imported,
    ImportedCall,
    ImportedCharge,
    ImportedSms,
    open_calls,
    open_sms,
    read_bill,
    whole,
)
from privatenumber.billing.reconciliation.layouts import CALLS, SMS, Layout

CALLS_HEADER = (
    "record_id,binding_id,app_key,x_number,caller,callee,call_in_time,answer_time,end_time,"
    "duration_s,billed_minutes,result"
)
SMS_HEADER = "sms_id,app_key,x_number,sender,receiver,time,parts,result"
BILL_HEADER = "period,item,number_type,x_number,quantity,unit_price,package_quantity,amount"


def calls_file(*rows: str, header: str = CALLS_HEADER) -> Imported[ImportedCall]:
    """Everything in a detail export with these rows."""
    return read_calls("\n".join([header, *rows, ""]).encode())


def read_calls(data: bytes, layout: Layout = CALLS) -> Imported[ImportedCall]:
    """Everything in a detail export."""
    return whole(open_calls(lambda: io.BytesIO(data), layout))


def calls_export(*rows: str, header: str = CALLS_HEADER, layout: Layout = CALLS) -> Export[ImportedCall]:
    """A detail export of calls, opened to be read once."""
    data = "\n".join([header, *rows, ""]).encode()
    return open_calls(lambda: io.BytesIO(data), layout)


def sms_export(*rows: str, header: str = SMS_HEADER, layout: Layout = SMS) -> Export[ImportedSms]:
    """A detail export of SMS, opened to be read once."""
    data = "\n".join([header, *rows, ""]).encode()
    return open_sms(lambda: io.BytesIO(data), layout)


def bill_file(*rows: str, header: str = BILL_HEADER) -> Imported[ImportedCharge]:
    """A bill with these lines."""
    return read_bill("\n".join([header, *rows, ""]).encode())


def export_row(
    answered: str, ended: str, *, icid: str = "", x: str = V2, caller: str = A, **cells: str
) -> str:
    """One row of a detail export; times are Beijing texts as in the file."""
    values = dict.fromkeys(CALLS_HEADER.split(","), "")
    values |= {"record_id": icid, "binding_id": "sub-1", "app_key": APP_KEY, "x_number": x, "caller": caller}
    values |= {"callee": B, "answer_time": answered, "end_time": ended, **cells}
    return ",".join(values.values())


def sms_row(at: str, parts: int, *, sms_id: str = "", x: str = V2, sender: str = A, result: str = "0") -> str:
    """One row of a detail export of SMS; the time is Beijing time as in the file."""
    return f"{sms_id},{APP_KEY},{x},{sender},{B},{at},{parts},{result}"
