"""uvicorn's HTTP, for clients that send the first lines of a request without end."""

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

# Of request line and headers. What arrives together with the end of the request before is counted too.
MOST_HEAD_BYTES = 1 << 20


class BoundedHeads(HttpToolsProtocol):
    """Hangs up where uvicorn's own would keep whatever comes."""

    _head_bytes, _in_head = 0, True

    def data_received(self, data):
        super().data_received(data)
        self._head_bytes = self._head_bytes + len(data) if self._in_head else 0
        if self._head_bytes > MOST_HEAD_BYTES and self.transport is not None:
            self.transport.close()

    def on_message_begin(self):
        self._in_head, self._head_bytes = True, 0
        super().on_message_begin()

    def on_headers_complete(self):
        self._in_head = False
        super().on_headers_complete()
