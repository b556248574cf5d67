"""The Python end of serve.py: texts in, labels or vectors out, as from a Predictor that is somewhere else."""

import base64
import contextlib
import http.client
import json
import os
import re
import threading
import time
import urllib.parse

import numpy as np

from bertline.processors.labels.predictions import Entity, FoundAnswer, Prediction, Ranking, TaggedText
from bertline.processors.text.texts import check_text, check_texts, checked_query, checked_question, checked_words
from bertline.serving.prediction.progress import of_a_call
from bertline.serving.texts import truncation

TOKEN_VARIABLE = "BERTLINE_TOKEN"
TEXTS_PER_REQUEST = 128  # at most; what the service takes may be less
_LATER = (429, 503)  # what may go better a little later


class ServiceError(RuntimeError):
    """The service refused, or is not there. `status` is the HTTP status, None where there was no answer."""

    def __init__(self, message, status=None):
        super().__init__(message)
        self.status = status


class Client:
    """A service of serve.py. Threads may share one; each has its own connection.

    Args:
      url: as "http://localhost:8000".
      token: what the service wants to see; by default that of BERTLINE_TOKEN in the environment.
      timeout_seconds: how long an answer may take.
      patience_seconds: how long to go on asking while the service is busy or not ready (429, 503), at the pace that
        its Retry-After says.

    Raises:
      ValueError: the url is none.
    """

    def __init__(self, url, token=None, timeout_seconds=60.0, patience_seconds=60.0):
        parts = urllib.parse.urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"{url!r}: an address as http://localhost:8000 is needed")
        self._url, self._parts = url.rstrip("/"), parts
        self._timeout, self._patience = timeout_seconds, patience_seconds
        self._headers = {"Content-Type": "application/json"}
        token = token or os.environ.get(TOKEN_VARIABLE)
        if token:
            self._headers["Authorization"] = f"Bearer {token}"
        self._own, self._known = threading.local(), None

    def __repr__(self):
        return f"Client({self._url!r})"

    def embed(self, texts, *, return_truncated=False, progress=None, **wanted):
        """float32 [n, W]: the vectors of some texts; [n, L, W] of several layers that are not mixed.

        Args:
          texts: list of str, or of pairs of str.
          return_truncated, progress: as of Predictor.embed, with the same warning.
          wanted: pooling, layers, layer_mix, normalize, prompt, prompt_name, as of Predictor.embed.

        Raises:
          TypeError, InputError: what is no text, with its row; see `bertline.processors.text.texts`.
          ServiceError: the service refused, or is not there.
        """
        if isinstance(wanted.get("layers"), int):
            wanted["layers"] = [wanted["layers"]]
        parts, truncated = [], []
        for answer in self._in_parts("/v1/embed", texts, {**wanted, "encoding": "base64"}, progress):
            numbers = np.frombuffer(base64.b64decode(answer["base64"]), "<f4")
            parts.append(numbers.reshape(answer["shape"]))
            truncated += answer.get("truncated", [False] * len(parts[-1]))
        vectors = np.concatenate(parts).astype(np.float32, copy=False) if parts else np.zeros([0, 0], np.float32)
        if return_truncated:
            return vectors, np.array(truncated, bool)
        truncation.warn(truncated)
        return vectors

    def predict(self, texts, *, progress=None):
        """A Prediction of each text; arguments, warning and errors as of `embed`."""
        answers = self._in_parts("/v1/predict", texts, {}, progress)
        found = [_prediction(one) for answer in answers for one in answer["predictions"]]
        truncation.warn([one.truncated for one in found])
        return found

    def tag(self, texts, *, progress=None):
        """A TaggedText of each text, where the model tags words; see Predictor.tag, and `embed` for errors."""
        answers = self._in_parts("/v1/tag", texts, {}, progress, check=checked_words)
        return [_read_tagged(one) for answer in answers for one in answer["predictions"]]

    def answer(self, questions, *, progress=None):
        """A FoundAnswer to each question, where the model finds answers.

        Args:
          questions: list of (question, context), or of dicts of both.

        Raises:
          TypeError, InputError, ServiceError: as of `embed`.
        """
        answers = self._in_parts("/v1/answer", questions, {}, progress, "questions", _question)
        return [FoundAnswer(**{**one, "nbest": tuple(one["nbest"])}) for answer in answers for one in answer["answers"]]

    def rank(self, queries, *, progress=None):
        """A Ranking of the candidates of each query, where the model ranks them; with the warning of Predictor.rank.

        Args:
          queries: list of (query, list of candidates), or of dicts of both.

        Raises:
          TypeError, InputError, ServiceError: as of `embed`.
        """
        answers = self._in_parts("/v1/rank", queries, {}, progress, "queries", _query)
        found = [_read_ranking(one) for answer in answers for one in answer["rankings"]]
        truncation.warn([one.truncated for one in found], name="queries")
        return found

    def attention(self, text, layer=0, head=None):
        """(tokens, float32 [T, T]) of a text or a pair; the mean over the heads where none is named."""
        text = check_text(text)
        answer = self.request("POST", "/v1/attention", {"text": text, "layer": layer, "head": head})
        return answer["tokens"], np.array(answer["attention"], np.float32)

    def model(self):
        """dict: what the model is, and what a request may hold."""
        return self.request("GET", "/v1/model")

    def request(self, method, path, values=None):
        """The JSON that the service answers with.

        Raises:
          ServiceError: it refused, or is not there.
        """
        body = None if values is None else _json(values)
        end = time.monotonic() + self._patience
        while True:
            status, retry_after, answer = self._send(method, path, body)
            if status == 200:
                return answer
            if status not in _LATER or time.monotonic() + retry_after > end:
                advice = f"; give Client token=, or set {TOKEN_VARIABLE}" if status == 401 else ""
                raise ServiceError(f"{self._url}{path}: {status}: {answer.get('error')}{advice}", status)
            time.sleep(retry_after)

    def close(self):
        """Closes this thread's connection."""
        connection, self._own.connection = getattr(self._own, "connection", None), None
        if connection is not None:
            connection.close()

    def _in_parts(self, path, texts, more, progress, name="texts", check=check_text):
        """Yields an answer for each part of the texts; `name` is the field that they are sent in."""
        texts, done = list(check_texts(texts, check, name)), 0
        shown = of_a_call(len(texts), progress)
        with contextlib.closing(shown) if shown else contextlib.nullcontext():
            for part in self._cut(texts, more, name):
                try:
                    yield self.request("POST", path, {name: part, **more})
                except ServiceError as error:
                    raise _shift(error, done) from error.__cause__
                done += len(part)
                if shown:
                    shown.show(done)

    def _cut(self, texts, more, name):
        """Lists of texts that the service takes at once; it is asked for its limits where there is something to cut."""
        if len(texts) < 2:
            yield from [texts] if texts else []
            return
        limits = self._known = self._known or self.model()
        most = min(TEXTS_PER_REQUEST, limits["max_texts"])
        if "encoding" in more:  # vectors
            most = min(most, limits["max_answer_numbers"] // _numbers_per_text(limits, **more))
        part, count, room = [], 0, 0
        for text in texts:
            size, read = len(_json(text)) + len(", "), _texts_in(text)
            if part and (count + read > most or size > room):
                yield part
                part = []
            if not part:
                count, room = 0, limits["max_body_bytes"] - len(_json({name: [], **more}))
            part.append(text)
            count += read
            room -= size
        yield part

    def _send(self, method, path, body):
        """(status, seconds to wait, JSON). A connection that the service closed meanwhile is made anew, once."""
        for attempt in (1, 2):
            connection, is_new = self._connection()
            try:
                connection.request(method, self._parts.path.rstrip("/") + path, body, self._headers)
                response = connection.getresponse()
                text = response.read()
                break
            except (OSError, http.client.HTTPException) as error:
                self.close()
                if is_new or attempt == 2 or isinstance(error, TimeoutError):
                    raise ServiceError(f"{self._url}: no answer ({error or type(error).__name__})") from error
        try:
            answer = json.loads(text)
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            answer = {"error": text[:200].decode("utf-8", "replace")}
        retry_after = response.headers.get("Retry-After", "")
        return response.status, int(retry_after) if retry_after.isdigit() else 1, answer

    def _connection(self):
        """(this thread's connection, whether nothing was sent by it yet)."""
        found = getattr(self._own, "connection", None)
        if found is not None:
            return found, False
        kind = http.client.HTTPSConnection if self._parts.scheme == "https" else http.client.HTTPConnection
        self._own.connection = kind(self._parts.hostname, self._parts.port, timeout=self._timeout)
        return self._own.connection, True


def _prediction(one):
    """A Prediction of the JSON that the service gives; an older one does not say what was truncated."""
    label = tuple(one["label"]) if isinstance(one["label"], list) else one["label"]
    return Prediction(label, one["probabilities"], one["score"], one.get("truncated", False))


def _read_tagged(one):
    """A TaggedText of JSON."""
    lists = {name: tuple(value) for name, value in one.items() if isinstance(value, list)}
    return TaggedText(**{**one, **lists, "entities": tuple(Entity(**entity) for entity in one["entities"])})


def _read_ranking(one):
    """A Ranking of JSON."""
    return Ranking(**{name: tuple(value) if isinstance(value, list) else value for name, value in one.items()})


def _question(given, place):
    """What is sent of a question and its context."""
    return dict(zip(("question", "context"), checked_question(given, place)))


def _query(given, place):
    """What is sent of a query and its candidates."""
    return dict(zip(("query", "candidates"), checked_query(given, place)))


def _texts_in(sent):
    """As how many texts the service counts one of a list: a query as all of its candidates."""
    return len(sent["candidates"]) if isinstance(sent, dict) and "candidates" in sent else 1


def _shift(error, before):
    """A ServiceError whose texts[i] counts the texts that went before, in other requests."""
    said = re.sub(
        r"\b(texts|questions|queries)\[(\d+)\]",
        lambda found: f"{found[1]}[{int(found[2]) + before}]",
        str(error),
        count=1,
    )
    return ServiceError(said, error.status)


def _json(values):
    """Bytes. Half a surrogate pair, which UTF-8 has not, becomes its escape: what the service says of it is clearer."""
    return json.dumps(values, ensure_ascii=False).encode(errors="backslashreplace")


def _numbers_per_text(model, pooling=None, layers=(-1,), **_):
    """How many numbers the vectors of a text have at most; where layers are mixed they have fewer."""
    return model["hidden_size"] * len(layers) * len((pooling or model["pooling"]).split("+"))
