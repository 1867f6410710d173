"""recipes/video/run.sh: which stages run, are skipped or fail. Commands are stand-ins."""

import shutil

import pytest
from recipe_checkout import Checkout, complaints_of_shellcheck, options_in_help, script_of

CASES = """
  video.examine) mkdir -p "$out" && echo 0 > "$out/video.json" ;;
  video.examine_clips) mkdir -p "$out" && echo 0 > "$out/clips.json" ;;
  video.sample)
    mkdir -p "$(dirname "$out")"
    for ending in png gif webp npz; do echo "$*" > "$out.$ending"; done ;;
"""
CLIPS = ["train", "examine_clips"]
PRIORS = ["train_prior"] * 3
FIGURE = ["cut", "sample"]
PAGE = ["report", "results"]
MADE = ["frames.collect", "train", *CLIPS, *PRIORS, "train_judge", "examine", *FIGURE]
EVERYTHING = [*MADE, *PAGE]


@pytest.fixture
def checkout(tmp_path):
    found = Checkout(tmp_path, "video", CASES)
    shutil.copytree(found.recipe / "conf" / "tiny", tmp_path / "models")
    found.write("my.yaml", f"frames: 9\nclips: 5\ndrawn: 4\nmodels: {tmp_path / 'models'}\n")
    found.tell(frames=9, clips=5, drawn=4, models=tmp_path / "models")
    return found


def test_all_stages_run_once_and_the_page_each_time(checkout):
    (checkout.folder / "my.yaml.told").unlink()
    assert checkout.run("--seed", 3) == EVERYTHING
    models, given = checkout.folder / "models", "--data out/data/frames.npz --device auto"
    assert checkout.calls[:4] == [
        "frames.collect --out out/data/frames.npz --frames 9 --seed 3 --collector vizdoom "
        "--overwrite",
        f"train {models}/vqvae.yaml {given} --out out/exp/vqvae",
        f"train {models}/clips.yaml {given} --out out/exp/clips",
        "examine_clips --model out/exp/clips --beside out/exp/vqvae "
        f"{given} --out out/exp/clip_scores",
    ]
    prior = f"train_prior {models}/prior.yaml --model out/exp/vqvae {given} --out out/exp"
    silent = "--set model.actions=false"
    assert checkout.calls[4:] == [
        f"{prior}/prior",
        f"{prior}/without {silent}",
        f"{prior}/alone {silent} --set model.context=0",
        f"train_judge {models}/judge.yaml {given} --out out/exp/judge",
        "examine --model out/exp/vqvae --prior out/exp/prior --without out/exp/without --alone "
        f"out/exp/alone --judge out/exp/judge {given} --clips 5 --frames 4 --seed 3 "
        "--out out/exp/scores",
        "cut --data out/data/frames.npz --part test --frames 16 --out out/exp/figure/clip.npz "
        "--overwrite",
        "sample --context out/exp/figure/clip.npz --model out/exp/vqvae --prior out/exp/prior "
        "--actions forward*4 --actions right*4 --seed 3 --device auto --out out/exp/figure/drawn "
        "--overwrite",
        "report --exp out/exp --out out/exp/report.html",
        "results out/exp/scores/video.json out/exp/clip_scores/clips.json",
    ]
    table = (checkout.folder / "out" / "exp" / "tables.md").read_text()
    assert table == "table of out/exp/scores/video.json out/exp/clip_scores/clips.json\n"
    assert checkout.run("--seed", 3) == PAGE
    assert checkout.printed.count("done before; remove") == 7


def test_a_change_runs_what_depends_on_it_and_nothing_else(checkout):
    checkout.run()

    def again(*arguments):
        return checkout.run("--stop-stage", 7, *arguments)

    def change(name, old, new):
        path = checkout.folder / "models" / name
        assert old in path.read_text()
        path.write_text("# mine\n" + path.read_text().replace(old, new))

    change("judge.yaml", "", "")  # its comments alone
    assert again() == []
    change("prior.yaml", "steps: 20", "steps: 50")
    assert again() == [*PRIORS, "examine", *FIGURE]
    change("clips.yaml", "frames: 4", "frames: 8")
    assert again() == CLIPS
    change("judge.yaml", "channels: 4", "channels: 8")
    assert again() == ["train_judge", "examine"]
    change("vqvae.yaml", "dim: 16", "dim: 8")
    assert again() == ["train", *CLIPS, *PRIORS, "examine", *FIGURE]
    assert again("--actions", "left") == FIGURE
    assert "--actions left*4 --seed" in checkout.calls[-1]
    # Other frames, from which all is learnt again.
    assert again("--seed", 1) == MADE
    (checkout.folder / "out" / "data" / "frames.npz").write_text("other")
    assert again("--seed", 1) == MADE[1:]


@pytest.mark.parametrize(
    ("lost", "made"),
    [
        ("clip_scores/clips.json", CLIPS),
        ("without", PRIORS),
        ("alone/best/config.json", PRIORS),
        ("figure/drawn.gif", FIGURE),
    ],
)
def test_what_was_deleted_is_made_again(checkout, lost, made):
    checkout.run()
    path = checkout.folder / "out" / "exp" / lost
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    assert checkout.run("--stop-stage", 7) == made


@pytest.mark.parametrize(
    ("broken", "again"),
    [
        ("train", EVERYTHING[1:]),
        ("examine_clips", EVERYTHING[2:]),
        ("sample", [*FIGURE, *PAGE]),
    ],
)
def test_a_stage_that_fails_ends_the_recipe_and_is_done_again(checkout, broken, again):
    assert checkout.run(BROKEN=f"video.{broken}", status=6)[-1] == broken
    assert checkout.run() == again


def test_a_stage_names_the_one_that_makes_what_it_misses(checkout):
    def misses(stage, missing, maker):
        assert checkout.run("--stage", stage, "--out", "my out", status=3) == []
        assert f"{missing} is missing; stage {maker} makes it: " in checkout.said
        assert checkout.said.endswith(f"run.sh --out my\\ out --stage {maker}\n")

    for stage, missing, maker in (
        (2, "data/frames.npz", 1),
        (3, "exp/vqvae/best/config.json", 2),
        (4, "exp/vqvae/best/config.json", 2),
        (5, "data/frames.npz", 1),
        (6, "exp/prior/best/config.json", 4),
        (7, "exp/prior/best/config.json", 4),
    ):
        misses(stage, missing, maker)
    checkout.run("--stop-stage", 4, "--out", "my out")
    misses(6, "exp/judge/best/config.json", 5)
    shutil.rmtree(checkout.folder / "my out" / "exp" / "without")
    misses(6, "exp/without/best/config.json", 4)


def test_a_frames_file_is_taken_as_it_is_and_one_that_is_not_there_is_named(checkout):
    checkout.write("walks.npz", "frames")
    own = ("--data", "walks.npz")
    assert checkout.run(*own) == EVERYTHING[1:]
    assert "stage 1: frames: left out, walks.npz is given" in checkout.printed
    assert all("--data walks.npz" in call for call in checkout.calls[: -len(PAGE) - 1])
    assert checkout.run(*own, "--seed", 1) == ["examine", *FIGURE, *PAGE]  # the same frames
    assert checkout.run(*own, "--stop-stage", 1) == []
    assert checkout.run("--data", "none.npz", status=3) == []
    assert checkout.said == (
        "error: --data none.npz: no such frames file; give vizdoom, lab or a file that is there\n"
    )


def test_tables_are_of_what_is_there(checkout):
    tables = checkout.folder / "out" / "exp" / "tables.md"
    assert checkout.run("--stage", 8) == ["report"]
    assert not tables.exists()
    checkout.run("--stop-stage", 3)
    assert checkout.run("--stage", 8) == PAGE
    assert tables.read_text() == "table of out/exp/clip_scores/clips.json\n"


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["--colour", "red"], 2, "--colour: no such option"),
        (["--actions", ""], 2, "--actions: a value is missing or empty"),
        (["--config", "none.yaml"], 3, "none.yaml: no such settings file"),
        (["--config", "models/prior.yaml"], 3, "models/prior.yaml: model is no setting"),
        (["--stage", 4, "--stop-stage", 3], 2, "stages are 0 to 9, the first before the last"),
        (["--nj", 2], 2, "--nj: no such option"),
    ],
)
def test_a_mistake_in_an_option_is_told_in_one_line_before_anything_runs(
    checkout, arguments, status, message
):
    assert checkout.run(*arguments, status=status) == []
    assert message in checkout.said
    assert checkout.said.count("\n") == 1
    assert not (checkout.folder / "out").exists()


def test_the_script_says_how_it_is_used():
    options, first = options_in_help("video")
    assert first.startswith(f"Usage: {script_of('video')} ")
    others = ["stage", "stop-stage", "config", "out", "device", "seed", "actions"]
    assert options == ["data", *others]


@pytest.mark.skipif(shutil.which("shellcheck") is None, reason="shellcheck is not installed")
def test_the_script_is_clean():
    assert complaints_of_shellcheck("video") == ""
