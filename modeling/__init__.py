"""Encoders, objectives and their layers."""

from bertline.common import quiet_tensorflow

quiet_tensorflow.prepare()
