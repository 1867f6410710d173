"""recipes/images/run.sh: which stages run, are skipped or fail. Commands are stand-ins."""

import shutil

import pytest
from recipe_checkout import Checkout, complaints_of_shellcheck, options_in_help, script_of

CASES = """
  images.examine) mkdir -p "$out" && echo 0 > "$out/scores.json" ;;
  images.examine_second) mkdir -p "$out" && echo 0 > "$out/second.json" ;;
"""
FOLDERS = {"comparison": 32, "pictures": 128}
EVERYTHING = [
    *("frames.collect", "bits_per_dim", "train", "train_prior", "examine"),
    *("train", "train_prior", "examine", "train_second", "examine_second", "report", "results"),
]


@pytest.fixture
def checkout(tmp_path):
    found = Checkout(tmp_path, "images", CASES)
    conf, views = found.recipe / "conf", tmp_path / "views"
    shutil.copytree(conf / "tiny" / "frames84", views)
    found.write("my.yaml", f"seeds: 2\nbetas: '0.1,2'\nviews_conf: {views}\n")
    told = {"frames": 9, "limit": "''", "seeds": 2, "grid": "''", "betas": "0.1,2"}
    told |= {"samples": 4, "neighbours": 2, "views_conf": views}
    found.tell(**told | {name: conf / f"photos{n}" for name, n in FOLDERS.items()})
    return found


def test_all_stages_run_once_and_the_page_each_time(checkout):
    (checkout.folder / "my.yaml.told").unlink()
    assert checkout.run() == EVERYTHING
    (bits,) = [call for call in checkout.calls if call.startswith("bits_per_dim")]
    assert bits.endswith(
        "conf/photos32 --out out/exp/bits --json out/exp/bits/bits.json --seeds 2 --betas 0.1,2 "
        "--samples 50 --neighbours 8 --cache out/data --device auto"
    )
    assert "--grid" not in bits
    trained = [call for call in checkout.calls if call.startswith("train ")]
    assert "--data photos:scales --size 128" in trained[0]
    assert "--data frames:out/data/frames.npz --size 84" in trained[1]
    table = (checkout.folder / "out" / "exp" / "tables.md").read_text()
    made = ("bits/bits", "photos128/pictures/scores", "frames84/pictures/scores")
    assert (
        table
        == "table of "
        + " ".join(f"out/exp/{name}.json" for name in (*made, "frames84/pictures/second"))
        + "\n"
    )
    assert checkout.run() == ["report", "results"]
    assert checkout.printed.count("done before; remove") == 6


def test_a_change_runs_what_depends_on_it_and_nothing_else(checkout):
    checkout.run()

    def again(*arguments):
        return checkout.run("--stop-stage", 6, *arguments)

    second = checkout.folder / "views" / "second.yaml"
    second.write_text("# mine\n" + second.read_text().replace("steps: 40", "steps: 50"))
    assert again() == ["train_second", "examine_second"]
    # Other frames, of which all is learnt again, and of photographs other samples.
    assert again("--seed", 1) == [
        *("frames.collect", "train_prior", "examine", "train", "train_prior", "examine"),
        *("train_second", "examine_second"),
    ]
    assert again("--seed", 1) == []
    (checkout.folder / "out" / "exp" / "bits" / "bits.json").unlink()
    assert again("--seed", 1) == ["bits_per_dim"]
    (checkout.folder / "out" / "data" / "frames.npz").write_text("other")
    assert again("--seed", 1) == ["train", "train_prior", "examine"]


def test_a_stage_that_fails_ends_the_recipe_and_is_done_again(checkout):
    assert checkout.run(BROKEN="images.train_prior", status=6)[-1] == "train_prior"
    assert checkout.run("--stop-stage", 4) == ["train_prior", "examine"]


def test_a_stage_names_the_one_that_makes_what_it_misses(checkout):
    for stage, missing, maker in (
        (4, "photos128/vqvae/best/config.json", 3),
        (5, "frames.npz", 1),
        (6, "frames84/prior/best/config.json", 5),
    ):
        assert checkout.run("--stage", stage, "--out", "my out", status=3) == []
        assert f"{missing} is missing; stage {maker} makes it: " in checkout.said
        assert checkout.said.endswith(f"run.sh --out my\\ out --stage {maker}\n")


def test_a_frames_file_is_taken_as_it_is_and_one_that_is_not_there_is_named(checkout):
    checkout.write("walks.npz", "frames")
    assert checkout.run("--views", "walks.npz", "--stop-stage", 1) == []
    assert checkout.run("--views", "walks.npz", "--stage", 5, "--stop-stage", 5)[0] == "train"
    assert "--data frames:walks.npz" in checkout.calls[0]
    alone = ("--views", "walks.npz", "--stage", 5, "--stop-stage", 5)
    assert checkout.run(*alone) == []
    assert checkout.run(*alone, "--seed", 1)[-1] == "examine"  # the same frames, other samples
    assert checkout.run("--views", "none.npz", status=3) == []
    assert checkout.said == (
        "error: --views none.npz: no such frames file; give vizdoom, lab or a file that is there\n"
    )


def test_cifar10_has_no_larger_pictures_and_other_data_are_their_own(checkout):
    found = checkout.run("--data", "cifar10:there", "--stage", 2, "--stop-stage", 4)
    assert found == ["bits_per_dim"]
    assert "stage 3: pictures: VQ-VAE: left out, cifar10:there has no pictures" in checkout.printed
    checkout.run("--data", "cifar10:there", "--stage", 3, "--stop-stage", 3, status=2)
    assert "has no pictures of 128 x 128" in checkout.said
    checkout.run("--data", "imagenet:there", "--stage", 3, "--stop-stage", 3)
    assert "--data imagenet:there --size 128" in checkout.calls[0]


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["--colour", "red"], 2, "--colour: no such option"),
        (["--config", "none.yaml"], 3, "none.yaml: no such settings file"),
        (["--config", "views/prior.yaml"], 3, "views/prior.yaml: model is no setting"),
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
    options, first = options_in_help("images")
    assert first.startswith(f"Usage: {script_of('images')} ")
    assert options == ["data", "views", "stage", "stop-stage", "config", "out", "device", "seed"]


@pytest.mark.skipif(shutil.which("shellcheck") is None, reason="shellcheck is not installed")
def test_the_script_is_clean():
    assert complaints_of_shellcheck("images") == ""
