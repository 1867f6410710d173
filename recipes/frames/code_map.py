"""Of which model codes are, and of which size their maps: what is learnt from codes holds it."""

import os
from pathlib import Path
from typing import NamedTuple

from torch import Tensor

from recipes.frames.convolutions import STRIDE
from recipes.frames.first_stage import PictureVQVAE
from vqspeech.checkpoint import hash_folder
from vqspeech.errors import InputError


class CodeMap(NamedTuple):
    """Whose codes they are."""

    num_codes: int  # K, of each group
    groups: int  # G
    height: int  # h
    width: int  # w
    model_hash: str  # of the VQ-VAE, by `vqspeech.checkpoint.hash_folder`


def code_map_of(model: PictureVQVAE, folder: Path, codes: Tensor) -> CodeMap:
    """That of codes (N, h, w[, G]).

    Args:
        model: that they are of.
        folder: where it lies.
    """
    height, width = codes.shape[1:3]
    quantizer = model.quantizer
    return CodeMap(quantizer.num_codes, quantizer.groups, height, width, hash_folder(folder))


def check_size(code_map: CodeMap, size: tuple[int, int], place: str | os.PathLike) -> None:
    """Refuse pictures whose codes are no map of the size that a model has learnt.

    Args:
        code_map: of the model.
        size: height and width of the pictures.
        place: where the model lies.

    Raises:
        InputError: the sizes differ.
    """
    height, width = size
    wanted = (code_map.height * STRIDE, code_map.width * STRIDE)
    if (height, width) != wanted:
        raise InputError(
            f"{place}: learnt codes of pictures of {wanted[0]} x {wanted[1]}, these are of "
            f"{height} x {width}; give --size {wanted[0]}"
        )
