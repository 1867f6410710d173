"""The tiers that show an utterance of a code directory: its codes, the phones they read as, and
those of the alignment.

One begin and one end for all: the recording's, which ends within its last frame, where a table says
when. L is frames, G groups.
"""

from collections.abc import Sequence

import numpy as np

from vqspeech.data.alignment import END_SECONDS, Phone
from vqspeech.data.code_labels import Interval, code_tiers, label_codes, label_phones
from vqspeech.data.codes import CodeDir
from vqspeech.data.unit_exports import pool_codes
from vqspeech.errors import InputError

MAPPED, REFERENCE = "mapped phones", "reference phones"


def tier_names(groups: int) -> tuple[str, ...]:
    """Every tier that codes of so many groups may have."""
    codes = ("codes",) if groups == 1 else tuple(f"codes-{g + 1}" for g in range(groups))
    return (*codes, MAPPED, REFERENCE)


def label_tiers(
    code_dir: CodeDir,
    utterance: str,
    *,
    pool: int = 1,
    mapped: np.ndarray | None = None,
    phone_names: Sequence[str] = (),
    phones: Sequence[Phone] = (),
) -> dict[str, list[Interval]]:
    """Tiers by name, each from 0 to the end of the recording.

    Args:
        pool: frames whose codes are shown as one.
        mapped: (L,) the phone of each frame before pooling, as `phone_names` counts them.
        phones: of the alignment, in time.

    Raises:
        InputError: the tables or the alignment tell of another length than the codes.
    """
    samples = count_recorded(code_dir, utterance)
    seconds = samples / code_dir.sample_rate
    times = {"sample_rate": code_dir.sample_rate, "samples": samples}
    codes = pool_codes(np.asarray(code_dir[utterance]), pool)
    tiers = code_tiers(codes, hop=code_dir.hop * pool, **times)
    if mapped is not None:
        tiers[MAPPED] = label_codes(mapped, hop=code_dir.hop, names=phone_names, **times)
    if phones:
        end = phones[-1].start_seconds + phones[-1].duration_seconds
        if end > seconds + END_SECONDS:
            raise InputError(
                f"{code_dir.path / 'phones.ctm'}: {phones[-1].label} of {utterance} ends at "
                f"{end:.3f} s, its codes at {seconds:.3f} s; align the data again and encode it"
            )
        tiers[REFERENCE] = label_phones(phones, seconds)
    return tiers


def count_recorded(code_dir: CodeDir, utterance: str) -> int:
    """Samples of the recording; of whole frames where no table says how long it is.

    Raises:
        InputError: the table says another length than the codes have.
    """
    frames = len(code_dir[utterance])
    covered = frames * code_dir.hop
    if (seconds := code_dir.durations.get(utterance)) is None:
        return covered
    samples = round(seconds * code_dir.sample_rate)
    if not 0 <= covered - samples < code_dir.hop:
        raise InputError(
            f"{code_dir.path / 'utt2dur'}: {utterance} lasts {seconds:g} s, its {frames} codes "
            f"{covered / code_dir.sample_rate:g} s; encode the data again"
        )
    return samples
