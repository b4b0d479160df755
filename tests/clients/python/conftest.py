import pytest

import world


@pytest.fixture(scope="module")
def story():
    """One application, one API and one gateway for all tests of a file."""
    made = world.set_up()
    yield made
    made.gateway.close()


@pytest.fixture
def number():
    return world.new_number()
