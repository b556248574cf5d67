"""This folder as the package `bertline`, whatever the folder is called, without an installation.

Python finds this file where a script of this folder runs, or a session that was started in it. An installed package has
`__init__.py` alone.
"""

import pathlib

__path__ = [str(pathlib.Path(__file__).resolve().parent)]

from bertline.__init__ import __all__, __dir__, __getattr__, __version__  # noqa: E402, F401
