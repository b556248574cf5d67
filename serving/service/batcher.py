"""Texts of many requests in one bounded queue, computed in batches that requests share.

An idle service starts with what it has. While a batch is computed texts gather; another one starts when it is full,
when its texts have waited long enough, or when one is done.
"""

import asyncio
import collections
import concurrent.futures
import math
import time

from bertline.serving.service.http.refusal import Refusal

# Texts that a request gets into a batch before it is the next one's turn, so that a large one does not hold up others.
TURN_TEXTS = 16
SMALLEST_BATCH_TOKENS = 256  # fewer are not worth being spread over several batches
LONGEST_RETRY_SECONDS = 60


class QueuedRequest:
    """A request on its way. `answers` is a future of a list, a row per text, in their order.

    Attributes:
      begun: texts that are in a batch, or were. missing: texts without a row.
      counts, tokens: of each text, as how many it counts, and about how many tokens it has.
    """

    def __init__(self, kind, texts, counts, tokens, answers):
        self.kind, self.texts, self.counts, self.tokens, self.answers = kind, texts, counts, tokens, answers
        self.begun, self.missing, self.rows = 0, len(texts), [None] * len(texts)

    def size(self, start, end=None):
        """(texts, tokens) from one text to before another one."""
        return sum(self.counts[start:end]), sum(self.tokens[start:end])


class Batcher:
    """Lives in one event loop; batches are computed in threads.

    Args:
      compute: (kind, texts) -> a sequence of as many rows. Called by `at_once` threads at once.
      tokens_about: text -> about how many tokens it has. num_texts: text -> as how many it counts.
      delay_seconds, max_tokens, max_texts: of the texts that wait together, of a batch, of the queue.
      metrics: a bertline.serving.service.metrics.Metrics.
    """

    def __init__(self, compute, tokens_about, num_texts, delay_seconds, max_tokens, max_texts, metrics, at_once):
        self._compute, self._tokens_about, self._num_texts, self._metrics = compute, tokens_about, num_texts, metrics
        self._delay, self._max_tokens, self._max_texts = delay_seconds, max_tokens, max_texts
        self._at_once = at_once
        self._queues = {}  # kind -> deque of jobs that have texts not begun; in the order in which kinds get their turn
        self._running, self._deadline, self._timer = 0, 0.0, None
        self._tokens_per_second = 1000.0  # a guess that the first batches correct
        self._threads = concurrent.futures.ThreadPoolExecutor(self._at_once, thread_name_prefix="batch")
        self.waiting_texts = self.waiting_tokens = 0
        self.is_draining = False

    def submit(self, kind, texts):
        """The QueuedRequest of some texts.

        Args:
          kind: what is wanted of them, hashable; texts of one kind share batches.

        Raises:
          Refusal: the queue is full, or the service about to end.
        """
        if self.is_draining:
            raise Refusal(503, "the service is about to end; ask another one", 1, close=True)
        counts = [self._num_texts(text) for text in texts]
        if self.waiting_texts + sum(counts) > self._max_texts:
            self._metrics.refused_texts.inc(sum(counts))
            raise Refusal(
                429,
                f"{self.waiting_texts} texts wait, at most {self._max_texts} may; send them again later",
                self._seconds_to_work_off(),
            )
        loop = asyncio.get_running_loop()
        tokens = [self._tokens_about(text) for text in texts]
        job = QueuedRequest(kind, texts, counts, tokens, loop.create_future())
        if not self.waiting_texts:
            self._deadline = loop.time() + self._delay
        self._count(*job.size(0))
        self._queues.setdefault(kind, collections.deque()).append(job)
        self._start()
        return job

    def drop(self, job):
        """Forgets a job whose client went away; what is begun is computed and given to nobody."""
        self._withdraw(job)
        job.answers.cancel()

    def close(self):
        """Ends the threads, after the batches that they are at."""
        self._threads.shutdown(wait=True, cancel_futures=True)

    def _start(self):
        loop = asyncio.get_running_loop()
        while self.waiting_texts and self._running < self._at_once:
            wait = self._deadline - loop.time()
            if self._running and wait > 0 and self.waiting_tokens < self._max_tokens:
                if self._timer is None:
                    self._timer = loop.call_later(wait, self._time_is_up)
                return
            kind, parts = self._take()
            self._running += 1
            done = loop.run_in_executor(self._threads, self._rows_of_parts, kind, parts)
            done.add_done_callback(lambda future, parts=parts: self._finish(parts, future.result()))

    def _time_is_up(self):
        self._timer = None
        self._start()

    def _take(self):
        """(kind, [(job, first text, end)]) of the next batch, in turns of the requests that wait."""
        kind, queue = next(iter(self._queues.items()))
        # Free threads share what waits, where it is enough for each.
        share = math.ceil(self.waiting_tokens / (self._at_once - self._running))
        room = min(self._max_tokens, max(share, SMALLEST_BATCH_TOKENS))
        parts = []
        while queue and room > 0:
            job = queue.popleft()
            start = job.begun
            while job.begun < min(start + TURN_TEXTS, len(job.texts)) and room > 0:
                room -= job.tokens[job.begun]
                job.begun += 1
            self._uncount(*job.size(start, job.begun))
            parts.append((job, start, job.begun))
            if job.begun < len(job.texts):
                queue.append(job)
        self._queues[kind] = self._queues.pop(kind)  # the other kinds come first now
        self._forget_empty(kind)
        return kind, parts

    def _withdraw(self, job):
        if job.begun < len(job.texts):
            self._queues[job.kind].remove(job)
            self._forget_empty(job.kind)
            texts, tokens = job.size(job.begun)
            self._metrics.dropped_texts.inc(texts)
            self._uncount(texts, tokens)
            job.begun = len(job.texts)

    def _forget_empty(self, kind):
        if not self._queues[kind]:
            del self._queues[kind]

    def _count(self, texts, tokens):
        self.waiting_texts += texts
        self.waiting_tokens += tokens

    def _uncount(self, texts, tokens):
        self._count(-texts, -tokens)

    def _rows_of_parts(self, kind, parts):
        """In a thread: a list of rows of each part, or the exception that it met."""
        started = time.perf_counter()
        texts = [text for job, start, end in parts for text in job.texts[start:end]]
        try:
            rows = iter(self._compute(kind, texts))
            found = [[next(rows) for _ in range(start, end)] for _, start, end in parts]
        except Exception as error:
            # Nobody shall suffer for what came along in his batch.
            if len(parts) == 1:
                return [error], 0.0
            return [self._rows_of_parts(kind, [part])[0][0] for part in parts], 0.0
        seconds = time.perf_counter() - started
        self._metrics.batch_seconds.observe(seconds)
        self._metrics.batch_texts.observe(sum(job.size(start, end)[0] for job, start, end in parts))
        return found, seconds

    def _finish(self, parts, result):
        found, seconds = result
        self._running -= 1
        if seconds:
            tokens = sum(job.size(start, end)[1] for job, start, end in parts)
            self._tokens_per_second += 0.2 * (tokens / seconds - self._tokens_per_second)
        for (job, start, end), rows in zip(parts, found):
            if job.answers.done():
                continue
            if isinstance(rows, Exception):
                self._withdraw(job)
                job.answers.set_exception(rows)
                continue
            job.rows[start:end] = rows
            job.missing -= end - start
            if not job.missing:
                job.answers.set_result(job.rows)
        self._start()

    def _seconds_to_work_off(self):
        seconds = self.waiting_tokens / max(self._tokens_per_second, 1.0) / self._at_once
        return min(LONGEST_RETRY_SECONDS, max(1, math.ceil(seconds)))
