"""Made-up files of scores: what `evaluate conversion` writes, with numbers of one's choice."""

import json

WORDS = "the birch canoe slid on the smooth planks"  # 8 words, 41 characters
GENDERS = {"p901": "f", "p902": "f", "p907": "m", "p908": "m"}


def make_pair(source, target, number=1, **converted):
    """A pair of one recording of `source` and a target; `converted` are its measures."""
    recording = f"{source}_{number:03d}"
    genders = [GENDERS.get(name, "f") for name in (source, target)]
    return {
        "id": f"{recording}>{target}",
        "source": recording,
        "source_speaker": source,
        "target": target,
        "direction": "-".join(genders),
        "seconds": 3.2,
        "source_words": WORDS,
        "converted_words": WORDS,
        "reference_words": WORDS,
        "converted": {"wer": 0.25, "similarity_target": 0.75, "mcd_db": None} | converted,
        "copy_synthesis": {"wer": 0.125},
        "original": {"wer": 0.0},
    }


def conversion_scores(pairs=None, **changes):
    """The whole object; by default every one of four speakers says a sentence as every other."""
    speakers = list(GENDERS)
    if pairs is None:
        pairs = [make_pair(a, b) for a in speakers for b in speakers if a != b]
    summary = {
        "wer": {"value": 0.25, "low": 0.2, "high": 0.3125, "count": len(pairs)},
        "similarity_target": {"value": 0.75, "low": 0.7, "high": 0.8, "count": len(pairs)},
        "nearer_target": {"value": 0.875, "low": 0.75, "high": 1.0, "count": len(pairs)},
    }
    clean = {"wer": {"value": 0.0, "low": 0.0, "high": 0.0, "count": len(pairs)}}
    return {
        "kind": "conversion-scores",
        "format": 1,
        "data": "test",
        "model": "mini",
        "model_hash": "5eed",
        "sample_rate": 8000,
        "temperature": 0.8,
        "seed": 0,
        "environment": {"command": "vqspeech evaluate conversion"},
        "evaluators": {
            "recogniser": {"name": "faster-whisper", "model": "tiny.en", "version": "1.2.1"},
            "speaker": {"name": "Resemblyzer", "version": "0.1.4"},
            "pitch": {"name": "librosa.pyin", "version": "0.11.0", "settings": "60 to 400 Hz"},
            "quality": None,
        },
        "reference": "text",
        "summary": {"converted": summary, "copy_synthesis": clean, "original": clean},
        "directions": dict.fromkeys(("f-f", "f-m", "m-f", "m-m"), summary),
        "pairs": pairs,
        "similarity_matrix": {
            "targets": speakers,
            "speakers": speakers,
            "values": [
                [0.85 if i == j else 0.5 + 0.01 * (i + 2 * j) for j in range(4)] for i in range(4)
            ],
        },
        "trials": {
            "eer": {"value": 0.05, "low": 0.02, "high": 0.08},
            "genuine": 12,
            "impostor": 36,
        },
    } | changes


def write_scores(path, scores):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(scores))
    return path
