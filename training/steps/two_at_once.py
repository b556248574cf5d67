"""Two batches at once on one device: small operations of one leave cores idle that another can use."""

import collections
import concurrent.futures

BATCHES_AT_ONCE = 2


def in_order(function, batches, at_once=BATCHES_AT_ONCE):
    """Yields (batch, function(batch)) in the order of the batches; threads compute `at_once` of them at once.

    `batches` may be an iterator: it is asked for the next batch, in the caller's thread, while others are computed.
    """
    with concurrent.futures.ThreadPoolExecutor(at_once) as pool:
        waiting = collections.deque()
        for batch in batches:
            waiting.append((batch, pool.submit(function, batch)))
            if len(waiting) > at_once:
                batch, result = waiting.popleft()
                yield batch, result.result()
        yield from ((batch, result.result()) for batch, result in waiting)
