import numpy as np
import pytest

from vqspeech.audio.waveform import write_waveform
from vqspeech.data.data_dir import DataDir, Trim, Utterance, write_data_dir
from vqspeech.data.validate import validate_data_dir
from vqspeech.errors import BusyError, InputError, UsageError, WriteError
from vqspeech.files import path_lock
from vqspeech.stages.import_alignments import NoMatchError, import_alignments

ROWS = [(0, 0.25, ""), (0.25, 0.5, "HH"), (0.5, 1.0, "AY1"), (1.0, 1.25, "spn"), (1.25, 2, "sil")]


def text_grid(rows=ROWS, end=2.0, tier="phones", start=0):
    """A TextGrid as MFA writes it, with its words before its phones."""
    text = 'File type = "ooTextFile"\nObject class = "TextGrid"\n\n'
    text += f"xmin = {start}\nxmax = {end}\ntiers? <exists>\nsize = 1\nitem []:\n    item [1]:\n"
    text += f'        class = "IntervalTier"\n        name = "{tier}"\n'
    text += f"        xmin = {start}\n        xmax = {end}\n        intervals: size = {len(rows)}\n"
    for number, (begin, stop, label) in enumerate(rows, start=1):
        text += f"        intervals [{number}]:\n            xmin = {begin}\n"
        text += f'            xmax = {stop}\n            text = "{label}"\n'
    return text


@pytest.fixture
def data(tmp_path):
    """A data directory of three utterances of two seconds."""
    audio = tmp_path / "audio" / "a.wav"
    audio.parent.mkdir()
    write_waveform(audio, np.zeros(32000, np.float32), 16000)
    names = ("ann-1", "ann-2", "bob-1")
    rows = [Utterance(name, name[:3], audio, "hi") for name in names]
    write_data_dir(tmp_path / "data", rows, durations=dict.fromkeys(names, 2.0))
    return tmp_path / "data"


@pytest.fixture
def archive(tmp_path):
    """A function that writes TextGrids by path."""

    def write(**grids):
        for name, content in grids.items():
            path = tmp_path / "archive" / (name.replace("__", "/").replace("_", "-") + ".TextGrid")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
        return tmp_path / "archive"

    return write


def lines(data):
    return [line.split() for line in (data / "phones.ctm").read_text().splitlines()]


def labels(data, utterance="ann-1"):
    return [line[4] for line in lines(data) if line[0] == utterance]


def test_phones_get_the_times_and_names_that_the_text_grid_has(data, archive):
    done = import_alignments(archive(ann_1=text_grid(), bob__bob_1=text_grid()), data)
    wanted = [
        ("0.0000", "0.2500", "SIL"),
        ("0.2500", "0.2500", "HH"),
        ("0.5000", "0.5000", "AY"),
        ("1.0000", "0.2500", "SPN"),
        ("1.2500", "0.7500", "SIL"),
    ]
    assert lines(data) == [[key, "1", *row] for key in ("ann-1", "bob-1") for row in wanted]
    assert validate_data_dir(data) == []
    assert (done.num_aligned, done.num_utterances, done.num_labels) == (2, 3, 4)
    assert done.seconds == pytest.approx(4.0)
    assert done.without == ("ann-2",)
    assert done.skipped == ()
    assert done.notes == (f"{data}/phones.ctm: 1 of 3 utterances have no alignment: ann-2",)


def test_smaller_sets_fold_or_leave_out_noise_and_silence(data, archive):
    folder = archive(ann_1=text_grid())
    import_alignments(folder, data, phones=40)
    assert labels(data) == ["SIL", "HH", "AY", "SIL", "SIL"]
    import_alignments(folder, data, phones=39, overwrite=True)
    assert labels(data) == ["HH", "AY"]
    with pytest.raises(UsageError, match="--phones 38"):
        import_alignments(folder, data, phones=38, overwrite=True)


def trimmed(data, start, duration, end):
    rows = DataDir.read(data)
    lengths = dict.fromkeys(rows, duration)
    write_data_dir(data, rows.values(), durations=lengths, trims={"ann-1": Trim(start, end)})


def test_times_move_by_what_was_cut_off_the_beginning_and_end_with_the_audio(data, archive):
    trimmed(data, 0.375, 1.0, 0.625)
    done = import_alignments(archive(ann_1=text_grid()), data)
    assert lines(data) == [
        ["ann-1", "1", "0.0000", "0.1250", "HH"],
        ["ann-1", "1", "0.1250", "0.5000", "AY"],
        ["ann-1", "1", "0.6250", "0.2500", "SPN"],
        ["ann-1", "1", "0.8750", "0.1250", "SIL"],
    ]
    assert [breach for breach in validate_data_dir(data) if "phones.ctm" in breach] == []
    assert "trimmed audio" not in " ".join(done.notes)


def test_an_alignment_of_the_trimmed_audio_is_not_moved_and_told(data, archive):
    trimmed(data, 0.375, 2.0, 0.0)
    done = import_alignments(archive(ann_1=text_grid()), data)
    assert lines(data)[1] == ["ann-1", "1", "0.2500", "0.2500", "HH"]
    assert "1 TextGrids are as long as the trimmed audio" in done.notes[0]


def test_a_text_grid_of_another_length_is_skipped_with_both_lengths(data, archive):
    grids = {
        "ann_1": text_grid(),
        "ann_2": text_grid([*ROWS[:4], (1.25, 2.2, "sil")], end=2.2),
        "bob_1": text_grid(ROWS[:4], end=1.25),
    }
    done = import_alignments(archive(**grids), data)
    assert labels(data, "ann-2") == labels(data, "bob-1") == []
    assert [reason for _, reason in done.skipped] == 2 * ["not as long as the recording"]
    assert "ann-2.TextGrid (lasts 2.20 s, the recording 2.00 s)" in done.skipped[0][0]
    assert "bob-1.TextGrid (lasts 1.25 s, the recording 2.00 s)" in done.skipped[1][0]
    assert done.without == ("ann-2", "bob-1")
    assert any(note.startswith("skipped 2 (not as long as the recording): ") for note in done.notes)


@pytest.mark.parametrize("end", [1.25, 1.85, 2.15, 2.85, 3.15, 4.0])
def test_of_what_was_trimmed_a_text_grid_is_of_the_whole_or_of_what_was_kept(data, archive, end):
    trimmed(data, 0.75, 2.0, 0.25)
    rows = [(0, 1, "AA"), (1, end, "B")]
    with pytest.raises(InputError, match=rf"\(lasts {end:.2f} s, the recording 3.00 s, 2.00 s of"):
        import_alignments(archive(ann_1=text_grid(rows, end=end)), data)


@pytest.mark.parametrize(("end", "start"), [(1.92, 1.0), (2.08, 1.0), (2.92, 0.25), (3.08, 0.25)])
def test_what_is_nearly_as_long_as_either_is_taken_for_it(data, archive, end, start):
    trimmed(data, 0.75, 2.0, 0.25)
    import_alignments(archive(ann_1=text_grid([(0, 1, "AA"), (1, end, "B")], end=end)), data)
    assert float(lines(data)[1][2]) == start


def test_a_recording_of_which_little_was_cut_is_known_by_the_nearer_length(data, archive):
    trimmed(data, 0.05, 2.0, 0.01)
    for end, start in ((2.0, "1.0000"), (2.02, "1.0000"), (2.04, "0.9500"), (2.06, "0.9500")):
        rows = [(0, 1, "AA"), (1, end, "B")]
        import_alignments(archive(ann_1=text_grid(rows, end=end)), data, overwrite=True)
        assert lines(data)[1][2] == start


def test_phones_that_pass_the_end_a_little_are_cut_and_empty_ones_dropped(data, archive):
    rows = [(0, 1, "AA"), (1, 1, "B"), (1, 1.97, "K"), (1.97, 2.03, "IY"), (2.03, 2.08, "T")]
    import_alignments(archive(ann_1=text_grid(rows, end=2.08)), data)
    assert [line[2:] for line in lines(data)] == [
        ["0.0000", "1.0000", "AA"],
        ["1.0000", "0.9700", "K"],
        ["1.9700", "0.0300", "IY"],
    ]
    assert validate_data_dir(data) == []


def test_overlaps_of_rounding_are_cut(data, archive):
    rows = [(0, 1.001, "AA"), (1, 2, "B")]
    import_alignments(archive(ann_1=text_grid(rows)), data)
    assert lines(data)[1][2:] == ["1.0010", "0.9990", "B"]
    assert validate_data_dir(data) == []


def test_without_a_table_of_durations_the_audio_says_how_long_it_is(data, archive):
    (data / "utt2dur").unlink()
    folder = archive(ann_1=text_grid(), ann_2=text_grid(ROWS[:4], end=1.25))
    assert import_alignments(folder, data).num_aligned == 1


def test_segments_are_as_long_as_their_stretch(tmp_path, archive):
    audio = tmp_path / "audio" / "a.wav"
    audio.parent.mkdir()
    write_waveform(audio, np.zeros(64000, np.float32), 16000)
    row = Utterance("ann-1", "ann", audio, "hi", 1.0, 3.0)
    write_data_dir(tmp_path / "data", [row])
    import_alignments(archive(ann_1=text_grid()), tmp_path / "data")
    assert lines(tmp_path / "data")[1] == ["ann-1", "1", "0.2500", "0.2500", "HH"]


@pytest.mark.parametrize("tier", ["phones", "Phone", "PHONES", "ann - phones"])
def test_the_tier_of_phones_is_known_by_its_name(data, archive, tier):
    assert import_alignments(archive(ann_1=text_grid(tier=tier)), data).num_aligned == 1


def two_tiers(first, second):
    tier = text_grid(tier=second)
    tier = tier[tier.index("    item [1]") :].replace("AY1", "OW")
    return text_grid(tier=first).replace("size = 1\n", "size = 2\n", 1) + tier


def test_of_the_tiers_of_several_speakers_the_utterance_takes_its_own(data, archive):
    import_alignments(archive(ann_1=two_tiers("bob - phones", "ann - phones")), data)
    assert labels(data) == ["SIL", "HH", "OW", "SPN", "SIL"]
    with pytest.raises(InputError, match=r"several tiers hold phones.*\(x - phones, y - phones\)"):
        import_alignments(
            archive(ann_1=two_tiers("x - phones", "y - phones")), data, overwrite=True
        )


def test_unknown_labels_skip_their_utterance_and_are_named_with_counts(data, archive):
    odd = [(0, 0.5, "ix"), (0.5, 1, "h#"), (1, 1.5, "ix"), (1.5, 2, "AA")]
    done = import_alignments(archive(ann_1=text_grid(), ann_2=text_grid(odd)), data)
    assert done.without == ("ann-2", "bob-1")
    ((name, reason),) = done.skipped
    assert name.endswith("ann-2.TextGrid ('ix', 'h#')")
    assert reason == "labels that are no phones of ARPAbet"
    assert "'ix' (2), 'h#' (1); ARPAbet was wanted" in done.notes[0]


def refusal(folder, data):
    before = sorted(path.name for path in data.iterdir())
    with pytest.raises(InputError) as refused:
        import_alignments(folder, data)
    assert sorted(path.name for path in data.iterdir()) == before
    assert "\n" not in str(refused.value)
    return str(refused.value)


def test_an_archive_of_ipa_is_recognised(data, archive):
    rows = [(0, 1, "tʃ"), (1, 2, "ɪ")]
    assert "align with MFA's english_us_arpa" in refusal(archive(ann_1=text_grid(rows)), data)


def test_an_archive_of_words_is_recognised(data, archive):
    rows = [(0, 1, "hello"), (1, 2, "")]
    said = refusal(archive(ann_1=text_grid(rows, tier="words")), data)
    assert "words and no phones" in said
    assert "vqspeech align make" in said


def test_an_archive_of_another_corpus_shows_a_name_of_each(data, archive):
    with pytest.raises(
        NoMatchError, match=r"none of 1 TextGrids, such as p225-001.TextGrid,.*ann-1"
    ):
        import_alignments(archive(p225_001=text_grid()), data)


def test_what_cannot_be_used_is_told_by_kind_and_the_rest_is_used(data, archive):
    grids = {"ann_1": text_grid(), "ann_2": text_grid()[:-40], "bob_1": text_grid(tier="codes")}
    folder = archive(**grids, x__ann_1=text_grid(), zoe_7=text_grid())
    done = import_alignments(folder, data)
    assert done.num_aligned == 1
    kinds = {reason: name for name, reason in done.skipped}
    assert kinds["its utterance has another TextGrid"].endswith("x/ann-1.TextGrid")
    assert "ann-2.TextGrid: " in kinds["cannot be read"]
    assert kinds["no tier called phones"].endswith("bob-1.TextGrid ('codes')")
    assert (
        f"1 of 5 TextGrids are of no utterance of {data}, such as zoe-7.TextGrid" in done.notes[0]
    )


def test_text_grids_of_other_parts_are_no_news_where_all_are_aligned(data, archive):
    every = {key.replace("-", "_"): text_grid() for key in DataDir.read(data)}
    done = import_alignments(archive(**every, zoe_7=text_grid()), data)
    assert (done.num_aligned, done.without, done.notes) == (len(every), (), ())


def test_an_alignment_that_is_there_is_kept_unless_told(data, archive):
    (data / "phones.ctm").write_text("ann-1 1 0.0 0.5 M\n")
    folder = archive(ann_1=text_grid())
    with pytest.raises(WriteError, match=r"phones.ctm: is there already; --overwrite"):
        import_alignments(folder, data)
    assert labels(data) == ["M"]
    import_alignments(folder, data, overwrite=True)
    assert labels(data) == ["SIL", "HH", "AY", "SPN", "SIL"]


def test_a_data_directory_in_use_or_absent_is_refused(data, archive, tmp_path):
    folder = archive(ann_1=text_grid())
    with path_lock(data), pytest.raises(BusyError):
        import_alignments(folder, data)
    (data / "wav.scp").unlink()  # as while it is written anew: what is there is not read
    with path_lock(data), pytest.raises(BusyError):
        import_alignments(folder, data)
    with pytest.raises(InputError, match="no such folder"):
        import_alignments(folder, tmp_path / "none" / "below")
    assert not (tmp_path / "none").exists()


def test_progress_counts_the_text_grids_of_the_data_directory(data, archive):
    told = []
    folder = archive(ann_1=text_grid(), bob_1=text_grid(), zoe_7=text_grid())
    import_alignments(folder, data, progress=lambda *counts: told.append(counts))
    assert told == [(1, 2), (2, 2)]
