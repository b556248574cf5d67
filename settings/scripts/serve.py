"""What serve.py takes; checked without TensorFlow and without FastAPI."""

import dataclasses
import importlib.util
import math
import os

from bertline.errors import InputError
from bertline.modeling.dtypes import DTYPES
from bertline.settings.base import CASING, PATH, Settings, setting
from bertline.settings.flags import check_choice, check_positive

TOKEN_VARIABLE = "BERTLINE_TOKEN"
SHORTEST_TOKEN = 8  # characters
_NEEDED = ("fastapi", "uvicorn", "httptools", "prometheus_client", "orjson")


@dataclasses.dataclass(frozen=True, kw_only=True)
class ServeSettings(Settings):
    """The flags of serve.py."""

    init_checkpoint: str | None = setting(
        None,
        "The model: an output directory of run_classifier.py, run_tagger.py or run_squad.py, or a Hugging Face folder; "
        "for vectors alone also a "
        "TensorFlow checkpoint (bert_model.ckpt) or a sentence-transformers folder.",
        holds=PATH,
    )
    task_name: str | None = setting(
        None, "Which task of a model of several tasks (run_classifier.py --task_name=mrpc,rte); others need no name."
    )
    host: str = setting("127.0.0.1", "Address to listen at; 0.0.0.0 for every network of this machine.")
    port: int = setting(8000, "Port to listen at; 0: any that is free.")
    token_file: str | None = setting(
        None,
        f"File of the token that requests must bring, 'Authorization: Bearer TOKEN'. By default what {TOKEN_VARIABLE} "
        "in the environment says; without either everybody is answered.",
        holds=PATH,
    )
    dtype: str = setting("float32", "Numbers to compute with: float32, bfloat16 or float16.")
    low_latency: bool = setting(
        False,
        "Whether a text that comes alone is answered in less than half the time, computed in float32. Starting takes "
        "some seconds longer, and memory of twice the weights for labels and for vectors each.",
    )
    max_seq_length: int | None = setting(
        None,
        "Longer texts are truncated. By default as the model was trained, else the model's own length, at most 512.",
    )
    vocab_file: str | None = setting(
        None, "The vocabulary file; by default the one beside --init_checkpoint.", holds=PATH
    )
    do_lower_case: bool | None = setting(None, CASING, False)
    max_batch_delay_ms: float = setting(
        5.0,
        "How long a text may wait for others to share a batch, while another batch is computed. An idle service "
        "starts at once.",
    )
    max_batch_tokens: int = setting(4096, "Tokens, about, that are computed together.")
    max_queue_texts: int = setting(1024, "Texts that may wait; requests beyond get status 429 and Retry-After.")
    max_texts: int = setting(256, "Texts in one request; of a ranker, candidates of all its queries.")
    max_text_characters: int = setting(
        20_000, "Characters of one text, or of a pair; of a ranker, of a query and all its candidates."
    )
    max_body_bytes: int = setting(1 << 20, "Bytes of one request's body.")
    max_answer_numbers: int = setting(
        1 << 22, "Numbers in one answer of vectors, float32. 256 texts by a layer of BERT-base are 196,608."
    )
    body_seconds: float = setting(30.0, "How long a request's first lines may take to arrive, and how long its body.")
    drain_seconds: float = setting(
        30.0,
        "How long SIGTERM and SIGINT wait for requests that are being answered, rounded up to whole seconds; new ones "
        "are refused.",
    )


def check(run):
    """Raises InputError for what is wrong with the settings by themselves, or not installed."""
    if not run.init_checkpoint:
        raise InputError("--init_checkpoint is needed")
    check_choice(run, "dtype", DTYPES)
    if not 0 <= run.port <= 65535:
        raise InputError(f"--port={run.port}: a number from 0 to 65535 is needed")
    if not 0 <= run.max_batch_delay_ms < math.inf:
        raise InputError(f"--max_batch_delay_ms={run.max_batch_delay_ms}: 0 or more is needed")
    check_positive(
        run,
        "max_batch_tokens",
        "max_queue_texts",
        "max_texts",
        "max_text_characters",
        "max_body_bytes",
        "max_answer_numbers",
        "body_seconds",
        "drain_seconds",
        "max_seq_length",
    )
    if run.max_texts > run.max_queue_texts:
        raise InputError(
            f"--max_texts={run.max_texts} is more than --max_queue_texts={run.max_queue_texts}: such a request would "
            "never be accepted"
        )
    missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise InputError(f"{missing[0]} is not installed: pip install {' '.join(missing)} (`make serve` in a clone)")


def read_token(run):
    """The token of --token_file, else of the environment; None where there is neither.

    Raises:
      InputError: the file cannot be read, or what is in it is no token.
    """
    if run.token_file is None:
        token, place = os.environ.get(TOKEN_VARIABLE), TOKEN_VARIABLE
        if token is None:
            return None
    else:
        place = f"--token_file={run.token_file}"
        try:
            with open(run.token_file, encoding="utf-8") as file:
                token = file.read().strip()
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"{place}: {getattr(error, 'strerror', None) or 'not UTF-8'}") from None
    if len(token) < SHORTEST_TOKEN or not (token.isascii() and token.isprintable()) or " " in token:
        raise InputError(
            f"{place}: a token is one line of at least {SHORTEST_TOKEN} ASCII characters without blanks; "
            "python -c 'import secrets; print(secrets.token_urlsafe())' makes one"
        )
    return token
