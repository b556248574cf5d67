"""What pyproject.toml cannot say: the folders of this repository are the packages of `bertline`."""

import setuptools
from setuptools.command.build_py import build_py

OUTSIDE = ["benchmarks*", "tests*", "build*"]
# This file, and the one by which a clone is the package without an installation.
_OF_A_CLONE = ("setup", "bertline")


class BuildPackage(build_py):
    """Leaves out what only a clone needs."""

    def find_package_modules(self, package, package_dir):
        return [found for found in super().find_package_modules(package, package_dir) if found[1] not in _OF_A_CLONE]


setuptools.setup(
    packages=["bertline", *(f"bertline.{name}" for name in setuptools.find_packages(exclude=OUTSIDE))],
    package_dir={"bertline": "."},
    cmdclass={"build_py": BuildPackage},
)
