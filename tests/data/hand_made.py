"""Small hand-made data directories, each sample of which says where it comes from."""

import numpy as np
import soundfile

TABLES = {
    "wav.scp": "a-1 audio/a-1.wav\na-2 audio/a-2.wav\nb-1 audio/b-1.wav\n",
    "utt2spk": "a-1 a\na-2 a\nb-1 b\n",
    "spk2utt": "a a-1 a-2\nb b-1\n",
    "text": "a-1 one two\na-2 three\nb-1\n",
    "utt2dur": "a-1 0.0625\na-2 0.125\nb-1 0.25\n",
    "spk2gender": "a f\nb m\n",
    "spk2accent": "a North  England\nb Scottish\n",
    "phones.ctm": "a-1 1 0.000 0.030 SIL\na-1 1 0.030 0.032 AH\nb-1 1 0.010 0.200 M\n",
}
LENGTHS = {"a-1": 1000, "a-2": 2000, "b-1": 4000}


def write_by_hand(folder, tables=TABLES, lengths=LENGTHS, rate=16000):
    """A data directory whose samples count up from 0, as 16-bit integers."""
    (folder / "audio").mkdir(parents=True, exist_ok=True)
    for name, content in tables.items():
        content = content if isinstance(content, bytes) else content.encode()
        (folder / name).write_bytes(content)
    for name, length in lengths.items():
        ramp = np.arange(length).astype(np.int16)
        soundfile.write(folder / "audio" / f"{name}.wav", ramp, rate)
    return folder
