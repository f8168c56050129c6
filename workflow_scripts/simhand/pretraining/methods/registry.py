"""The methods by name. They are imported in so many words: the DAG reads imports to see what re-runs."""

from simhand.errors import ConfigError
from simhand.pretraining.methods import peclr, simclr, simhand
from simhand.pretraining.methods.method import Method

REGISTRY: dict[str, Method] = {
    "simclr": simclr.METHOD,
    "peclr": peclr.METHOD,
    "simhand": simhand.METHOD,
}


def find_method(name: str) -> Method:
    """The method called ``name``.

    Raises:
        ConfigError: there is none.
    """
    if name not in REGISTRY:
        raise ConfigError(f"no pre-training method '{name}'; known: {', '.join(REGISTRY)}")
    return REGISTRY[name]
