import copy
import itertools
import math

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from vqspeech.nn.kmeans import kmeans
from vqspeech.nn.nearest import nearest_codes
from vqspeech.nn.quantizer import VectorQuantizer, perplexity


def seeded(seed):
    return torch.Generator().manual_seed(seed)


def build(num_codes=8, dim=6, seed=0, **settings):
    torch.manual_seed(seed)
    return VectorQuantizer(num_codes, dim, **{"initial_scale": 1.0, **settings})


def autograd_quantizer(vectors, codebook, commitment_cost, reduction):
    """Equations 1 to 3 word for word, on vectors (N, G, d) and a codebook (G, K, d)."""
    codes = (vectors[:, :, None] - codebook).square().sum(-1).argmin(-1)  # (N, G)
    chosen = codebook[torch.arange(len(codebook)), codes]
    terms = codes.numel() if reduction == "sum" else vectors.numel()
    codebook_loss = (vectors.detach() - chosen).square().sum() / terms
    commitment_loss = (vectors - chosen.detach()).square().sum() / terms
    latents = vectors + (chosen - vectors).detach()
    return latents, codes, codebook_loss, commitment_loss


# The search


@pytest.mark.parametrize("shape", [(50,), (3, 7), (2, 3, 4, 5)])
def test_codes_are_the_nearest_by_brute_force(shape):
    vectors, codebook = torch.randn(*shape, 6), torch.randn(40, 6)
    gaps = vectors.numpy()[..., None, :].astype(np.float64) - codebook.numpy()
    assert np.array_equal(nearest_codes(vectors, codebook), (gaps**2).sum(-1).argmin(-1))


def test_blocks_join_without_a_seam():
    vectors, codebook = torch.randn(5000, 3), torch.randn(700, 3)  # blocks of 1,497 rows
    gaps = torch.cdist(vectors.double(), codebook.double())
    assert torch.equal(nearest_codes(vectors, codebook), gaps.argmin(1))


def test_the_lowest_of_equally_close_codes_is_taken():
    codebook = torch.tensor([[3.0], [1.0], [-1.0], [1.0], [1.0]]).repeat(20, 1)  # of mean 1
    codes = nearest_codes(torch.tensor([[1.0], [0.0], [5.0], [-4.0]]), codebook)
    assert codes.tolist() == [1, 1, 0, 2]


def test_codes_far_from_the_origin_are_told_apart():
    torch.manual_seed(0)
    codebook = torch.randn(64, 8, dtype=torch.float64)
    vectors = codebook[torch.randint(64, (500,))] + 0.1 * torch.randn(500, 8, dtype=torch.float64)
    wanted = nearest_codes(vectors, codebook)
    assert torch.equal(nearest_codes((vectors + 3000).float(), (codebook + 3000).float()), wanted)


def test_autocast_changes_no_code():
    torch.manual_seed(0)
    quantizer, vectors = build(512, 16), torch.randn(400, 16)
    plain = quantizer(vectors)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        under = quantizer(vectors)
    assert all(torch.equal(a, b) for a, b in zip(plain, under, strict=True))


def test_half_precision_vectors_are_quantised_in_float32():
    quantizer, vectors = build(), torch.randn(20, 6).bfloat16().requires_grad_()
    result = quantizer(vectors)
    assert torch.equal(result.codes, quantizer(vectors.float()).codes)
    assert result.latents.dtype == result.loss.dtype == torch.float32
    result.latents.sum().backward()
    assert torch.equal(vectors.grad, torch.ones_like(vectors))


# Shapes and contracts


@pytest.mark.parametrize("groups", [1, 3])
@pytest.mark.parametrize("shape", [(), (5,), (2, 0), (0,), (2, 3, 4)])
def test_any_leading_shape_is_kept_and_lookup_gives_the_latents_back(shape, groups):
    quantizer = build(groups=groups)
    result = quantizer(torch.randn(*shape, 6))
    assert result.codes.shape == (shape if groups == 1 else (*shape, groups))
    assert result.codes.dtype == torch.int64
    assert torch.equal(result.latents, quantizer.lookup(result.codes))
    assert result.latents.shape == (*shape, 6)
    assert result.loss.isfinite()
    result.loss.backward()


def test_wrong_dimensions_are_refused_with_both_numbers():
    with pytest.raises(ValueError, match="vectors end in 5, the quantizer wants 6"):
        build()(torch.zeros(3, 5))
    with pytest.raises(ValueError, match="vectors end in 5, the codebook has dimension 6"):
        nearest_codes(torch.zeros(3, 5), torch.zeros(2, 6))
    with pytest.raises(ValueError, match=r"\(4, 2\) do not end in 3"):
        build(groups=3).lookup(torch.zeros(4, 2).long())


@pytest.mark.parametrize(
    "settings",
    [
        {"groups": 4},
        {"num_codes": 0},
        {"codebook_update": "sgd"},
        {"reduction": "none"},
        {"decay": 1.0},
        {"restart_below": 1.0},
        {"commitment_cost": -1.0},
    ],
)
def test_settings_out_of_range_are_refused(settings):
    with pytest.raises(ValueError, match=str(next(iter(settings.values())))):
        build(**settings)


@pytest.mark.parametrize("kind", ["gradient", "ema"])
def test_forward_changes_no_state(kind):
    quantizer = build(codebook_update=kind)
    before = copy.deepcopy(quantizer.state_dict())
    for _ in range(3):
        quantizer(torch.randn(50, 6))
    after = quantizer.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_only_a_codebook_learnt_by_gradient_is_a_parameter():
    assert [name for name, _ in build().named_parameters()] == ["codebook"]
    ema = build(codebook_update="ema")
    assert list(ema.parameters()) == []
    assert set(ema.state_dict()) == {"codebook", "counts", "sums"}


def test_the_initial_codebook_is_uniform_within_one_over_k():
    codebook = VectorQuantizer(100, 8).codebook
    assert 0.0099 < codebook.abs().max() <= 0.01


# Losses and gradients


@pytest.mark.parametrize("reduction", ["sum", "mean"])
@pytest.mark.parametrize("groups", [1, 3])
def test_values_and_gradients_equal_plain_autograd(groups, reduction):
    quantizer = build(groups=groups, reduction=reduction, commitment_cost=0.7).double()
    vectors = torch.randn(4, 25, 6, dtype=torch.float64, requires_grad=True)
    weights = torch.randn(4, 25, 6, dtype=torch.float64)

    result = quantizer(vectors)
    latents, codes, codebook_loss, commitment_loss = autograd_quantizer(
        vectors.view(100, groups, -1), quantizer.codebook, 0.7, reduction
    )
    assert torch.equal(result.codes.view(100, groups), codes)
    torch.testing.assert_close(result.latents, latents.view_as(vectors))
    torch.testing.assert_close(result.codebook_loss, codebook_loss)
    torch.testing.assert_close(result.commitment_loss, commitment_loss)
    loss = codebook_loss + 0.7 * commitment_loss
    torch.testing.assert_close(result.loss, loss)

    leaves = (vectors, quantizer.codebook)
    for ours, wanted in (
        ((result.latents * weights).sum() + 3 * result.loss, (latents.view_as(vectors), 3 * loss)),
        (result.loss, (None, loss)),
        (
            result.codebook_loss + 2 * result.commitment_loss,
            (None, codebook_loss + 2 * commitment_loss),
        ),
    ):
        plain = wanted[1] if wanted[0] is None else (wanted[0] * weights).sum() + wanted[1]
        got = torch.autograd.grad(ours, leaves, retain_graph=True)
        expected = torch.autograd.grad(plain, leaves, retain_graph=True)
        torch.testing.assert_close(got, expected, rtol=1e-12, atol=1e-14)


def test_channels_first_memory_changes_nothing():
    quantizer = build().double()
    vectors = torch.randn(1, 6, 30, dtype=torch.float64).transpose(1, 2).requires_grad_()
    dense = vectors.detach().contiguous().requires_grad_()
    for each in (vectors, dense):
        result = quantizer(each)
        (result.latents.square().sum() + result.loss).backward()
    torch.testing.assert_close(vectors.grad, dense.grad)


def test_commitment_cost_never_moves_the_codebook():
    vectors = torch.randn(60, 6)

    def codebook_gradient(cost):
        quantizer = build(commitment_cost=cost)
        quantizer(vectors).loss.backward()
        return quantizer.codebook.grad

    assert torch.equal(codebook_gradient(0.0), codebook_gradient(10.0))
    assert codebook_gradient(0.0).any()


def test_the_decoders_gradient_reaches_the_encoder_unaltered_and_not_the_codebook():
    quantizer, vectors = build(), torch.randn(60, 6, requires_grad=True)
    weights = torch.randn(60, 6)
    (quantizer(vectors).latents * weights).sum().backward()
    assert torch.equal(vectors.grad, weights)
    assert not quantizer.codebook.grad.any()


def test_each_term_moves_only_its_own_side():
    quantizer, vectors = build(), torch.randn(60, 6, requires_grad=True)
    result = quantizer(vectors)
    leaves = (vectors, quantizer.codebook)
    to_vectors, to_codebook = torch.autograd.grad(result.codebook_loss, leaves, retain_graph=True)
    assert not to_vectors.any()
    assert to_codebook.any()
    to_vectors, to_codebook = torch.autograd.grad(result.commitment_loss, leaves)
    assert to_vectors.any()
    assert not to_codebook.any()


def test_an_ema_codebook_has_no_codebook_term():
    vectors = torch.randn(60, 6, requires_grad=True)
    result = build(codebook_update="ema", commitment_cost=0.5)(vectors)
    assert result.codebook_loss == 0
    assert torch.equal(result.loss, 0.5 * result.commitment_loss)
    assert torch.equal(result.commitment_loss, build()(vectors).commitment_loss)


def test_no_tensor_of_vectors_times_codes_is_ever_made():
    class Largest(TorchDispatchMode):
        numel = 0

        def __torch_dispatch__(self, function, types, args=(), kwargs=None):
            result = function(*args, **(kwargs or {}))
            sizes = [leaf.numel() for leaf in tree_leaves(result) if isinstance(leaf, torch.Tensor)]
            self.numel = max(self.numel, *sizes, 0)
            return result

    quantizer, vectors = build(512, 16), torch.randn(65536, 16, requires_grad=True)
    with Largest() as largest:
        result = quantizer(vectors)
        (result.latents.sum() + result.loss).backward()
        quantizer.update(vectors, result.codes)
    # The input itself is the largest, 32 times smaller than all distances; blocks are as large.
    assert largest.numel == 65536 * 16


# Moving averages


def test_ema_follows_appendix_a1_with_smoothed_counts():
    groups, num_codes, dim, decay = 2, 5, 3, 0.9
    quantizer = build(
        num_codes, groups * dim, groups=groups, codebook_update="ema", decay=decay, restart_below=0
    ).double()
    codebook = quantizer.codebook.numpy().copy()
    counts = sums = None
    for step, size in enumerate((40, 40, 25, 60)):
        vectors = torch.randn(size, groups * dim, dtype=torch.float64, generator=seeded(step))
        quantizer.update(vectors, quantizer(vectors).codes)

        split = vectors.numpy().reshape(size, groups, dim)
        for group in range(groups):
            gaps = ((split[:, group, None] - codebook[group]) ** 2).sum(-1)
            hot = np.eye(num_codes)[gaps.argmin(1)]  # (N, K)
            if group == 0 and step == 0:
                counts = np.full((groups, num_codes), size / num_codes)
                sums = codebook * size / num_codes
            counts[group] = decay * counts[group] + (1 - decay) * hot.sum(0)
            sums[group] = decay * sums[group] + (1 - decay) * hot.T @ split[:, group]
            total = counts[group].sum()
            smooth = (counts[group] + 1e-5) / (total + num_codes * 1e-5) * total
            codebook[group] = sums[group] / smooth[:, None]
        np.testing.assert_allclose(quantizer.counts, counts, rtol=1e-12)
        np.testing.assert_allclose(quantizer.sums, sums, rtol=1e-12, atol=1e-14)
        np.testing.assert_allclose(quantizer.codebook, codebook, rtol=1e-12, atol=1e-14)


def test_ema_settles_on_the_means_of_the_vectors():
    quantizer = build(2, 1, codebook_update="ema", decay=0.5)
    vectors = torch.tensor([[-2.0], [-1.0], [4.0], [6.0], [8.0]])
    quantizer.initialize(vectors, seeded(0))
    for _ in range(40):
        quantizer.update(vectors, quantizer(vectors).codes)
    torch.testing.assert_close(
        quantizer.codebook.flatten().sort().values, torch.tensor([-1.5, 6.0]), atol=1e-4, rtol=0
    )


@pytest.mark.parametrize("kind", ["gradient", "ema"])
def test_a_saved_state_goes_on_bit_for_bit(kind):
    def steps(quantizer, first, last):
        for step in range(first, last):
            vectors = torch.randn(64, 6, generator=seeded(step))
            quantizer.update(vectors, quantizer(vectors).codes, seeded(100 + step))
        return quantizer

    settings = {"codebook_update": kind, "decay": 0.5, "restart_below": 0.3}
    straight = steps(build(**settings), 0, 12)
    resumed = build(seed=1, **settings)
    resumed.load_state_dict(steps(build(**settings), 0, 5).state_dict())
    steps(resumed, 5, 12)
    wanted = straight.state_dict()
    assert all(torch.equal(value, wanted[name]) for name, value in resumed.state_dict().items())


def test_a_step_without_vectors_changes_nothing():
    quantizer = build(codebook_update="ema")
    before = copy.deepcopy(quantizer.state_dict())
    empty = torch.zeros(0, 6)
    assert quantizer.update(empty, quantizer(empty).codes).shape == (0, 2)
    assert all(torch.equal(before[name], value) for name, value in quantizer.state_dict().items())


# Restarts


def far_codebook(kind, **settings):
    """100 codes, of which only the first five ever win."""
    quantizer = build(100, 2, codebook_update=kind, decay=0.5, **settings)
    with torch.no_grad():
        quantizer.codebook[0, 5:] += 20
    return quantizer


@pytest.mark.parametrize("kind", ["gradient", "ema"])
def test_dead_codes_revive_a_few_at_a_time_and_live_ones_are_untouched(kind):
    quantizer = far_codebook(kind)
    vectors = torch.randn(400, 2, generator=seeded(0))
    revived = []
    for step in range(60):
        before, counts = quantizer.codebook.detach().clone(), quantizer.counts.clone()
        restarted = quantizer.update(vectors, quantizer(vectors).codes, seeded(step))
        assert len(restarted) <= 2  # 100 // 50
        assert (restarted[:, 0] == 0).all()
        index = restarted[:, 1]
        if len(index):
            live = torch.ones(100, dtype=torch.bool)
            live[index] = False
            if kind == "gradient":
                assert torch.equal(quantizer.codebook[0, live], before[0, live])
            rows = quantizer.codebook[0, index].detach()
            assert (rows[:, None] == vectors).all(-1).any(1).all()  # vectors of the batch
            assert (counts[0, index] * 0.5 < 0.01 * 400 / 100 * 1.1).all()
            torch.testing.assert_close(
                quantizer.counts[0, index], torch.full((len(index),), 4.0), rtol=0.2, atol=0
            )
            if kind == "ema":
                share = quantizer.counts[0, index, None]
                torch.testing.assert_close(quantizer.sums[0, index], rows * share)
        revived += index.tolist()
    assert len(set(revived)) > 60
    assert quantizer(vectors).codes.unique().numel() > 60


def test_nothing_restarts_in_the_first_steps_nor_when_switched_off():
    vectors = torch.randn(400, 2)
    patient = far_codebook("gradient")
    assert len(patient.update(vectors, patient(vectors).codes)) == 0
    never = far_codebook("gradient", restart_below=0)
    assert all(len(never.update(vectors, never(vectors).codes)) == 0 for _ in range(30))


def test_restarts_lower_the_error_and_never_raise_it():
    quantizer, vectors = far_codebook("gradient"), torch.randn(400, 2, generator=seeded(0))
    errors = []
    for step in range(40):
        errors.append(quantizer(vectors).commitment_loss.item())
        quantizer.update(vectors, quantizer(vectors).codes, seeded(step))
    rounding = 1 + 1e-4
    assert all(after <= before * rounding for before, after in itertools.pairwise(errors))
    assert errors[-1] < errors[0] / 4


def test_a_generator_decides_every_restart():
    def run(seed):
        quantizer, vectors = far_codebook("ema"), torch.randn(400, 2, generator=seeded(0))
        generator = seeded(seed)
        for _ in range(15):
            quantizer.update(vectors, quantizer(vectors).codes, generator)
        return quantizer.codebook

    assert torch.equal(run(1), run(1))
    assert not torch.equal(run(1), run(2))


def test_groups_restart_apart():
    quantizer = build(50, 4, groups=2, decay=0.5)
    with torch.no_grad():
        quantizer.codebook[1, 3:] += 20
    vectors = torch.rand(2000, 4, generator=seeded(0)) * 2 - 1
    restarted = torch.cat(
        [quantizer.update(vectors, quantizer(vectors).codes, seeded(s)) for s in range(20)]
    )
    assert len(restarted) > 5
    assert (restarted[:, 0] == 1).all()
    assert (quantizer.codebook[1, restarted[:, 1]].detach().abs() < 1).all()


# Initialisation


def test_kmeans_beats_random_vectors_which_beat_uniform():
    vectors = torch.randn(2000, 6, generator=seeded(0)) @ torch.randn(6, 6, generator=seeded(1)) + 5
    quantizer = VectorQuantizer(32, 6)
    errors = [quantizer(vectors).commitment_loss]
    for method in ("sample", "kmeans"):
        quantizer.initialize(vectors, seeded(2), method)
        errors.append(quantizer(vectors).commitment_loss)
    assert errors[0] > 2 * errors[1] > 2 * errors[2]


def test_kmeans_finds_separate_clusters_in_each_group():
    means = 20 * torch.randn(2, 80, 3, generator=seeded(0))  # more than 64: several seeds a pass
    picks = torch.randint(80, (4000, 2), generator=seeded(1))
    noise = 0.01 * torch.randn(4000, 2, 3, generator=seeded(2))
    vectors = (means[torch.arange(2), picks] + noise).flatten(1)
    quantizer = VectorQuantizer(120, 6, groups=2)
    quantizer.initialize(vectors, seeded(3))
    for group in range(2):
        gaps = torch.cdist(means[group], quantizer.codebook[group].detach()).min(1).values
        assert (gaps < 0.05).all()


def test_sampled_codes_are_distinct_vectors():
    vectors = torch.randn(100, 6)
    quantizer = VectorQuantizer(90, 6)
    quantizer.initialize(vectors, seeded(0), "sample")
    rows = (quantizer.codebook[0][:, None] == vectors).all(-1).nonzero()[:, 1]
    assert rows.unique().numel() == 90


@pytest.mark.parametrize("method", ["kmeans", "sample"])
def test_fewer_vectors_than_codes_give_distinct_codes_close_to_them(method):
    vectors = torch.randn(5, 6, generator=seeded(0))
    quantizer = VectorQuantizer(40, 6)
    quantizer.initialize(vectors, seeded(1), method)
    codebook = quantizer.codebook[0].detach()
    assert torch.cdist(codebook, vectors).min(1).values.max() < 0.05
    assert codebook.unique(dim=0).shape[0] == 40
    assert quantizer(vectors).commitment_loss < 1e-5


def test_equal_vectors_still_give_distinct_codes():
    centres = kmeans(torch.zeros(30, 4), 6, seeded(0))
    assert centres.isfinite().all()
    assert centres.unique(dim=0).shape[0] == 6


def test_initialisation_is_deterministic_and_starts_the_counts_again():
    vectors = torch.randn(200, 6)

    def run():
        quantizer = build(codebook_update="ema")
        quantizer.update(vectors, quantizer(vectors).codes)
        quantizer.initialize(vectors, seeded(0))
        return quantizer

    first, second = run(), run()
    assert torch.equal(first.codebook, second.codebook)
    assert not first.counts.any()
    assert not first.sums.any()
    before = first.codebook.clone()
    first.update(vectors, first(vectors).codes)
    # The averages begin at the codebook, so one step at decay 0.99 hardly moves it.
    torch.testing.assert_close(first.codebook, before, atol=0.05, rtol=0)


def test_initialisation_needs_vectors_and_a_known_method():
    with pytest.raises(ValueError, match="0 vectors"):
        build().initialize(torch.zeros(0, 6))
    with pytest.raises(ValueError, match="unknown method pca"):
        build().initialize(torch.zeros(3, 6), method="pca")


# Learning, use and several processes


@pytest.mark.parametrize("kind", ["gradient", "ema"])
def test_a_codebook_learns_to_cover_the_data(kind):
    vectors = torch.randn(512, 4, generator=seeded(0))
    quantizer = build(16, 4, codebook_update=kind, decay=0.8, initial_scale=None)
    optimizer = torch.optim.Adam([*quantizer.parameters(), torch.zeros(1)], lr=0.05)
    start = quantizer(vectors).commitment_loss.item()
    for step in range(60):
        result = quantizer(vectors)
        if kind == "gradient":
            optimizer.zero_grad()
            result.loss.backward()
            optimizer.step()
        quantizer.update(vectors, result.codes, seeded(step))
    assert quantizer(vectors).commitment_loss < 0.5 * start
    counts = torch.bincount(quantizer(vectors).codes, minlength=16).float()
    assert perplexity(counts) > 8


def test_perplexity_counts_the_codes_in_use():
    counts = torch.tensor([[5, 5, 5, 5], [7, 0, 0, 0], [3, 3, 0, 0], [0, 0, 0, 0]])
    torch.testing.assert_close(perplexity(counts), torch.tensor([4.0, 1.0, 2.0, 1.0]))
    half, quarter = math.log(2) / 2, math.log(4) / 4
    assert perplexity(torch.tensor([2.0, 1.0, 1.0])).item() == pytest.approx(
        math.exp(half + 2 * quarter)
    )


def run_process(rank, folder):
    torch.distributed.init_process_group(
        "gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=2
    )
    torch.set_num_threads(1)
    quantizer = far_codebook("ema").double()
    vectors = torch.randn(800, 2, dtype=torch.float64, generator=seeded(0))[rank::2]
    states = []
    for step in range(20):
        quantizer.update(vectors, quantizer(vectors).codes, seeded(10 * rank + step))
        states.append(copy.deepcopy(quantizer.state_dict()))
    quantizer.initialize(vectors, seeded(rank))
    states.append(quantizer.state_dict())
    torch.save(states, f"{folder}/{rank}.pt")
    torch.distributed.destroy_process_group()


def test_two_processes_share_counts_restarts_and_the_first_codebook(tmp_path):
    torch.multiprocessing.spawn(run_process, (str(tmp_path),), nprocs=2)
    first, second = (torch.load(tmp_path / f"{rank}.pt") for rank in range(2))
    for ours, theirs in zip(first, second, strict=True):
        assert all(torch.equal(ours[name], theirs[name]) for name in ours)

    alone = far_codebook("ema").double()
    vectors = torch.randn(800, 2, dtype=torch.float64, generator=seeded(0))
    for step in range(5):  # before the first restart
        alone.update(vectors, alone(vectors).codes)
        for name, value in alone.state_dict().items():
            torch.testing.assert_close(first[step][name], value)
    # Dead codes lie at 20 and beyond; the revived ones stand among the vectors.
    assert (first[19]["codebook"][0, 5:].abs() < 10).all(1).sum() > 10
