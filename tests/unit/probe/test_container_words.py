"""Ids and images in the words of container events."""

import pytest

from pyscap.probe.container_words import named, split_image


@pytest.mark.parametrize(
    ("image", "parts"),
    [
        ("nginx", ("nginx", "", "")),
        ("nginx:1.27", ("nginx", "1.27", "")),
        ("localhost:5000/nginx", ("localhost:5000/nginx", "", "")),
        ("a/b:1@sha256:00", ("a/b", "1", "sha256:00")),
        ("", ("", "", "")),
    ],
)
def test_an_image_is_split_into_repository_tag_and_digest(image, parts):
    keys = ("imagerepo", "imagetag", "imagedigest")
    assert split_image(image) == dict(zip(keys, parts, strict=True))


def test_the_id_is_shortened_and_the_runtime_is_a_number():
    assert named("0123456789abcdef", "podman") == {
        "id": "0123456789ab",
        "full_id": "0123456789abcdef",
        "type": 11,
    }
