"""Which recordings a voice may be learnt from: every kind that teaches nothing, by what is said."""

import numpy as np
import pytest
import soundfile

from vqspeech.errors import InputError
from vqspeech.stages.enrolment_speech import find_recordings, read_enrolment

RATE = 8000


def babble(seconds, rate=RATE, amplitude=0.4, seed=0):
    """Noise that swells and fades three times a second, as syllables do."""
    time = np.arange(round(seconds * rate)) / rate
    noise = np.random.default_rng(seed).normal(size=time.size)
    return amplitude * noise.clip(-3, 3) / 3 * (1 + 0.9 * np.sin(2 * np.pi * 3 * time)) / 1.9


@pytest.fixture
def folder(tmp_path):
    """A folder and a function that records into it."""
    path = tmp_path / "voice"
    path.mkdir()

    def record(name, samples, rate=RATE):
        soundfile.write(path / name, samples, rate)
        return path / name

    record.path = path
    return record


def read(*sources, rate=RATE):
    notes = []
    return read_enrolment(sources, rate, note=notes.append), notes


def test_good_recordings_are_taken_as_they_are_and_in_order(folder):
    for number in (2, 1, 3):
        folder(f"{number}.wav", babble(21, seed=number))
    (folder.path / "notes.txt").write_text("what was read")
    speech, notes = read(folder.path)
    assert [take.path.name for take in speech.takes] == ["1.wav", "2.wav", "3.wav"]
    assert notes == []
    assert speech.seconds == 63
    assert 60 < speech.speech_seconds <= 63
    for number, take in enumerate(speech.takes, start=1):
        found, _ = soundfile.read(folder.path / f"{number}.wav", dtype="float32")
        assert np.array_equal(take.samples, found)


def test_any_rate_channel_count_and_format_is_taken_and_said_once(folder):
    for number in range(3):
        stereo = np.stack([babble(24, 16000, seed=number)] * 2, axis=1)
        folder(f"{number}.flac", stereo, 16000)
    speech, notes = read(folder.path)
    assert notes == ["3 recordings: 16000 Hz stereo -> 8000 Hz mono"]
    assert speech.seconds == pytest.approx(72, abs=0.01)


@pytest.mark.parametrize("name", ["a.mp3", "a.ogg", "a.flac"])
def test_lossy_formats_and_single_files_are_read(folder, name):
    path = folder(name, babble(62))
    speech, notes = read(path)
    assert speech.seconds == pytest.approx(62, abs=0.2)
    assert notes == []


def test_too_little_speech_is_refused_and_a_little_is_noted(folder):
    folder("a.wav", babble(3))
    with pytest.raises(InputError, match=r"voice: [23]\.\d s of speech; 30 s of speech at least"):
        read(folder.path)
    folder("b.wav", babble(40))
    speech, notes = read(folder.path)
    assert len(speech.takes) == 2
    assert len(notes) == 1
    assert "the voice will be poor" in notes[0]


def test_pauses_are_no_speech(folder):
    folder("a.wav", np.concatenate([babble(20), np.zeros(40 * RATE)]))
    with pytest.raises(InputError, match=r": (19|20)\.\d s of speech; 30 s"):
        read(folder.path)


def test_more_than_enough_is_cut_off_and_said(folder, monkeypatch):
    monkeypatch.setattr("vqspeech.stages.enrolment_speech.MOST_SECONDS", 120.0)  # not 10 minutes
    for number in range(3):
        folder(f"{number}.wav", babble(50, seed=number))
    speech, notes = read(folder.path)
    assert speech.seconds == 120
    assert notes == [f"{folder.path}/2.wav: more than 2 minutes; the rest is left out"]
    folder("2.wav", babble(20))
    assert read(folder.path)[1] == []  # exactly as much
    folder("3.wav", babble(10))
    speech, notes = read(folder.path)
    assert speech.seconds == 120
    assert notes == [f"{folder.path}: more than 2 minutes; 1 of 4 recordings are left out"]


def flat(samples):
    return np.clip(20 * samples, -1, 1)


@pytest.mark.parametrize(
    ("samples", "rate", "reason"),
    [
        (flat(babble(40)), RATE, r"clipped, \d+\.\d% of its samples at full scale; record with"),
        (0.001 * babble(40), RATE, "silent, -50 dB of full scale were wanted"),
        (np.zeros(40 * RATE), RATE, "silent"),
        (babble(40, 6000), 6000, "6000 Hz, below the model's 8000 Hz; record at a higher rate"),
        (np.zeros(0), RATE, "0 samples of audio"),
    ],
)
def test_what_teaches_nothing_is_refused_alone_and_skipped_among_others(
    folder, samples, rate, reason
):
    folder("bad.wav", samples, rate)
    with pytest.raises(InputError, match=rf"(?s)no recording that can be used.*{reason}.*bad\.wav"):
        read(folder.path)
    folder("good.wav", babble(62))
    speech, notes = read(folder.path)
    assert [take.path.name for take in speech.takes] == ["good.wav"]
    assert len(notes) == 1
    assert notes[0].startswith("skipped 1 of 2 (")
    assert notes[0].endswith(": bad.wav")


def test_broken_and_unreadable_files_are_named_and_counted(folder):
    folder("good.wav", babble(62))
    (folder.path / "torn.wav").write_bytes((folder.path / "good.wav").read_bytes()[:5000])
    (folder.path / "text.flac").write_text("this is no audio file at all")
    (folder.path / "phone.m4a").write_bytes(bytes(100))
    _, notes = read(folder.path)
    assert len(notes) == 3
    assert all(note.startswith("skipped 1 of 4 (") for note in notes)
    found = " ".join(notes)
    assert all(name in found for name in ("torn.wav", "text.flac", "phone.m4a"))
    assert ".m4a cannot be read, convert it" in found
    assert str(folder.path) not in found


def test_what_is_left_is_told_with_what_was_skipped(folder):
    folder("a.wav", babble(5))
    folder("b.wav", np.zeros(RATE))
    with pytest.raises(InputError, match=r"[45]\.\d s of speech in 1 recordings, 1 skipped; 30 s"):
        read(folder.path)


def test_a_folder_without_audio_and_no_folder_are_told_apart(folder, tmp_path):
    with pytest.raises(
        InputError, match=r"voice: no recording that can be used \(no audio in it\)"
    ):
        read(folder.path)
    with pytest.raises(InputError, match="nowhere: no such file or folder"):
        read(tmp_path / "nowhere")


def test_recordings_far_from_the_others_are_levelled_and_the_rest_is_not(folder):
    for number, amplitude in enumerate((0.4, 0.4, 0.4, 0.1, 0.95)):
        folder(f"{number}.wav", babble(15, amplitude=amplitude, seed=number))
    speech, notes = read(folder.path)
    levels = [np.sqrt(np.mean(take.samples**2)) for take in speech.takes]
    assert max(levels) / min(levels) < 1.05
    assert len(notes) == 1
    assert notes[0].startswith("2 of 5 recordings brought to ")
    assert notes[0].endswith("by -7.5 to +12.0 dB")  # 20 log10 of 0.4 / 0.95 and 0.4 / 0.1
    untouched, _ = soundfile.read(folder.path / "1.wav", dtype="float32")
    assert np.array_equal(speech.takes[1].samples, untouched)


def test_a_quiet_set_is_made_louder_as_far_as_its_peaks_allow(folder):
    quiet = babble(62, amplitude=0.02)
    folder("a.wav", quiet)
    speech, notes = read(folder.path)
    assert "brought to -28.0 dB" in notes[0]
    gain = speech.takes[0].samples[1000:2000] / quiet[1000:2000].astype(np.float32)
    assert 1.5 < np.median(gain) < 10
    click = quiet.copy()
    click[5] = 0.5  # louder than twice as loud it would clip
    folder("a.wav", click)
    speech, _ = read(folder.path)
    assert np.abs(speech.takes[0].samples).max() == pytest.approx(1, abs=1e-4)


def test_a_file_given_twice_is_heard_once(folder):
    path = folder("a.wav", babble(62))
    files, unread = find_recordings([folder.path, path])
    assert (files, unread) == ([path], [])
