"""The pages, opened from disk in a real browser without a network."""

import json
import os
import re
import shutil
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from selenium import webdriver
from selenium.webdriver import ActionChains
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.chrome.webdriver import WebDriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from workbench import LIBRARY, Workbench, one_table

from nao.provenance.audit import audit
from nao.provenance.difference import compare
from nao.provenance.page import LARGEST, PageError, write_comparison, write_page
from nao.provenance.page.points import points_in
from nao.provenance.pictures import MARKS
from nao.provenance.schema import read_record

BROWSER, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--window-size=1280,900"),
)
PHONE, DESK = (390, 844), (1280, 900)


@pytest.fixture(scope="module")
def page(finished: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of a clone that has the project's own captions."""
    folder = tmp_path_factory.mktemp("page")
    bench = Workbench.copy_of(finished, folder / "clone")
    shutil.copytree(LIBRARY.parent / "workflow" / "report", bench.clone / "workflow" / "report")
    write_page(bench.audit(), folder / "page.html", bench.clone)
    return folder / "page.html"


@pytest.fixture(scope="module")
def comparison(finished: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of the tree and one with another seed of its table, drawn anew."""
    folder = tmp_path_factory.mktemp("comparison")
    bench = Workbench.copy_of(finished, folder / "clone")
    bench.edit("nao/drawing.py", '"o"', '"s"')
    with one_table():
        bench.make_again("pdf")
    first, second = Workbench(finished).tree, bench.tree
    write_comparison(compare(first, second), first, second, folder / "page.html")
    return folder / "page.html"


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebDriver]:
    if not (BROWSER and DRIVER):
        pytest.skip("needs chromium and chromedriver")
    options = webdriver.ChromeOptions()
    options.binary_location = BROWSER
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    yield driver
    driver.quit()


@pytest.fixture
def browser(driver: WebDriver, page: Path) -> WebDriver:
    """The page, freshly opened on a desk's screen."""
    return opened(driver, page, DESK)


def opened(driver: WebDriver, page: Path, size: tuple[int, int]) -> WebDriver:
    screen = {"width": size[0], "height": size[1], "deviceScaleFactor": 1, "mobile": size == PHONE}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
    driver.get(page.as_uri())
    return driver


def points(browser: WebDriver) -> list[WebElement]:
    return browser.find_elements(By.CSS_SELECTOR, ".plot .point")


def point(browser: WebDriver, *words: str) -> WebElement:
    return next(
        each
        for each in points(browser)
        if all(word in (each.get_attribute("aria-label") or "") for word in words)
    )


def click(browser: WebDriver, place: WebElement, x: int = 0, y: int = 0) -> None:
    """So many pixels from the middle of it."""
    browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", place)
    ActionChains(browser).move_to_element_with_offset(place, x, y).click().perform()


def panel(browser: WebDriver) -> str:
    return browser.find_element(By.ID, "panel").text


def box(browser: WebDriver, element: WebElement) -> tuple[float, float, float, float]:
    script = (
        "const r = arguments[0].getBoundingClientRect(); return [r.left, r.top, r.right, r.bottom]"
    )
    return tuple(browser.execute_script(script, element))


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


def test_a_point_stands_on_its_mark_in_the_picture(finished: Path):
    bench = Workbench(finished)
    picture = np.asarray(Image.open(bench.path("png")).convert("L"), float)
    found = points_in(bench.path("png"))
    assert len(found) == 6
    for each in found:
        column, row = each.at[0] * picture.shape[1], each.at[1] * picture.shape[0]
        assert picture[round(row) - 1 : round(row) + 2, round(column)].min() < 150


def test_a_click_into_the_figure_shows_runs_seeds_and_configuration(
    browser: WebDriver, finished: Path
):
    bench = Workbench(finished)
    learned = point(browser, "(a) noise", "NAO held-out at σ_ε = 0.1", "RMSE = ")
    click(browser, learned, 9, -6)  # near is enough
    chosen = browser.find_element(By.CSS_SELECTOR, ".point[aria-pressed=true]")
    assert "NAO held-out at σ_ε = 0.1" in (chosen.get_attribute("aria-label") or "")
    text = panel(browser)
    record = read_record(bench.record("model"))
    assert record.id in text
    assert record.wildcards["run"] in text
    for line in ("panel\n(a) noise", "seed.root\n7", "spec.dataset.problem.noise.std\n0.1"):
        assert line in text
    assert re.search(r"replicates\n[01] \(\d\.\d+\)", text)
    click(browser, point(browser, "RE at σ_ε = 0.3"))
    assert "baselines/" in panel(browser)
    assert record.id not in panel(browser)
    assert len(browser.find_elements(By.CSS_SELECTOR, ".point[aria-pressed=true]")) == 1


def test_a_click_into_the_void_chooses_nothing(browser: WebDriver):
    drawing = browser.find_element(By.CSS_SELECTOR, ".plot svg")
    width, height = drawing.size["width"], drawing.size["height"]
    click(browser, drawing, -width // 2 + 5, -height // 2 + 5)
    assert "Choose a point" in panel(browser)


def test_the_list_of_numbers_leads_to_the_same_panel(browser: WebDriver):
    browser.find_element(By.TAG_NAME, "summary").click()
    button = browser.find_element(By.CSS_SELECTOR, "button[data-point]")
    click(browser, button)
    wanted = button.get_attribute("data-point")
    chosen = browser.find_element(By.CSS_SELECTOR, ".point[aria-pressed=true]")
    assert chosen.get_attribute("data-point") == wanted
    browser.switch_to.active_element.send_keys(Keys.ESCAPE)
    assert browser.switch_to.active_element == button


def test_the_keyboard_suffices(browser: WebDriver):
    every = points(browser)
    browser.execute_script("arguments[0].focus()", every[0])
    browser.switch_to.active_element.send_keys(Keys.ARROW_RIGHT)
    assert browser.switch_to.active_element == every[1]
    browser.switch_to.active_element.send_keys(Keys.ARROW_UP)
    curves = [each.get_attribute("data-curve") for each in every]
    here = browser.switch_to.active_element
    assert here.get_attribute("data-curve") in curves
    here.send_keys(Keys.END)
    last = browser.switch_to.active_element
    assert last == every[-1]
    # one stop of the Tab key for all points
    assert [each.get_attribute("tabindex") for each in every] == ["-1"] * 5 + ["0"]
    last.send_keys(Keys.ENTER)
    heading = browser.switch_to.active_element
    assert heading.tag_name == "h2"
    assert heading.text in (last.get_attribute("aria-label") or "")
    heading.send_keys(Keys.ESCAPE)
    assert browser.switch_to.active_element == every[-1]
    assert "Choose a point" in panel(browser)


def test_a_screen_reader_finds_names_and_order(browser: WebDriver):
    tree = browser.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
    named = [(node["role"]["value"], node.get("name", {}).get("value", "")) for node in tree
             if not node.get("ignored")]  # fmt: skip
    for role in ("button", "link", "image", "region", "heading", "checkbox"):
        names = [name for kind, name in named if kind == role]
        assert names, role
        assert all(names), role
    described = next(name for kind, name in named if kind == "image" and name.startswith("fig3"))
    assert re.search(r"\(a\) noise: NAO held-out from [\d.]+ to [\d.]+, RE from", described)
    levels = [
        int(heading.tag_name[1])
        for heading in browser.find_elements(By.CSS_SELECTOR, "h1, h2, h3, h4, h5")
    ]
    assert all(b - a <= 1 for a, b in pairwise(levels))
    assert browser.execute_script("return document.documentElement.lang") == "en"
    ids = [e.get_attribute("id") for e in browser.find_elements(By.CSS_SELECTOR, "[id]")]
    assert len(ids) == len(set(ids))


def test_only_what_changed_is_announced(browser: WebDriver):
    spoken = browser.find_elements(By.CSS_SELECTOR, "[aria-live], [role=status], [role=alert]")
    assert [each.text for each in spoken] == [""]
    click(browser, points(browser)[0])
    assert [each.text for each in spoken] == [""]  # the heading has the focus, which is read
    click(browser, browser.find_element(By.CSS_SELECTOR, ".filter input"))
    assert [each.text for each in spoken] == ["0 of 1 shown"]


def test_claims_tell_the_verdict_first_and_can_be_filtered(browser: WebDriver, finished: Path):
    line = browser.find_element(By.CSS_SELECTOR, "#claims-list li")
    assert re.match(r"(holds|fails)\n.*all\nnumber: [\d.−]+\nrange 0\.9 … 1\.1\n", line.text)
    assert "taken over two points" in line.text
    assert "Rule: the exponent" in browser.find_element(By.ID, "claims-list").text
    click(browser, browser.find_element(By.CSS_SELECTOR, ".filter input"))
    assert not line.is_displayed()
    assert browser.find_element(By.ID, "claims-list").text == ""


def test_captions_are_those_of_the_report(browser: WebDriver, page: Path):
    told = browser.find_element(By.CSS_SELECTOR, "figcaption").text
    source = (page.parent / "clone" / "workflow" / "report" / "figure.rst").read_text()
    (meant,) = re.findall(r'"fig3" %}\n\*\*(.*?)\*\*', source)
    assert told.startswith(meant)
    assert "Scale: laptop." in told
    assert "**" not in told


def test_every_run_has_the_course_of_its_training(browser: WebDriver, finished: Path):
    charts = browser.find_elements(By.CSS_SELECTOR, ".chart")
    assert len(charts) == 2
    for chart in charts:
        assert len(chart.find_elements(By.CSS_SELECTOR, "path.loss")) == 2  # replicates
        assert len(chart.find_elements(By.CSS_SELECTOR, "path.error")) == 2
        assert re.search(r"replicate 1: loss [\d.]+ to [\d.]+, RMSE [\d.]+", chart.text)
    click(browser, point(browser, "NAO held-out at σ_ε = 0.3"))
    link = browser.find_element(By.CSS_SELECTOR, "#chosen a")
    target = (link.get_attribute("href") or "").partition("#")[2]
    assert "NAO held-out at 0.3" in browser.find_element(By.ID, target).text


@pytest.mark.parametrize("size", [PHONE, DESK])
@pytest.mark.parametrize("kind", ["page", "comparison"])
def test_nothing_lies_off_screen(driver: WebDriver, kind, size, request):
    browser = opened(driver, request.getfixturevalue(kind), size)
    for folded in browser.find_elements(By.TAG_NAME, "summary"):
        browser.execute_script("arguments[0].parentElement.open = true", folded)
    for switch in browser.find_elements(By.CSS_SELECTOR, ".filter input:not(:checked)"):
        click(browser, switch)
    outside = (
        "return [...document.body.querySelectorAll('*:not(.skip)')].filter(e => {"
        "const {left, right, width} = e.getBoundingClientRect();"
        "return width > 0 && (right > innerWidth + 0.5 || left < -0.5)}).map(e => e.outerHTML)"
    )
    assert browser.execute_script(outside) == []
    assert browser.execute_script("return document.documentElement.scrollWidth") <= size[0]


@pytest.mark.parametrize("size", [PHONE, DESK])
def test_the_panel_opens_in_view_and_hides_no_chosen_point(driver, page, size):
    browser = opened(driver, page, size)
    for each in (points(browser)[0], points(browser)[-1]):
        click(browser, each)
        left, top, right, bottom = box(browser, browser.find_element(By.ID, "panel"))
        assert min(left, top) >= 0
        assert right <= size[0]
        assert bottom <= size[1]
        _, above, end, below = box(browser, each)
        assert above >= 0
        assert below <= top or end <= left
        browser.find_element(By.ID, "close").click()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_lines_and_letters_stand_out(driver: WebDriver, page: Path, scheme: str):
    browser = opened(driver, page, DESK)
    media = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
    colour = "return getComputedStyle(document.querySelector(arguments[0]))[arguments[1]]"
    paper = browser.execute_script(colour, "body", "backgroundColor")
    soft = browser.execute_script(colour, "#panel", "backgroundColor")
    assert paper != soft
    seen = {
        ("#panel", "borderTopColor"): 3,
        (".plot", "borderTopColor"): 3,
        ("#claims-list li", "borderTopColor"): 3,
        (".chart .axis", "stroke"): 3,
        (".chart .loss", "stroke"): 3,
        ("body", "color"): 4.5,
        (".quiet", "color"): 4.5,
        ("a", "color"): 4.5,
        (".verdict", "color"): 4.5,
    }
    for (selector, key), least in seen.items():
        ink = browser.execute_script(colour, selector, key)
        assert min(contrast(ink, paper), contrast(ink, soft)) >= least, (selector, ink)
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


def contrast(one: str, two: str) -> float:
    """Of two colours, as the Web Content Accessibility Guidelines define it."""

    def luminance(text: str) -> float:
        parts = np.array([float(part) for part in re.findall(r"[\d.]+", text)[:3]]) / 255
        linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
        return float(linear @ [0.2126, 0.7152, 0.0722])

    lower, higher = sorted((luminance(one), luminance(two)))
    return (higher + 0.05) / (lower + 0.05)


def test_a_comparison_shows_what_differs_and_folds_away_what_does_not(
    driver: WebDriver, comparison: Path
):
    browser = opened(driver, comparison, DESK)
    shown = [each for each in browser.find_elements(By.CSS_SELECTOR, "section") if each.text]
    assert [each.find_element(By.TAG_NAME, "h2").text for each in shown] == [
        "figures/fig3.pdf",
        "figures/fig3.png",
    ]
    assert "nao/drawing.py changed in draw" in shown[1].text
    first, second = shown[1].find_elements(By.TAG_NAME, "img")
    assert first.get_attribute("src") != second.get_attribute("src")
    equal = browser.find_element(By.CSS_SELECTOR, ".filter input[value=equal]")
    click(browser, equal)
    assert browser.find_element(By.CSS_SELECTOR, "[role=status]").text == "17 of 17 shown"
    assert browser.get_log("browser") == []


def test_a_comparison_tells_how_far_numbers_moved(bench: Workbench, finished: Path, tmp_path):
    bench.edit("workflow/scripts/evaluate_baseline.py", "0.1 * np.eye", "0.2 * np.eye")
    bench.make_again("ridge", "ridge2", "table", "claims")
    first, second = Workbench(finished).tree, bench.tree
    write_comparison(compare(first, second), first, second, tmp_path / "page.html")
    text = (tmp_path / "page.html").read_text()
    row = r'scope="row">score</th><td>2</td><td>[\d.e−]+</td><td>[\d.e−]+</td>'
    assert re.search(row, text.partition("experiments/noise.parquet")[2])


def test_the_page_is_one_small_file(page: Path, comparison: Path):
    for file in (page, comparison):
        text = file.read_text("utf-8")
        assert len(text.encode()) < LARGEST
        assert "http://" not in text
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


def test_a_name_that_is_no_text_is_shown_by_its_bytes(bench: Workbench, tmp_path: Path):
    Path(os.fsdecode(os.fsencode(bench.tree / "figures") + b"/na\xefve.png")).write_bytes(b"")
    write_page(bench.audit(), tmp_path / "page.html")
    assert r"na\udcefve" in (tmp_path / "page.html").read_text("utf-8")


def test_a_tree_without_figures_or_two_trees_have_no_page(bench: Workbench, tmp_path: Path):
    shutil.copytree(bench.tree, bench.tree.with_name("paper"))
    with pytest.raises(PageError, match="2 results trees"):
        write_page(bench.audit(), tmp_path / "page.html")
    shutil.rmtree(bench.tree.with_name("paper"))
    for folder in ("figures", "records/figures"):
        shutil.rmtree(bench.tree / folder)
    with pytest.raises(PageError, match=r"no figures/\*\.png"):
        write_page(bench.audit(), tmp_path / "page.html")


def test_figures_go_by_number_and_a_published_tree_tells_its_scale(bench: Workbench, tmp_path):
    for name in ("fig10", "fig2", "recipe"):
        shutil.copy(bench.path("png"), bench.tree / "figures" / f"{name}.png")
    shutil.copytree(bench.tree, tmp_path / "gallery")
    write_page(audit([tmp_path / "gallery"]), tmp_path / "page.html", LIBRARY.parent)
    text = (tmp_path / "page.html").read_text()
    assert re.findall(r'<h2 id="(\w+)">', text)[:4] == ["fig2", "fig3", "fig10", "recipe"]
    assert "<h1>Results at scale laptop</h1>" in text
    assert "Scale: laptop." in text


def test_a_figure_without_a_record_is_shown_as_such(bench: Workbench, tmp_path: Path):
    bench.record("png").unlink()
    write_page(bench.audit(), tmp_path / "page.html")
    text = (tmp_path / "page.html").read_text()
    assert "It has no record that leads to plotted points" in text
    assert 'class="verdict unrecorded"' in text


@pytest.mark.parametrize("marks", ["no JSON", '[{"panel": 1}]', "[]", None])
def test_a_picture_that_tells_no_marks_is_shown_without(bench: Workbench, tmp_path, marks):
    picture = bench.path("png")
    with Image.open(picture) as image:
        told = PngInfo()
        if marks is not None:
            told.add_text(MARKS, marks)
        image.save(picture, pnginfo=told)
    write_page(bench.audit(), tmp_path / "page.html")
    text = (tmp_path / "page.html").read_text()
    assert "or does not say where they stand" in text
    assert "data:image/png" in text


def test_what_is_no_picture_leaves_the_rest_of_the_page(bench: Workbench, tmp_path: Path):
    bench.path("png").write_bytes(b"\x89PNG\r\n\x1a\nnothing")
    write_page(bench.audit(), tmp_path / "page.html")
    assert "It cannot be read as a picture." in (tmp_path / "page.html").read_text()
