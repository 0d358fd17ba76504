"""Logs and metrics of every function: JSON lines that cannot carry a phone number, and EMF metrics.

The only module that knows Powertools' logger and metrics. Rooms of the layer log through the standard
library, ``logging.getLogger("privatenumber.<room>")``; their lines come out in the same form. No tracer:
importing it costs as much as all the rest of a cold start.
"""

import logging
from collections.abc import Mapping
from typing import Final

from aws_lambda_powertools.logging import Logger
from aws_lambda_powertools.logging.formatter import LambdaPowertoolsFormatter
from aws_lambda_powertools.metrics import Metrics, MetricUnit, single_metric

from privatenumber.privacy import scrub

NAMESPACE: Final = "PrivateNumber"
_PACKAGE: Final = "privatenumber"
_TALKATIVE: Final = ("urllib3", "botocore")


class ScrubbingFormatter(LambdaPowertoolsFormatter):
    """Masks phone numbers in the finished line, exceptions and extra fields included (numbers.md §6)."""

    def format(self, record: logging.LogRecord) -> str:
        """The JSON line of a record, scrubbed."""
        return scrub(super().format(record))


def get_logger(service: str) -> Logger:
    """The logger of a function. The layer's own loggers are sent through its handlers and level."""
    logger = Logger(service=service, logger_formatter=ScrubbingFormatter(use_rfc3339=True, utc=True))
    package = logging.getLogger(_PACKAGE)
    package.handlers = list(logger.handlers)
    package.setLevel(logger.log_level)
    package.propagate = False
    for library in _TALKATIVE:
        # At DEBUG they write addresses and bodies, numbers and secrets included, past our formatter.
        logging.getLogger(library).setLevel(logging.INFO)
    return logger


def get_metrics(service: str) -> Metrics:
    """The metrics of a function, namespace ``PrivateNumber``, dimension ``service``."""
    return Metrics(namespace=NAMESPACE, service=service)


def count_apart(
    service: str, name: str, value: float, by: Mapping[str, str], *, unit: MetricUnit = MetricUnit.Count
) -> None:
    """A metric of a function with further dimensions ``by``, such as the application; written at once.

    A dimension is paid for by each of its values: nothing that grows with orders or people may be one.
    """
    with single_metric(name=name, unit=unit, value=value, namespace=NAMESPACE) as metric:
        for dimension, of in {"service": service, **by}.items():
            metric.add_dimension(dimension, of)
