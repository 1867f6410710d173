"""The files of results that the commands of this recipe write."""

from recipes.frames.result_files import ResultFiles, ResultKind
from recipes.images.bits_table import comparison_tables
from recipes.images.stage_tables import first_stage_table, second_stage_table

BITS, FIRST, SECOND = "bits-per-dim", "first-stage-scores", "second-stage-scores"
FILES = ResultFiles(
    {
        BITS: ResultKind("recipes.images.bits_per_dim", comparison_tables),
        FIRST: ResultKind("recipes.images.examine", lambda facts: [first_stage_table(facts)]),
        SECOND: ResultKind(
            "recipes.images.examine_second", lambda facts: [second_stage_table(facts)]
        ),
    }
)
