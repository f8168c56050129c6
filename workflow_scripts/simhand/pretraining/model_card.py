"""The model card that lies beside an exported encoder."""

from typing import Any

from simhand.backbones import TIMM
from simhand.settings.experiments import METHOD_TITLES, METHODS

CARD = """\
# {name}

A {encoder} encoder of hand images, pre-trained without labels by {method}{weighting} in the SiMHand
workflow. It gives {features}-dimensional features to start the training of a 3D hand pose estimator from.

## Use

```python
{loading}
```

Input: square RGB crops of one right hand (mirror left hands), {image_size_px} x {image_size_px} pixels in
training, in [0, 1], then normalised by ImageNet's mean (0.485, 0.456, 0.406) and deviation
(0.229, 0.224, 0.225).
The crop is the hand's box, enlarged by `crops.box_scale` of the run's configuration and made square.

## How it was made

| | |
|---|---|
{rows}

Last epoch's mean loss: {final_loss:.4f}. The loss of one method says nothing about another's, nor about
the pose error after fine-tuning; for that see the tables of the same run.{retrieval} All settings:
`metrics.json`. The projection head and the optimiser: `checkpoint.pt`.

## Limits and licence

- Trained on the hands of set `{set}` of this run, and on nothing else; its quality is that of the
  hands it saw. An encoder of the rendered demo world knows rendered hands only and is of no practical use.
- It inherits the terms of the videos it was trained on: Ego4D, 100DOH and most recordings of people do
  not allow every use. The workflow's own licence covers the code, not these weights.
- The recipe is that of Lin et al., SiMHand: Mining Similar Hands for Large-Scale 3D Hand Pose
  Pre-training, ICLR 2025. These weights are not the authors' weights.
"""

TORCHVISION_LOADING = """\
encoder = torchvision.models.{name}()
encoder.load_state_dict(safetensors.torch.load_file("encoder.safetensors"), strict=False)  # no fc in it"""

TIMM_LOADING = """\
encoder = timm.create_model("{name}", num_classes=0{size})
encoder.load_state_dict(safetensors.torch.load_file("encoder.safetensors"))"""

RETRIEVAL = """
Retrieval error: {after:.3f}, before training {before:.3f}. It says how well nearest neighbours by these
features have the same pose (2D keypoints), among hands of the training set: 0 is best, 1 is chance."""

POSITIVES = {
    "similar": "mined, rank {rank}",
    "adjacent": "the same hand in an adjacent frame",
    None: "own views",
}


def model_card(metrics: dict[str, Any], features: int) -> str:
    """The README.md of an encoder with ``features`` outputs, from its training's metrics."""
    experiment, settings, hardware = metrics["experiment"], metrics["settings"], metrics["hardware"]
    weighting = experiment["weighting"]
    weighted = weighting != "none"
    facts = {
        "method": METHOD_TITLES[experiment["method"]],
        "positives": POSITIVES[METHODS[experiment["method"]].pairs].format(rank=experiment["top_k"]),
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
    encoder, image_size_px, errors = (
        settings["encoder"],
        settings["image_size_px"],
        metrics["retrieval_errors"],
    )
    return CARD.format(
        name=experiment["name"],
        encoder=encoder,
        loading=loading_code(encoder, image_size_px),
        method=facts["method"],
        weighting=" with adaptive weighting" if weighted else "",
        features=features,
        image_size_px=image_size_px,
        rows="\n".join(f"| {name} | {value} |" for name, value in facts.items()),
        final_loss=metrics["final_loss"],
        retrieval=RETRIEVAL.format(before=errors[0], after=errors[-1]) if errors else "",
        set=experiment["set"],
    )


def loading_code(encoder: str, image_size_px: int) -> str:
    """The two lines of Python that load an exported ``encoder``."""
    if not encoder.startswith(TIMM):
        return TORCHVISION_LOADING.format(name=encoder)
    import timm

    name = encoder.removeprefix(TIMM)
    sized = timm.get_pretrained_cfg_value(name, "fixed_input_size")
    return TIMM_LOADING.format(name=name, size=f", img_size={image_size_px}" if sized else "")
