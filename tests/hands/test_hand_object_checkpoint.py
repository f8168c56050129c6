"""Loading the checkpoint of the hand-object detector: what fits is taken, all else is named."""

import pytest
import torch
from hand_object_weights import names_and_shapes, save_checkpoint

from simhand.errors import DataError
from simhand.hands.hand_object.checkpoint import load_checkpoint


@pytest.fixture
def weights():
    """Tensors of the published names and shapes that take no room."""
    return {name: torch.tensor(0.5).expand(shape) for name, shape in names_and_shapes().items()}


def test_every_tensor_goes_to_its_place(weights, tmp_path):
    for number, name in enumerate(weights):
        weights[name] = torch.tensor(float(number)).expand(weights[name].shape)
    network = load_checkpoint(save_checkpoint(tmp_path / "weights.pth", weights))
    for number, (name, tensor) in enumerate(network.state_dict().items()):
        assert tensor.device.type == "cpu" and (tensor == list(weights).index(name)).all(), (number, name)
    assert not network.training


def test_the_zip_format_and_absent_batch_counters_are_fine(weights, tmp_path):
    path = tmp_path / "weights.pth"
    kept = {name: tensor for name, tensor in weights.items() if "num_batches_tracked" not in name}
    torch.save({"model": kept}, path)
    assert load_checkpoint(path).state_dict().keys() == weights.keys()


def test_missing_unexpected_and_misshapen_tensors_are_listed(weights, tmp_path):
    for name in list(weights)[100:120]:
        if "num_batches_tracked" not in name:
            del weights[name]
    weights["RCNN_roi_pool.weight"] = torch.zeros(1)
    weights["RCNN_cls_score.weight"] = torch.zeros(2, 2048)
    with pytest.raises(DataError) as failure:
        load_checkpoint(save_checkpoint(tmp_path / "weights.pth", weights))
    text = str(failure.value)
    assert "missing: RCNN_base.5.0." in text and "more; 1 unexpected" in text
    assert "1 unexpected: RCNN_roi_pool.weight" in text
    assert "1 misshapen: RCNN_cls_score.weight is (2, 2048) where (3, 2048) is expected" in text
    assert "hand_object_detector" in text and "issue 38" in text


@pytest.mark.parametrize(("key", "value"), [("pooling_mode", "pool"), ("class_agnostic", True)])
def test_a_model_trained_otherwise_is_refused(weights, tmp_path, key, value):
    with pytest.raises(DataError, match=f"trained with {key} {value!r}, expected"):
        load_checkpoint(save_checkpoint(tmp_path / "weights.pth", weights, **{key: value}))


def test_what_is_no_checkpoint_is_refused(tmp_path):
    with pytest.raises(DataError, match="no weights file .*issue 38"):
        load_checkpoint(tmp_path / "absent.pth")
    (tmp_path / "damaged.pth").write_bytes(b"not a torch file")
    with pytest.raises(DataError, match="not a readable torch file"):
        load_checkpoint(tmp_path / "damaged.pth")
    torch.save({"conv1.weight": torch.zeros(1)}, tmp_path / "resnet.pth")
    with pytest.raises(DataError, match="no 'model', found conv1.weight"):
        load_checkpoint(tmp_path / "resnet.pth")
    torch.save(torch.zeros(1), tmp_path / "tensor.pth")
    with pytest.raises(DataError, match="no 'model', found Tensor"):
        load_checkpoint(tmp_path / "tensor.pth")


def test_code_in_a_file_is_not_run(tmp_path):
    class Trap:
        def __reduce__(self):
            return (open, (str(tmp_path / "sprung"), "w"))

    torch.save({"model": Trap()}, tmp_path / "trap.pth")
    with pytest.raises(DataError, match="not a readable torch file"):
        load_checkpoint(tmp_path / "trap.pth")
    assert not (tmp_path / "sprung").exists()
