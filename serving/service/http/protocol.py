"""uvicorn's HTTP, for clients that send the first lines of a request, or the last ones, without end or not at all."""

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from bertline.serving.service.http.last_calls import SECONDS, has_unread

# Of request line and headers, and of trailers. What arrives together with the end of what was before is counted too.
MOST_HEAD_BYTES = 1 << 20


class BoundedHeads(HttpToolsProtocol):
    """Hangs up where uvicorn's own would keep whatever comes, or wait for ever.

    Args:
      head_seconds: how long a client may take from its connection, or its first byte after an answer, to the end of a
        head. While a request is answered there is no such limit: whoever answers it has his own for its body.
    """

    _head_bytes, _in_head, _deadline = 0, True, None

    def __init__(self, *args, head_seconds, **more):
        super().__init__(*args, **more)
        self._head_seconds = head_seconds

    def connection_made(self, transport):
        super().connection_made(transport)
        self._deadline = self.loop.call_later(self._head_seconds, transport.close)

    def connection_lost(self, exc):
        self._end_deadline()
        super().connection_lost(exc)

    def data_received(self, data):
        super().data_received(data)
        self._head_bytes = self._head_bytes + len(data) if self._in_head else 0
        if self._head_bytes > MOST_HEAD_BYTES:
            self.transport.close()
        # Any byte, be it an empty line or the rest of a body that nobody reads, has ended uvicorn's own limit, that of
        # a connection without requests.
        if self.cycle is not None and not self.cycle.response_complete:
            self._end_deadline()
        elif self._deadline is None:
            self._deadline = self.loop.call_later(self._head_seconds, self.transport.close)

    def on_message_begin(self):
        self._in_head, self._head_bytes = True, 0
        super().on_message_begin()

    def on_headers_complete(self):
        self._in_head = False
        super().on_headers_complete()

    def on_chunk_header(self):
        """After the last chunk, which has no body, trailers may come."""
        self._in_head, self._head_bytes = True, 0

    def on_body(self, body):
        self._in_head = False
        super().on_body(body)

    def on_message_complete(self):
        self._in_head = False
        super().on_message_complete()

    def shutdown(self):
        """uvicorn's own, which closes an idle connection at once, resets it where bytes of a request have come."""
        if (self.cycle is None or self.cycle.response_complete) and not self.transport.is_closing():
            if has_unread(self.transport.get_extra_info("socket")):
                self.loop.call_later(SECONDS, self.shutdown)
                return
        super().shutdown()

    def _end_deadline(self):
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
