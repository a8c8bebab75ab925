"""The API's answer while the database or the disk fails under it: 503 in the one error shape."""

from drf_standardized_errors.handler import ExceptionHandler
from rest_framework.exceptions import APIException

from runs.outages import TRY_AGAIN, WORDS, outage


class OutOfService(APIException):
    status_code = 503
    wait = TRY_AGAIN


class ErrorHandler(ExceptionHandler):
    def convert_known_exceptions(self, exc: Exception) -> Exception:
        if code := outage(exc):
            return OutOfService(WORDS[code], code)
        return super().convert_known_exceptions(exc)
