"""The process: it listens on loopback, says where, and stops when it is told to."""

import json
import shlex
import signal
import socket
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import httpx
import numpy as np
import pytest

from kmlp.cli.models.serving import _tell
from kmlp.errors import ConfigError, KmlpError, ModelError
from kmlp.serve import server
from kmlp.serve.folders import passed_over
from kmlp.serve.http.access import check_token
from kmlp.serve.limits import Limits

ROOT = Path(__file__).parents[2]
SCRIPT = """
import sys
from pathlib import Path
from kmlp.serve.limits import Limits
from kmlp.serve.server import serve
from tests.serve.stand_in import StandIn
serve(Path(sys.argv[1]), port=0, limits=Limits(), load=lambda folder: StandIn(),
      ready=lambda url, models: print(url, *(m.name for m in models), flush=True))
print("stopped")
"""


@pytest.mark.process
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_server_answers_until_it_is_told_to_stop(tmp_path, how):
    (tmp_path / "digits" / "1").mkdir(parents=True)
    (tmp_path / "digits" / "1" / "saved_model.pb").write_bytes(b"graph")
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(tmp_path)], stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    try:
        url, name, *_ = process.stdout.readline().split()
        assert url.startswith("http://127.0.0.1:")
        assert name == "digits"
        body = {"instances": [[[1, 1], [1, 1]]]}
        with httpx.Client(trust_env=False) as client:
            answer = client.post(f"{url}/v1/models/digits:predict", json=body)
            assert answer.json() == {"predictions": [4]}
        process.send_signal(how)
        said, _ = process.communicate()
    finally:
        process.kill()
    assert (said, process.returncode) == ("stopped\n", 0)


def test_other_machines_are_let_in_by_a_secret_alone():
    check_token("127.0.0.1", "")
    check_token("0.0.0.0", "x" * 16)
    with pytest.raises(ConfigError, match="set KMLP_TOKEN to a secret"):
        check_token("0.0.0.0", "")
    with pytest.raises(ConfigError, match="16 characters or more"):
        check_token("127.0.0.1", "short")
    with pytest.raises(ConfigError, match="ASCII"):
        check_token("127.0.0.1", "with spaces in its middle")


def test_without_the_extra_a_line_says_what_to_install(monkeypatch):
    find = server.importlib.util.find_spec
    monkeypatch.setattr(
        server.importlib.util, "find_spec", lambda n: None if n == "uvicorn" else find(n)
    )
    with pytest.raises(KmlpError, match=r"kmlp serve needs uvicorn: pip install 'kmlp\[serve\]'"):
        server.check_installed()


def test_nothing_is_served_where_no_model_lies_or_none_can_be_loaded(tmp_path):
    with pytest.raises(ModelError, match="no exported model"):
        server.serve(tmp_path / "none", port=0, limits=Limits())
    (tmp_path / "digits" / "1").mkdir(parents=True)
    (tmp_path / "digits" / "1" / "saved_model.pb").write_bytes(b"graph")

    def load(folder):
        raise ModelError("damaged")

    with pytest.raises(ModelError, match="none of the models there can be served"):
        server.serve(tmp_path, port=0, limits=Limits(), load=load)


def test_an_address_that_is_taken_is_refused_in_a_line(tmp_path):
    (tmp_path / "digits" / "1").mkdir(parents=True)
    (tmp_path / "digits" / "1" / "saved_model.pb").write_bytes(b"graph")
    with server._listening("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(ConfigError, match=f"nobody can listen at 127.0.0.1, port {port}"):
            server.serve(tmp_path, port=port, limits=Limits())


def test_an_answer_is_sent_at_once():
    """Head and body are two writes: with Nagle's algorithm the second waits for the first."""
    with (
        server._listening("127.0.0.1", 0) as listener,
        socket.create_connection(listener.getsockname()),
    ):
        connection, _ = listener.accept()
        with connection:
            assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_what_is_served_is_told_with_a_request_to_paste_and_what_labels_are(capsys):
    example = {"age": 31.5, "town": "O'ar", "code": "", "numbers": [1.0, float("nan")]}
    about = {"input": "table", "example": example, "ranges_of": ["age", "town", "code"]}
    about |= {"classes": ["no", "yes"]}
    served = SimpleNamespace(name="churn", number=3, servable=SimpleNamespace(description=about))
    _tell("http://127.0.0.1:1", [served], has_token=True)
    names, page, request, blank, flags, labels = capsys.readouterr().out.splitlines()
    assert names == "churn (version 3) at http://127.0.0.1:1 (Ctrl-C stops)"
    assert page == "Page:   http://127.0.0.1:1/"
    words = shlex.split(request)
    assert words[:4] == ["Try:", "curl", "-H", "Authorization: Bearer $KMLP_TOKEN"]
    assert repr(json.loads(words[5])) == repr({"instances": [example]})
    assert words[6] == "http://127.0.0.1:1/v1/models/churn:predict"
    assert "(fill in code, numbers: " in blank
    assert flags.endswith("is of age, town, code")
    assert labels == "Labels: of churn 0 is no, 1 is yes"


@pytest.mark.parametrize("shape", [[28, 28], [3], [2, 4, 1]])
def test_of_arrays_a_command_that_writes_a_request_is_told(capsys, shape):
    """784 zeros cannot be pasted."""
    about = {"input": "image", "shape": shape, "classes": [], "ranges_of": []}
    served = SimpleNamespace(name="mnist", number=1, servable=SimpleNamespace(description=about))
    _tell("http://127.0.0.1:1", [served], has_token=False)
    _, _, request = capsys.readouterr().out.splitlines()
    write, send = request.removeprefix("Try:    ").split(" | ")
    assert send == "curl -d @- http://127.0.0.1:1/v1/models/mnist:predict"
    written = subprocess.run(write, shell=True, capture_output=True, text=True, check=True).stdout
    assert np.array(json.loads(written)["instances"]).shape == (1, *shape)


def test_models_that_cannot_be_served_are_named(tmp_path):
    """Whoever exported one looks for it in vain."""
    for name, file in (("trees", "estimator.joblib"), ("churn", "saved_model.pb")):
        (tmp_path / name / "1").mkdir(parents=True)
        (tmp_path / name / "1" / file).write_bytes(b"model")
    assert passed_over(tmp_path) == ["trees"]
    assert passed_over(tmp_path / "churn") == []
