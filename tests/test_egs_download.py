"""Stage 0: archives are fetched from a folder that stands for the web, checked and unpacked."""

import hashlib
import http.server
import os
import shutil
import subprocess
import tarfile
import threading
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
VCTK = ROOT / "egs" / "vctk" / "local" / "download.sh"
LIBRISPEECH = ROOT / "egs" / "librispeech" / "local" / "download.sh"

needs_curl = pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")


def download(script, *arguments, path=None, cwd=None):
    return subprocess.run(
        [script, *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=cwd,
        env={**os.environ, "PATH": path or os.environ["PATH"], "no_proxy": "*"},
        check=False,
    )


@pytest.fixture
def web(tmp_path):
    """A folder with a subset of LibriSpeech as it is published, and its checksum."""
    chapter = tmp_path / "pack" / "LibriSpeech" / "dev-clean" / "84" / "121123"
    chapter.mkdir(parents=True)
    (chapter / "84-121123-0000.flac").write_bytes(os.urandom(5000))
    (tmp_path / "pack" / "LibriSpeech" / "SPEAKERS.TXT").write_text("84 | F\n")
    folder = tmp_path / "web"
    folder.mkdir()
    with tarfile.open(folder / "dev-clean.tar.gz", "w:gz") as archive:
        archive.add(tmp_path / "pack" / "LibriSpeech", "LibriSpeech")
    content = (folder / "dev-clean.tar.gz").read_bytes()
    (folder / "sums").write_text(f"{hashlib.md5(content).hexdigest()}  dev-clean.tar.gz\n")
    return folder


def options(web):
    return ["--url", f"file://{web}", "--sums", web / "sums"]


@needs_curl
def test_a_subset_is_fetched_and_unpacked_once(web, tmp_path):
    out = tmp_path / "out"
    done = download(LIBRISPEECH, *options(web), out, "dev-clean")
    assert done.returncode == 0, done.stderr
    assert "0.3 GB to fetch, as much again unpacked, CC BY 4.0" in done.stdout
    found = sorted(str(path.relative_to(out)) for path in out.rglob("*") if path.is_file())
    recording = "LibriSpeech/dev-clean/84/121123/84-121123-0000.flac"
    assert found == ["LibriSpeech/SPEAKERS.TXT", recording]
    assert (out / recording).read_bytes() == (tmp_path / "pack" / recording).read_bytes()
    shutil.rmtree(web)
    again = download(LIBRISPEECH, out, "dev-clean")
    assert again.returncode == 0
    assert again.stdout == f"{out}/LibriSpeech/dev-clean: unpacked before\n"


@needs_curl
def test_what_differs_from_its_checksum_is_not_unpacked_and_not_kept(web, tmp_path):
    done = download(LIBRISPEECH, "--url", f"file://{web}", tmp_path / "out", "dev-clean")
    assert done.returncode == 3
    # The sum of the true archive, by the list of OpenSLR.
    assert "42e2234ba48799c1f50f24a7926300a1 was wanted" in done.stderr
    assert not [path for path in (tmp_path / "out").rglob("*") if path.is_file()]


@needs_curl
def test_an_interrupted_download_goes_on_where_it_stopped(web, tmp_path):
    archive = web / "dev-clean.tar.gz"
    content = archive.read_bytes()
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "dev-clean.tar.gz.part").write_bytes(content[:2000])
    # Fetched anew from its beginning it would be another archive.
    archive.write_bytes(bytes(1000) + content[1000:])
    done = download(LIBRISPEECH, *options(web), tmp_path / "out", "dev-clean")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out" / "LibriSpeech" / "dev-clean" / "84").is_dir()


@needs_curl
def test_an_archive_that_is_not_there_is_named_with_what_to_do(web, tmp_path):
    (web / "dev-clean.tar.gz").unlink()
    done = download(LIBRISPEECH, *options(web), tmp_path / "out", "dev-clean")
    assert done.returncode == 3
    assert f"file://{web}/dev-clean.tar.gz: could not be fetched; run it again" in done.stderr


def files_in(folder):
    return {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_an_archive_that_was_fetched_by_other_means_is_checked_unpacked_and_kept(web, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    shutil.copy(web / "dev-clean.tar.gz", out)
    (out / "dev-clean.tar.gz.part").write_text("of an earlier attempt")
    (web / "dev-clean.tar.gz").unlink()
    before = files_in(out)
    done = download(LIBRISPEECH, *options(web), out, "dev-clean")
    assert done.returncode == 0, done.stderr
    assert (out / "LibriSpeech" / "dev-clean" / "84").is_dir()
    assert before.items() <= files_in(out).items()


def test_an_archive_of_another_sum_that_somebody_put_there_is_named_and_not_touched(web, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "dev-clean.tar.gz").write_bytes((web / "dev-clean.tar.gz").read_bytes()[:2000])
    before = files_in(out)
    done = download(LIBRISPEECH, *options(web), out, "dev-clean")
    assert done.returncode == 3
    assert done.stderr.startswith(f"error: {out}/dev-clean.tar.gz: its md5 is ")
    assert done.stderr.count("\n") == 1
    assert files_in(out) == before


@needs_curl
@pytest.mark.parametrize("row", ["{} *dev-clean.tar.gz", "{}  dev-clean.tar.gz\r"])
def test_sums_are_read_as_other_programs_write_them(web, tmp_path, row):
    total = (web / "sums").read_text().split()[0].upper()
    (web / "sums").write_text("0  test-clean.tar.gz\n" + row.format(total) + "\n")
    done = download(LIBRISPEECH, *options(web), tmp_path / "out", "dev-clean")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("script", "names"), [(LIBRISPEECH, ["dev-clean", "test-clean"]), (VCTK, [])]
)
def test_what_has_no_checksum_is_not_fetched(web, tmp_path, script, names):
    out = tmp_path / "out"
    done = download(script, *options(web), out, *names)  # of the two only dev-clean has one
    assert done.returncode == 3
    name = "test-clean.tar.gz" if names else "VCTK-Corpus-0.92.zip"
    assert done.stderr == f"error: {web}/sums: no checksum of {name}; give --sums with one\n"
    assert not out.exists()


def programs_in(folder, *names):
    """A PATH of these programs alone."""
    folder.mkdir()
    for name in ("bash", "env", "dirname", "mkdir", "awk", *names):
        (folder / name).symlink_to(shutil.which(name))
    return str(folder)


@needs_curl
def test_after_an_unpacking_that_was_killed_the_subset_is_whole(web, tmp_path):
    out = tmp_path / "out"
    tar = tmp_path / "bin" / "tar"
    tar.parent.mkdir()
    tar.write_text('#!/bin/sh\nmkdir -p "$4/LibriSpeech/dev-clean/half"\nkill -9 "$PPID"\n')
    tar.chmod(0o755)
    path = f"{tar.parent}{os.pathsep}{os.environ['PATH']}"
    killed = download(LIBRISPEECH, *options(web), out, "dev-clean", path=path)
    assert killed.returncode == -9
    assert list(out.rglob("half"))
    assert not (out / "LibriSpeech" / "dev-clean").exists()
    (web / "dev-clean.tar.gz").unlink()  # it was fetched
    done = download(LIBRISPEECH, *options(web), out, "dev-clean")
    assert done.returncode == 0, done.stderr
    assert sorted(files_in(out)) == ["84-121123-0000.flac", "SPEAKERS.TXT"]
    assert not list(out.rglob("half"))


@pytest.mark.skipif(shutil.which("wget") is None, reason="wget is not installed")
def test_where_there_is_only_wget_an_interrupted_download_goes_on_too(web, tmp_path):
    content = (web / "dev-clean.tar.gz").read_bytes()

    class Rest(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            start = int(self.headers["Range"].removeprefix("bytes=").rstrip("-"))
            self.send_response(206)
            self.send_header("Content-Length", str(len(content) - start))
            place = f"bytes {start}-{len(content) - 1}/{len(content)}"
            self.send_header("Content-Range", place)
            self.end_headers()
            self.wfile.write(content[start:])

        def log_message(self, *arguments):
            pass

    out = tmp_path / "out"
    out.mkdir()
    (out / "dev-clean.tar.gz.part").write_bytes(content[:2000])
    needed = ("wget", "tar", "gzip", "md5sum", "cut", "mv", "rm")
    path = programs_in(tmp_path / "bin", *needed)
    with http.server.HTTPServer(("127.0.0.1", 0), Rest) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        given = ("--url", url, "--sums", web / "sums")
        done = download(LIBRISPEECH, *given, out, "dev-clean", path=path)
        server.shutdown()
    assert done.returncode == 0, done.stderr
    assert sorted(files_in(out)) == ["84-121123-0000.flac", "SPEAKERS.TXT"]


def test_without_curl_and_wget_it_is_said_what_to_install(tmp_path):
    path = programs_in(tmp_path / "bin")
    done = download(LIBRISPEECH, tmp_path / "out", "dev-clean", path=path)
    assert done.returncode == 4
    assert "neither curl nor wget is installed; install one, or fetch https://www" in done.stderr


@needs_curl
def test_vctk_is_unpacked_to_a_folder_of_its_own(tmp_path):
    web = tmp_path / "web"
    web.mkdir()
    with zipfile.ZipFile(web / "VCTK-Corpus-0.92.zip", "w") as archive:
        archive.writestr("wav48_silence_trimmed/p225/p225_001_mic1.flac", "sound")
    content = (web / "VCTK-Corpus-0.92.zip").read_bytes()
    total = hashlib.sha256(content).hexdigest()
    (web / "sums").write_text(f"{total}  VCTK-Corpus-0.92.zip\n")
    done = download(VCTK, *options(web), tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert "11 GB to fetch" in done.stdout
    recording = "VCTK-Corpus-0.92/wav48_silence_trimmed/p225/p225_001_mic1.flac"
    assert (tmp_path / "out" / recording).read_text() == "sound"
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["VCTK-Corpus-0.92"]


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["--help"], 0, "train-clean-360 (23 GB)"),
        ([], 2, "a folder to fetch to is missing"),
        (["--mirror", "x"], 2, "--mirror: no such option"),
        (["--url"], 2, "--url: a value is missing"),
        (["out", "dev-cleen"], 2, "dev-cleen: no subset of LibriSpeech"),
        (["--sums", "none", "out"], 3, "none: no such file"),
        (["--here", "x", "out"], 2, "--here: no such option"),
        (["--url", "", "out"], 2, "--url: a value is missing or empty"),
    ],
)
def test_options_of_a_download(arguments, status, message, tmp_path):
    done = download(LIBRISPEECH, *arguments, cwd=tmp_path)
    assert message in done.stdout + done.stderr
    assert done.returncode == status
