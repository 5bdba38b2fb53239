"""What lies beside an exported model is held to: whole, alone and, where asked, this very one."""

import hashlib
import json
import os
import random
import shutil
import types
from pathlib import Path

import numpy as np
import pytest

from kmlp.deploy.manifest import checked_manifest, manifest_sha256
from kmlp.deploy.serving import LoadedModel, find_version, load_saved, versions
from kmlp.errors import ModelError

FILES = {
    "saved_model.pb": bytes(range(256)) * 4,
    "variables/variables.index": b"index" * 30,
    "variables/variables.data-00000-of-00001": b"\x00\x01weights" * 60,
    "fingerprint.pb": b"f" * 56,
    "model_card.md": "# a card, with ümlauts\n".encode(),
}


def made(folder: Path, **changes) -> Path:
    """A version's folder as `export` writes it, but for its graph; `changes` are signed anew."""
    for name, content in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    (folder / "assets").mkdir(exist_ok=True)
    manifest = {
        "kmlp": 1,
        "members": [{"id": "a" * 16, "seed": 3}],
        "spec": {"task": "binary", "class_names": ["no", "yes"]},
        "files": {name: hashlib.sha256(content).hexdigest() for name, content in FILES.items()},
        **changes,
    }
    manifest["sha256"] = manifest_sha256(manifest)
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=1))
    return folder


@pytest.fixture
def model(tmp_path) -> Path:
    return made(tmp_path / "m" / "1")


def refused(folder: Path, **options) -> str:
    with pytest.raises(ModelError) as caught:
        checked_manifest(folder, **options)
    message = str(caught.value)
    assert "\n" not in message
    assert len(message) < 600
    return message


def manifest_or_message(folder: Path) -> dict | str:
    try:
        return checked_manifest(folder)
    except ModelError as error:
        return str(error)


def test_a_whole_model_is_taken_and_its_digest_is_that_of_everything(model):
    digest = checked_manifest(model)["sha256"]
    assert checked_manifest(model, sha256=digest)["members"][0]["seed"] == 3
    assert checked_manifest(model, sha256=f" {digest.upper()}\n")["sha256"] == digest
    other = made(model.parent / "2", members=[])
    assert checked_manifest(other)["sha256"] != digest


def test_another_model_than_was_asked_for_is_refused_with_both_digests(model):
    digest = checked_manifest(model)["sha256"]
    other = made(model.parent / "2", spec={"class_names": ["yes", "no"]})
    message = refused(other, sha256=digest)
    assert f"asked for: {digest}" in message
    assert checked_manifest(other)["sha256"] in message


@pytest.mark.parametrize("sha256", ["", "abc", "g" * 64, "0" * 63, "0" * 100_000, 7])
def test_what_is_no_digest_is_refused_with_where_to_find_one(model, sha256):
    assert "64 hexadecimal digits, which kmlp export prints" in refused(model, sha256=sha256)


def test_trust_is_for_what_has_no_manifest_and_a_digest_outweighs_it(model):
    (model / "manifest.json").unlink()
    assert "nothing of it can be checked" in refused(model)
    assert checked_manifest(model, trust=True) == {}
    assert "so its sha256 cannot be known" in refused(model, trust=True, sha256="0" * 64)


def test_a_forged_manifest_is_whole_and_its_digest_is_another(model):
    """The hashes guard against accidents, not authorship: only a digest from elsewhere does."""
    digest = checked_manifest(model)["sha256"]
    (model / "saved_model.pb").write_bytes(b"another program")
    assert "saved_model.pb is damaged" in refused(model)
    manifest = json.loads((model / "manifest.json").read_text())
    manifest["files"]["saved_model.pb"] = hashlib.sha256(b"another program").hexdigest()
    manifest["sha256"] = manifest_sha256(manifest)
    (model / "manifest.json").write_text(json.dumps(manifest))
    assert checked_manifest(model)["sha256"] == manifest["sha256"]
    assert "another model than was asked for" in refused(model, sha256=digest)


@pytest.mark.long
def test_2000_flipped_bits_are_a_refusal_each_or_change_nothing(model):
    """White space may turn into other white space, and no more."""
    rng, before = random.Random(0), checked_manifest(model)
    files, same = ["manifest.json", *FILES], 0
    for trial in range(2000):
        path = model / files[0 if trial % 2 else rng.randrange(len(files))]
        content = path.read_bytes()
        changed = bytearray(content)
        changed[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
        path.write_bytes(changed)
        found = manifest_or_message(model)
        assert found == before or "\n" not in found
        same += found == before
        path.write_bytes(content)
    assert same < 20


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "damaged"),
        ("[" * 100_000, "lists in lists without end"),
        ('{"a":' * 100_000, "lists in lists without end"),
        ("[]", "it holds list, not a table"),
        ("7", "it holds int"),
        ("9" * 5000, "damaged"),
        ("{}", "it lists no files"),
        ('{"files": []}', "it lists no files"),
        ('{"files": {}}', "it lists no files"),
        ('{"files": {"saved_model.pb": 7}}', "it holds no sha256"),
        ('{"files": {"saved_model.pb": "x"}}', "of 'saved_model.pb' it holds no sha256"),
        ('{"files": {"a": "%s"}}' % ("0" * 64), "it has no sha256 of its own"),
        ('{"files": {"a": "%s"}, "sha256": 3}' % ("0" * 64), "it has no sha256 of its own"),
        ('{"files": {"a": "%s"}, "sha256": "x"}' % ("0" * 64), "not what was written"),
        ("\xff", "damaged"),
    ],
)
def test_a_malformed_manifest_is_one_line(model, text, message):
    (model / "manifest.json").write_bytes(text.encode("latin-1"))
    assert message in refused(model)
    assert "manifest.json: damaged" in refused(model, trust=True)


@pytest.mark.parametrize(
    "changes",
    [
        {"spec": 5},
        {"spec": {"class_names": "ab"}},
        {"spec": {"class_names": [1, 2]}},
        {"spec": {"class_names": [["a"]]}},
    ],
)
def test_a_manifest_signed_anew_is_held_to_its_form(model, changes):
    assert "lists no class names" in refused(made(model, **changes))


def of_two_classes() -> types.SimpleNamespace:
    """What TensorFlow gives of a SavedModel that tells two classes apart, as far as it is asked."""
    shaped = types.SimpleNamespace
    inputs = {"inputs": shaped(shape=(None, 4), dtype=shaped(as_numpy_dtype=np.float32))}
    outputs = {"probabilities": shaped(shape=(None, 2)), "label": shaped(shape=(None,))}
    call = shaped(structured_input_signature=((), inputs), structured_outputs=outputs)
    return shaped(signatures={"serving_default": call})


@pytest.mark.parametrize("names", [["a"], ["a", "b", "c"]])
def test_a_manifest_signed_anew_names_as_many_classes_as_there_are(names):
    """Else a label would have no name, or another one's."""
    spec = {"spec": {"class_names": ["a", "b"]}}
    assert LoadedModel(Path("m"), of_two_classes(), spec).class_names == ("a", "b")
    with pytest.raises(ModelError, match=f"names {len(names)} classes, its .* are of 2"):
        LoadedModel(Path("m"), of_two_classes(), {"spec": {"class_names": names}})


def test_a_huge_manifest_is_not_read(model):
    with open(model / "manifest.json", "wb") as file:
        file.truncate(65 * 2**20)
    assert "more than 67,108,864 bytes" in refused(model)


@pytest.mark.parametrize(
    "name", ["../outside", "/etc/passwd", "variables/../saved_model.pb", "a\nb"]
)
def test_a_manifest_lists_only_what_lies_in_the_folder(model, name):
    (model.parent / "outside").write_bytes(b"")
    files = json.loads((model / "manifest.json").read_text())["files"]
    assert "is missing" in refused(made(model, files={**files, name: "0" * 64}))


def add_link_to_folder(model: Path) -> None:
    (model / "assets.extra").symlink_to(model / "variables")


def add_link_to_file(model: Path) -> None:
    (model / "extra").symlink_to("saved_model.pb")


def put_link_in_place(model: Path) -> None:
    (model / "saved_model.pb").rename(model.parent / "elsewhere.pb")
    (model / "saved_model.pb").symlink_to(model.parent / "elsewhere.pb")


def add_pipe(model: Path) -> None:
    os.mkfifo(model / "pipe")


def add_folder(model: Path) -> None:
    (model / "variables" / "more").mkdir()


def add_hidden_file(model: Path) -> None:
    (model / "assets" / ".hidden").write_text("x")


def put_folder_in_place(model: Path) -> None:
    (model / "fingerprint.pb").unlink()
    (model / "fingerprint.pb").mkdir()


def put_manifest_aside(model: Path) -> None:
    (model / "manifest.json").rename(model.parent / "manifest.json")
    (model / "manifest.json").symlink_to(model.parent / "manifest.json")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (add_link_to_folder, "assets.extra is a link"),
        (add_link_to_file, "extra is a link"),
        (put_link_in_place, "saved_model.pb is a link"),
        (add_pipe, "pipe is a special file"),
        (add_folder, "variables/more is not in the manifest"),
        (add_hidden_file, "assets/.hidden is not in the manifest"),
        (put_folder_in_place, "fingerprint.pb is not in the manifest"),
        (put_manifest_aside, "manifest.json: damaged: it is no file"),
    ],
)
def test_nothing_but_what_was_written_may_lie_there(model, change, message):
    change(model)
    assert message in refused(model)


def test_only_folders_that_hold_a_model_and_are_called_by_a_number_are_versions(model):
    models = model.parent
    shutil.copytree(model, models / "10")
    shutil.copytree(model, models / "9")
    for name in ("٣٤", "²", "011", "-12", "+13", "1e3", "1_4", "15 ", "v16", "9" * 19):
        shutil.copytree(model, models / name)
    (models / "70").write_text("a stray file")
    (models / "80").mkdir()
    assert versions(models) == [1, 9, 10]
    assert find_version(models) == models / "10"


def test_a_folder_without_versions_is_told_what_to_do(tmp_path):
    (tmp_path / "7").write_text("x")
    (tmp_path / "9").mkdir()
    with pytest.raises(ModelError, match=r"no exported model\. Make one: kmlp export RUN"):
        load_saved(tmp_path)


def test_a_run_folder_is_no_place_to_export_to(tmp_path):
    (tmp_path / "study.toml").write_text("")
    with pytest.raises(ModelError, match=r"is a run folder, not an exported model\. kmlp export"):
        load_saved(tmp_path)


def test_a_model_of_a_similar_name_is_offered(tmp_path):
    model = tmp_path / "my_churn" / "1"
    model.mkdir(parents=True)
    (model / "saved_model.pb").write_bytes(b"")
    with pytest.raises(ModelError, match=r"Did you mean .*my_churn\? .* --out '.*my churn'$"):
        find_version(tmp_path / "my churn")
