"""What every training script takes."""

import dataclasses

from bertline.settings.base import CASING, OF_MODEL, PATH, Settings, setting


@dataclasses.dataclass(frozen=True, kw_only=True)
class RunSettings(Settings):
    """What every training script takes: model, output folder, devices, optimizer, pace.

    Attributes:
      owners: kind of registered things -> the setting that names the one of a run; their options are settings too.
    """

    owners = {"optimizer": "optimizer", "learning_rate_schedule": "learning_rate_schedule"}

    output_dir: str | None = setting(
        None,
        "The output directory, a local one: the whole state of the run. The same command continues it.",
        False,
        holds=PATH,
    )
    overwrite_output_dir: bool = setting(
        False, "Start anew in an output directory that holds another run. Stopped, the same command continues.", False
    )
    bert_config_file: str | None = setting(
        None, "The config json file of the model; by default the one beside --init_checkpoint.", False, holds=PATH
    )
    vocab_file: str | None = setting(
        None,
        "The vocabulary file, or a SentencePiece .model; by default the one beside --init_checkpoint.",
        False,
        holds=PATH,
    )
    init_checkpoint: str | None = setting(
        None,
        "Weights to start from: a TensorFlow checkpoint (bert_model.ckpt), a Hugging Face folder, an output directory, "
        "a SavedModel folder or a TF Hub handle.",
        holds=PATH,
    )
    allow_missing_weights: str | None = setting(
        None, "Regular expression: encoder weights that --init_checkpoint may lack; they start at random."
    )
    do_lower_case: bool | None = setting(None, CASING, False)
    max_seq_length: int = setting(
        128,
        "The maximum total input sequence length after tokenization. Longer sequences are truncated.",
        as_trained=OF_MODEL,
    )
    learning_rate: float = setting(5e-5, "The highest learning rate.")
    optimizer: str = setting(
        "adamw", "adamw, as in BERT; lamb, for batches of thousands; sgd, asgd, adagrad, lazy_adam (rows of tables)."
    )
    learning_rate_schedule: str = setting(
        "linear",
        "What follows the warm-up: linear, as in BERT, cosine, constant, inverse_square_root; or "
        "slanted_triangular, as in ULMFiT.",
    )
    weight_decay: float | None = setting(
        None, "Share of a weight that is taken off it, times the rate; by default 0.01 of adamw and lamb, else 0."
    )
    thaw_every_steps: int = setting(
        0,
        "Gradual unfreezing: the top layer moves after so many steps, the next one after twice as many, and so on.",
    )
    max_grad_norm: float = setting(1.0, "Gradients of a larger global norm are scaled down to it; 0: never.")
    gradient_accumulation_steps: int = setting(
        1, "Cut each batch into so many micro-batches, to need less memory; the result is that of the whole batch."
    )
    freeze_layers: str | None = setting(
        None, "Encoder layers from the bottom that stay as they are: a number (embeddings included), or 'all'."
    )
    layer_decay: float = setting(1.0, "Factor between the learning rates of a layer and the one below it.")
    dtype: str = setting("float32", "Numbers to compute with: float32, bfloat16 or float16 (with loss scaling).")
    rematerialize: bool = setting(False, "Recompute activations in the backward pass: less memory, more time.", False)
    seed: int = setting(12345, "Of initialisation, order of the data and dropout.")
    save_checkpoints_steps: int = setting(1000, "How often to save the model checkpoint.", False)
    iterations_per_loop: int = setting(1000, "Most steps to make in one call of the graph.", False)
    eval_steps: int = setting(0, "Evaluate every so many steps; 0: only after training.", False)
    keep_best: bool = setting(False, "Keep the weights of the best evaluation instead of the last ones.")
    patience: int = setting(0, "Stop after so many evaluations without a new best; 0: never.")
    num_gpus: int | None = setting(None, "GPUs to use; by default all of this machine, 0 for the CPU.", False)
    require_gpu: bool = setting(False, "Fail rather than run without a GPU.", False)
    static_shapes: bool = setting(False, "Pad batches to a few fixed shapes; implied by --use_tpu and --xla.")
    xla: bool = setting(False, "Compile the training step by XLA.", False)
    use_tpu: bool = setting(False, "Whether to use a TPU.", False)
    tpu_name: str | None = setting(None, "The TPU to use: its name or grpc:// address; 'local' on a TPU VM.", False)
    tpu_zone: str | None = setting(None, "Accepted for old commands; TensorFlow 2 finds the zone itself.", False)
    gcp_project: str | None = setting(None, "Accepted for old commands; TensorFlow 2 finds the project itself.", False)
    master: str | None = setting(None, "Accepted for old commands; TensorFlow 2 has no session master.", False)
    num_tpu_cores: int = setting(8, "Accepted for old commands; all cores of the TPU are used.", False)
    dry_run: bool = setting(False, "Make all checks, show the first batch as text, train nothing.", False)

    @classmethod
    def without_meaning(cls):
        """Names of flags of the original that TensorFlow 2 has no use for."""
        return ("tpu_zone", "gcp_project", "master", "num_tpu_cores")
