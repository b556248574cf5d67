"""The gate around everything else: who may come in, who came, and what is said when something breaks."""

import hmac
import logging
import time

from bertline.serving.service.http.refusal import Refusal, internal_error

OPEN_PATHS = ("/", "/docs", "/openapi.json", "/healthz", "/readyz")  # nothing of the model is in them


class Gate:
    """An ASGI application around another one.

    Args:
      app: an ASGI application.
      token: what requests must bring; None: nothing.
      paths: those that exist; all others are one in the metrics.
      metrics: a Metrics.

    Attributes:
      is_draining: whether each answer says that its connection ends.
    """

    def __init__(self, app, token, paths, metrics):
        self._app, self._paths, self._metrics = app, frozenset(paths), metrics
        self.is_draining = False
        self._token = None if token is None else token.encode()

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http":
            return
        path = scope["path"] if scope["path"] in self._paths else "other"
        started, status = time.perf_counter(), None

        async def watch(message):
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                if self.is_draining:
                    others = [pair for pair in message["headers"] if pair[0] != b"connection"]
                    message = {**message, "headers": [*others, (b"connection", b"close")]}
            await send(message)

        self._metrics.open_requests.inc()
        try:
            self._check_token(scope)
            await self._app(scope, receive, watch)
        except Refusal as refusal:
            await refusal.response()(scope, receive, watch)
        except Exception:
            logging.exception("%s failed", path)
            if status is None:
                await internal_error()(scope, receive, watch)
        finally:
            self._metrics.open_requests.dec()
            self._metrics.requests.labels(path, str(status)).inc()
            self._metrics.request_seconds.labels(path).observe(time.perf_counter() - started)

    def _check_token(self, scope):
        if self._token is None or scope["path"] in OPEN_PATHS:
            return
        given = [value for name, value in scope["headers"] if name == b"authorization"]
        scheme, _, token = given[0].partition(b" ") if len(given) == 1 else (b"", b"", b"")
        # In constant time, so that nobody can find the token letter by letter.
        if not hmac.compare_digest(token.strip(), self._token) or scheme.lower() != b"bearer":
            raise Refusal(401, "a token is needed, 'Authorization: Bearer TOKEN'", close=True)
