"""The device that a network is trained on."""

import torch

from simhand.errors import ConfigError


def choose_device(name: str, key: str) -> torch.device:
    """The device called auto, cpu or cuda; ``auto`` is a GPU where there is one.

    Args:
        name: auto, cpu or cuda.
        key: where the config says so, for the message.

    Raises:
        ConfigError: cuda is asked for and there is none.
    """
    if name == "cuda" and not torch.cuda.is_available():
        raise ConfigError(f"{key} is cuda, but torch finds no GPU here; use auto or cpu")
    return torch.device("cuda" if name != "cpu" and torch.cuda.is_available() else "cpu")
