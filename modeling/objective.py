"""What every objective is: a Keras model that owns an encoder and knows its loss and its predictions."""

import keras

# Heads that the original and Hugging Face both know: canonical name -> (name there, whether it is transposed there).
HEADS = {
    "cls/predictions/transform/dense/kernel": ("cls.predictions.transform.dense.weight", True),
    "cls/predictions/transform/dense/bias": ("cls.predictions.transform.dense.bias", False),
    "cls/predictions/transform/LayerNorm/gamma": ("cls.predictions.transform.LayerNorm.weight", False),
    "cls/predictions/transform/LayerNorm/beta": ("cls.predictions.transform.LayerNorm.bias", False),
    "cls/predictions/output_bias": ("cls.predictions.bias", False),
    "cls/seq_relationship/output_weights": ("cls.seq_relationship.weight", False),
    "cls/seq_relationship/output_bias": ("cls.seq_relationship.bias", False),
    "cls/squad/output_weights": ("qa_outputs.weight", False),
    "cls/squad/output_bias": ("qa_outputs.bias", False),
    "output_weights": ("classifier.weight", False),
    "output_bias": ("classifier.bias", False),
}


class Objective(keras.Model):
    """Base of all objectives, for pre-training and for fine-tuning alike.

    `call(features, dropout_key=None)` returns a dict of outputs. A loss is a sum of named terms, each the weighted mean
    of some values; values and weights are kept apart, so that a batch that is cut into micro-batches or spread over
    replicas has the loss and the gradients of the whole batch.

    `terms` names the terms; `measures` what else is counted while training and evaluating (an accuracy), each with the
    term whose weights it shares. Variables of the head are named as in the original's checkpoints; `encoder` comes
    built. `training_data` names what it learns from in pre-training, of `processors.training_data`.
    """

    terms = ("loss",)
    measures = {}
    training_data = None

    def __init__(self, encoder, **kwargs):
        super().__init__(**kwargs)
        if not encoder.built:
            encoder.build()
        self.encoder = encoder

    def loss_weights(self, features):
        """Term -> float32 weights; a function of the features alone."""
        raise NotImplementedError

    def losses(self, features, outputs):
        """Term or measure -> float32 values, shaped as the term's weights."""
        raise NotImplementedError

    def summary(self, means):
        """Means of terms and measures over a data set (those that had any weight) -> what eval_results.txt says."""
        return {**means, "loss": sum(means.get(term, 0.0) for term in self.terms)}

    def predictions(self, outputs):
        """Outputs -> dict of tensors [B, ...] to be gathered over a data set."""
        raise NotImplementedError

    def text_predictions(self, texts, tokenizer, max_seq_length, top_k):
        """Yields a dict (a line of JSON) per text, of what a pre-trained objective says of it without fine-tuning."""
        raise ValueError(f"{type(self).__name__} says nothing of single texts")

    def named_weights(self):
        """Canonical name (the original's TF1 name) -> variable, the encoder's included."""
        encoder_weights = self.encoder.named_weights()
        own = {id(variable) for variable in encoder_weights.values()}
        head = {v.path.split("/", 1)[1]: v for v in self.variables if id(v) not in own}
        return {**encoder_weights, **head}

    def huggingface_names(self):
        """Canonical name -> (name in a Hugging Face checkpoint, whether it is transposed there).

        A head that Hugging Face does not know keeps its name, with dots.
        """
        encoder_names = self.encoder.huggingface_names()
        heads = [name for name in self.named_weights() if name not in encoder_names]
        return {**encoder_names, **{name: HEADS.get(name, (name.replace("/", "."), False)) for name in heads}}
