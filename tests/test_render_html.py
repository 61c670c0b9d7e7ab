"""The HTML report in a real browser: it needs nothing else, can be walked through, fits phone and paper."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from browser import Browser
from click.testing import CliRunner
from samples import COVERAGE, EMPTY, FULL, MENDED, NOTES, RULES, SITES, TRIAGED, finding, report

from kicklint.base import REQUESTER, VCPU, Excerpt, Interleaving, Report, Row, Severity, Span, Step, StepKind
from kicklint.cli import main
from kicklint.render import REPORT_FORMATS, Context

ROOT = Path(__file__).resolve().parents[1]
CONTEXT = Context(rules=RULES, version="0.1.0", sites=SITES, coverage=COVERAGE)
EVIL = "</script><script>document.title='gone'</script><img src=x onerror=alert(1)>\u202e\x1b[31m\"'"


def page(shown: Report, context: Context = CONTEXT) -> str:
    return REPORT_FORMATS["html"](shown, context)


@pytest.fixture(scope="module")
def browser(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with Browser(chromium, tmp_path_factory.mktemp("profile")) as started:
        yield started


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report on the demo tree, by the command line."""
    file = tmp_path_factory.mktemp("html") / "report.html"
    arguments = ["check", str(ROOT / "fixtures/demo-tree"), "--remedies", "--format", "html", "-o", str(file)]
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 1, done.output
    return file


def written(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "page.html"
    file.write_text(text, "utf-8")
    return file


def test_it_needs_nothing_else(demo: Path) -> None:
    text = demo.read_text("utf-8")
    assert re.findall(r"(?:src|href)\s*=|url\(|@import|https?://(?!lore|www\.kernel)", text) == []
    assert "default-src 'none'" in text
    assert str(ROOT) not in text


def test_what_is_on_the_page(browser: Browser, demo: Path) -> None:
    browser.said.clear()
    browser.asked.clear()
    browser.open(demo)
    assert browser.said == []
    assert browser.asked == [demo.as_uri()]
    assert browser.value("document.querySelectorAll('article').length") == 1
    lines = browser.value(
        "[...document.querySelectorAll('.line.hit')].map(e => e.querySelector('code').textContent.trim())"
    )
    assert lines == [
        "WRITE_ONCE(vcpu->mode, EXITING_GUEST_MODE);",
        "return vcpu->mode == EXITING_GUEST_MODE || kvm_request_pending(vcpu) ||",
        "__kvm_riscv_switch_to(&vcpu->arch);",
    ]
    heads = browser.value("[...document.querySelectorAll('.race th')].map(e => e.textContent)")
    assert heads == ["vCPU thread", "requester"]
    sides = browser.value(
        "[...document.querySelectorAll('.race tbody tr')].map(r => r.cells[0].textContent ? 0 : 1).join('')"
    )
    assert re.fullmatch("0+1+", sides)
    assert browser.value("document.querySelector('.edit .added').textContent").startswith("+++ b/virt")
    titles = "[...document.querySelectorAll('.sites summary')].map(e => e.firstChild.data.trim())"
    kinds = browser.value(titles)
    assert {"guest-entry", "kick", "mode-write", "request-make"} <= set(kinds)
    assert "functions" in browser.value("document.querySelector('#coverage').textContent")


def test_the_trail_is_walked(browser: Browser, demo: Path) -> None:
    browser.open(demo)
    assert browser.value("document.querySelectorAll('.active').length") == 0

    def active() -> str:
        return str(
            browser.value(
                "[...document.querySelectorAll('.line.active .number')].map(e => e.textContent).join()"
                " + '/' + [...document.querySelectorAll('.step.active')].map(e => e.dataset.step).join()"
            )
        )

    press = "document.querySelector('{}').click()"
    seen = []
    for _ in range(5):  # one more than there are: it stays at the last
        browser.value(press.format(".on"))
        seen.append(active())
    assert seen == ["34/1", "34/2", "15/3", "37/4", "37/4"]
    browser.value(press.format(".back"))
    assert active() == "15/3"
    browser.value("document.querySelectorAll('.step button')[0].click()")
    assert active() == "34/1"
    browser.value(
        "document.querySelector('.step button').dispatchEvent("
        "new KeyboardEvent('keydown', {key: 'ArrowDown', bubbles: true}))"
    )
    assert active() == "34/2"


def test_findings_of_one_rule_or_architecture(browser: Browser, tmp_path: Path) -> None:
    browser.open(written(tmp_path, page(FULL)))
    shown = "[...document.querySelectorAll('article')].filter(e => !e.hidden).map(e => e.dataset.rule).join()"
    assert browser.value(shown) == "KICK003,KICK001"
    browser.value("document.querySelector('#matrix button[data-rule=KICK001]').click()")
    assert browser.value(shown) == "KICK001"
    browser.value("document.querySelector('.every').click()")
    assert browser.value(shown) == "KICK003,KICK001"
    heads = browser.value("[...document.querySelectorAll('#matrix thead th')].map(e => e.textContent).join()")
    assert heads == ",arm64,x86,all"


def test_whatever_the_source_holds_is_text(browser: Browser, tmp_path: Path) -> None:
    span = Span(EVIL, 1, 1, 1, 4)
    race = Interleaving(
        (Row(VCPU, EVIL, EVIL, span), Row(REQUESTER, EVIL, EVIL, span)), EVIL, "", "", assumption=EVIL
    )
    evil = finding(
        message=EVIL, span=span, function=EVIL, fingerprint=EVIL, remedy=EVIL, architectures=(EVIL,),
        trail=(Step(StepKind.EVENT, span, EVIL, EVIL, state=EVIL),), related=(), interleaving=race,
    )  # fmt: skip
    shown = replace(report(evil, notes=NOTES), excerpts=(Excerpt(EVIL, 1, EVIL),), architectures=(EVIL,))
    browser.said.clear()
    browser.open(written(tmp_path, page(shown)))
    assert browser.said == []
    assert browser.value("document.title") == "kicklint: 1 finding"
    assert browser.value("document.querySelectorAll('img').length + document.scripts.length") == 1
    assert "onerror=alert(1)" in browser.value("document.querySelector('.line code').textContent")


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("dark", [False, True])
def test_it_fits(browser: Browser, demo: Path, width: int, dark: bool) -> None:
    browser.open(demo, width=width, dark=dark)
    assert browser.value("document.documentElement.scrollWidth") <= width
    # Text stands out from what is behind it (WCAG 2.1, 1.4.3).
    script = """
        (() => {
          const parts = (text) => text.match(/[\\d.]+/g).map(Number);
          const light = ([r, g, b]) => [r, g, b].map((each) => each / 255)
            .map((each) => each <= 0.03928 ? each / 12.92 : ((each + 0.055) / 1.055) ** 2.4)
            .reduce((sum, each, at) => sum + each * [0.2126, 0.7152, 0.0722][at], 0);
          const behind = (element) => {
            const found = parts(getComputedStyle(element).backgroundColor);
            return found.length > 3 && found[3] === 0 ? behind(element.parentElement) : found;
          };
          const text = 'h1, h3, p, code, .place, .number, .severity, .mark, .lost, .step button';
          const worst = [...document.querySelectorAll(text)]
            .map((element) => {
              const [one, other] = [light(parts(getComputedStyle(element).color)), light(behind(element))];
              return (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
            });
          return Math.min(...worst);
        })()
    """
    assert browser.value(script) >= 4.5
    columns = browser.value("getComputedStyle(document.querySelector('.way')).gridTemplateColumns").split()
    assert len(columns) == (1 if width == 360 else 2)


def test_paper(browser: Browser, demo: Path) -> None:
    browser.open(demo, media="print")
    assert browser.value("getComputedStyle(document.querySelector('.walk')).display") == "none"
    assert browser.value("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    data = browser.paper()
    assert data.startswith(b"%PDF-") and len(data) > 10_000


def test_nothing_found() -> None:
    text = page(EMPTY)
    assert "<p>None.</p>" in text and "By rule and architecture" not in text
    assert "<article" not in page(EMPTY, replace(CONTEXT, verbose=True))


def test_waived_and_known_are_shown_when_all_are_asked_for() -> None:
    assert page(TRIAGED).count("<article") == 1
    text = page(TRIAGED, replace(CONTEXT, verbose=True))
    assert text.count("<article") == 3
    assert "Waived: a test (.kicklint.toml)" in text and "Known: the baseline has it." in text


def test_it_is_the_same_every_time() -> None:
    assert page(MENDED) == page(MENDED)
    assert page(report(finding(severity=Severity.NOTE))).count('class="finding note"') == 1
