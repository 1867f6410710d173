import contextlib
import os
import struct
import subprocess
import sys

import numpy as np
import pytest
import soundfile
import soxr

from vqspeech.audio.waveform import (
    BLOCK,
    count_samples,
    read_header,
    read_segment,
    read_waveform,
    wav_bytes,
    write_waveform,
)
from vqspeech.errors import InputError, UsageError, WriteError


def sine(rate, seconds=0.5, hz=1000.0, amplitude=0.5):
    return amplitude * np.sin(2 * np.pi * hz * np.arange(int(rate * seconds)) / rate)


def one_line(error):
    text = str(error.value)
    assert "\n" not in text
    return text


@pytest.mark.parametrize("channels", [1, 2, 6])
@pytest.mark.parametrize("rate", [8000, 16000, 44100, 48000])
def test_every_rate_and_layout_becomes_the_same_tone_at_16_khz(tmp_path, rate, channels):
    path = tmp_path / "a.wav"
    soundfile.write(path, np.tile(sine(rate)[:, None], channels), rate, subtype="FLOAT")
    samples, sample_rate, notes = read_waveform(path)
    assert sample_rate == 16000
    assert samples.dtype == np.float32
    assert len(samples) == 8000
    middle = samples[1000:7000]  # away from the ends, where a resampler has half its input
    assert np.sqrt(2 * np.mean(middle**2)) == pytest.approx(0.5, abs=1e-3)
    spectrum = np.abs(np.fft.rfft(middle * np.hanning(len(middle))))
    assert spectrum.argmax() * 16000 / len(middle) == pytest.approx(1000, abs=3)
    layout = {1: "mono", 2: "stereo", 6: "6 channels"}[channels]
    changed = (rate, channels) != (16000, 1)
    assert notes == ((f"{path}: {rate} Hz {layout} -> 16000 Hz mono",) if changed else ())


@pytest.mark.parametrize(
    ("suffix", "subtype", "tolerance"),
    [
        ("wav", "PCM_U8", 1e-2),
        ("wav", "PCM_16", 1e-4),
        ("wav", "PCM_24", 1e-6),
        ("wav", "PCM_32", 1e-6),
        ("wav", "FLOAT", 1e-6),
        ("wav", "DOUBLE", 1e-6),
        ("flac", "PCM_16", 1e-4),
        ("ogg", "VORBIS", 0.1),
        ("ogg", "OPUS", 0.1),
        ("mp3", "MPEG_LAYER_III", 0.1),
    ],
)
def test_every_format_is_read(tmp_path, suffix, subtype, tolerance):
    wave = sine(16000)
    path = tmp_path / f"a.{suffix}"
    soundfile.write(path, wave, 16000, subtype=subtype)
    samples = read_waveform(path).samples
    assert len(samples) == len(wave)
    assert np.abs(samples - wave)[400:-400].max() < tolerance


def test_channels_are_mixed_by_their_mean(tmp_path):
    path = tmp_path / "a.wav"
    soundfile.write(path, np.array([[0.5, 0.1], [-0.5, 0.5]]), 16000, subtype="FLOAT")
    np.testing.assert_allclose(read_waveform(path).samples, [0.3, 0.0], atol=1e-7)


@pytest.mark.parametrize("length", [BLOCK - 1, 5 * BLOCK + 7, 100_000])
def test_reading_in_blocks_equals_one_shot(tmp_path, length):
    wave = np.random.default_rng(0).normal(scale=0.1, size=length).astype(np.float32)
    path = tmp_path / "a.wav"
    soundfile.write(path, wave, 44100, subtype="FLOAT")
    expected = soxr.resample(wave, 44100, 16000, quality="HQ")
    np.testing.assert_allclose(read_waveform(path).samples, expected, atol=1e-6)


def test_what_cannot_be_audio_is_refused_in_one_line(tmp_path):
    (tmp_path / "text.wav").write_text("This is no audio but a line of text.\n")
    (tmp_path / "nothing.wav").write_bytes(b"")
    os.mkfifo(tmp_path / "pipe.wav")
    for name, reason in [
        ("text.wav", "not readable as audio"),
        ("nothing.wav", "0 bytes"),
        ("missing.wav", "no such file"),
        ("", "a folder"),
        ("pipe.wav", "no regular file"),
        ("a\0b.wav", "cannot be opened"),
    ]:
        with pytest.raises(InputError, match=reason) as error:
            read_waveform(f"{tmp_path}/{name}")
        assert one_line(error).startswith(str(tmp_path))


def test_a_file_without_samples_says_so(tmp_path):
    path = tmp_path / "a.wav"
    soundfile.write(path, np.zeros((0, 2)), 48000)
    with pytest.raises(InputError, match=r"0 samples of audio \(header says 48000 Hz stereo\)"):
        read_waveform(path)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_value_that_is_no_number_is_found_with_its_time(tmp_path, value):
    wave = np.zeros((48000, 2), np.float32)
    wave[36000, 1] = value
    path = tmp_path / "a.wav"
    soundfile.write(path, wave, 48000, subtype="FLOAT")
    with pytest.raises(InputError, match=r"instead of a sample at 0.750 s \(channel 2\)"):
        read_waveform(path)
    with pytest.raises(InputError, match=r"0\.750 s"):
        count_samples(path)


@pytest.mark.parametrize("suffix", ["wav", "flac"])
def test_a_truncated_file_is_refused(tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    soundfile.write(path, np.random.default_rng(0).normal(scale=0.1, size=200_000), 16000)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * 2 // 3])
    with pytest.raises(InputError, match=r"truncated|damaged"):
        read_waveform(path)


def with_size_of_data(path, size):
    content = path.read_bytes()
    place = content.index(b"data") + 4
    path.write_bytes(content[:place] + struct.pack("<I", size) + content[place + 4 :])


@pytest.mark.parametrize("size", [0xFFFFFFFF, 0x7FFFFFFF])
def test_a_piped_wav_without_length_is_read_to_its_end(tmp_path, size):
    path = tmp_path / "a.wav"
    soundfile.write(path, sine(16000), 16000)
    with_size_of_data(path, size)
    assert len(read_waveform(path).samples) == 8000


def test_a_piped_wav_of_zero_length_is_refused_with_the_remedy(tmp_path):
    path = tmp_path / "a.wav"
    soundfile.write(path, sine(16000), 16000)
    with_size_of_data(path, 0)
    with pytest.raises(InputError, match=r"header says 0 samples but more follows.*ffmpeg"):
        read_waveform(path)


def test_a_header_that_claims_terabytes_costs_no_memory(tmp_path):
    path = tmp_path / "a.flac"
    soundfile.write(path, sine(16000), 16000)
    content = bytearray(path.read_bytes())
    content[21] |= 0x0F  # the 36 bits of the number of samples in STREAMINFO
    content[22:26] = b"\xff\xff\xff\xfe"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"a\.flac: (damaged|truncated)"):
        read_waveform(path)


def test_values_beyond_1_are_clipped_and_told(tmp_path):
    path = tmp_path / "a.wav"
    soundfile.write(path, np.array([0.5, 1.5, -3.0]), 16000, subtype="FLOAT")
    samples, _, notes = read_waveform(path)
    np.testing.assert_array_equal(samples, [0.5, 1.0, -1.0])
    assert notes == (f"{path}: 2 values beyond 1 clipped (peak 3.000)",)


def test_integers_stored_as_float_are_refused_with_the_remedy(tmp_path):
    path = tmp_path / "a.wav"
    soundfile.write(path, 20000 * sine(16000), 16000, subtype="FLOAT")
    with pytest.raises(InputError, match="divide by its full scale"):
        read_waveform(path)


@pytest.mark.parametrize(("rate", "channels"), [(50, 1), (900_000, 1), (16000, 65)])
def test_headers_that_no_recording_has_are_refused(tmp_path, rate, channels):
    path = tmp_path / "a.wav"
    soundfile.write(path, np.zeros((100, channels)), rate)
    with pytest.raises(InputError, match="no recording"):
        read_header(path)


def test_damaged_files_never_raise_anything_but_an_input_error(tmp_path):
    generator = np.random.default_rng(0)
    for suffix in ("wav", "flac", "ogg", "mp3", "aiff"):
        path = tmp_path / f"a.{suffix}"
        soundfile.write(path, sine(16000, 0.2), 16000)
        content = np.frombuffer(path.read_bytes(), np.uint8)
        for _ in range(40):
            damaged = content.copy()
            places = generator.integers(0, min(len(content), 400), size=4)
            damaged[places] = generator.integers(0, 256, size=4)
            path.write_bytes(damaged.tobytes()[: generator.integers(1, len(content) + 1)])
            with contextlib.suppress(InputError):
                samples = read_waveform(path).samples
                assert len(samples)
                assert np.isfinite(samples).all()


def test_an_mp3_leaves_the_terminal_alone(tmp_path):
    path = tmp_path / "a.mp3"
    soundfile.write(path, sine(16000, 2.0), 16000)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    script = "import sys; from vqspeech.audio.waveform import read_waveform as read\n"
    script += "print(len(read(sys.argv[1]).notes)); print('heard', file=sys.stderr)"
    run = subprocess.run([sys.executable, "-c", script, path], capture_output=True, text=True)
    assert run.stderr == "heard\n"
    assert run.stdout == "1\n"


@pytest.mark.parametrize(
    ("suffix", "tolerance"), [("wav", 0), ("flac", 0), ("ogg", 0.1), ("opus", 0.1)]
)
def test_what_is_written_is_read_again(tmp_path, suffix, tolerance):
    path = tmp_path / "folder" / f"a.{suffix}"
    wave = np.round(sine(16000, 3.0) * 32768).astype(np.float32) / 32768
    assert write_waveform(path, wave, 16000) == 0
    samples = read_waveform(path).samples
    assert len(samples) == len(wave)
    assert np.abs(samples - wave)[400:-400].max() <= tolerance


def test_all_16_bit_values_are_written_back_bit_for_bit(tmp_path):
    values = np.arange(-32768, 32768).astype(np.int16)
    soundfile.write(tmp_path / "a.wav", values, 16000)
    write_waveform(tmp_path / "b.wav", read_waveform(tmp_path / "a.wav").samples, 16000)
    np.testing.assert_array_equal(soundfile.read(tmp_path / "b.wav", dtype="int16")[0], values)


def test_a_long_ogg_does_not_crash(tmp_path):
    path = tmp_path / "a.ogg"
    write_waveform(path, np.zeros(8000 * 600, np.float32), 8000)
    assert soundfile.info(path).frames == 8000 * 600


@pytest.mark.parametrize("subtype", ["PCM_16", "FLOAT"])
def test_writing_counts_what_it_clips(tmp_path, subtype):
    wave = np.array([0.5, 1.0, 1.5, -2.0])
    assert write_waveform(tmp_path / "a.wav", wave, 16000, subtype) == 2
    samples = soundfile.read(tmp_path / "a.wav")[0]
    np.testing.assert_allclose(samples, [0.5, 1, 1, -1], atol=1 / 32768)


def test_nothing_is_written_of_what_is_not_finite_or_no_signal(tmp_path):
    for samples in (np.array([0.0, np.nan]), np.zeros((2, 3)), np.zeros(3, np.int16)):
        with pytest.raises(ValueError, match="samples"):
            write_waveform(tmp_path / "a.wav", samples, 16000)
    assert not list(tmp_path.iterdir())


def test_an_unknown_suffix_names_the_known_ones(tmp_path):
    with pytest.raises(UsageError, match=r"\.wav, \.flac, \.ogg, \.opus"):
        write_waveform(tmp_path / "a.m4a", np.zeros(3), 16000)
    with pytest.raises(UsageError, match="Opus cannot hold 44100 Hz"):
        write_waveform(tmp_path / "a.opus", np.zeros(3), 44100)


@pytest.mark.parametrize("suffix", ["wav", "flac"])
def test_a_full_disk_leaves_no_file(tmp_path, suffix):
    script = """
import resource, sys, numpy as np
from vqspeech.audio.waveform import write_waveform
from vqspeech.errors import WriteError
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
try:
    write_waveform(sys.argv[1], np.random.default_rng(0).normal(scale=0.1, size=100_000), 16000)
except WriteError as error:
    print(error)
"""
    path = tmp_path / f"a.{suffix}"
    run = subprocess.run([sys.executable, "-c", script, path], capture_output=True, text=True)
    assert run.stdout.startswith(f"{path}: no space left to write it")
    assert not list(tmp_path.iterdir())


def test_a_name_that_is_taken_by_a_folder_is_a_write_error(tmp_path):
    (tmp_path / "a.wav").mkdir()
    with pytest.raises(WriteError, match="cannot be written"):
        write_waveform(tmp_path / "a.wav", np.zeros(3), 16000)


def test_a_segment_is_the_slice_of_the_whole(tmp_path):
    path = tmp_path / "a.wav"
    wave = np.random.default_rng(0).normal(scale=0.1, size=1000).astype(np.float32)
    soundfile.write(path, wave, 22050, subtype="FLOAT")
    for start, length in [(0, 1000), (300, 17), (999, 1), (5, 0)]:
        np.testing.assert_array_equal(
            read_segment(path, start, length), wave[start : start + length]
        )


@pytest.mark.parametrize(("start", "length"), [(900, 101), (1001, 1), (-1, 5)])
def test_a_segment_beyond_the_file_is_refused(tmp_path, start, length):
    path = tmp_path / "a.wav"
    soundfile.write(path, np.zeros(1000), 16000)
    with pytest.raises(InputError, match="1000 are there"):
        read_segment(path, start, length)


def test_a_name_that_ends_in_raw_is_no_audio(tmp_path):
    (tmp_path / "x.raw").write_bytes(bytes(100))
    with pytest.raises(InputError, match=r"x\.raw: not readable as audio"):
        read_waveform(tmp_path / "x.raw")


def test_a_pipe_gets_the_bytes_of_the_file(tmp_path):
    wave = np.linspace(-1.2, 1.2, 20_000)
    write_waveform(tmp_path / "a.wav", wave, 16000)
    assert wav_bytes(wave, 16000) == (tmp_path / "a.wav").read_bytes()


def test_a_name_near_the_longest_is_written_and_a_longer_one_gives_the_reason(tmp_path):
    for stem in ("x" * 240, "é" * 120, "音" * 80):
        write_waveform(tmp_path / f"{stem}.wav", np.zeros(3), 16000)
    with pytest.raises(WriteError, match="File name too long"):
        write_waveform(tmp_path / ("x" * 300 + ".wav"), np.zeros(3), 16000)
    assert len(list(tmp_path.iterdir())) == 3
