"""The model card that lies beside an exported encoder."""

from typing import Any

from simhand.settings.experiments import METHOD_TITLES, METHODS_WITH_PAIRS

CARD = """\
# {name}

A {encoder} encoder of hand images, pre-trained without labels by {method}{weighting} in the SiMHand
workflow. It gives {features}-dimensional features to start the training of a 3D hand pose estimator from.

## Use

```python
encoder = torchvision.models.{encoder}()
encoder.load_state_dict(safetensors.torch.load_file("encoder.safetensors"), strict=False)  # no fc in it
```

Input: square RGB crops of one right hand (mirror left hands), {image_size_px} x {image_size_px} pixels in
training, in [0, 1], then normalised by ImageNet's mean (0.485, 0.456, 0.406) and deviation
(0.229, 0.224, 0.225).
The crop is the hand's box, enlarged 1.3 times and made square.

## How it was made

| | |
|---|---|
{rows}

Last epoch's mean loss: {final_loss:.4f}. The loss of one method says nothing about another's, nor about
the pose error after fine-tuning; for that see the tables of the same run. All settings: `metrics.json`.
The projection head and the optimiser: `checkpoint.pt`.

## Limits and licence

- Trained on the hands of set `{set}` of this run, and on nothing else; its quality is that of the
  hands it saw. An encoder of the rendered demo world knows rendered hands only and is of no practical use.
- It inherits the terms of the videos it was trained on: Ego4D, 100DOH and most recordings of people do
  not allow every use. The workflow's own licence covers the code, not these weights.
- The recipe is that of Lin et al., SiMHand: Mining Similar Hands for Large-Scale 3D Hand Pose
  Pre-training, ICLR 2025. These weights are not the authors' weights.
"""


def model_card(metrics: dict[str, Any], features: int) -> str:
    """The README.md of an encoder with ``features`` outputs, from its training's metrics."""
    experiment, settings, hardware = metrics["experiment"], metrics["settings"], metrics["hardware"]
    mined, weighting = experiment["method"] in METHODS_WITH_PAIRS, experiment["weighting"]
    weighted = weighting != "none"
    facts = {
        "method": METHOD_TITLES[experiment["method"]],
        "positives": f"mined, rank {experiment['top_k']}" if mined else "own views",
        "adaptive weighting": f"{weighting}, {settings['weight_function']}" if weighted else "none",
        "set": f"{experiment['set']}: {metrics['hands']} hands, {metrics['anchors']} anchors",
        "initial weights": experiment["init"],
        "epochs": settings["epochs"],
        "steps": f"{metrics['steps']} of {settings['batch_size']} pairs",
        "optimiser": f"{settings['optimiser']}, learning rate {settings['learning_rate']:g}, "
        f"weight decay {settings['weight_decay']:g}, temperature {settings['temperature']:g}",
        "seed": experiment["seed"],
        "precision": settings["precision"],
        "time": f"{metrics['seconds']:.0f} s, {metrics['views_per_s']:.0f} views/s on {hardware['device']}",
        "software": f"PyTorch {hardware['torch']}",
    }
    return CARD.format(
        name=experiment["name"],
        encoder=settings["encoder"],
        method=facts["method"],
        weighting=" with adaptive weighting" if weighted else "",
        features=features,
        image_size_px=settings["image_size_px"],
        rows="\n".join(f"| {name} | {value} |" for name, value in facts.items()),
        final_loss=metrics["final_loss"],
        set=experiment["set"],
    )
