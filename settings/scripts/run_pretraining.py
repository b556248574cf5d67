"""What run_pretraining.py takes."""

import dataclasses
import typing

from bertline.settings.base import ENCODING, OF_OBJECTIVE, PATH, PATHS, setting
from bertline.settings.owned import with_options
from bertline.settings.run import RunSettings


@with_options
@dataclasses.dataclass(frozen=True, kw_only=True)
class PretrainingSettings(RunSettings):
    """What run_pretraining.py takes beside."""

    owners = {**RunSettings.owners, "objective": "objective"}
    # An objective's runs also take the options of reading what it learns from: of the "corpus" that it names.
    borrowed = {"objective": ("corpus", "reading_options")}
    script: typing.ClassVar[str] = "run_pretraining.py"

    input_file: str | None = setting(
        None,
        "Records of create_pretraining_data.py to train on: names or patterns, comma-separated.",
        False,
        holds=PATHS,
    )
    eval_file: str | None = setting(
        None,
        "Held-out records to evaluate on; by default, as in the original, those of --input_file.",
        False,
        holds=PATHS,
    )
    objective: str = setting(
        "masked_lm",
        "What is learned: masked_lm; response_ranking, to tell a text's response from other ones; causal_lm, to "
        "predict each token from those before it.",
        as_trained=OF_OBJECTIVE,
    )
    do_train: bool = setting(False, "Whether to run training.", False)
    do_eval: bool = setting(False, "Whether to run evaluation.", False)
    do_predict: bool = setting(False, "Whether to fill the [MASK]s of --predict_file and score its other lines.", False)
    predict_file: str | None = setting(
        None, "Lines of text; one without a [MASK] gets a pseudo-log-likelihood.", False, holds=PATH
    )
    encoding: str = setting("utf-8", f"{ENCODING} That is --predict_file.", False)
    predict_top_k: int = setting(5, "Tokens to name for each [MASK].", False)
    train_batch_size: int = setting(32, "Total batch size for training.")
    eval_batch_size: int = setting(8, "Total batch size for eval.", False)
    num_train_steps: int = setting(100000, "Number of training steps.")
    num_warmup_steps: int = setting(10000, "Number of warm-up steps.")
    max_eval_steps: int = setting(100, "Most batches of --eval_batch_size to evaluate.", False)
