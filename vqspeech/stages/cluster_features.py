"""The classical baseline: codes that are the clusters of MFCC frames, learnt by k-means.

A code of a VQ-VAE has to say more of the phone than this, at the same rate and with as many codes.
The codes go into code directories like those of a model, so that every analysis reads them. T
samples, L frames of codes, F features, K codes.
"""

import hashlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vqspeech.data.codes import check_code_target, read_code_dir, write_code_dir
from vqspeech.data.crops import Stretch, list_stretches, make_batch
from vqspeech.data.data_dir import DataDir
from vqspeech.errors import InputError, UsageError
from vqspeech.files import follow_link, path_lock, sweep_temporaries

COEFFICIENTS = 13  # and as many first and second differences
WINDOW_SECONDS, LONGEST_STEP_SECONDS = 0.025, 0.010
FIT_FRAMES = 500_000  # centres hardly move for more
ROUNDS = 100  # of Lloyd's algorithm at most


@dataclass(frozen=True)
class Clustered:
    """What became of one data directory."""

    path: Path
    utterances: int
    frames: int
    codes_used: int


def mfcc_features(waveform: np.ndarray, sample_rate: int, hop: int) -> np.ndarray:
    """MFCC with first and second differences, averaged over each frame of codes.

    Spectra are taken every 10 ms or somewhat less, a whole number a frame; frame i is of samples
    [i * hop, (i + 1) * hop), as a model's codes are.

    Args:
        waveform: (T,) float32; zeros are assumed behind it up to a whole frame.
        sample_rate: Hz.
        hop: samples a frame of codes.

    Returns:
        (L, 39) float32, L = ceil(T / hop).
    """
    import librosa

    frames = -(-len(waveform) // hop)
    longest = LONGEST_STEP_SECONDS * sample_rate
    spectra = next(n for n in range(1, hop + 1) if hop % n == 0 and hop / n <= longest)
    step, window = hop // spectra, round(WINDOW_SECONDS * sample_rate)
    left = (window - step) // 2  # so that a window is centred on its step
    padded = np.pad(waveform, (left, frames * hop - len(waveform) + window - step - left))
    cepstra = librosa.feature.mfcc(
        y=padded,
        sr=sample_rate,
        n_mfcc=COEFFICIENTS,
        n_fft=window,
        hop_length=step,
        center=False,
        n_mels=40,
    )  # (13, L * spectra)
    deltas = [librosa.feature.delta(cepstra, order=order, mode="nearest") for order in (1, 2)]
    stacked = np.concatenate([cepstra, *deltas])  # (39, L * spectra)
    return stacked.reshape(len(stacked), frames, spectra).mean(2).T.astype(np.float32)


def cluster_features(
    data: Sequence[str | os.PathLike],
    train: str | os.PathLike,
    out: str | os.PathLike,
    *,
    like: str | os.PathLike | None = None,
    num_codes: int | None = None,
    hop: int | None = None,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
    note: Callable[[str], None] = lambda text: None,
) -> list[Clustered]:
    """Fit k-means on the MFCC of a data directory; write OUT/<name> for each of some others.

    Args:
        data: directories whose frames are to have codes.
        train: the directory that the centres are fitted on.
        like: a code directory whose rate and K are taken.
        num_codes: K, without `like`.
        hop: samples a code, without `like`.
        seed: of the first centres, and of the utterances that are taken where there are many.
        progress: told (done, total) utterances.
        note: told of utterances that the fit passes over.

    Raises:
        UsageError: neither `like` nor both numbers, `like` and a number, or two directories of one
            name.
        InputError: data that cannot be read, of another rate, or with fewer frames than codes.
        WriteError: a result cannot be written, said before the work.
    """
    from sklearn.cluster import KMeans
    from threadpoolctl import threadpool_limits

    rate = None
    if like is not None:
        if num_codes is not None or hop is not None:
            raise UsageError("--like has the number of codes and the hop; leave out those given")
        settings = read_code_dir(like)
        num_codes, hop, rate = (
            settings.num_codes**settings.groups,
            settings.hop,
            settings.sample_rate,
        )
    elif num_codes is None or hop is None:
        raise UsageError("give --like CODES, or both --num-codes and --hop")
    names = [Path(path).resolve().name for path in data]
    if len(set(names)) < len(names):
        raise UsageError(f"{', '.join(names)}: two of one name; cluster them into other folders")
    targets = [follow_link(Path(out) / name) for name in names]
    for target in targets:
        check_code_target(target)
    sources = [_Source(DataDir.read(path), rate) for path in (train, *data)]
    for source in sources[1:]:
        if source.sample_rate != sources[0].sample_rate:
            raise InputError(
                f"{source.data_dir.path}: {source.sample_rate} Hz, {train} has "
                f"{sources[0].sample_rate}; prepare both at one rate"
            )
    chosen = _choose(sources[0].stretches, hop, seed)
    if len(chosen) < len(sources[0].stretches):
        note(f"{train}: {len(chosen)} of {len(sources[0].stretches)} utterances are fitted on")
    total, done = len(chosen) + sum(len(source.stretches) for source in sources[1:]), 0

    def features(stretch: Stretch) -> np.ndarray:
        nonlocal done
        waveform = make_batch([(stretch, 0)], stretch.length).waveform[0].numpy()
        found = mfcc_features(waveform, sources[0].sample_rate, hop)
        done += 1
        if progress is not None:
            progress(done, total)
        return found

    fitted = np.concatenate([features(stretch) for stretch in chosen])  # (L, F)
    if len(fitted) < num_codes:
        raise InputError(
            f"{train}: {len(fitted)} frames for {num_codes} clusters; give more data or fewer codes"
        )
    mean, scale = fitted.mean(0), fitted.std(0) + 1e-6
    kmeans = KMeans(num_codes, n_init=1, max_iter=ROUNDS, random_state=seed)
    with threadpool_limits(1):  # sums in another order would give other codes of the same seed
        kmeans.fit((fitted - mean) / scale)
    model_hash = "mfcc-" + hashlib.sha256(kmeans.cluster_centers_.tobytes()).hexdigest()[:11]
    results = []
    for source, target in zip(sources[1:], targets, strict=True):
        codes = {
            stretch.utterance: kmeans.predict((features(stretch) - mean) / scale)
            for stretch in source.stretches
        }
        with path_lock(target):
            sweep_temporaries(target.parent, target.name)
            write_code_dir(
                target,
                codes,
                source.data_dir,
                hop=hop,
                sample_rate=source.sample_rate,
                num_codes=num_codes,
                groups=1,
                model_hash=model_hash,
            )
        everything = np.concatenate(list(codes.values()))
        results.append(Clustered(target, len(codes), len(everything), len(np.unique(everything))))
    return results


class _Source:
    """A data directory, its utterances and its rate."""

    def __init__(self, data_dir: DataDir, wanted_rate: int | None):
        from vqspeech.audio.waveform import read_header

        self.data_dir = data_dir
        first = next(iter(data_dir.values()))
        self.sample_rate = wanted_rate or read_header(first.audio).sample_rate
        self.stretches = list_stretches([data_dir], data_dir.speakers, self.sample_rate)


def _choose(stretches: Sequence[Stretch], hop: int, seed: int) -> list[Stretch]:
    """Utterances of `FIT_FRAMES` frames in all, drawn alike; all if there are fewer."""
    order = np.random.default_rng(seed).permutation(len(stretches))
    frames = np.cumsum([-(-stretches[index].length // hop) for index in order])
    enough = int(np.searchsorted(frames, FIT_FRAMES)) + 1
    return [stretches[index] for index in sorted(order[:enough])]
