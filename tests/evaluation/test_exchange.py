"""Predictions in other people's forms: what is written is what their tools read, and comes back the same."""

import json
import zipfile

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from prediction_files import evaluated, prediction_rows, values_of
from pydantic import ValidationError

from simhand.datasets.samples import HandSamples, mirror_points, project
from simhand.errors import DataError
from simhand.evaluation.exchange.dexycb import read_dexycb, write_dexycb
from simhand.evaluation.exchange.freihand import read_freihand, write_freihand
from simhand.evaluation.exchange.hand_table import COORDINATES, read_hand_table
from simhand.evaluation.exchange.imported import imported_predictions
from simhand.evaluation.exchange.submission import write_submission
from simhand.evaluation.model_columns import model_columns
from simhand.evaluation.predictions import load_predictions
from simhand.files.tables import write_table
from simhand.settings.imported_predictions import ImportedModel

COUNT = 7
IDS = [f"{number:08d}" for number in (3, 4, 11, 12, 100, 101, 205)]
K = np.array([[600.0, 0, 310], [0, 600, 240], [0, 0, 1]])


@pytest.fixture
def hands():
    """Predictions of every sample, as the images show them."""
    return np.random.default_rng(1).normal(0, 0.04, (COUNT, 21, 3)) + [0.02, -0.01, 0.6]


def samples_of(hands, ids):
    """Samples whose truth is near ``hands``; every second one is a left hand, given mirrored."""
    truth = hands + np.random.default_rng(2).normal(0, 0.005, hands.shape)
    left = np.arange(len(hands)) % 2 == 1
    mirrored_k = K.copy()
    mirrored_k[0, 2] = 640 - K[0, 2]
    intrinsics = np.where(left[:, None, None], mirrored_k, K)
    joints = mirror_points(truth, left)
    return HandSamples(
        root=None,
        images=np.array([f"{name}.jpg" for name in ids]),
        image_ids=np.array(ids, dtype=np.int64),
        unique_ids=np.array(ids, dtype=np.int64),
        joints_3d_m=joints,
        joints_2d_px=project(joints, intrinsics),
        intrinsics=intrinsics,
        bone_9_10_m=np.full(len(hands), np.nan),
        visible=np.ones((len(hands), 21), dtype=bool),
        mirror_width_px=np.where(left, 640, 0),
        boxes_px=np.full((len(hands), 4), np.nan),
        sequences=np.full(len(hands), ""),
        frames=np.full(len(hands), -1),
        occluded_share=np.full(len(hands), np.nan),
    )


def model(file, **changes):
    return ImportedModel(name="theirs", dataset="frei", file=file, **changes)


def test_freihand_zip_is_what_its_tool_reads(tmp_path, hands):
    """eval.py: the first list is joints by image, the second vertices; np.array of each must be regular."""
    shuffled = [4, 2, 0, 6, 1, 3, 5]
    write_freihand(tmp_path / "submission.zip", [f"{i:08d}" for i in shuffled], hands[shuffled])
    with zipfile.ZipFile(tmp_path / "submission.zip") as archive:
        assert archive.namelist() == ["pred.json"]
        xyz, verts = json.loads(archive.read("pred.json"))
    assert np.array_equal(np.array(xyz), hands)
    assert np.array(verts).shape == (COUNT, 778, 3) and not np.any(verts)
    first = (tmp_path / "submission.zip").read_bytes()
    write_freihand(tmp_path / "submission.zip", [f"{i:08d}" for i in shuffled], hands[shuffled])
    assert (tmp_path / "submission.zip").read_bytes() == first


def test_freihand_wants_every_image(tmp_path, hands):
    with pytest.raises(DataError, match="all images 0 to 6, found ids from 3 to 205"):
        write_freihand(tmp_path / "submission.zip", IDS, hands)


def test_dexycb_result_file_is_what_its_tool_reads(tmp_path, hands):
    """hpe_eval.py: 64 values between commas, the id first, then millimetres."""
    order = [5, 0, 3, 1, 6, 2, 4]
    write_dexycb(tmp_path / "results.txt", [IDS[row] for row in order], hands[order])
    found = {}
    for line in (tmp_path / "results.txt").read_text().splitlines():
        elements = line.split(",")
        assert len(elements) == 64
        found[int(elements[0])] = np.reshape([float(element) for element in elements[1:]], (21, 3))
    assert list(found) == [3, 4, 11, 12, 100, 101, 205]
    np.testing.assert_allclose(list(found.values()), 1000 * hands, rtol=1e-15)


def written_in(form, folder, hands, ids=IDS):
    path = folder / f"theirs{form}"
    if form == ".txt":
        write_dexycb(path, ids, hands)
    elif form == ".zip":
        write_freihand(path, ids, hands)
    elif form == ".json":
        path.write_text(json.dumps([hands.tolist(), []]))
    elif form == ".csv":
        columns = dict(zip(COORDINATES, hands.reshape(-1, 63).T, strict=True))
        pyarrow.csv.write_csv(pa.table({"id": ids, **columns}), path)
    else:
        pq.write_table(pa.table({"id": ids, "prediction": hands.reshape(-1, 63).tolist()}), path)
    return path


@pytest.mark.parametrize("form", [".json", ".zip", ".txt", ".csv", ".parquet"])
def test_what_is_written_elsewhere_is_measured_as_if_it_were_ours(tmp_path, hands, form):
    """Left hands lie in the files as their images show them, and are compared so."""
    ids = [f"{number:08d}" for number in range(COUNT)] if form in (".json", ".zip") else IDS
    samples = samples_of(hands, ids)
    path = written_in(form, tmp_path, hands, ids)
    table = imported_predictions(model(str(path)), path, samples)
    write_table(tmp_path / "predictions.parquet", "predictions", table)
    predictions = load_predictions(tmp_path / "predictions.parquet")
    assert predictions.ids == ids and predictions.left.tolist() == [False, True] * 3 + [False]
    np.testing.assert_allclose(predictions.prediction_m, hands, rtol=1e-14)
    values = values_of(evaluated(predictions, ["freihand_absolute", "mmpose_2d"]).metrics)
    truth = samples.unmirrored().joints_3d_m
    expected = 1000 * np.linalg.norm(hands - truth, axis=-1).mean()
    assert values["freihand_absolute", "mpjpe"] == pytest.approx(expected, rel=1e-12)
    pixels = project(hands, np.array([K])) - project(truth, np.array([K]))
    assert values["mmpose_2d", "epe"] == pytest.approx(np.linalg.norm(pixels, axis=-1).mean())


def test_what_was_not_predicted_stays_blank(tmp_path, hands):
    path = written_in(".txt", tmp_path, hands)
    table = imported_predictions(model(str(path), root_source="ground_truth"), path, samples_of(hands, IDS))
    write_table(tmp_path / "predictions.parquet", "predictions", table)
    protocols = ["freihand_absolute", "mmpose_2d", "dexycb_root_relative"]
    values = values_of(evaluated(load_predictions(tmp_path / "predictions.parquet"), protocols).metrics)
    assert {protocol for protocol, _ in values} == {"dexycb_root_relative", "procrustes_rotation"}


def test_ids_are_found_however_many_zeros_they_have(tmp_path, hands):
    path = written_in(".csv", tmp_path, hands, [str(int(name)) for name in IDS])
    assert np.array_equal(read_hand_table(path).of_samples(IDS), hands)


def test_predictions_of_other_samples_are_left_out(tmp_path, hands):
    """DexYCB's tool does not look at frames without a hand either."""
    path = written_in(".txt", tmp_path, hands)
    np.testing.assert_allclose(read_dexycb(path).of_samples([IDS[4], IDS[1]]), hands[[4, 1]], rtol=1e-14)


def test_blank_lines_of_a_result_file_do_not_count(tmp_path, hands):
    path = written_in(".txt", tmp_path, hands)
    path.write_text("\n" + path.read_text().replace("\n", "\n  \n", 1) + "\n\n")
    np.testing.assert_allclose(read_dexycb(path).of_samples(IDS), hands, rtol=1e-14)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("x.txt", "1,2,3\n", "line 1 has 3 values, expected 64"),
        ("x.txt", "a" + ",0" * 63, "invalid literal"),
        ("x.json", "{}", "not what FreiHAND's pred.py writes"),
        ("x.json", "[[[[0, 0, 0]]], []]", r"joints of shape \(1, 1, 3\), expected \(images, 21, 3\)"),
        ("x.zip", "no zip", "BadZipFile"),
        ("x.csv", "id,x0\n1,2\n", "expected id and either prediction or x0, y0, z0"),
        ("x.csv", f"id,{','.join(COORDINATES)}\n1{',a' * 63}\n", "does not hold 63 numbers for each id"),
        ("x.parquet", "none", "cannot be read"),
    ],
)
def test_broken_files_are_told(tmp_path, name, content, message):
    path = tmp_path / name
    path.write_text(content)
    readers = {".txt": read_dexycb, ".json": read_freihand, ".zip": read_freihand}
    read = readers.get(path.suffix, read_hand_table)
    with pytest.raises(DataError, match=message):
        read(path)
    path.unlink()
    with pytest.raises(DataError, match="does not exist"):
        read(path)


def test_samples_without_or_with_two_predictions_are_told(tmp_path, hands):
    path = written_in(".txt", tmp_path, hands)
    with pytest.raises(DataError, match="no prediction for 1 of 8 samples .first: 00000999"):
        read_dexycb(path).of_samples([*IDS, "00000999"])
    path.write_text(path.read_text() + path.read_text().splitlines()[0])
    with pytest.raises(DataError, match="gives 1 ids twice"):
        read_dexycb(path).of_samples(IDS)


@pytest.fixture
def submitted(written, tmp_path):
    """Writes rows as predictions and submits those of the wanted samples; gives the file."""

    def submit(rows, form, wanted=None):
        path = tmp_path / f"submission{form}"
        write_submission(path, written(rows), wanted or [row["id"] for row in rows])
        return path

    return submit


def test_submission_has_the_same_scores_when_it_is_read_again(submitted, caplog):
    rows = prediction_rows(6)
    rows[4]["prediction"] = [float("nan")] * 63
    expected = np.array([row["prediction"] for row in rows]).reshape(-1, 21, 3)
    for form, read in ((".zip", read_freihand), (".txt", read_dexycb)):
        found = read(submitted(rows, form)).of_samples([row["id"] for row in rows])
        np.testing.assert_allclose(np.delete(found, 4, 0), np.delete(expected, 4, 0), rtol=1e-14)
        assert not found[4].any()
    assert "1 of 6 predictions are not finite and become zeros" in caplog.text


def test_submission_needs_every_sample_and_no_truth(submitted):
    rows = prediction_rows(6)
    with pytest.raises(DataError, match="no prediction for 1 of 7 samples .first: 00000006"):
        submitted(rows, ".txt", [f"{number:08d}" for number in range(7)])
    for column, what in (("root_source", "position"), ("scale_source", "size")):
        with pytest.raises(DataError, match=f"the {what} of hands was taken from the ground truth"):
            submitted([row | {column: "ground_truth"} for row in rows], ".txt")


def test_labels_of_an_imported_model_invent_nothing():
    labels = model_columns(model("theirs.txt", label_fraction=0.5).model_dump_json())
    assert labels["experiment"] == labels["method"] == "theirs" and labels["label_fraction"] == 0.5
    assert (labels["set"], labels["top_k"], labels["seed"], labels["init"]) == (None, None, None, "unknown")


def test_file_of_an_unknown_form_is_rejected():
    with pytest.raises(ValidationError, match="cannot tell the form of theirs.pkl"):
        model("theirs.pkl")
