"""What is left on its way when all is quiet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from storm.judges.verdict import Verdict


def judge_drained(
    waiting: int, put_aside: Mapping[str, int], left: Mapping[str, int], logs: Sequence[str]
) -> Verdict:
    """Nothing is: no record of a stream, no message, no dead letter, nothing put aside.

    ``waiting`` records no function has finished, ``put_aside`` are those given up by function, ``left`` the
    messages by queue; ``logs`` are the last lines that functions wrote.
    """
    verdict = Verdict("drained", "every record and message was worked off, none was put aside")
    verdict.judged = 1 + len(left)
    if waiting:
        verdict.broken(f"{waiting} records of streams are waiting")
    for function, count in put_aside.items():
        verdict.broken(f"{count} records of {function} were put aside", list(logs)[-20:])
    for queue, count in left.items():
        if count:
            verdict.broken(f"{count} messages are left in {queue}")
    return verdict
