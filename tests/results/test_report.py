"""The report in a real browser: it loads nothing, shows what was derived, obeys its filters, escapes every name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from foundation.artifact import Published
from foundation.errors import StorageError, UsageError
from results.derive import cells
from results.report.page import CODES, parsed_once, report_html, write_report
from results.store import Evidence
from results.verdicts import CHECKS
from tests.results.synthetic import Effects, artifact, evidence

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
NAMELESS = """
() => [...document.querySelectorAll("button, input, select, [role=region], [role=img], section, form, nav, dialog")]
  .filter((each) => !(each.textContent.trim() || each.getAttribute("aria-label") || each.labels?.length
    || each.getAttribute("aria-labelledby") || each.closest("label")))
  .map((each) => each.outerHTML.slice(0, 80))
"""
HOSTILE = "</script><img src=x onerror=alert(1)><b>&lt;\u2028'\"`${1}"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's chromium, which the Makefile installs."""
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield opened
        opened.close()


class Opened:
    """A report in a page, with everything it said and asked for."""

    def __init__(self, browser: Browser, path: Path, width: int = 1280, scheme: str = "light") -> None:
        self.context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
        self.page: Page = self.context.new_page()
        self.troubles: list[str] = []
        self.requests: list[str] = []
        self.page.on("console", lambda message: self.troubles.append(message.text))
        self.page.on("pageerror", lambda error: self.troubles.append(str(error)))
        self.page.on("dialog", lambda dialog: self.troubles.append(f"dialog {dialog.message}"))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(path.as_uri())
        self.page.wait_for_selector("html[data-ready=yes]", state="attached", timeout=120_000)

    def rows(self) -> list[str]:
        """Names in the first column, from the top."""
        return self.page.locator(".cells tbody th").all_inner_texts()

    def marks(self, unit: str = "ms") -> int:
        """Points drawn in a chart."""
        return self.page.locator(f"#chart-{unit} .scatterlayer .point").count()


def measured() -> Evidence:
    """Two networks in three precisions, one noisy, one of unknown accuracy with a hostile name."""
    files = [
        artifact("mobilenet_v2", "tflite", "fp32", published=Published(top1=71.9, source="paper")),
        artifact("mobilenet_v2", "tflite", "int8", published=Published(top1=71.9, source="paper")),
        artifact("squeezenet1_1", "onnx", "fp32", published=Published(top1=58.2, source="paper")),
        artifact(HOSTILE, "onnx", "fp32", family="user"),
    ]
    effects = [
        Effects(latency_ns=10e6),
        Effects(latency_ns=5e6),
        Effects(latency_ns=12e6, sample_noise=0.3),
        Effects(latency_ns=7e6),
    ]
    return evidence(effects, files)


def write(tmp_path: Path, *runs: Evidence) -> Path:
    path = tmp_path / "report.html"
    write_report(runs, path)
    return path


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of `measured`, written once."""
    return write(tmp_path_factory.mktemp("report"), measured())


def test_it_says_nothing_on_the_console_and_asks_the_network_for_nothing(browser: Browser, shared: Path) -> None:
    opened = Opened(browser, shared)
    opened.page.click(".cells .open >> nth=0")
    opened.page.wait_for_selector("#raw-samples .point")
    assert opened.troubles == []
    assert opened.requests == [shared.as_uri()]
    assert shared.stat().st_size < 10e6


def test_no_button_of_a_chart_sends_its_data_anywhere(browser: Browser, shared: Path) -> None:
    """plotly's own "Share chart" opens a site of theirs with the chart's data in it."""
    opened = Opened(browser, shared)
    others: list[str] = []
    opened.context.on("page", lambda page: others.append(page.url))
    opened.page.hover("#chart-ms")
    buttons = opened.page.locator("#chart-ms .modebar-btn")
    titles = [buttons.nth(index).get_attribute("data-title") or "" for index in range(buttons.count())]
    assert titles
    assert not [title for title in titles if "share" in title.lower() or "cloud" in title.lower()]
    for index in range(buttons.count()):
        if "png" not in titles[index].lower():
            buttons.nth(index).click()
    assert others == []
    assert opened.requests == [shared.as_uri()]


def test_each_network_is_named_once_in_the_chart(browser: Browser, shared: Path) -> None:
    opened = Opened(browser, shared)
    names = [text for text in opened.page.locator("#chart-ms .textpoint text").all_text_contents() if text]
    assert sorted(names) == ["mobilenet_v2", "squeezenet1_1"]


def test_the_table_shows_the_derived_figures(browser: Browser, shared: Path) -> None:
    opened = Opened(browser, shared)
    latencies = sorted(cell.latency.median for cell in cells(measured()) if cell.latency)
    shown = opened.page.locator(".cells tbody tr td:nth-child(4)").all_inner_texts()
    assert [float(text) for text in shown] == pytest.approx(latencies, rel=1e-3)
    assert "suspect NOISY" in re.sub(r"\s+", " ", opened.page.locator(".cells tbody tr >> nth=3").inner_text())


def test_filters_and_search_change_chart_table_and_count(browser: Browser, shared: Path) -> None:
    opened = Opened(browser, shared)
    page = opened.page
    assert (len(opened.rows()), opened.marks()) == (4, 4)
    page.uncheck("input[name=precision][value=int8]")
    expect(page.locator(".cells tbody tr")).to_have_count(3)
    assert opened.marks() == 3
    page.fill("#search", "noisy SQUEEZE")
    expect(page.locator(".cells tbody tr")).to_have_count(1)
    assert opened.rows() == ["squeezenet1_1"]
    assert page.inner_text("#count") == "1 of 4 cells shown"
    page.fill("#search", "no such network")
    expect(page.locator(".cells tbody tr")).to_have_count(0)
    assert "no cell is shown" in page.inner_text("#chart-ms")
    page.click("button[type=reset]")
    expect(page.locator(".cells tbody tr")).to_have_count(4)
    assert opened.marks() == 4


def test_headings_sort_both_ways_with_the_keyboard_and_say_so(browser: Browser, shared: Path) -> None:
    opened = Opened(browser, shared)
    button = opened.page.get_by_role("button", name="Top-1 (%)")
    button.focus()
    opened.page.keyboard.press("Enter")
    column = opened.page.locator(".cells tbody tr td:nth-child(7)")
    assert column.all_inner_texts() == ["58.2", "71.9", "71.9", "–"]
    opened.page.keyboard.press("Enter")
    assert column.all_inner_texts() == ["71.9", "71.9", "58.2", "–"]
    assert opened.page.locator("th[aria-sort=descending]").inner_text().startswith("Top-1")


def test_a_long_table_is_whole_and_the_last_of_two_orders_stays(browser: Browser, tmp_path: Path) -> None:
    names = [f"network_{index:03d}" for index in range(150)]
    run = evidence([Effects(latency_ns=1e6 * 1.1**index, samples=20) for index in range(150)], map(artifact, names))
    opened = Opened(browser, write(tmp_path, run))
    shown = [f"{name}*" for name in names]  # random weights
    assert opened.rows() == shown  # by latency, beyond the hundred that are drawn with the chart
    by_name = "[...document.querySelectorAll('.cells thead button')].find((each) => each.textContent === 'Network')"
    opened.page.evaluate(f"() => {{ const heading = {by_name}; heading.click(); heading.click(); }}")
    expect(opened.page.locator(".cells tbody tr")).to_have_count(150)
    assert opened.rows() == shown[::-1]
    assert opened.troubles == []


def test_plotly_is_parsed_once_and_other_scripts_are_left_alone(shared: Path) -> None:
    umd = "(function(f) {}(typeof self !== 0 ? self : this, () => {\nreturn 1;\n}));\n"
    assert parsed_once(umd) == "(function(f) {}(typeof self !== 0 ? self : this, (() => {\nreturn 1;\n})));\n"
    assert parsed_once("var Plotly = (() => {})();") == "var Plotly = (() => {})();"
    assert "self : this, (() => {" in shared.read_text()  # else a new plotly is wrapped in another way


def test_a_click_on_a_mark_opens_its_operators_and_samples(browser: Browser, shared: Path) -> None:
    opened = Opened(browser, shared)
    page = opened.page
    title = "mobilenet_v2 · tflite int8 · local"
    box = page.locator("#chart-ms .subplot.xy path.point").last.bounding_box()  # precisions are drawn int8 last
    assert box
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.wait_for_selector("#chart-ms .hoverlayer .hovertext")
    assert "71.9 % (published)" in (page.text_content("#chart-ms .hoverlayer") or "")
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.wait_for_selector("#raw-samples .point")
    assert page.inner_text("#details-title") == title
    assert page.locator("#operator-table tbody tr").count() == 5
    assert page.locator("#raw-samples .point").count() == 5 * 100
    page.keyboard.press("Escape")
    page.wait_for_selector("#details", state="hidden")


def test_a_hostile_name_is_shown_letter_by_letter(browser: Browser, shared: Path) -> None:
    opened = Opened(browser, shared)
    page = opened.page
    name = page.get_by_role("button", name="onerror")
    assert name.text_content() == HOSTILE + "*"
    name.click()
    page.wait_for_selector("#raw-samples .point")
    assert HOSTILE in (page.text_content("#details-title") or "")
    page.keyboard.press("Escape")
    hollow = page.locator("#chart-ms .subplot.xy2 path.point").first
    box = hollow.bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.wait_for_selector("#chart-ms .hoverlayer .hovertext")
    assert "onerror=alert(1)>" in (page.text_content("#chart-ms .hoverlayer") or "")
    assert page.locator("img").count() == 0
    assert opened.troubles == []


def test_a_script_that_is_not_ours_would_not_run(browser: Browser, tmp_path: Path) -> None:
    path = tmp_path / "tampered.html"
    text = report_html([measured()])
    path.write_text(text.replace("<main>", "<main><script>document.title = 'tampered'</script>"))
    opened = Opened(browser, path)
    assert opened.page.title() != "tampered"
    assert any("Content Security Policy" in trouble for trouble in opened.troubles)


def test_two_clocks_have_two_charts_and_two_tables(browser: Browser, tmp_path: Path) -> None:
    board = evidence(
        Effects(latency_ns=49e6, samples=5),
        [artifact("mobilenet_v2")],
        clock="instructions",
        device="emulator",
        blocks=2,
    )
    opened = Opened(browser, write(tmp_path, measured(), board))
    assert (opened.marks("ms"), opened.marks("instructions")) == (4, 1)
    assert opened.page.locator(".cells").count() == 2
    assert "not a latency" in opened.page.inner_text("#chart-instructions")
    assert opened.page.get_by_role("button", name="Instructions (M)").count() == 1


def test_a_run_without_accuracy_says_so_and_is_drawn_against_macs(browser: Browser, tmp_path: Path) -> None:
    opened = Opened(browser, write(tmp_path, evidence(Effects(), [artifact("mine", family="user")])))
    assert "No accuracy is known" in opened.page.inner_text("#summary")
    assert opened.page.locator("#vertical").input_value() == "macs"
    assert opened.marks() == 1


def test_a_run_with_only_invalid_cells_is_an_honest_empty_chart(browser: Browser, tmp_path: Path) -> None:
    whole = measured()
    opened = Opened(browser, write(tmp_path, Evidence(whole.run, ())))
    assert "0 valid, 0 suspect, 4 invalid. None of them has a latency." in opened.page.inner_text("#summary")
    assert "no cell shown here has a latency" in opened.page.inner_text("#chart-ms")
    opened.page.click(".cells .open >> nth=0")
    opened.page.wait_for_selector("#details[open]")
    assert "there are no samples" in opened.page.inner_text("#details-body")
    assert opened.troubles == []


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_its_window_and_follows_the_colour_scheme(
    browser: Browser, shared: Path, width: int, scheme: str
) -> None:
    opened = Opened(browser, shared, width, scheme)
    assert opened.page.evaluate("document.documentElement.scrollWidth") <= width
    ground = opened.page.evaluate("getComputedStyle(document.body).backgroundColor")
    drawn = opened.page.evaluate("document.querySelector('#chart-ms .main-svg').style.background")
    assert ground == {"light": "rgb(255, 255, 255)", "dark": "rgb(20, 23, 28)"}[scheme]
    assert drawn == ground


def test_every_button_field_and_region_has_a_name_for_a_screen_reader(browser: Browser, shared: Path) -> None:
    opened = Opened(browser, shared)
    nameless = opened.page.evaluate(NAMELESS)
    assert nameless == []
    opened.page.keyboard.press("Tab")
    assert opened.page.evaluate("document.activeElement.textContent") == "Skip to the table"


def test_every_verdict_code_is_explained() -> None:
    assert CODES.keys() == CHECKS.keys()


def test_no_run_and_an_unwritable_folder_are_one_message_each(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="needs a run"):
        report_html([])
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot write"):
        write_report([measured()], tmp_path / "file" / "report.html")
