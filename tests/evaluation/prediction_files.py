"""Predictions to measure, and what is measured of them."""

import numpy as np

from simhand.evaluation.metrics import evaluate
from simhand.evaluation.model_columns import model_columns
from simhand.settings.evaluation import EvaluationSettings
from simhand.settings.experiments import FinetuneExperiment

EXPERIMENT = FinetuneExperiment(
    name="simhand_ego_none_top1_random_seed3__freihand_10pct",
    method="simhand",
    set="ego",
    weighting="none",
    top_k=1,
    init="random",
    dataset="freihand",
    label_fraction=0.1,
    seed=3,
)

PINHOLE = np.array([[600.0, 0, 320], [0, 600, 240], [0, 0, 1]])


def prediction_rows(count=20, root_source="predicted", scale_source="predicted", noise_m=0.004):
    rng = np.random.default_rng(5)
    truth = rng.normal(0, 0.04, (count, 21, 3)) + [0, 0, 0.5]
    prediction = truth + rng.normal(0, noise_m, truth.shape)
    return [
        {
            "id": f"{i:08d}",
            "image": f"rgb/{i:08d}.jpg",
            "side": "right",
            "sequence": None,
            "frame": None,
            "occluded_share": None,
            "prediction": prediction[i].ravel().tolist(),
            "ground_truth": truth[i].ravel().tolist(),
            "visible": (rng.random(21) < 0.9).tolist(),
            "prediction_2d": (PINHOLE @ truth[i].T / truth[i, :, 2]).T[:, :2].ravel().tolist(),
            "intrinsics": PINHOLE.ravel().tolist(),
            "root_source": root_source,
            "scale_source": scale_source,
        }
        for i in range(count)
    ]


def evaluated(predictions, protocols, **settings):
    chosen = EvaluationSettings(protocols=protocols, **({"bootstrap_resamples": 0} | settings))
    return evaluate(predictions, chosen, model_columns(EXPERIMENT.model_dump_json()))


def metric_rows(predictions, protocols, **settings):
    return evaluated(predictions, protocols, **settings).metrics


def values_of(rows):
    return {(row["protocol"], row["metric"]): row["value"] for row in rows}
