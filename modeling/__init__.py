"""Encoders, objectives and their layers."""

import quiet_tensorflow

quiet_tensorflow.prepare()
