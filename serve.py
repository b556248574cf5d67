"""Answers over HTTP what a model says of texts: labels, tags, answers, rankings, vectors.

It is the successor of bert-as-service.

Paths: /v1/predict, /v1/tag, /v1/answer or /v1/rank, by what the model is for; /v1/embed, /v1/attention, /v1/model;
/healthz, /readyz, /metrics, /docs; / is a page to try it.
In Python: from bertline.serving import Client; Client("http://localhost:8000").embed(["a text"]).
"""

import logging
import sys

from bertline import errors
from bertline.common import console
from bertline.settings import flags
from bertline.settings.scripts.serve import ServeSettings, check, read_token


def main(_):
    with errors.report_errors("requests that were in the queue got no answer"):
        logging.getLogger().setLevel(logging.INFO)
        run = flags.read(ServeSettings)
        check(run)
        token = read_token(run)
        if token is None and run.host not in ("127.0.0.1", "localhost", "::1"):
            logging.warning("--host=%s without a token: whoever reaches this machine is answered", run.host)
        # TensorFlow is imported only now that flags are known to be good.
        console.import_tensorflow()
        from bertline.serving.service.http.server import serve

        status = serve(run, token)
    sys.exit(status)


def command():
    """What the shell runs: this script, or its console command."""
    flags.define(ServeSettings)
    flags.alias("model", "init_checkpoint")
    flags.run(main)


if __name__ == "__main__":
    command()
