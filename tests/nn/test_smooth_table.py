"""Smooth tables: scipy's DCT as referee, neighbours alike, and nothing but a start."""

import numpy as np
import pytest
import scipy.fft
import torch

from vqspeech.nn.smooth_table import smooth_basis, smooth_rows_
from vqspeech.nn.wavenet import WaveNet


@pytest.mark.parametrize("levels", [1, 2, 11, 256])
def test_the_basis_is_the_weighted_inverse_dct(levels):
    weights = 1 / (1 + np.arange(levels) / 2)
    weights /= np.sqrt(np.square(weights).sum())
    # Orthonormal DCT columns have a mean square of 1 / K.
    expected = scipy.fft.idct(np.eye(levels), axis=0, norm="ortho") * np.sqrt(levels) * weights
    np.testing.assert_allclose(smooth_basis(levels).numpy(), expected, atol=1e-6)


def test_entries_have_the_scale_asked_for_and_neighbours_are_alike():
    torch.manual_seed(0)
    table = smooth_rows_(torch.empty(256, 500), 0.3)
    assert table.square().mean().sqrt() == pytest.approx(0.3, rel=0.05)
    power = table.square().mean()
    near, far = ((table[s:] * table[:-s]).mean() / power for s in (1, 128))
    assert near > 0.95
    assert abs(far) < 0.5


def test_only_a_network_over_levels_begins_so():
    for has_levels in (False, True):
        torch.manual_seed(0)
        net = WaveNet(64, layers=2, residual_channels=200, has_levels=has_levels)
        for table in (net.embedding.weight, net.logits.weight):
            near = (table[1:] * table[:-1]).mean() / table.square().mean()
            assert bool(near > 0.8) == has_levels
            assert table.is_leaf
            assert table.requires_grad
        assert net.logits.weight.detach().std() == pytest.approx((3 * 256) ** -0.5, rel=0.2)
        assert bool(net.logits.bias.any()) != has_levels
