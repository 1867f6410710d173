import pytest
from hand_made import write_by_hand


@pytest.fixture
def data_path(tmp_path):
    return write_by_hand(tmp_path / "data")
