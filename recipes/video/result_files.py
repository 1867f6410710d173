"""The files of results that the commands of this recipe write."""

from recipes.frames.result_files import ResultFiles, ResultKind
from recipes.video.video_tables import clip_table, video_tables

VIDEO, CLIPS = "video-scores", "clip-scores"
FILES = ResultFiles(
    {
        VIDEO: ResultKind("recipes.video.examine", video_tables),
        CLIPS: ResultKind("recipes.video.examine_clips", lambda facts: [clip_table(facts)]),
    }
)
