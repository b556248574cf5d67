"""What /metrics shows to Prometheus."""

import prometheus_client
from prometheus_client import Counter, Gauge, Histogram

CONTENT_TYPE = prometheus_client.CONTENT_TYPE_LATEST
_SECONDS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30)
_TEXTS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)


class Metrics:
    """One set of counters, apart from those of other services in the process."""

    def __init__(self):
        registry = self._registry = prometheus_client.CollectorRegistry()

        def make(kind, name, text, labels=(), **more):
            return kind(f"bertline_{name}", text, labels, registry=registry, **more)

        self.requests = make(Counter, "requests", "Requests answered.", ("path", "status"))
        self.request_seconds = make(
            Histogram, "request_seconds", "From a request's first line to its answer's.", ("path",), buckets=_SECONDS
        )
        self.queue_texts = make(Gauge, "queue_texts", "Texts that wait for a batch.")
        self.open_requests = make(Gauge, "open_requests", "Requests being answered.")
        self.batch_texts = make(Histogram, "batch_texts", "Texts of a batch.", buckets=_TEXTS)
        self.batch_seconds = make(Histogram, "batch_seconds", "Computing a batch.", buckets=_SECONDS)
        self.truncated_texts = make(Counter, "truncated_texts", "Texts longer than the model reads, answered.")
        self.refused_texts = make(Counter, "refused_texts", "Texts refused because the queue was full.")
        self.dropped_texts = make(Counter, "dropped_texts", "Texts never computed, since their client went away.")

    def num_answered(self):
        """How many requests got what they asked for."""
        samples = (sample for metric in self.requests.collect() for sample in metric.samples)
        return sum(int(s.value) for s in samples if s.name.endswith("_total") and s.labels["status"] == "200")

    def page(self):
        """Bytes in Prometheus' text format."""
        return prometheus_client.generate_latest(self._registry)
