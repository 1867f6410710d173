"""The page as a person opens it: the command in a process of its own, and a browser.

Needs the extra vqspeech[web]; what is done in a browser needs Chromium (Debian's package) and
`playwright` from PyPI too, without a browser of its own. What is not there is skipped.
"""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import pytest

from vqspeech.generation.voice import load_voice
from vqspeech.stages.convert import convert_files
from vqspeech.stages.demo import packaged_recording

ROOT = Path(__file__).resolve().parents[2]


class Served(NamedTuple):
    """A server that runs, and where."""

    process: subprocess.Popen
    port: int
    folder: Path  # where it keeps recordings

    @property
    def address(self):
        return f"http://127.0.0.1:{self.port}"

    def stop(self, number=signal.SIGINT):
        """Exit status, and what it wrote to standard error."""
        self.process.send_signal(number)
        _, errors = self.process.communicate(timeout=180)
        return self.process.returncode, errors


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """`vqspeech serve` with the packaged model, on a port that is free."""
    pytest.importorskip("gradio", reason="the page needs the extra vqspeech[web]")
    folder = tmp_path_factory.mktemp("served")
    environment = os.environ | {"TMPDIR": str(folder), "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(
        [sys.executable, "-m", "vqspeech", "serve", "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=folder,
        env=environment,
    )
    try:
        line = process.stdout.readline()
        found = re.match(r"serving http://127\.0\.0\.1:(\d+)  ", line)
        assert found, line + process.stderr.read()
        yield Served(process, int(found[1]), folder)
    finally:
        process.kill()
        process.communicate()


def listening(port):
    """Addresses in hexadecimal that this machine listens to on a port, by the kernel's tables."""
    rows = [
        line.split()
        for table in ("tcp", "tcp6")
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]
    ]
    places = [row[1].split(":") for row in rows if row[3] == "0A"]
    return [address for address, number in places if int(number, 16) == port]


@pytest.mark.skipif(not Path("/proc/net/tcp6").exists(), reason="no tables of a Linux kernel")
def test_it_listens_to_127_0_0_1_alone(served):
    assert listening(served.port) == ["0100007F"]


def get(address, **headers):
    request = urllib.request.Request(address, headers=headers)
    with urllib.request.urlopen(request, timeout=60) as response:
        return response.read().decode()


def test_the_page_is_served_without_telemetry_history_or_an_api(served):
    config = json.loads(get(f"{served.address}/config"))
    assert not config["analytics_enabled"]
    assert not config["run_history"]
    assert config["footer_links"] == []
    info = json.loads(get(f"{served.address}/gradio_api/info"))
    assert info["named_endpoints"] == {}
    with pytest.raises(urllib.error.HTTPError, match="403"):
        get(served.address, Origin="http://voices.example")


def test_who_goes_away_in_the_middle_of_an_answer_ends_nothing_but_that(served):
    lines = ("GET / HTTP/1.1", f"Host: 127.0.0.1:{served.port}", "Origin: null")
    request = "".join(f"{line}\r\n" for line in (*lines, "")).encode()
    for _ in range(20):
        with socket.create_connection(("127.0.0.1", served.port), timeout=60) as visitor:
            visitor.sendall(request)  # closed at once: the second piece of the answer has no reader
    assert get(f"{served.address}/config")
    assert served.process.poll() is None


@pytest.fixture
def tab(served):
    """A tab with the page in it, what it asked for, and what its console said."""
    playwright = pytest.importorskip("playwright.sync_api", reason="pip install playwright")
    browser = shutil.which("chromium") or shutil.which("chromium-browser")
    if browser is None:
        pytest.skip("Chromium is not installed")
    options = [
        "--no-sandbox",
        "--disable-gpu",
        "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    ]
    with playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=browser, args=options)
        page = chromium.new_page(viewport={"width": 390, "height": 844})
        page.set_default_timeout(120_000)
        asked, said = [], []
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: said.append((message.type, message.text)))
        page.on("pageerror", lambda error: said.append(("error", str(error))))
        page.goto(served.address)
        yield page, asked, said
        chromium.close()


def test_a_recording_is_uploaded_and_heard_as_convert_says_it(served, tab, tmp_path):
    page, asked, said = tab
    page.click("#asked button[aria-label=Clear]")
    page.click("#convert")
    page.wait_for_selector("#notice .error")
    assert page.inner_text("#notice") == "no recording; pick a file, or record one"
    page.set_input_files("#asked input[type=file]", packaged_recording())
    page.wait_for_selector("#asked button[aria-label=Clear]")
    for label, name in (("Say it as", "p901"), ("Reconstruct it as", "p907")):
        page.click(f"#asked input[aria-label='{label}']")
        page.click(f"[role=option] >> text={name}")
    page.click("#convert")
    page.wait_for_selector("#results .scroll svg")
    page.wait_for_selector("#notice .note")
    assert re.fullmatch(r"librivox\.flac: 16000 Hz mono -> \d+ Hz mono", page.inner_text("#notice"))
    assert page.locator("#results figure svg[role=img]").count() == 3
    shown = page.inner_text("#results")
    assert "its codes, said by p907" in shown
    assert "the same codes, said by p901" in shown
    assert page.evaluate("document.documentElement.scrollWidth") == 390  # a phone's

    page.wait_for_selector("#results button[aria-label=Play] >> nth=2")
    links = page.locator("#results a[download]")
    assert [link.get_attribute("download") for link in links.all()][::2] == [
        "librivox-source.wav",
        "librivox-p901.wav",
    ]
    heard = page.request.get(links.last.get_attribute("href")).body()
    voice = load_voice()
    convert_files(voice, [packaged_recording()], ["p901"], tmp_path / "alone.wav")
    assert heard == (tmp_path / "alone.wav").read_bytes()

    hosts = {urlsplit(address).netloc for address in asked if address.startswith("http")}
    assert hosts == {f"127.0.0.1:{served.port}"}
    assert all(address.startswith(("http://", "blob:", "data:")) for address in asked)
    assert [text for kind, text in said if kind == "error"] == []


def test_a_signal_ends_it_and_the_recordings_go_with_it(served):
    assert list(served.folder.glob("vqspeech-web-*/*"))
    assert served.stop() == (130, "error: stopped by SIGINT\n")
    assert list(served.folder.glob("vqspeech-web-*")) == []
