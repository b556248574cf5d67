# %% [markdown]
# # A tour of Bertline in Python
#
# A model learns what customers of a made-up shop want, from 940 messages of
# [samples/intents](../samples/README.md). It takes about a minute on two cores. `make notebook` makes this page of
# `docs/tour.py` and runs it; [library.md](library.md) has the rest.

# %%
import os
import pathlib

from IPython.display import Image

import bertline

here = pathlib.Path.cwd()
os.chdir(next(folder for folder in (here, *here.parents) if (folder / "samples").is_dir()))

# %% [markdown]
# ## Texts and labels
#
# Two lists of equal length. A pandas DataFrame, a `datasets.Dataset` or a dict of lists will do as well.


# %%
def read(split):
    """(texts, labels) of a split."""
    lines = pathlib.Path(f"samples/intents/{split}.tsv").read_text(encoding="utf-8").splitlines()[1:]
    labels, texts = zip(*(line.split("\t") for line in lines))
    return texts, labels


texts, labels = read("train")
for text, label in list(zip(texts, labels))[:5]:
    print(f"{label:16} {text}")

# %% [markdown]
# ## Fit
#
# `models/minilm` is a small pre-trained BERT, which `make setup` links; any checkpoint of BERT will do. Each flag of
# `run_classifier.py` is an argument by its name. The same call continues a run that was stopped.

# %%
model = bertline.fit(
    texts,
    labels,
    model="models/minilm",
    epochs=4,
    seed=1,
    dev=read("dev"),
    learning_rate=2e-4,
    train_batch_size=16,
    max_seq_length=64,
    bias_correction=True,
    layer_decay=0.9,
    length_pool_batches=64,
    output_dir="output/tour",
)
print(model)

# %% [markdown]
# ## Evaluate
#
# A bag of words with logistic regression has an accuracy of 0.667 on these test messages.

# %%
model.evaluate(*read("test"))

# %% [markdown]
# The folder of the run has pictures too: which intent of the dev messages was taken for which.

# %%
Image("output/tour/confusion.png", width=600)

# %% [markdown]
# ## Predict

# %%
messages = ["the lid came cracked", "i want to talk to someone", "has my money been sent back yet"]
for prediction in model.predict(messages):
    print(f"{prediction.label:16} {prediction.confidence:.2f}   then {prediction.top(2)[1]}")

# %% [markdown]
# ## Save and load
#
# The folder is all that is needed: `bertline.load` takes it, `serve.py` serves it, `export_model.py` exports it, and
# `model/` in it is a folder of `transformers`.

# %%
model.save("output/tour-model")
bertline.load("output/tour-model").predict(["please stop my subscription"])[0]

# %% [markdown]
# ## Vectors
#
# A model that was trained for vectors of sentences needs no labels: messages that say the same are close to each other.

# %%
encoder = bertline.load("models/minilm")
vectors = encoder.embed(texts)
[question] = encoder.embed(["my package has not come yet"])
for row in (vectors @ question).argsort()[::-1][:3]:
    print(f"{vectors[row] @ question:.2f}  {texts[row]}")

# %% [markdown]
# ## What does not fit is told in one line

# %%
try:
    bertline.fit(["a text", "another one", "a third"], ["good", "bad"], model="models/minilm")
except ValueError as error:
    print(error)
