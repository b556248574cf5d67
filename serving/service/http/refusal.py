"""The answer to a request that cannot be served."""

import orjson
from starlette.responses import Response


class Refusal(Exception):
    """Becomes a line of JSON with an HTTP status, {"error": message}.

    Args:
      status: 4xx, 503, or 500 of a model that is broken.
      message: what was found, what is allowed, how to mend it.
      retry_after_seconds: when the same request may do better; None: never.
      close: whether the rest of what the client sends is not worth reading.
    """

    def __init__(self, status, message, retry_after_seconds=None, close=False):
        super().__init__(message)
        self.status, self.message, self.close = status, " ".join(message.split()), close
        self.retry_after_seconds = retry_after_seconds

    def response(self):
        """As a starlette Response."""
        headers = {}
        if self.retry_after_seconds is not None:
            headers["retry-after"] = str(self.retry_after_seconds)
        if self.status == 401:
            headers["www-authenticate"] = "Bearer"
        if self.close:
            headers["connection"] = "close"
        return Response(orjson.dumps({"error": self.message}), self.status, headers, "application/json")


def internal_error():
    """The response where the service itself is at fault; what happened is for its log."""
    return Refusal(500, "an error of the service; its log says more").response()
