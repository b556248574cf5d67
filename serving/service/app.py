"""The paths of the service: each reads a request, puts its texts into the queue, and writes the answer."""

import asyncio
import base64
import logging
import pathlib

import fastapi
import numpy as np
import orjson
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, Response

from bertline.serving.service import requests
from bertline.serving.service.batcher import Batcher
from bertline.serving.service.http.bodies import Bodies
from bertline.serving.service.http.content_policy import page_headers
from bertline.serving.service.http.gate import Gate
from bertline.serving.service.http.refusal import Refusal, internal_error
from bertline.serving.service.metrics import CONTENT_TYPE, Metrics
from bertline.serving.service.pages import examples, openapi_page
from bertline.training.steps.two_at_once import BATCHES_AT_ONCE

CLIENT_GONE = 499  # nginx's number, for the metrics: there is nobody to answer
# What heads do -> their request, what the page of requests says of them, and what an answer's list is called.
HEADS = {
    "predict": (requests.PredictRequest, "Labels and probabilities", "predictions"),
    "tag": (requests.TagRequest, "A tag for each word, and entities", "predictions"),
    "answer": (requests.AnswerRequest, "Answers to questions, as parts of a text", "answers"),
    "rank": (requests.RankRequest, "Candidates of a query, the best first", "rankings"),
}
PAGE = pathlib.Path(__file__).with_name("page.html")


class Service:
    """A model behind HTTP.

    Attributes:
      asgi: the ASGI application.
      is_ready: whether the model is warm; requests before are refused.

    Args:
      model: a bertline.serving.service.model.Model.
      run: ServeSettings.
      token: what requests must bring, or None.
      at_once: batches that are computed at once.
    """

    def __init__(self, model, run, token=None, at_once=BATCHES_AT_ONCE):
        self._model, self._run, self.metrics = model, run, Metrics()
        self._bodies = Bodies(run.max_body_bytes, run.body_seconds)
        self._batcher = Batcher(
            model.compute,
            model.tokens_about,
            model.num_texts,
            run.max_batch_delay_ms / 1e3,
            run.max_batch_tokens,
            run.max_queue_texts,
            self.metrics,
            at_once,
        )
        self.metrics.queue_texts.set_function(lambda: self._batcher.waiting_texts)
        self.is_ready = False
        self.app = self._make_app()
        paths = [route.path for route in self.app.routes]
        self.asgi = Gate(self.app, token, paths, self.metrics)

    def warm_up(self):
        """Makes the model ready; in a thread, since it takes seconds."""
        self._model.warm_up()

    def drain(self):
        """From now on only what is in the queue is answered."""
        self._batcher.is_draining = self.asgi.is_draining = True
        self._bodies.drain()

    def close(self):
        """Ends the threads."""
        self._batcher.close()

    def _make_app(self):
        app = fastapi.FastAPI(title="Bertline", description="A model that reads texts.", docs_url=None, redoc_url=None)
        app.add_exception_handler(Refusal, _refuse)
        app.add_exception_handler(HTTPException, _http_error)
        app.add_exception_handler(Exception, lambda request, error: internal_error())
        page = PAGE.read_text(encoding="utf-8")
        documentation = None

        @app.get("/", include_in_schema=False)
        async def show_page():
            return HTMLResponse(page, headers=page_headers(page))

        @app.get("/docs", include_in_schema=False)
        async def show_documentation():
            nonlocal documentation
            documentation = documentation or openapi_page.page(app.openapi())
            return HTMLResponse(documentation, headers=page_headers(documentation))

        @app.get("/healthz", summary="Whether the process lives")
        async def healthz():
            return _json({"status": "alive"})

        @app.get("/readyz", summary="Whether requests are answered: 200, else 503")
        async def readyz():
            self._check_ready()
            return _json({"status": "ready"})

        @app.get("/metrics", summary="Counters in Prometheus' text format", response_class=Response)
        async def metrics():
            return Response(self.metrics.page(), media_type=CONTENT_TYPE)

        @app.get("/v1/model", summary="What the model is, and what a request may hold")
        async def model():
            limits = ("max_texts", "max_text_characters", "max_body_bytes", "max_answer_numbers", "max_queue_texts")
            return _json({**self._model.description(), **{name: getattr(self._run, name) for name in limits}})

        for verb, (kind, summary, name) in HEADS.items():
            self._add_head(app, verb, kind, summary, name)

        @app.post("/v1/embed", summary="Vectors", **_takes(requests.EmbedRequest))
        async def embed(request: fastapi.Request):
            asked = await self._read(request, requests.EmbedRequest)
            kind = self._model.embedding(
                asked.pooling, asked.layers, asked.layer_mix, asked.normalize, asked.prompt, asked.prompt_name
            )
            requests.check_answer(asked.texts, self._model.numbers_per_text(kind), self._run.max_answer_numbers)
            rows = await self._rows(request, kind, asked.texts)
            if rows is None:
                return _client_gone()
            vectors, truncated = zip(*rows)
            values = np.ascontiguousarray(np.stack(vectors), np.float32)
            if asked.encoding == "json":
                return _json({"embeddings": values, "truncated": truncated})
            encoded = base64.b64encode(values.astype("<f4", copy=False)).decode()
            return _json({"shape": values.shape, "base64": encoded, "truncated": truncated})

        @app.post("/v1/attention", summary="Which token looks at which", **_takes(requests.AttentionRequest))
        async def attention(request: fastapi.Request):
            asked = await self._read(request, requests.AttentionRequest)
            rows = await self._rows(request, self._model.attention(asked.layer, asked.head), [asked.text])
            if rows is None:
                return _client_gone()
            tokens, probabilities, truncated = rows[0]
            return _json({"tokens": tokens, "attention": np.ascontiguousarray(probabilities), "truncated": truncated})

        examples.add_to(app.openapi())
        return app

    def _add_head(self, app, verb, kind, summary, name):
        """The path of what a head says of each input."""

        @app.post(f"/v1/{verb}", summary=summary, operation_id=verb, **_takes(kind))
        async def ask(request: fastapi.Request):
            asked = await self._read(request, kind)
            rows = await self._rows(request, self._model.prediction(verb), asked.inputs)
            return _client_gone() if rows is None else _json({name: self._model.answers(rows)})

    def _check_ready(self):
        if self._batcher.is_draining:
            raise Refusal(503, "the service is about to end; ask another one", 1, close=True)
        if not self.is_ready:
            raise Refusal(503, "the model is being made ready; ask again", 1)

    async def _read(self, request, kind):
        # First the body: a connection that is closed before all of it is read is reset, and the refusal lost.
        body = await self._bodies.read(request)
        self._check_ready()
        asked = requests.parse(kind, body)
        requests.check_inputs(asked, self._run.max_texts, self._run.max_text_characters)
        return asked

    async def _rows(self, request, kind, texts):
        """The rows of some texts; None where the client went away before."""
        job = self._batcher.submit(kind, texts)
        watcher = asyncio.ensure_future(_wait_for_disconnect(request))
        try:
            await asyncio.wait({job.answers, watcher}, return_when=asyncio.FIRST_COMPLETED)
            if not job.answers.done():
                return None
            rows = job.answers.result()
            self.metrics.truncated_texts.inc(sum(row[-1] for row in rows))
            return rows
        finally:
            watcher.cancel()
            if not job.answers.done():
                self._batcher.drop(job)


async def _wait_for_disconnect(request):
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def _refuse(request, refusal):
    if refusal.status == 500:
        logging.error("%s: %s", request.url.path, refusal.message)
    return refusal.response()


async def _http_error(request, error):
    """What Starlette itself refuses: an unknown path, another method."""
    response = Refusal(error.status_code, f"{request.url.path[:200]}: {error.detail}").response()
    response.headers.update(error.headers or {})
    return response


def _client_gone():
    return Response(status_code=CLIENT_GONE)


def _json(values):
    return Response(orjson.dumps(values, option=orjson.OPT_SERIALIZE_NUMPY), media_type="application/json")


def _takes(kind):
    """Arguments of a path whose body is of a class of `requests`."""
    schema = {"application/json": {"schema": kind.model_json_schema()}}
    return {"openapi_extra": {"requestBody": {"required": True, "content": schema}}}
