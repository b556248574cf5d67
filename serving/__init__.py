"""Trained models at work: text in, vectors out. Nothing heavy is imported until it is asked for."""


def __getattr__(name):
    if name != "TextEncoder":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from serving.text_encoder import TextEncoder

    return TextEncoder
