"""Rows as they were noted, and as they came back."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Sequence

import pytest

from agent.proof import programs, queries
from agent.proof.compare import differences, in_words

IMAGE = "1" * 64
HOSTILE = ["it's", 'a"b', "back\\slash", "new\nline", ":role", "$$;DROP ROLE x", "ünï"]


def test_the_same_rows_are_no_difference() -> None:
    assert differences({"public.a": 0, "public.b": 3}, {"public.b": 3, "public.a": 0}) == ()


def test_a_table_more_one_less_and_other_rows_are_each_said() -> None:
    found = differences({"a": 1, "b": 0, "c": 2}, {"a": 2, "c": 2, "d": 0})
    assert found == ("a has 2 rows and had 1", "b is missing", "d was not there")


def test_many_differences_are_a_few_words() -> None:
    found = differences({f"t{n}": 1 for n in range(8)}, {})
    assert in_words(found).endswith("t4 is missing; and 3 more")
    assert in_words(found[:1]) == "t0 is missing"


def test_no_name_of_a_role_is_a_part_of_the_statements() -> None:
    text = queries.roles(HOSTILE)
    first, _, rest = text.partition("\n")
    (given,) = re.findall(r"^\\set roles '([A-Za-z0-9+/=]+)'$", first)
    assert json.loads(base64.b64decode(given)) == sorted(HOSTILE)
    assert rest == queries.roles([]).partition("\n")[2]


@pytest.mark.parametrize("name", ["shop_db'", "shop_db\n\\! id", "Shop", "", "a" * 64])
def test_a_name_that_no_database_of_ours_has_is_not_asked_for(name: str) -> None:
    with pytest.raises(ValueError, match="no name of a database"):
        queries.live(name)


@pytest.mark.parametrize("argv", [programs.initdb("codeb-proof-1", IMAGE, "/srv/codeb/proof/codeb-proof-1")])
def test_the_container_of_an_empty_cluster_is_closed_and_sees_its_own_folder_alone(
    argv: Sequence[str],
) -> None:
    image = argv.index(IMAGE)
    closed = {"--user=70:70", "--read-only", "--cap-drop=all", "--security-opt=no-new-privileges"}
    assert closed | {"--network=none", "--pull=never", "--image-volume=ignore"} <= set(argv[:image])
    folder = "/srv/codeb/proof/codeb-proof-1"
    assert [word for word in argv if word.startswith("--volume=")] == [f"--volume={folder}:{folder}"]
    assert all(word.startswith("--") for word in argv[2:image])
