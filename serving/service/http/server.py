"""The process of serve.py: a socket, a model, and an end that answers what was asked before."""

import asyncio
import contextlib
import functools
import logging
import math
import os
import signal
import socket
import threading

import uvicorn

from bertline.errors import InputError
from bertline.serving.prediction.predictor import Predictor
from bertline.serving.service.app import HEADS, Service
from bertline.serving.service.http import last_calls
from bertline.serving.service.http.protocol import BoundedHeads
from bertline.serving.service.model import Model
from bertline.serving.speed import cores


def serve(run, token):
    """Answers requests until SIGTERM or SIGINT. Returns the exit status: 0 where nobody was left without an answer.

    Args:
      run: ServeSettings.
      token: what requests must bring, or None.

    Raises:
      InputError: the model does not fit together, or the port is taken.
    """
    listener = listen(run.host, run.port)
    at_once = cores.share_between_batches()
    predictor = Predictor(
        run.init_checkpoint,
        max_seq_length=run.max_seq_length,
        dtype=run.dtype,
        vocab_file=run.vocab_file,
        do_lower_case=run.do_lower_case,
        batches_at_once=at_once,
        low_latency=run.low_latency,
        task=run.task_name,
    )
    if predictor.labels is not None and predictor.labels.verb not in HEADS:
        raise InputError(
            f"--init_checkpoint={run.init_checkpoint}: a model for {predictor.problem_type}, which has no path; "
            "bertline.load serves it in Python"
        )
    service = Service(Model(predictor, os.path.basename(os.path.abspath(run.init_checkpoint))), run, token, at_once)
    server = Server(service, run, address(listener))
    server.run(sockets=[listener])
    service.close()
    return server.status


def listen(host, port):
    """A socket that listens: who comes while the model is loaded waits. Raises InputError where it cannot be."""
    try:
        family, _, _, _, place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(place)
        # Until one of them listens, several sockets with SO_REUSEADDR may have the same port.
        listener.listen()
    except OSError as error:
        raise InputError(f"--host={host} --port={port}: {error.strerror}; give another --port") from None
    return listener


def address(listener):
    """http://host:port of a bound socket."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class Server(uvicorn.Server):
    """uvicorn, with a warm-up after its start and an end of its own.

    Attributes:
      status: the exit status.

    Args:
      service: a Service.
      run: ServeSettings.
      place: how the service is called in what it says.
    """

    def __init__(self, service, run, place):
        super().__init__(
            uvicorn.Config(
                service.asgi,
                http=functools.partial(BoundedHeads, head_seconds=run.body_seconds),
                lifespan="off",
                ws="none",
                log_config=None,
                access_log=False,
                proxy_headers=False,
                server_header=False,
                timeout_graceful_shutdown=math.ceil(run.drain_seconds),
            )
        )
        logging.getLogger("uvicorn").setLevel(logging.CRITICAL)  # its lines are about itself
        self._service, self._place, self._warming, self.status = service, place, None, 0

    async def startup(self, sockets=None):
        self._loop = asyncio.get_running_loop()
        await super().startup(sockets)
        self._warming = self._loop.create_task(self._warm_up())

    async def shutdown(self, sockets=None):
        await last_calls.wait_until_answered(sockets or [])
        await super().shutdown(sockets)
        unanswered = len(self.server_state.tasks)
        count = self._service.metrics.num_answered()
        print(f"ended: {count} request{'' if count == 1 else 's'} answered", flush=True)
        if unanswered:
            self.status = 1
            print(f"{unanswered} requests left unanswered; --drain_seconds was too short for them", flush=True)

    async def _warm_up(self):
        try:
            await self._loop.run_in_executor(None, self._service.warm_up)
        except Exception:
            logging.exception("the model cannot be made ready")
            self.status, self.should_exit = 1, True
            return
        self._service.is_ready = True
        print(f"ready: {self._place}", flush=True)

    @contextlib.contextmanager
    def capture_signals(self):
        """uvicorn's own raises the signal again at the end, which is then no orderly one."""
        if threading.current_thread() is not threading.main_thread():  # which alone gets signals
            yield
            return
        before = {number: signal.signal(number, self.handle_exit) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def handle_exit(self, number, frame):
        self.force_exit = self.should_exit  # the second time
        self.should_exit = True
        self._loop.call_soon_threadsafe(self._service.drain)
