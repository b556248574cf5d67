"""What pyproject.toml cannot say: the folders of this repository are the packages of `bertline`."""

import pathlib
import shutil
import tomllib

import setuptools
from setuptools.command.build_py import build_py

FOLDERS = (
    *("common", "facade", "modeling", "processors", "serving"),
    *("settings", "training", "vector_evaluation", "weights"),
)
# Beside the scripts. What else lies at the root, as somebody's plugin, is no part of the package.
MODULES = {"__init__", "errors", "options", "plugins", "registry"}
_PROJECT = tomllib.loads(pathlib.Path(__file__).with_name("pyproject.toml").read_text(encoding="utf-8"))["project"]
SCRIPTS = {command.split(":")[0].removeprefix("bertline.") for command in _PROJECT["scripts"].values()}


class BuildPackage(build_py):
    """Builds the files of the package alone, and nothing that an earlier build left."""

    def run(self):
        if not self.editable_mode:
            shutil.rmtree(self.build_lib, ignore_errors=True)
        super().run()

    def find_package_modules(self, package, package_dir):
        found = super().find_package_modules(package, package_dir)
        return [one for one in found if package != "bertline" or one[1] in MODULES | SCRIPTS]


INCLUDED = [pattern for name in FOLDERS for pattern in (name, f"{name}.*")]
setuptools.setup(
    packages=["bertline", *(f"bertline.{name}" for name in setuptools.find_packages(include=INCLUDED))],
    package_dir={"bertline": "."},
    cmdclass={"build_py": BuildPackage},
)
