"""Stage 0: archives are fetched from a folder that stands for the web, checked and unpacked."""

import hashlib
import os
import shutil
import subprocess
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
VCTK = ROOT / "egs" / "vctk" / "local" / "download.sh"
LIBRISPEECH = ROOT / "egs" / "librispeech" / "local" / "download.sh"

needs_curl = pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")


def download(script, *arguments, path=None):
    return subprocess.run(
        [script, *map(str, arguments)],
        capture_output=True,
        text=True,
        env={**os.environ, "PATH": path or os.environ["PATH"]},
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


def test_an_archive_that_was_fetched_by_other_means_is_checked_and_unpacked(web, tmp_path):
    (tmp_path / "out").mkdir()
    shutil.copy(web / "dev-clean.tar.gz", tmp_path / "out")
    (web / "dev-clean.tar.gz").unlink()
    done = download(LIBRISPEECH, *options(web), tmp_path / "out", "dev-clean")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out" / "LibriSpeech" / "dev-clean" / "84").is_dir()


def test_without_curl_and_wget_it_is_said_what_to_install(tmp_path):
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("bash", "env", "dirname", "mkdir", "awk"):
        (programs / name).symlink_to(shutil.which(name))
    done = download(LIBRISPEECH, tmp_path / "out", "dev-clean", path=str(programs))
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
    ],
)
def test_options_of_a_download(arguments, status, message):
    done = download(LIBRISPEECH, *arguments)
    assert message in done.stdout + done.stderr
    assert done.returncode == status
