"""How what is logged looks: JSON, a line an event, or text for a person who watches."""

from typing import Any

import structlog

# Tracebacks without the values of variables, among which may be a password.
_JSON_TRACEBACKS = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
_FORMS = {
    "json": [
        structlog.processors.ExceptionRenderer(_JSON_TRACEBACKS),
        structlog.processors.JSONRenderer(),
    ],
    "text": [
        structlog.dev.ConsoleRenderer(
            colors=False, exception_formatter=structlog.dev.plain_traceback
        )
    ],
}


def logging_config(level: str, form: str) -> dict[str, Any]:
    """Return what logging.config.dictConfig and gunicorn's logconfig_dict take.

    `level` is a level's name in lower case, `form` is json or text. All goes to standard error.
    """
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "line": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": [
                    structlog.processors.TimeStamper(fmt="iso", utc=True),
                    structlog.stdlib.add_log_level,
                    structlog.stdlib.add_logger_name,
                    structlog.stdlib.ExtraAdder(),
                ],
                "processors": [
                    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                    *_FORMS[form],
                ],
            }
        },
        "handlers": {
            "stderr": {
                "class": "logging.StreamHandler",
                "formatter": "line",
                "stream": "ext://sys.stderr",
            }
        },
        "root": {"level": level.upper(), "handlers": ["stderr"]},
        # gunicorn gives its loggers handlers of their own unless told that they need none
        "loggers": {
            "gunicorn.error": {"level": level.upper(), "handlers": [], "propagate": True},
            "gunicorn.access": {"level": level.upper(), "handlers": [], "propagate": True},
        },
    }
