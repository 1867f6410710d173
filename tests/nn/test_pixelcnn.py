import pytest
import torch
import torch.nn.functional as F

from vqspeech.nn.pixelcnn import GatedPixelCNN


def small(**settings):
    torch.manual_seed(0)
    return GatedPixelCNN(7, 8, 4, head_channels=16, **settings)


def seen_from(model, row, column, height=9, width=9):
    """(height, width) bool: the positions whose codes move the logits at (row, column)."""
    model.double()
    embedded = []
    handle = model.embedding.register_forward_hook(
        lambda module, inputs, output: (
            embedded.append(output.detach().requires_grad_()) or embedded[0]
        )
    )
    codes = torch.randint(7, (1, height, width))
    model(codes)[0, :, row, column].square().sum().backward()
    handle.remove()
    return embedded[0].grad[0].abs().sum(-1) > 0


def test_a_position_depends_on_all_earlier_ones_and_on_none_later():
    seen = seen_from(small(), 4, 4).flatten()
    assert seen[:40].all()
    assert not seen[40:].any()


@pytest.mark.parametrize(("kernel_size", "first_kernel_size"), [(3, 3), (5, 7)])
def test_no_position_sees_itself_or_the_future_and_the_field_has_no_hole(
    kernel_size, first_kernel_size
):
    model = small(kernel_size=kernel_size, first_kernel_size=first_kernel_size)
    for row in range(0, 9, 2):
        for column in range(0, 9, 4):
            seen = seen_from(model, row, column)
            here = row * 9 + column
            assert not seen.flatten()[here:].any()
            # Each layer reaches `reach` further, in the past and to both sides of the rows above.
            reach = first_kernel_size // 2 + 3 * (kernel_size // 2)
            field = torch.zeros(9, 9, dtype=torch.bool)
            field[max(0, row - reach) : row, max(0, column - reach) : column + reach + 1] = True
            field[row, max(0, column - reach) : column] = True
            assert torch.equal(seen, field)


def test_training_cannot_revive_what_a_kernel_may_not_see():
    model = small()
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0, weight_decay=0.1)
    codes = torch.randint(7, (2, 5, 5))
    for _ in range(3):
        optimizer.zero_grad()
        F.cross_entropy(model(codes), codes).backward()
        optimizer.step()
    assert not seen_from(model, 4, 4).flatten()[40:].any()


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 6), (6, 1), (4, 7)])
def test_any_map_size_works(height, width):
    logits = small()(torch.randint(7, (2, height, width)))
    assert logits.shape == (2, 7, height, width)


def test_a_smaller_map_gives_the_logits_of_the_corner_of_a_larger_one():
    model, codes = small().double(), torch.randint(7, (1, 6, 8))
    torch.testing.assert_close(model(codes[:, :3]), model(codes)[:, :, :3])


@pytest.mark.parametrize("layer", range(4))
def test_each_layer_is_conditioned_by_class_and_by_map(layer):
    model = small(num_classes=3, spatial_channels=2).double()
    for index, each in enumerate(model.layers):
        if index != layer:
            torch.nn.init.zeros_(each.class_condition.weight)
            torch.nn.init.zeros_(each.spatial_condition.weight)
    codes, spatial = torch.randint(7, (1, 5, 5)), torch.randn(1, 2, 5, 5, dtype=torch.float64)
    zero, one = torch.tensor([0]), torch.tensor([1])
    base = model(codes, zero, spatial)
    assert (model(codes, one, spatial) != base).any(1).all()
    moved = spatial.clone()
    moved[0, :, 2, 2] += 1
    changed = (model(codes, zero, moved) != base).any(1)[0]
    assert changed[2, 2]
    assert not changed[:2].any()


def test_both_stacks_are_conditioned():
    model = small(num_classes=3, spatial_channels=2)
    classes, spatial = torch.tensor([0, 1]), torch.randn(2, 2, 5, 5)
    codes = torch.randint(7, (2, 5, 5))
    F.cross_entropy(model(codes, classes, spatial), codes).backward()
    for layer in model.layers[:-1]:  # the vertical stack ends unused after the last layer
        for_above, for_beside = layer.class_condition.weight.grad.chunk(2, dim=1)
        assert for_above.any()
        assert for_beside.any()
        for_above, for_beside = layer.spatial_condition.weight.grad.chunk(2, dim=0)
        assert for_above.any()
        assert for_beside.any()


def test_every_parameter_gets_a_gradient():
    model = small(num_classes=3, spatial_channels=2)
    codes = torch.randint(7, (2, 5, 5))
    logits = model(codes, torch.tensor([0, 2]), torch.randn(2, 2, 5, 5))
    F.cross_entropy(logits, codes).backward()
    # Training on several processes stops at a parameter that has none.
    assert all(p.grad is not None for p in model.parameters())


def test_a_tiny_batch_is_learnt_by_heart():
    torch.manual_seed(0)
    model = GatedPixelCNN(7, 16, 3, head_channels=32, num_classes=2)
    codes, classes = torch.randint(7, (2, 5, 5)), torch.tensor([0, 1])
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for _ in range(120):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(codes, classes), codes)
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.05


def test_conditions_are_wanted_exactly_when_there_are_some():
    codes, classes, spatial = torch.zeros(2, 3, 3).long(), torch.zeros(2).long(), torch.zeros(2, 4)
    with pytest.raises(ValueError, match=r"classes of shape None; \(2,\) is wanted"):
        small(num_classes=3)(codes)
    with pytest.raises(ValueError, match=r"classes of shape \(2,\); None is wanted"):
        small()(codes, classes)
    with pytest.raises(ValueError, match=r"spatial of shape \(2, 4\); \(2, 4, 3, 3\) is wanted"):
        small(spatial_channels=4)(codes, spatial=spatial)
    with pytest.raises(ValueError, match=r"codes of shape \(3, 3\); \(B, H, W\) is wanted"):
        small()(codes[0])


def test_even_kernels_and_no_layers_are_refused():
    with pytest.raises(ValueError, match="kernel size 4"):
        small(kernel_size=4)
    with pytest.raises(ValueError, match="0 layers"):
        GatedPixelCNN(7, 8, 0)
