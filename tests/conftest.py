"""Options and fixtures for all tests."""

import signal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# How long an example takes says nothing about what is tested: the machine may be busy.
_HARMLESS = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
settings.register_profile("any machine", deadline=None, suppress_health_check=_HARMLESS)
settings.load_profile("any machine")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell that starts something in the background lets it ignore Ctrl-C, and so all that it starts; tests send it.
    signal.signal(signal.SIGINT, signal.default_int_handler)

pytest_plugins = ["tests.parallel", "tests.systems", "tests.zones"]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--regenerate", action="store_true", help="write golden files and generated pages anew")


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> "Golden":
    return Golden(regenerate=bool(request.config.getoption("--regenerate")))


class Golden:
    """Compares text with a file that is kept under version control."""

    def __init__(self, *, regenerate: bool) -> None:
        self.regenerate = regenerate

    def check(self, path: Path, text: str) -> None:
        if self.regenerate:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        assert path.exists(), f"{path} is missing; pytest --regenerate writes it"
        assert text == path.read_text(), f"{path} is out of date; pytest --regenerate writes it anew; read the diff"
