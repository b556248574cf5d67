"""Looks at the text of samples/pretrain_demo.sh before it starts: is it held out, and is what is kept made from it?

python -m samples.pretrain_demo_text CORPUS HELD_OUT VOCAB_SIZE OUTPUT_DIR
"""

import os
import sys

from bertline import errors
from bertline.processors.files import paths

MADE_FROM = "made_from.txt"


def check(corpus, held_out, vocab_size, output_dir):
    """Raises InputError for a held-out file that is in the corpus, and for a folder made from other text.

    What the folder is made from is written into it. Patterns are expanded; a file that has changed has another size.
    """
    learned, held = paths.find_files(corpus), paths.find_files(held_out)
    in_corpus = {os.path.realpath(path) for path in learned}
    for path in held:
        if os.path.realpath(path) in in_corpus:
            raise errors.InputError(
                f"HELD_OUT={held_out}: {path} is in CORPUS={corpus} too; what is held out must not be learned: move it"
            )
    made_from = [f"a vocabulary of {vocab_size}"]
    for what, files in (("corpus", learned), ("held out", held)):
        made_from += [f"{what}: {path}, {size} bytes" for path, size in paths.file_sizes(files).items()]
    place, before = os.path.join(output_dir, MADE_FROM), []
    if os.path.exists(place):
        with open(place, encoding="utf-8") as file:
            before = file.read().splitlines()
    if before != made_from and (before or os.path.exists(os.path.join(output_dir, "vocabulary"))):
        differing = next(line for line in made_from + before if (line in made_from) != (line in before))
        raise errors.InputError(
            f"OUTPUT_DIR={output_dir} was made from something else; it differs in: {differing}; give another "
            "OUTPUT_DIR, or remove this one"
        )
    os.makedirs(output_dir, exist_ok=True)
    with open(place, "w", encoding="utf-8") as file:
        file.writelines(f"{line}\n" for line in made_from)


if __name__ == "__main__":
    with errors.report_errors("nothing was written"):
        check(*sys.argv[1:])
