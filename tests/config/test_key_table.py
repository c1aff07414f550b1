from __future__ import annotations

from tunnel_gateway.config.key_table import Key, as_markdown
from tunnel_gateway.config.values import SECRET, whole

OWN = Key("a.b", "b", whole(1, 9), "3", "How many.", "Few need more.", restart=True)
VENDORS = Key("a.c", "c", SECRET, "", "The password.", "No default is safe.", vendor=True)


def test_the_table_of_a_program_with_keys_of_the_vendor() -> None:
    assert as_markdown([OWN], [VENDORS]).splitlines() == [
        "| key | default | value | meaning | why this default |  |",
        "| --- | --- | --- | --- | --- | --- |",
        "| `a.b` | `3` | 1 to 9 | How many. | Few need more. | own, restart |",
        "| `a.c` | none | text | The password. | No default is safe. |  |",
    ]


def test_another_program_has_no_column_for_it() -> None:
    assert as_markdown([OWN]).splitlines()[2:] == [
        "| `a.b` | `3` | 1 to 9 | How many. | Few need more. |"
    ]
