"""When a training has failed and must stop, rather than go on for days.

- The loss or the gradient of a step is not finite: the step is not taken.
- The weights to be saved are not finite: they are not saved.
- All embeddings are alike (collapse): uniformity above -0.001, that is a mean distance below 0.02 on
  the unit sphere, at the end of two epochs in a row. The contrastive loss is bounded, so that a
  training whose learning rate is too high ends there if it does not end in NaN.
"""

from simhand.pretraining.training import Training
from simhand.training_runs.divergence import DivergedError, problem_of_step, problem_of_weights

COLLAPSED_UNIFORMITY = -1e-3
COLLAPSED_EPOCHS = 2


def check_step(training: Training, loss: float, norm: float, learning_rate: float) -> None:
    """Before the step is taken.

    Raises:
        DivergedError: loss or gradient is not finite.
    """
    if problem := problem_of_step(loss, norm, learning_rate):
        raise DivergedError(_advice(training, problem))


def check_weights(training: Training) -> None:
    """Before they are saved.

    Raises:
        DivergedError: some are not finite.
    """
    if problem := problem_of_weights(training.model):
        raise DivergedError(_advice(training, problem))


def check_epoch(training: Training, uniformity: float) -> None:
    """At the end of an epoch.

    Raises:
        DivergedError: the embeddings have been alike for two epochs.
    """
    training.collapsed_epochs = training.collapsed_epochs + 1 if uniformity > COLLAPSED_UNIFORMITY else 0
    if training.collapsed_epochs >= COLLAPSED_EPOCHS:
        problem = f"all embeddings are alike (uniformity {uniformity:.2g}) for {COLLAPSED_EPOCHS} epochs"
        raise DivergedError(_advice(training, problem))


def _advice(training: Training, problem: str) -> str:
    settings = training.settings
    rate, warmup = settings.learning_rate, settings.warmup_epochs
    return (
        f"{training.experiment.name}: {problem} at step {training.step}. Lower `pretrain.learning_rate` "
        f"({rate:g}; try {rate / 3:.1g}) or lengthen `pretrain.warmup_epochs` ({warmup}); the training then "
        "begins anew"
    )
