"""The page in a real browser: a digit is drawn with the pointer, a form filled in, a file chosen.

No function of the page is called: what is done is what a hand does, what is read is what is shown.
"""

import itertools
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import kmlp
from tests.deploy.made_table import rows, write_csv

webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")

from selenium.webdriver.chrome.service import Service  # noqa: E402
from selenium.webdriver.common.by import By  # noqa: E402
from selenium.webdriver.common.keys import Keys  # noqa: E402
from selenium.webdriver.support.select import Select  # noqa: E402
from selenium.webdriver.support.wait import WebDriverWait  # noqa: E402

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
ROOT = Path(__file__).parents[2]
FLAGS = ("--headless", "--no-sandbox", "--disable-background-networking", "--disable-dev-shm-usage")
PATIENCE = 60  # seconds; a page that answers at once never waits for it
SEVEN = ((-70, -80), (0, -80), (70, -80), (40, -20), (10, 40), (-10, 90))
ONE = ((0, -90), (0, -30), (0, 30), (0, 90))
pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.engine,
    pytest.mark.skipif(
        not (CHROMIUM and DRIVER),
        reason="no browser is installed: apt-get install chromium chromium-driver",
    ),
]


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """An ensemble of networks of digits, and one of a table."""
    folder = tmp_path_factory.mktemp("models")
    table = write_csv(folder / "table.csv", rows(400))
    data = {
        "digits": (kmlp.load_dataset("mnist"), 64, 3),
        "churn": (kmlp.Dataset.from_table(table, target="status", test=0.2), 8, 40),
    }
    for name, (dataset, units, epochs) in data.items():
        config = kmlp.StudyConfig(
            dataset=name,
            variants=("none",),
            num_seeds=2,
            calibration_fraction=0.2,
            model=kmlp.MLPConfig(hidden_units=(units,)),
            train=kmlp.TrainConfig(max_epochs=epochs),
        )
        study = kmlp.run_study(config, folder / "runs" / name, dataset)
        kmlp.export(study.ensemble(), folder / "models" / name, coverage=0.9)
    return folder / "models"


@pytest.fixture(scope="module")
def url(models):
    """Of a server of its own process."""
    process = subprocess.Popen(
        [sys.executable, "-m", "kmlp", "serve", str(models), "--port", "0"],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, "KMLP_TOKEN": ""},
    )
    try:
        yield process.stdout.readline().split(" at ")[1].split()[0]
        process.terminate()
        process.communicate()
    finally:
        process.kill()
    assert process.returncode == 0


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    options.add_argument(f"--user-data-dir={tmp_path_factory.mktemp('profile')}")
    for flag in FLAGS:
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    driver.set_window_size(1200, 1000)
    yield driver
    driver.quit()


@pytest.fixture
def page(browser, url):
    """The page of a model, by its name; its console stays empty."""

    def opened(name):
        browser.get("about:blank")
        browser.get(f"{url}/#{name}")
        until(browser, lambda: text(browser, "title") == name)
        return browser

    yield opened
    assert browser.get_log("browser") == []


def text(browser, name):
    return browser.find_element(By.ID, name).text


def until(browser, holds):
    WebDriverWait(browser, PATIENCE, poll_frequency=0.05).until(lambda _: holds())


def drag(browser, points):
    """With the button held, from point to point, counted from the pad's centre."""
    pad = browser.find_element(By.ID, "pad")
    scale = pad.size["width"] / 280
    hand = webdriver.ActionChains(browser, duration=30)
    hand.move_to_element_with_offset(pad, *(int(scale * v) for v in points[0])).click_and_hold()
    for before, after in itertools.pairwise(points):
        hand.move_by_offset(*(int(scale * (b - a)) for a, b in zip(before, after, strict=True)))
    hand.release().perform()


def test_a_digit_that_is_drawn_with_the_pointer_is_read(page):
    browser = page("digits")
    for points, digit in ((SEVEN, "7"), (ONE, "1")):
        drag(browser, points)
        until(browser, lambda digit=digit: text(browser, "headline") == digit)
        names = browser.find_elements(By.CSS_SELECTOR, ".bars .name")
        assert [name.text for name in names] == [str(n) for n in range(10)]
        (first,) = browser.find_elements(By.CSS_SELECTOR, ".bars .first")
        assert first.text.startswith(digit)
        assert "±" in first.text
        assert "spread of 2 networks" in text(browser, "how-sure")
        held = browser.find_elements(By.CSS_SELECTOR, ".bars .in-set .name")
        listed = ", ".join(name.text for name in held)
        assert text(browser, "bounds") == (
            f"90 % set: {listed or 'none, for no class is likely enough'}"
        )
        browser.find_element(By.XPATH, "//button[.='Clear']").click()
        until(browser, lambda: text(browser, "headline") == "–")


def test_a_digit_is_drawn_with_the_keyboard_and_told_to_a_screen_reader(page):
    browser = page("digits")
    pad = browser.find_element(By.ID, "pad")
    pad.send_keys(Keys.ARROW_UP * 9 + Keys.SPACE + Keys.ARROW_DOWN * 18 + Keys.SPACE)
    until(browser, lambda: text(browser, "headline") == "1")
    until(browser, lambda: text(browser, "live").startswith("1. probability"))


def test_an_image_that_is_chosen_is_read_and_dark_on_light_is_turned_round(page, tmp_path):
    from PIL import Image

    data = kmlp.load_dataset("mnist")
    place = next(i for i, y in enumerate(data.y_test) if y == 0)
    Image.fromarray(255 - data.x_test[place]).resize((200, 200)).save(tmp_path / "zero.png")
    browser = page("digits")
    choose = browser.find_element(By.CSS_SELECTOR, "#input input[type=file]")
    choose.send_keys(str(tmp_path / "zero.png"))
    until(browser, lambda: text(browser, "headline") == "0")


def field(browser, column):
    label = browser.find_element(By.XPATH, f"//label[.='{column}']")
    return browser.find_element(By.ID, label.get_attribute("for"))


def test_a_form_is_made_of_the_table_and_answers_what_stands_in_it(page):
    browser = page("churn")
    until(browser, lambda: text(browser, "headline") in ("has left", "stays on"))
    before = text(browser, "how-sure")
    Select(field(browser, "City")).select_by_visible_text("(missing)")
    until(browser, lambda: text(browser, "how-sure") != before)
    before = text(browser, "how-sure")
    age = field(browser, "age")
    hint = browser.find_element(By.ID, f"{age.get_attribute('id')}-hint")
    assert " to " in hint.text
    age.clear()
    age.send_keys("500")
    until(browser, lambda: text(browser, "how-sure") != before)
    assert hint.text.startswith("outside of training: ")
    assert "age" in text(browser, "strange").removeprefix("Training saw no such ").rstrip(
        "."
    ).split(", ")
    assert text(browser, "bounds").startswith("90 % set: ")
    assert field(browser, "since").get_attribute("type") == "date"


def test_the_answer_is_drawn_along_a_column_and_told_as_a_table(page):
    browser = page("churn")
    column = Select(browser.find_element(By.ID, "along-column"))
    column.select_by_visible_text("age")
    until(browser, lambda: len(browser.find_elements(By.CSS_SELECTOR, "#along svg polyline")) == 1)
    until(browser, lambda: len(browser.find_elements(By.CSS_SELECTOR, "#along tbody tr")) == 41)
    column.select_by_visible_text("City")
    until(browser, lambda: "Berlin" in text(browser, "along"))
    cities = [e.text for e in browser.find_elements(By.CSS_SELECTOR, "#along tbody th")]
    assert cities == ["Berlin", "New York", "São Paulo", "東京"]


def test_predictions_of_a_file_are_handed_back_and_a_wrong_one_is_refused_in_words(page, tmp_path):
    browser = page("churn")
    choose = browser.find_element(By.CSS_SELECTOR, "#files input[type=file]")
    choose.send_keys(str(write_csv(tmp_path / "new.csv", rows(30, seed=1))))
    until(browser, lambda: "Save new-predictions.csv (30 rows)" in text(browser, "files-body"))
    assert "row,label,probability_has left,probability_stays on" in text(browser, "files-body")
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    choose.send_keys(str(tmp_path / "other.csv"))
    until(browser, lambda: "lacks the columns 'age'" in text(browser, "files-body"))
    browser.get_log("browser")  # that the answer was 400 is noted there, too
