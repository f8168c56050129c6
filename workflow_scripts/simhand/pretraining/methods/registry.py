"""The methods by name."""

import importlib

from simhand.errors import ConfigError
from simhand.pretraining.methods.method import Method
from simhand.settings.experiments import METHODS


def find_method(name: str) -> Method:
    """The method called ``name``.

    Raises:
        ConfigError: there is none.
    """
    if name not in METHODS:
        raise ConfigError(f"no pre-training method '{name}'; known: {', '.join(METHODS)}")
    # Files that may be imported here count as code of the stage (simhand.stage_code): write it just so.
    method: Method = importlib.import_module(f"simhand.pretraining.methods.{name}").METHOD
    return method
