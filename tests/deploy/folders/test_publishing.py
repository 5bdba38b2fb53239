"""A version is there whole or not at all, whenever the process that writes it is killed."""

import hashlib
import json
import os
import signal

import pytest

from kmlp.deploy.folders.publishing import publish
from kmlp.deploy.manifest import checked_manifest, manifest_sha256
from kmlp.deploy.serving import versions
from kmlp.files import write_atomically

WRITTEN = {"variables": r"variables\.index", ".": r"saved_model\.pb|manifest\.json"}
STRUCK = ("mkdir", "replace", "fsync", "rename")


def write(aside):
    """A version as an export writes it, in little: files, then the manifest that lists them."""
    (aside / "variables").mkdir()
    for name in ("saved_model.pb", "variables/variables.index"):
        (aside / name).write_bytes(name.encode())
    files = {
        name: hashlib.sha256((aside / name).read_bytes()).hexdigest()
        for name in ("saved_model.pb", "variables/variables.index")
    }
    manifest = {"kmlp": 1, "spec": {}, "files": files}
    text = json.dumps(manifest | {"sha256": manifest_sha256(manifest)})
    write_atomically(aside / "manifest.json", text.encode())


def killed_at(target, count) -> bool:
    """Whether a process that exports was killed before its `count`-th change of the disk."""
    child = os.fork()
    if not child:
        calls = 0

        def before(function):
            def call(*arguments, **options):
                nonlocal calls
                calls += 1
                if calls == count:
                    os.kill(os.getpid(), signal.SIGKILL)
                return function(*arguments, **options)

            return call

        try:
            for name in STRUCK:
                setattr(os, name, before(getattr(os, name)))
            publish(target, WRITTEN, write)
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


@pytest.mark.process
def test_whenever_an_export_is_killed_the_versions_there_are_whole_and_the_next_one_is_written(
    tmp_path,
):
    target = tmp_path / "model"
    publish(target, WRITTEN, write)
    count, outcomes = 1, set()
    while killed_at(target, count):
        outcomes.add(len(versions(target)))
        for number in versions(target):
            checked_manifest(target / str(number))
        count += 1
    assert count > 10
    assert outcomes == {1, 2}  # killed before it got its name, and right after
    assert publish(target, WRITTEN, write).name == "4"
    checked_manifest(target / "4")


@pytest.mark.process
def test_a_first_export_that_is_killed_leaves_a_folder_that_the_next_one_takes(tmp_path):
    count = 1
    while killed_at(tmp_path / f"model {count}", count):
        version = publish(tmp_path / f"model {count}", WRITTEN, write)
        assert checked_manifest(version)
        count += 1
    assert count > 10
