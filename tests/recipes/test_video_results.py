"""RESULTS.md of the recipe of video holds what its JSON files say, to the letter."""

from pathlib import Path

import pytest

from recipes.video.result_files import FILES

RECIPE = Path(__file__).parents[2] / "recipes" / "video"
PATHS = sorted((RECIPE / "results").glob("*.json"))


def test_there_are_results():
    assert {"video.json", "clips.json"} <= {path.name for path in PATHS}


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.name)
def test_a_table_is_that_of_its_file(path):
    assert FILES.markdown_of(path).strip() in (RECIPE / "RESULTS.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.name)
def test_commands_can_be_run_from_a_checkout(path):
    command = next(
        line for line in FILES.markdown_of(path).splitlines() if line.startswith("    python")
    )
    assert " /" not in command  # relative to the checkout, wherever that lies
