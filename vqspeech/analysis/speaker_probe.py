"""How much of the speaker is left in the codes: by a classifier, and in bits.

The probe guesses who speaks an utterance from how often it uses each code. The information
I(s; c) / H(s) needs no classifier, but finds some in any finite corpus: it is printed less what is
found when speakers are shuffled over utterances. U utterances, S speakers, N frames, K codes.
"""

import warnings
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from vqspeech.analysis.bootstrap import draw_resamples, interval
from vqspeech.analysis.codebook_usage import entropy_bits
from vqspeech.analysis.runs import check_starts

FOLDS = 5
# What a probe costs grows with utterances x codes x speakers. Beyond these bounds it is made on a
# part that is drawn by the seed; the share of rare codes is one number.
MOST_SPEAKERS, MOST_UTTERANCES, MOST_CODES = 50, 2000, 1024
SHUFFLES = 10
_DENSE = 1 << 24  # cells of a table of counts; larger ones are counted by sorting


@dataclass(frozen=True)
class SpeakerProbe:
    """Accuracy of a linear classifier on utterances that it was not fitted on.

    Attributes:
        accuracy: share of the utterances whose speaker is guessed.
        low: of the 95 % interval.
        high: of the interval.
        resampled: what the interval was drawn over, as `Resamples.what` says.
        chance: share of the commonest speaker, which a constant guess reaches.
        uniform: 1 / speakers.
        speakers: how many the probe has to tell apart.
        utterances: of these speakers, each guessed once.
        folds: of the cross-validation.
        speakers_in_all: how many there were to choose from.
        too_few: speakers left out because they have a single utterance.
    """

    accuracy: float
    low: float
    high: float
    resampled: str
    chance: float
    uniform: float
    speakers: int
    utterances: int
    folds: int
    speakers_in_all: int
    too_few: int


@dataclass(frozen=True)
class SpeakerInformation:
    """What a code tells of the speaker, frame by frame.

    Attributes:
        bits: I(s; c).
        entropy_bits: H(s), over frames.
        share: I(s; c) / H(s).
        shuffled: the same with speakers shuffled over utterances, mean of `shuffles`.
        excess: share - shuffled.
        shuffles: how many.
    """

    bits: float
    entropy_bits: float
    share: float
    shuffled: float
    excess: float
    shuffles: int


def probe_speakers(
    codes: np.ndarray, frame_starts: np.ndarray, speaker: np.ndarray, *, seed: int = 0
) -> SpeakerProbe | None:
    """Guess speakers from code histograms, by multinomial logistic regression.

    Histograms are shares of the utterance's frames, each code scaled to unit variance within the
    utterances that are fitted on. Folds are stratified by speaker, over utterances.

    Args:
        codes: (N,) int.
        frame_starts: (U + 1,), as in `AlignedCodes`.
        speaker: (U,) int.
        seed: of folds, interval, and of the part that is taken where there is more than
            `MOST_SPEAKERS` and `MOST_UTTERANCES`.

    Returns:
        None where not even two speakers have two utterances each.

    Raises:
        ValueError: fewer than two speakers.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold, cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    frame_starts = check_starts(frame_starts, len(codes))
    in_all, is_heard = _count_speakers(speaker), np.diff(frame_starts) > 0
    rng = np.random.default_rng(seed)
    chosen, too_few = _choose_utterances(np.where(is_heard, speaker, -1), rng)
    who = np.asarray(speaker)[chosen]
    sizes = np.unique(who, return_counts=True)[1]
    if len(sizes) < 2:
        return None
    folds = min(FOLDS, int(sizes.max()))
    # A little regularisation: utterances are fewer than codes, and any set of them is separable.
    classifier = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=200, tol=1e-3))
    splits = StratifiedKFold(folds, shuffle=True, random_state=int(rng.integers(1 << 31)))
    with warnings.catch_warnings():
        # A speaker with fewer utterances than folds is missing in some of them, which is meant.
        warnings.filterwarnings("ignore", "The least populated class", UserWarning)
        warnings.filterwarnings("ignore", category=ConvergenceWarning)
        histograms = _histograms(codes, frame_starts, chosen)
        guessed = cross_val_predict(classifier, histograms, who, cv=splits)
    is_right = (guessed == who).astype(np.int64)
    resamples = draw_resamples(who, seed=seed)
    sums = resamples.resampled(np.stack([is_right, np.ones_like(is_right)], axis=1))
    low, high = interval(sums[:, 0] / sums[:, 1])
    return SpeakerProbe(
        accuracy=float(is_right.mean()),
        low=float(low),
        high=float(high),
        resampled=resamples.what,
        chance=float(sizes.max() / len(who)),
        uniform=1 / len(sizes),
        speakers=len(sizes),
        utterances=len(who),
        folds=folds,
        speakers_in_all=in_all,
        too_few=too_few,
    )


def measure_speaker_information(
    codes: np.ndarray, frame_starts: np.ndarray, speaker: np.ndarray, *, seed: int = 0
) -> SpeakerInformation:
    """I(s; c) / H(s), and the same for speakers shuffled over utterances.

    Args:
        codes: (N,) int.
        frame_starts: (U + 1,), as in `AlignedCodes`.
        speaker: (U,) int.
        seed: of the shuffles.

    Raises:
        ValueError: fewer than two speakers that are heard.
    """
    frame_starts = check_starts(frame_starts, len(codes))
    lengths = np.diff(frame_starts)
    speaker = np.asarray(speaker)
    _count_speakers(speaker[lengths > 0])
    who = np.unique(speaker, return_inverse=True)[1]
    used, symbols = np.unique(codes, return_inverse=True)
    code_entropy = entropy_bits(np.bincount(symbols))
    rng = np.random.default_rng(seed)
    found = []
    for number in range(SHUFFLES + 1):
        order = rng.permutation(who) if number else who
        speaker_entropy = entropy_bits(np.bincount(order, weights=lengths))
        keys = np.repeat(order * len(used), lengths) + symbols
        table = _counts(keys, len(used) * (int(who.max()) + 1))
        bits = speaker_entropy + code_entropy - entropy_bits(table)
        # A shuffle that gives all frames to one speaker leaves nothing to know.
        share = bits / speaker_entropy if speaker_entropy > 0 else 0.0
        found.append((bits, speaker_entropy, share))
    bits, speaker_entropy, share = found[0]
    shuffled = float(np.mean([share for _, _, share in found[1:]]))
    return SpeakerInformation(
        float(bits),
        float(speaker_entropy),
        float(share),
        shuffled,
        float(share - shuffled),
        SHUFFLES,
    )


def _count_speakers(speaker: np.ndarray) -> int:
    count = len(np.unique(speaker))
    if count < 2:
        raise ValueError(f"{count} speakers; two are wanted to tell apart")
    return count


def _choose_utterances(speaker: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, int]:
    """Sorted numbers of the utterances to probe, and how many speakers have too few.

    Args:
        speaker: (U,), -1 for utterances without frames.
    """
    names, index, sizes = np.unique(speaker, return_inverse=True, return_counts=True)
    able = np.flatnonzero((sizes >= 2) & (names >= 0))
    too_few = int(((sizes == 1) & (names >= 0)).sum())
    if len(able) > MOST_SPEAKERS:
        able = rng.choice(able, MOST_SPEAKERS, replace=False)
    most = MOST_UTTERANCES // max(len(able), 1)
    chosen = [np.flatnonzero(index == number) for number in able]
    chosen = [rng.choice(own, most, replace=False) if len(own) > most else own for own in chosen]
    return np.sort(np.concatenate([*chosen, np.zeros(0, np.int64)])), too_few


def _histograms(codes: np.ndarray, starts: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """(U', at most `MOST_CODES`) float64: the share of each code among an utterance's frames."""
    lengths = starts[chosen + 1] - starts[chosen]
    rows = np.repeat(np.arange(len(chosen)), lengths)
    within = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    used, symbols = np.unique(codes[starts[chosen][rows] + within], return_inverse=True)
    if len(used) > MOST_CODES:
        by_count = np.argsort(-np.bincount(symbols), kind="stable")
        place = np.empty_like(by_count)
        place[by_count] = np.arange(len(used))
        symbols = np.minimum(place[symbols], MOST_CODES - 1)
    table = sparse.coo_array((np.ones(len(rows)), (rows, symbols))).toarray()
    return table / lengths[:, None]


def _counts(keys: np.ndarray, size: int) -> np.ndarray:
    if size <= _DENSE:
        return np.bincount(keys, minlength=size)
    return np.unique(keys, return_counts=True)[1]
