"""What the pages of the recipes have in common: pictures and tables of what there is, or its lack.

A picture that is not there stands as its path, so that what one command makes is missed once.
"""

import os
import shlex
from collections.abc import Sequence
from pathlib import Path

from recipes.frames.picture_header import picture_header
from recipes.frames.result_files import ResultFiles, Results
from recipes.frames.tables import as_block, describe_hardware, made_by
from vqspeech.errors import InputError
from vqspeech.report.page import Block, Missing, Raster, Text

WIDEST = 1040  # pixels that a picture takes of the page, where the page has them
KINDS = {".png": "PNG", ".gif": "GIF", ".webp": "WebP"}


def read_if_there(files: ResultFiles, path: Path, kind: str) -> Results | None:
    """A file of results of this kind; None where there is none yet."""
    return files.read(path, kind) if path.is_file() else None


def found_facts(found: Sequence[Results]) -> tuple[tuple[str, str], ...]:
    """Data, hardware, commit and version of all results, for the header of a page."""
    made = [results.facts["environment"] for results in found]
    facts = (
        ("data", ", ".join(dict.fromkeys(str(results.facts["data"]) for results in found))),
        ("hardware", ", ".join(dict.fromkeys(map(describe_hardware, made)))),
        ("commit", ", ".join(dict.fromkeys(str(each["commit"] or "-") for each in made))),
        ("version", ", ".join(dict.fromkeys(str(each["vqspeech"]) for each in made))),
    )
    return tuple(fact for fact in facts if fact[1])


def picture(
    path: Path,
    name: str,
    title: str,
    caption: str,
    maker: str,
    *,
    shows: str = "a sheet of pictures",
    is_smooth: bool = False,
    is_moving: bool = False,
) -> Raster | Path:
    """A picture file as a block of the page; its path where it is not there.

    Args:
        path: ends as `KINDS` do.
        name: unique in the page.
        maker: the command that makes it, such as recipes.images.examine.
        shows: what it is, to who does not see it.
        is_smooth, is_moving: see `Raster`.

    Raises:
        InputError: it is not what its name says.
    """
    if not path.is_file():
        return path
    content = path.read_bytes()
    header, kind = picture_header(content), KINDS[path.suffix]
    if header is None or header.kind != kind:
        raise InputError(f"{path}: no {kind}; make it again with {maker}")
    return Raster(
        name,
        title,
        f"{title}: {shows}",
        content,
        caption,
        min(header.width, WIDEST),
        header.mime,
        is_smooth,
        is_moving,
    )


def tables_and_source(name: str, results: Results) -> list[Block]:
    """The tables of a file, and the command that made it, folded away.

    Args:
        name: of the first table, and what those of the others begin with.
    """
    blocks: list[Block] = [
        as_block(name if number == 1 else f"{name}-{number}", table)
        for number, table in enumerate(results.tables, 1)
    ]
    return [*blocks, Text("What made these numbers", made_by(results.facts))]


def examined(
    pictures: Sequence[Raster | Path], name: str, results: Results | None, command: str
) -> list[Block]:
    """Pictures and tables that one command makes, and once what of them is not there."""
    blocks: list[Block] = [each for each in pictures if isinstance(each, Raster)]
    lacking = [each.stem for each in pictures if isinstance(each, Path)]
    if results is None:
        lacking.append("scores")
    else:
        blocks += tables_and_source(name, results)
    if lacking:
        blocks.append(Missing(f"Not there yet: {', '.join(lacking)}. It is made by", command))
    return blocks


def quoted(path: str | os.PathLike) -> str:
    """A path as a shell takes it."""
    return shlex.quote(str(path))
