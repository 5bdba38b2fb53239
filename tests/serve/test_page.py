"""The page's files and questions, without a browser."""

import re

import pytest

from tests.serve.stand_in import StandIn, asking, write_version


@pytest.fixture
def models(tmp_path):
    write_version(tmp_path, "digits", 3)
    return tmp_path


def ask(models, method, path, token="", **request):
    async def one(client, _):
        return await client.request(method, path, **request)

    return asking(models, lambda folder: StandIn(), one, token=token)


def test_the_page_asks_nobody_but_its_server(models):
    """Every file that it names is there, and nothing from elsewhere may be loaded."""

    async def all_files(client, _):
        page, found = await client.get("/"), {}
        left = re.findall(r"/static/[\w.]+", page.text)
        while left:
            if (path := left.pop()) not in found:
                found[path] = await client.get(path)
                left += [
                    f"/static/{name}" for name in re.findall(r'"\./([\w.]+)"', found[path].text)
                ]
        return page, found

    page, found = asking(models, lambda folder: StandIn(), all_files)
    assert "default-src 'self'" in page.headers["content-security-policy"]
    assert {path.rpartition(".")[2] for path in found} == {"css", "js"}
    for path, answer in {"/": page, **found}.items():
        assert answer.status_code == 200, path
        outside = re.findall(r"https?://(?!www\.w3\.org/2000/svg)", answer.text)
        assert not outside, path


def test_the_page_is_told_what_a_model_takes_and_gives(models):
    (model,) = ask(models, "GET", "/page/models").json()["models"]
    assert model == {"input": "image", "version": 3, "name": "digits", "outputs": ["label"]}


def test_a_file_comes_back_as_predictions_and_its_name_leads_nowhere(models):
    answer = ask(
        models, "POST", "/page/models/digits/file?name=..%2F..%2Fnew.csv", content=b"age\n1\n2\n"
    )
    assert answer.json() == {"csv": "prediction\n1\n2", "told": ["look"], "num_rows": 2}
    refused = ask(models, "POST", "/page/models/digits/file?name=../a%00b/new.csv", content=b"x")
    assert (refused.status_code, list(refused.json())) == (400, ["error"])
    # The name alone: where a file lies here is told to nobody.
    assert re.fullmatch(r"[\w.-]*new\.csv lacks the column 'age'", refused.json()["error"])


def test_with_a_token_the_page_comes_without_it_and_tells_nothing(models):
    token = "a" * 20
    assert ask(models, "GET", "/", token=token).status_code == 200
    assert ask(models, "GET", "/static/main.js", token=token).status_code == 200
    for path in ("/page/models", "/static/../page/models", "/openapi.json", "/static/Main.js"):
        assert ask(models, "GET", path, token=token).status_code == 401, path
