"""The precisions that models are computed in; without TensorFlow, so that flags are checked at once."""

from bertline.errors import InputError

DTYPES = ("float32", "bfloat16", "float16")


def check_dtype(dtype):
    """Raises InputError for a --dtype that nothing is computed in."""
    if dtype not in DTYPES:
        raise InputError(f"--dtype={dtype}: one of {', '.join(DTYPES)} is needed")
