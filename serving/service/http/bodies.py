"""Reads the bodies of requests: none that is too large or too slow, and not too many at once."""

import asyncio
import contextlib

from bertline.serving.service.http.refusal import Refusal

BODIES_AT_ONCE = 64  # of full size; of smaller ones more
# A client that sends everything before it reads the answer would see a broken connection instead of the 413.
LINGER_BODIES, LINGER_SECONDS = 8, 2.0


class Bodies:
    """Args: max_bytes, seconds: of one body."""

    def __init__(self, max_bytes, seconds):
        self._max_bytes, self._seconds = max_bytes, seconds
        self._held, self._timeouts, self._draining = 0, set(), False

    async def read(self, request):
        """The bytes of a request's body.

        Raises:
          Refusal: it is too large, by its header or as it comes; too slow; or other bodies fill the memory.
        """
        self._check_headers(request.headers)
        try:
            async with self._limit():
                body, has_more = await self._collect(request)
        except TimeoutError:
            if self._draining:
                raise Refusal(503, "the service is about to end; ask another one", 1, close=True) from None
            raise Refusal(408, f"the body took longer than {self._seconds:g} seconds to arrive", close=True) from None
        if body is None:
            if has_more:
                await self._linger(request)
            raise self._too_large("more")
        return body

    def drain(self):
        """From now on bodies are not waited for longer than it takes to send one."""
        self._draining, self._seconds = True, min(self._seconds, LINGER_SECONDS)
        end = asyncio.get_running_loop().time() + self._seconds
        for timeout in self._timeouts:
            timeout.reschedule(min(end, timeout.when()))

    async def _collect(self, request):
        """(bytes of the body, or None of one that is too large; whether there is more)."""
        parts, size, has_more = [], 0, True
        try:
            while has_more:
                message = await request.receive()
                if message["type"] == "http.disconnect":
                    raise Refusal(400, "the connection was closed before the body was complete", close=True)
                parts.append(message.get("body", b""))
                size += len(parts[-1])
                self._held += len(parts[-1])
                has_more = message.get("more_body", False)
                if size > self._max_bytes:
                    return None, has_more
                if self._held > BODIES_AT_ONCE * self._max_bytes:
                    raise Refusal(429, "too many large requests at once; send it again later", 1, close=True)
            return b"".join(parts), False
        finally:
            self._held -= size

    @contextlib.asynccontextmanager
    async def _limit(self):
        async with asyncio.timeout(self._seconds) as timeout:
            self._timeouts.add(timeout)
            try:
                yield
            finally:
                self._timeouts.discard(timeout)

    def _check_headers(self, headers):
        kind = headers.get("content-type", "").split(";")[0].strip().lower()
        if kind != "application/json":
            raise Refusal(415, f"Content-Type: {kind or 'none'}; application/json is needed", close=True)
        if headers.get("content-encoding", "identity").lower() != "identity":
            raise Refusal(415, "Content-Encoding: a body must not be compressed", close=True)
        length = headers.get("content-length", "0")
        # Not int() of what may be thousands of digits.
        if not (length.isascii() and length.isdigit()) or len(length) > 18:
            raise Refusal(413, f"Content-Length: at most {self._max_bytes} bytes are read", close=True)
        if int(length) > self._max_bytes:
            raise self._too_large(length)

    def _too_large(self, found):
        return Refusal(
            413, f"a body of {found} bytes; at most {self._max_bytes} are read; send fewer texts at once", close=True
        )

    async def _linger(self, request):
        dropped = 0
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LINGER_SECONDS):
                while dropped < LINGER_BODIES * self._max_bytes:
                    message = await request.receive()
                    dropped += len(message.get("body", b""))
                    if message["type"] == "http.disconnect" or not message.get("more_body"):
                        return
