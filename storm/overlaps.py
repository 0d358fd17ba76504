"""Two functions at one moment: before a request to the tables another invocation runs to its end.

Each order in which two of them can touch the tables comes about this way, one request of the first at a time,
and the seed repeats it.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass

from storm.business import Business
from storm.lambdas import Lambdas
from storm.plan import Fault
from storm.sources import QueueWorkers


@dataclass(frozen=True)
class Overlaps:
    """What comes in between, as a fault says: the ``same`` event, the ``sweep`` with its worker, or the
    ``next`` order of the application whose order is being bound.
    """

    lambdas: Lambdas
    workers: QueueWorkers
    business: Business

    def happen(self, fault: Fault) -> bool:
        """Let it happen now; False: there is nothing that could."""
        if len(self.lambdas.running) != 1 or threading.current_thread() is not threading.main_thread():
            return False
        name, event = self.lambdas.running[0]
        between = fault.params["with"]
        if between == "next":
            return self.business.hurry()
        if between == "sweep":
            self.lambdas.invoke("UnbindSweepFunction", {})
            self.workers.look("WorkQueue")
        else:
            self.lambdas.invoke(name, event)
        return True
