"""Output folders of our own training scripts: the weights alone are in model/, a Hugging Face folder."""

import os

from bertline import registry
from bertline.processors.files import folders
from bertline.training.folder import run_folder
from bertline.weights.reading.format import WeightFormat
from bertline.weights.reading.opening import open_weights
from bertline.weights.reading.safetensors_header import WEIGHTS


@registry.register("weight_format", "output_folder")
class OutputFolder(WeightFormat):
    order = 45
    said_as = "an output folder of Bertline"

    @staticmethod
    def fits(path, names):
        return names is not None and folders.exists(os.path.join(run_folder.model_folder(path), WEIGHTS))

    @staticmethod
    def open(path):
        return open_weights(run_folder.model_folder(path))
