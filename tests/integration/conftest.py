"""Labs for integration tests: real switches, real packets, and the same look at everything when a test ends."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from flows.model import Network
from mininet_topos.client.lab import Lab
from tests.integration.frames import Frames, hurry, watching
from tests.integration.vpclab import VpcLab


@pytest.fixture(scope="module")
def labs() -> Iterator[Callable[[str], VpcLab]]:
    """Labs by network text, each built once per module and taken down at its end, whatever happened."""
    built: dict[str, VpcLab] = {}
    with ExitStack() as until_the_end:

        def lab(text: str) -> VpcLab:
            if text not in built:
                built[text] = VpcLab(text)
                until_the_end.callback(built[text].down)
            built[text].is_used = True
            built[text].restore()
            return built[text]

        yield lab


@pytest.fixture(scope="module")
def watches() -> Iterator[Callable[..., Frames]]:
    """Frames of places of a lab, whose instances stay the same, watched until the end of the module.

    ``hurried``: see :func:`tests.integration.frames.hurry`.
    """
    begun: dict[tuple[Lab, tuple[str, ...]], Frames] = {}
    with ExitStack() as until_the_end:

        def watch(lab: Lab, network: Network, *places: str, hurried: bool = False) -> Frames:
            if (lab, places) not in begun:
                if hurried:
                    hurry(lab)
                begun[lab, places] = until_the_end.enter_context(watching(lab, network, *places))
            return begun[lab, places]

        yield watch


@pytest.fixture(autouse=True)
def examined(request: pytest.FixtureRequest) -> Iterator[None]:
    """After each test: every switch of its labs holds what a fresh compile says, and no log of theirs has a warning."""
    yield
    for one in VpcLab.alive:
        if one.is_used:
            one.is_used = False
            one.examine()


@pytest.fixture
def base() -> Iterator[Path]:
    """A directory for labs, short enough for sockets. Whatever a test left running is ended."""
    path = Path(tempfile.mkdtemp(prefix="lab", dir="/tmp"))
    yield path
    for lab in Lab.running(path):
        lab.down()
    shutil.rmtree(path)
