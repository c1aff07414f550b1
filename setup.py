"""The C extensions; everything else about the package is in pyproject.toml."""

from setuptools import setup

setup(
    cffi_modules=[
        "tunnel_gateway/gost/_native/build.py:ffibuilder",
        "tunnel_gateway/dataplane/_native/plane_build.py:ffibuilder",
    ]
)
