"""Journeys are made as the web server's role: what it may not do, a clinic could not do either."""

import pytest

from tests.web_role import acting_as, made_by_the_shipped_text


@pytest.fixture(autouse=True)
def web_role(db: None) -> None:
    """From here on the connection is the web server's, for the pages and for what the journey sets up."""
    acting_as(made_by_the_shipped_text())
