"""Speech to codes on disk: recordings, or whole data directories."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from vqspeech.checkpoint import find_named, packaged_models
from vqspeech.data.code_file import FORMATS, RecordedCodes, save_codes
from vqspeech.data.codes import check_code_target, write_code_dir
from vqspeech.data.crops import list_stretches, make_batch
from vqspeech.data.data_dir import DataDir
from vqspeech.data.targets import check_targets, unique_files
from vqspeech.errors import UsageError
from vqspeech.files import follow_link, is_folder, path_lock, sweep_temporaries
from vqspeech.generation.voice import Voice
from vqspeech.models.code_hash import hash_codes
from vqspeech.stages.recordings import encode_recordings


def encode_data_dir(
    voice: Voice,
    data: str | os.PathLike,
    out: str | os.PathLike,
    *,
    model_hash: str,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, int]:
    """Write a code directory with the codes of every utterance of a data directory.

    Speakers the model does not know are encoded too: the encoder is told of no speaker.

    Args:
        model_hash: of the model, so that a prior can refuse codes of another.
        progress: told (done, total) after each utterance.

    Returns:
        Numbers of utterances, frames and of different codes used.

    Raises:
        WriteError: `out` cannot be written or holds something else, said before the work.
        BusyError: another process encodes to the same place.
    """
    out = follow_link(out)
    check_code_target(out)
    with path_lock(out):
        sweep_temporaries(out.parent, out.name)
        data_dir = DataDir.read(data)
        stretches = list_stretches([data_dir], data_dir.speakers, voice.sample_rate)
        codes: dict[str, np.ndarray] = {}
        for stretch in stretches:
            waveform = make_batch([(stretch, 0)], stretch.length).waveform[0]
            codes[stretch.utterance] = voice.encode(waveform)
            if progress is not None:
                progress(len(codes), len(stretches))
        quantizer = voice.model.quantizer
        write_code_dir(
            out,
            codes,
            data_dir,
            hop=voice.hop,
            sample_rate=voice.sample_rate,
            num_codes=quantizer.num_codes,
            groups=quantizer.groups,
            model_hash=model_hash,
        )
    everything = np.concatenate([array.reshape(-1) for array in codes.values()])
    return {
        "utterances": len(codes),
        "frames": sum(map(len, codes.values())),
        "codes_used": len(np.unique(everything)),
    }


def encode_files(
    voice: Voice,
    sources: Sequence[str | os.PathLike],
    out: str | os.PathLike,
    *,
    model_hash: str = "",
    file_format: str = "npz",
    overwrite: bool = False,
    note: Callable[[str], None] = lambda text: None,
) -> tuple[list[tuple[Path, int]], list[str]]:
    """Write the codes of recordings to OUT/<name>.npz, or with the suffix of another format.

    Args:
        model_hash: of the model, so that its codes are not spoken by another.
        file_format: one of `FORMATS`.
        overwrite: replace files that are there.
        note: told what had to be changed in a recording.

    Returns:
        Each file written with its frames, and a line for each recording that failed.

    Raises:
        UsageError: two recordings of the same name.
        WriteError: a file is there already and `overwrite` is not set, or cannot be written.
    """
    sources = unique_files(sources)
    targets = [Path(out) / f"{source.stem}{FORMATS[file_format]}" for source in sources]
    check_targets(targets, sources, overwrite=overwrite)
    written, failures = [], []
    target_of = dict(zip(sources, targets, strict=True))
    for source, codes, samples in encode_recordings(voice, sources, failures, note):
        facts = (voice.sample_rate, voice.hop, samples, voice.name, model_hash)
        save_codes(target_of[source], RecordedCodes(codes, *facts))
        written.append((target_of[source], len(codes)))
    return written, failures


def data_dir_among(sources: Sequence[Path]) -> Path | None:
    """The data directory that is to be encoded; None when the sources are recordings.

    Raises:
        UsageError: a folder and something else.
        InputError: the system will not say what a source is.
    """
    folders = [source for source in sources if is_folder(source)]
    if folders and len(sources) > 1:
        raise UsageError(f"{folders[0]}: a data directory is encoded by itself, one a command")
    return folders[0] if folders else None


def hash_model(model: str | os.PathLike | None) -> str:
    """What codes of a speech model are known by: `hash_codes` of a path or a name.

    The same wherever the folder lies, for a checkpoint and a model that was exported from it, and
    for models that differ in their decoders or speakers alone: their codes mean the same.

    Raises:
        InputError: no speech model there, or an incomplete one.
    """
    name = model if model is not None else next(iter(packaged_models()), "")
    return hash_codes(find_named(name))
