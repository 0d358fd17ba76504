"""What the platform did to a text in AX and why, in our own words (notifications.md §6.1)."""

from functools import cache

from privatenumber.codes.texts import Text, Texts, rows_of, texts_of

APPENDED = "appended"


def explain_ending(ending: str, fault: str | None = None, receiver: str | None = None) -> tuple[Text, ...]:
    """What the end of A's text says about the receiver, why, and what A should write.

    Arguments are codes as the record of the SMS holds them (`calls.sms_text`): what the ending is, what is
    wrong with it, and the token of the receiver it names. A code of no table has nothing to say.
    """
    texts = _endings().get(fault or ending)
    if texts is None:
        return ()
    told = (texts.meaning, texts.cause, texts.remedy)
    return (*told, Text(f"Receiver: {receiver}", f"接收方：{receiver}")) if receiver else told


def explain_appended(received: int, forwarded: int) -> tuple[Text, ...]:
    """What the sender's number behind the text did to its parts: as it came, and as A got it."""
    texts = _endings()[APPENDED]
    parts = Text(
        f"Parts as written: {received}; as forwarded and charged: {forwarded}",
        f"原文条数：{received}；转发并计费的条数：{forwarded}",
    )
    return texts.meaning, texts.cause, parts, texts.remedy


def endings() -> dict[str, Texts]:
    """Every explained code."""
    return dict(_endings())


@cache
def _endings() -> dict[str, Texts]:
    return {row["code"]: texts_of(row) for row in rows_of("sms_receivers.csv")}
