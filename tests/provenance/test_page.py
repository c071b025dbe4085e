"""The page, opened from disk in a real browser without a network."""

import json
import shutil
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.chrome.webdriver import WebDriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from workbench import Workbench

from nao.provenance.page import LARGEST, PageError, write_page
from nao.provenance.schema import read_record

BROWSER, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--window-size=1500,1200"),
)


@pytest.fixture(scope="module")
def page(finished: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("page") / "page.html"
    write_page(Workbench(finished).audit(), out)
    return out


@pytest.fixture(scope="module")
def browser(page: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebDriver]:
    if not (BROWSER and DRIVER):
        pytest.skip("needs chromium and chromedriver")
    options = webdriver.ChromeOptions()
    options.binary_location = BROWSER
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    driver.get(page.as_uri())
    yield driver
    driver.quit()


def points(browser: WebDriver) -> list:
    return browser.find_elements(By.CSS_SELECTOR, "svg .point")


def details(browser: WebDriver) -> str:
    return browser.find_element(By.ID, "fig3-details").text


def test_it_loads_nothing_but_itself_and_without_complaint(browser: WebDriver, page: Path):
    urls = {
        message["params"]["request"]["url"]
        for entry in browser.get_log("performance")
        for message in [json.loads(entry["message"])["message"]]
        if message["method"] == "Network.requestWillBeSent"
    }
    # the browser's own empty tab and what lies inside a page are no connections
    assert {url for url in urls if not url.startswith(("chrome:", "data:"))} == {page.as_uri()}
    assert browser.get_log("browser") == []
    loaded = "return [...document.images].every(i => i.complete && i.naturalWidth > 0)"
    assert browser.execute_script(loaded)


def test_a_click_shows_runs_seeds_and_configuration(browser: WebDriver, finished: Path):
    bench = Workbench(finished)
    assert len(points(browser)) == 4
    learned = next(p for p in points(browser) if "heldout" in p.get_attribute("aria-label"))
    learned.find_element(By.CSS_SELECTOR, "circle").click()
    assert learned.get_attribute("aria-pressed") == "true"
    text = details(browser)
    record = read_record(bench.record("model"))
    assert record.id in text
    assert record.wildcards["run"] in text
    for line in ("replicates\n0, 1", "seed.root\n7", "spec.dataset.problem.noise_std\n0.1"):
        assert line in text
    other = next(p for p in points(browser) if "0.3" in p.get_attribute("aria-label"))
    other.click()
    assert "noise_std\n0.3" in details(browser)
    assert "noise_std\n0.1" not in details(browser)
    assert learned.get_attribute("aria-pressed") == "false"


def test_the_way_of_a_point_is_marked(browser: WebDriver):
    points(browser)[0].click()
    marked = browser.find_elements(By.CSS_SELECTOR, ".node.on")
    columns = sorted((node.get_attribute("data-node") or "").split("-")[1] for node in marked)
    assert columns == ["0", "1", "3", "4"]  # one data set, one source, the table, the figure
    assert len(browser.find_elements(By.CSS_SELECTOR, "path.on")) == 4


def test_the_keyboard_suffices(browser: WebDriver):
    every = points(browser)
    browser.execute_script("arguments[0].focus()", every[0])
    active = browser.switch_to.active_element
    active.send_keys(Keys.ARROW_DOWN)
    active = browser.switch_to.active_element
    assert active == every[1]
    active.send_keys(Keys.ENTER)
    assert every[1].get_attribute("aria-pressed") == "true"
    assert every[1].get_attribute("aria-label") in details(browser)
    active.send_keys(Keys.END)
    assert browser.switch_to.active_element == every[-1]
    # one stop of the Tab key for all points
    assert [p.get_attribute("tabindex") for p in every] == ["-1", "-1", "-1", "0"]


def test_a_screen_reader_finds_names_and_order(browser: WebDriver):
    tree = browser.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
    named = [(node["role"]["value"], node.get("name", {}).get("value", "")) for node in tree
             if not node.get("ignored")]  # fmt: skip
    for role in ("button", "link", "image", "region", "heading"):
        assert all(name for kind, name in named if kind == role), role
    assert ("heading", "Lineage of fig3") in named
    assert sum(kind == "button" for kind, _ in named) == 4
    assert any(kind == "columnheader" and name == "verdict" for kind, name in named)
    levels = [
        int(heading.tag_name[1])
        for heading in browser.find_elements(By.CSS_SELECTOR, "main h2, main h3, main h4, main h5")
    ]
    assert all(b - a <= 1 for a, b in pairwise(levels))
    assert browser.execute_script("return document.documentElement.lang") == "en"
    ids = [e.get_attribute("id") for e in browser.find_elements(By.CSS_SELECTOR, "[id]")]
    assert len(ids) == len(set(ids))


def test_the_page_is_one_small_file(page: Path):
    text = page.read_text()
    assert len(text.encode()) < LARGEST
    assert "http://" not in text.replace("http://www.w3.org", "")
    assert "https://" not in text


def test_what_a_record_says_is_text(bench: Workbench, tmp_path: Path):
    def mark(record: dict) -> None:
        record["execution"]["segments"] = []
        record["environment"]["device"] = "</script><script>alert(1)</script>"

    bench.forge("claims", mark)
    bench.forge("model", mark)
    write_page(bench.audit(), tmp_path / "page.html")
    text = (tmp_path / "page.html").read_text()
    assert "<script>alert" not in text
    assert "\\u003cscript\\u003ealert" in text


def test_a_tree_without_figures_or_two_trees_have_no_page(bench: Workbench, tmp_path: Path):
    shutil.copytree(bench.tree, bench.tree.with_name("paper"))
    with pytest.raises(PageError, match="2 results trees"):
        write_page(bench.audit(), tmp_path / "page.html")
    shutil.rmtree(bench.tree.with_name("paper"))
    shutil.rmtree(bench.tree / "figures")
    with pytest.raises(PageError, match=r"no figures/\*\.png"):
        write_page(bench.audit(), tmp_path / "page.html")


def test_a_figure_without_a_record_is_shown_as_such(bench: Workbench, tmp_path: Path):
    bench.record("png").unlink()
    write_page(bench.audit(), tmp_path / "page.html")
    text = (tmp_path / "page.html").read_text()
    assert "It has no record that leads to plotted points." in text
    assert 'class="verdict unrecorded"' in text
