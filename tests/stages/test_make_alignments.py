import gc
import os
import signal
import subprocess
import sys

import numpy as np
import pytest

from vqspeech.audio.waveform import read_waveform, write_waveform
from vqspeech.data.alignment import Phone
from vqspeech.data.alignment_journal import Outcome, journal_path
from vqspeech.data.corpora.mini import list_mini
from vqspeech.data.data_dir import DataDir, Utterance, write_data_dir
from vqspeech.data.validate import validate_data_dir
from vqspeech.errors import BusyError, InputError, MissingError, UsageError, WriteError
from vqspeech.files import path_lock

pytest.importorskip("pocketsphinx")

from vqspeech.data.forced_alignment import Aligner, UnalignedError
from vqspeech.stages import make_alignments as stage
from vqspeech.stages.make_alignments import make_alignments

COUNT = 3


@pytest.fixture(scope="module")
def spoken():
    """The shortest recordings of the embedded corpus: id, samples at 24 kHz, text."""
    sources = sorted(list_mini().sources, key=lambda source: source.audio.stat().st_size)
    rows = [(s.id, read_waveform(s.audio, 24000).samples, s.text) for s in sources[:COUNT]]
    return sorted(rows, key=lambda row: row[0])


@pytest.fixture
def data(tmp_path, spoken):
    rows = []
    for key, samples, text in spoken:
        path = tmp_path / "audio" / f"{key}.wav"
        path.parent.mkdir(exist_ok=True)
        write_waveform(path, samples, 24000)
        rows.append(Utterance(key, key.partition("_")[0], path, text))
    write_data_dir(tmp_path / "data", rows)
    return tmp_path / "data"


def change(data, **changes):
    """Write the data directory again with other texts, or audio."""
    rows = list(DataDir.read(data).values())
    for place, field, value in changes.values():
        row = {**rows[place].__dict__, field: value}
        rows[place] = Utterance(**row)
    write_data_dir(data, rows)


def content(data):
    return (data / "phones.ctm").read_bytes()


def test_the_alignment_is_that_of_the_aligner_and_in_order(data, spoken):
    told = []
    done = make_alignments(data, progress=lambda *counts: told.append(counts))
    assert validate_data_dir(data) == []
    assert (done.num_aligned, done.num_utterances, done.without) == (COUNT, COUNT, ())
    assert (done.skipped, done.notes) == ((), ())
    assert told == [(1, COUNT), (2, COUNT), (3, COUNT)]
    key, _, text = spoken[0]
    at_16_khz = read_waveform(DataDir.read(data)[key].audio, 16000).samples
    wanted = Aligner().align(at_16_khz, text)
    found = DataDir.read(data).phones()[key]
    assert [phone.label for phone in found] == [phone.label for phone in wanted]
    starts = [phone.start_seconds for phone in found]
    assert starts == pytest.approx([phone.start_seconds for phone in wanted])
    assert not journal_path(data).exists()


def test_the_bytes_do_not_depend_on_the_number_of_jobs(data):
    make_alignments(data)
    alone = content(data)
    make_alignments(data, num_jobs=2, overwrite=True)
    assert content(data) == alone
    assert not journal_path(data).exists()


def test_smaller_sets_leave_out_silence(data):
    make_alignments(data, phones=39)
    labels = {phone.label for rows in DataDir.read(data).phones().values() for phone in rows}
    assert "SIL" not in labels
    assert len(labels) > 10
    with pytest.raises(UsageError, match="--phones 7"):
        make_alignments(data, phones=7, overwrite=True)


def test_segments_are_aligned_within_their_stretch(tmp_path, spoken):
    key, samples, text = spoken[0]
    audio = tmp_path / "audio.wav"
    write_waveform(audio, np.concatenate([samples, samples]), 24000)
    seconds = len(samples) / 24000
    rows = [
        Utterance(f"{key}-{n}", key.partition("_")[0], audio, text, n * seconds, (n + 1) * seconds)
        for n in range(2)
    ]
    write_data_dir(tmp_path / "data", rows)
    done = make_alignments(tmp_path / "data")
    assert done.num_aligned == 2
    first, second = DataDir.read(tmp_path / "data").phones().values()
    assert [phone.label for phone in first] == [phone.label for phone in second]
    assert validate_data_dir(tmp_path / "data") == []


def test_what_cannot_be_aligned_is_skipped_by_name_and_reason(data, tmp_path):
    keys = list(DataDir.read(data))
    (tmp_path / "bad.wav").write_bytes(b"RIFF")
    rows = list(DataDir.read(data).values())
    extra = [
        Utterance(f"{keys[0]}-none", rows[0].speaker, rows[0].audio, None),
        Utterance(f"{keys[0]}-odd", rows[0].speaker, rows[0].audio, "zzyzx 7 hello"),
        Utterance(f"{keys[0]}-gone", rows[0].speaker, tmp_path / "gone.wav", "hello"),
        Utterance(f"{keys[0]}-damaged", rows[0].speaker, tmp_path / "bad.wav", "hello"),
    ]
    write_data_dir(data, rows[:1] + extra)
    done = make_alignments(data)
    assert done.num_aligned == 1
    reasons = {name.removeprefix(keys[0]): reason for name, reason in done.skipped}
    assert reasons["-none"] == "no text"
    assert reasons["-odd (zzyzx, 7)"] == "words that are not in the dictionary"
    unreadable = [name for name, reason in reasons.items() if "cannot be read" in reason]
    assert [name.split()[0] for name in unreadable] == ["-damaged", "-gone"]
    assert any(f"4 of 5 utterances have no alignment: {keys[0]}-damaged" in n for n in done.notes)


def test_the_phones_of_what_is_done_are_not_kept(data, monkeypatch):
    def align(utterance):
        return utterance.id, Outcome(tuple(Phone(n * 1e-4, 1e-4, "AA") for n in range(500)))

    def num_phones():
        return sum(type(value) is Phone for value in gc.get_objects())

    alive = []
    monkeypatch.setattr(stage, "_align", align)
    before = num_phones()
    make_alignments(data, progress=lambda *counts: alive.append(num_phones() - before))
    assert len(alive) == COUNT
    assert max(alive) <= 500  # those of the last one


def test_a_data_directory_without_words_is_refused_and_nothing_written(data):
    change(data, **{str(n): (n, "text", None) for n in range(COUNT)})
    with pytest.raises(InputError, match=r"none of 3 utterances can be .*; 3 skipped \(no text\)"):
        make_alignments(data)
    assert not (data / "phones.ctm").exists()
    assert not journal_path(data).exists()


def test_an_interrupted_run_goes_on_and_ends_with_the_same_bytes(data, monkeypatch):
    make_alignments(data)
    whole = content(data)

    def interrupt(done, total):
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make_alignments(data, overwrite=True, progress=interrupt)
    assert content(data) == whole  # the old one
    with open(journal_path(data), "ab") as journal:
        journal.write(b'["a cut of')
    align, redone = stage._align, []
    monkeypatch.setattr(stage, "_align", lambda u: redone.append(u.id) or align(u))
    done = make_alignments(data, overwrite=True)
    assert redone == list(DataDir.read(data))[2:]
    assert done.notes == (f"{data}: 2 utterances were done by an earlier run",)
    assert content(data) == whole


def test_what_changed_since_the_interruption_is_aligned_again(data, monkeypatch):
    def interrupt(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make_alignments(data, progress=interrupt)
    change(data, text=(0, "text", "hello zzyzx"))
    done = make_alignments(data)
    assert done.num_aligned == COUNT - 1
    assert done.skipped[0][1] == "words that are not in the dictionary"


def test_a_killed_run_leaves_what_it_did_and_no_process(data):
    code = (
        "import sys; from vqspeech.stages.make_alignments import make_alignments\n"
        "def tell(done, total):\n    print(done, flush=True); sys.stdin.read()\n"
        "if __name__ == '__main__': make_alignments(sys.argv[1], num_jobs=2, progress=tell)"
    )
    script = data.parent / "script.py"
    script.write_text(code)
    run = subprocess.Popen(
        [sys.executable, script, data],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    with run:
        assert run.stdout.readline() == b"1\n"
        os.kill(run.pid, signal.SIGKILL)
        # The pipes end when the last process has gone that could write to them.
        assert run.communicate(timeout=60)[0] == b""
    assert journal_path(data).exists()
    done = make_alignments(data)
    assert done.num_aligned == COUNT
    assert "1 utterances were done by an earlier run" in done.notes[0]


def test_an_alignment_that_is_there_or_in_the_making_is_kept(data):
    (data / "phones.ctm").write_text("")
    with pytest.raises(WriteError, match="is there already; --overwrite"):
        make_alignments(data)
    with path_lock(data), pytest.raises(BusyError):
        make_alignments(data, overwrite=True)
    with pytest.raises(UsageError, match="0 jobs"):
        make_alignments(data, num_jobs=0, overwrite=True)
    assert content(data) == b""


def test_without_the_aligner_nothing_is_touched(data, monkeypatch):
    monkeypatch.setitem(sys.modules, "pocketsphinx", None)
    with pytest.raises(MissingError, match=r"vqspeech\[align\]"):
        make_alignments(data)
    assert not journal_path(data).exists()


def test_too_long_an_utterance_is_refused_before_all_of_it_is_read(tmp_path):
    audio = tmp_path / "long.wav"
    write_waveform(audio, np.zeros(16000 * 300, np.float32), 16000)
    samples = stage._read(Utterance("a-1", "a", audio, "hello"))
    assert 120 * 16000 < len(samples) < 130 * 16000
    with pytest.raises(UnalignedError, match="longer than 120 s"):
        Aligner().align(samples, "hello")
