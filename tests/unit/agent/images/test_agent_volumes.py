"""What becomes of data at the paths that an image declares as its volumes."""

from __future__ import annotations

from agent.documents.reader import Reader
from agent.release.drive import release
from tests.unit.agent.fakes.documents import release_document
from tests.unit.agent.fakes.podman import App
from tests.unit.agent.verbs import V1, V2, new_host, run


def test_data_in_an_image_s_volumes_doesn_t_stay_and_the_answer_says_so() -> None:
    host = new_host()
    host.podman.registry[V1] = App(volumes=("/var/data", "/data"))
    run(host, V2)
    answer = release(host.ports(), Reader(release_document(V1), ""), "tester")
    (warning,) = answer["warnings"]  # type: ignore[misc]
    assert (
        f"{V1} declares VOLUME /data, /var/data: what shop-app writes there is gone at each release"
        in warning
    )
    assert "resources.storage" in warning
    again = release(host.ports(), Reader(release_document(V1), ""), "tester")
    assert again["warnings"] == [], "nothing new runs"
