"""What the rows of the metrics table say of the model that they measure."""

import json
from typing import Any

from simhand.settings.experiments import FinetuneExperiment
from simhand.settings.imported_predictions import ImportedModel


def model_columns(model: str) -> dict[str, Any]:
    """The columns of table ``metrics`` that name a model, from its settings as JSON.

    A fine-tuning of ours is a :class:`FinetuneExperiment`; ``top_k`` is one rank, and where positives of
    several ranks are learned from at once it is left open, and the name of the experiment tells them. A
    model whose predictions were made elsewhere is an :class:`ImportedModel`: its name is its method.
    """
    if "file" in json.loads(model):
        imported = ImportedModel.model_validate_json(model)
        return {
            "experiment": imported.name,
            "method": imported.name,
            "set": None,
            "weighting": "none",
            "top_k": None,
            "init": "unknown",
            "dataset": imported.dataset,
            "label_fraction": imported.label_fraction,
            "seed": None,
        }
    labels = FinetuneExperiment.model_validate_json(model).model_dump()
    labels["experiment"] = labels.pop("name")
    if isinstance(labels["top_k"], str):
        labels["top_k"] = None
    return labels
