"""Tables of the video recipe against a few results worked out by hand."""

import copy
import json

import pytest
from video_facts import clip_facts, video_facts

from recipes.frames.tables import as_markdown
from recipes.video.result_files import FILES
from recipes.video.results import app
from recipes.video.video_tables import (
    bits_table,
    clip_table,
    drift_table,
    fidelity_table,
    judge_savings,
    saved_table,
    video_tables,
)
from vqspeech.cli.leave import run_for_status
from vqspeech.errors import InputError


def cells(figures):
    """Columns and rows of a table as it is printed, by the first cell of each."""
    rows = [line[2:-2].split(" | ") for line in as_markdown(figures).split("\n") if line[:1] == "|"]
    return {row[0].strip(): [cell.strip() for cell in row[1:]] for row in rows}


def changed(make, *path, to):
    """Made-up results in which one value is another; `del` for none at all."""
    facts = copy.deepcopy(make())
    *above, last = path
    entry = facts
    for key in above:
        entry = entry[key]
    if to == "del":
        del entry[last]
    else:
        entry[last] = to
    return facts


def test_bits_of_each_system_stand_beside_those_of_codes_that_are_equally_likely():
    rows = cells(bits_table(video_facts()))
    assert rows["6 frames before, and the action"] == ["12.0", "2.000", "12,345"]
    assert rows["the same, averaged over actions that might have come"] == ["12.8", "2.125", ""]
    assert rows["6 frames before, trained without actions"] == ["12.9", "2.146", "12,000"]
    assert rows["PixelCNN, nothing before"] == ["16.5", "2.750", "9,000"]
    assert rows["the last frame repeated"] == ["17.2", "2.875", ""]
    assert rows["all codes equally likely"] == ["18.0", "3.000", ""]  # 2 x 3 of 3 bits
    title = bits_table(video_facts()).title
    assert title == "vizdoom, 2 x 3 codes of 8: 40 held-out frames of 5 episodes"


def test_a_prior_is_called_by_how_many_frames_it_sees():
    rows = cells(bits_table(changed(video_facts, "settings", "context", to=1)))
    assert "1 frame before, told another action" in rows
    assert not any("6 frames" in name for name in rows)


def test_savings_have_intervals_and_stand_beside_what_an_action_can_save():
    table = saved_table(video_facts())
    rows = cells(table)
    assert rows["the action saves, against the average over actions"] == ["0.75", "0.50", "1.00"]
    assert rows["the action saves, against the prior without actions"] == ["0.88", "0.25", "1.50"]
    assert rows["another action costs"] == ["3.00", "2.00", "4.00"]
    assert rows[r"H(action \| past), estimated"] == ["0.81", "0.75", "0.88"]
    assert rows["log2 of the number of actions"] == ["1.00", "", ""]
    told = "frames before and action save, against the PixelCNN"
    assert rows[told] == ["4.50", "2.50", "6.50"]
    assert table.title.endswith("intervals over 5 episodes")
    assert rows["a frame tells of its action"] == ["0.62", "0.50", "0.75"]
    bound, named = table.remarks
    assert bound.startswith("What a frame tells of its action is a bound from below")
    assert bound.endswith("excludes 0.")
    assert "the right one for 93.8 % of the frames" in named
    assert named.endswith("raised to 0.250.")


@pytest.mark.parametrize(
    ("comparison", "entry", "sentence"),
    [
        (None, {"low": -0.004}, "say anything of each other is not shown."),
        (None, {"low": 0.0}, "say anything of each other is not shown."),
        (None, {"low": None, "high": None}, "of one episode, so there is no interval."),
        ("without", {"bits": 1.01}, "than the 1.00 bits that an action can say: that prior has"),
        ("averaged", {"bits": -0.01}, "of a few frames it is too sure"),
    ],
)
def test_savings_that_show_little_are_called_so(comparison, entry, sentence):
    facts = video_facts()
    bits = facts["bits"]
    changed = bits["told"] if comparison is None else bits["saved"][comparison]
    changed |= entry
    said = " ".join(judge_savings(bits))
    assert sentence in said
    assert ("excludes 0" in said) == (comparison is not None)
    assert ("learnt too little" in said) == (comparison == "without")
    assert ("too sure" in said) == (comparison == "averaged")
    assert "-0.00" not in as_markdown(saved_table(facts))


def test_savings_of_a_single_episode_have_no_bounds():
    facts = video_facts()
    for entry in (
        *facts["bits"]["saved"].values(),
        facts["bits"]["action_bits"],
        facts["bits"]["told"],
    ):
        entry |= {"low": None, "high": None, "sources": 1}
    rows = cells(saved_table(facts))
    assert rows["comparison"] == ["bits a frame"]  # blank columns are left out
    assert rows["another action costs"] == ["3.00"]


def test_systems_that_were_not_scored_have_no_rows():
    facts = video_facts()
    for key in ("without", "alone"):
        for part in ("bits_a_frame", "bits_a_code", "saved", "parameters"):
            del facts["bits"][part][key]
    names = [*cells(bits_table(facts)), *cells(saved_table(facts))]
    assert not any("without" in name or "PixelCNN" in name for name in names)
    assert len(judge_savings(facts["bits"])) == 2


def test_a_prior_that_is_told_no_actions_is_not_said_to_know_any():
    facts = video_facts()
    facts["drawn"]["fidelity"] = facts["bits"]["action_bits"] = facts["bits"]["told"] = None
    facts["bits"]["action_names"] = []
    for part in ("bits_a_frame", "bits_a_code", "saved"):
        for key in ("averaged", "another", "without"):
            del facts["bits"][part][key]
    tables = video_tables(facts)
    assert len(tables) == 3
    assert "action" not in "".join(map(as_markdown, tables))
    assert cells(tables[0])["6 frames before"] == ["12.0", "2.000", "12,345"]
    assert "frames before save, against the PixelCNN" in cells(tables[1])


def test_fidelity_is_in_per_cent_and_by_the_steps_that_are_shown():
    table = fidelity_table(video_facts())
    rows = cells(table)
    steps = ["frame 1", "frame 2", "frame 3", "frame 4"]
    assert rows["pairs of frames"] == ["right", "95 % from", "to", *steps]
    real = ["93.8", "81.2", "100.0", "100.0", "75.0", "100.0", "100.0"]
    assert rows["real frames"] == real
    assert rows["drawn, by the actions that were done"][:3] == ["75.0", "62.5", "81.2"]
    assert rows["drawn, right all the way"][3:] == ["100.0", "25.0", "50.0", "100.0"]
    assert rows["always the most frequent action"] == ["62.5", "", "", "", "", "", ""]
    assert table.title == ("Action fidelity, %: 12 clips of 3 held-out episodes, 4 frames each")


@pytest.mark.parametrize(
    ("frames", "shown"),
    [(1, [1]), (4, [1, 2, 3, 4]), (10, [1, 2, 3, 5, 10]), (16, [1, 2, 3, 5, 10, 16])],
)
def test_the_first_steps_and_the_last_are_shown(frames, shown):
    facts = video_facts()
    drawn = facts["drawn"] | {"frames": frames, "psnr": {"gain": []}}
    for name in ("drawn", "repeated", "reconstructed"):
        drawn["psnr"][name] = list(range(1, frames + 1))
    for entry in drawn["drift"].values():
        entry.update({name: list(range(1, frames + 1)) for name in entry})
    rows = cells(drift_table(facts | {"drawn": drawn}))
    assert rows["measure"] == [f"frame {step}" for step in shown]
    assert rows["PSNR, dB: drawn"] == [f"{step}.0" for step in shown]
    assert rows["NMSE when coded once more: drawn"] == [f"{step}.0000" for step in shown]


def test_drawn_frames_stand_beside_real_ones_and_beside_repeating():
    table = drift_table(video_facts())
    rows = cells(table)
    assert rows["PSNR, dB: drawn"] == ["20.2", "19.0", "18.0", "17.0"]
    assert rows["PSNR, dB: the last frame repeated"] == ["18.0", "16.0", "15.0", "14.0"]
    assert rows["entropy of the codes, bits: drawn"] == ["2.00", "3.00", "4.00", "5.00"]
    assert rows["entropy of the codes, bits: real"] == ["1.00", "2.00", "3.00", "4.00"]
    # What is a little below 0 is no -0.0.
    assert table.remarks == (
        "PSNR of drawn frames less that of the last one repeated, at the first: "
        "+2.2 dB [1.5, 3.0], +3.0 dB [0.0, 6.0], +0.0 dB [-4.0, 4.0].",
        "Drawing a clip takes 2.35 s of one core.",
    )


def test_clips_stand_beside_frames_by_themselves():
    table = clip_table(clip_facts())
    rows = cells(table)
    clips = ["1,984.5", "85.3", "24.5", "0.125", "400", "100.2", "2,000"]
    assert rows["clips (3-D)"] == clips
    assert rows["frames (2-D)"][:3] == ["3,969.0", "42.7", "25.2"]
    assert table.title == "vizdoom, 84 x 84: 30 held-out clips of 5 episodes"
    assert table.remarks == (
        "A clip of 8 frames has 4 x 21 x 21 x 1 codes of 512.",
        "Clips against frames, episode by episode: -0.8 dB [-1.5, 0.0].",
    )


def test_clips_without_frames_beside_and_of_no_known_steps_have_no_row_and_no_column():
    rows = cells(clip_table(clip_facts() | {"beside": None, "steps": None}))
    assert list(rows) == ["first stage", "---", "clips (3-D)"]
    assert "steps" not in rows["first stage"]


def written(folder, facts, name="file.json"):
    path = folder / name
    path.write_text(json.dumps(facts), encoding="utf-8")
    return path


def test_the_command_prints_files_in_the_order_given(tmp_path, capsys):
    clips = written(tmp_path, clip_facts(), "clips.json")
    video = written(tmp_path, video_facts(), "video.json")
    assert run_for_status(lambda: app([str(clips), str(video)])) == 0
    printed = capsys.readouterr().out
    assert printed == f"{FILES.markdown_of(clips)}\n{FILES.markdown_of(video)}"
    assert printed.count("    python -m recipes.video.something --out exp\n") == 2
    assert "training of VQ-VAE 42 s, training of prior 2 h 5 min." in printed


def test_a_mistake_leaves_no_half_of_the_tables(tmp_path, capsys):
    good = written(tmp_path, clip_facts(), "clips.json")
    bad = written(tmp_path, {"kind": "first-stage-scores"})
    status = run_for_status(lambda: app([str(good), str(bad)]))
    captured = capsys.readouterr()
    assert (status, captured.out) == (3, "")
    assert captured.err.count("\n") == 1
    wanted = "recipes.video.examine or recipes.video.examine_clips"
    assert f"{bad}: of kind first-stage-scores; give a file of {wanted}" in captured.err


# What is written for other readers, or may be left out since it was not measured.
NOT_SHOWN = {"kind", "format", "training_seconds", "actions", "vqspeech", "nll", "pixel_bits"}
NOT_SHOWN |= {"perplexity", "used", "by_action", "confusion", "episodes", "sources"}
OPTIONAL = {"averaged", "without", "another", "alone", "with", "repeat", "forward", "right"}


def paths_of(entry, *above):
    """The keys that lead to every value of nested dictionaries."""
    for key, value in entry.items():
        yield (*above, key)
        if isinstance(value, dict) and key not in NOT_SHOWN:
            yield from paths_of(value, *above, key)


@pytest.mark.parametrize("make", [video_facts, clip_facts])
def test_a_file_that_lacks_any_part_it_shows_is_an_input_error(tmp_path, make):
    lacking = [path for path in paths_of(make()) if path[-1] not in NOT_SHOWN | OPTIONAL]
    assert len(lacking) > 20
    for path in lacking:
        with pytest.raises(InputError, match=r"run recipes\.video\.examine(_clips)? again"):
            FILES.read(written(tmp_path, changed(make, *path, to="del")))
            pytest.fail(f"{path} was not missed")
