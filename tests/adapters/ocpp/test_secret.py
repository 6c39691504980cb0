"""Values of secrets are taken out of what stations say, and nothing else is."""

from __future__ import annotations

from typing import Any

import pytest

from adapters.ocpp.secret import redacted, scrubbed

WORD = "sesame"
PASSWORD = {"component": {"name": "SecurityCtrlr"}, "variable": {"name": "BasicAuthPassword"}}
LINES: list[tuple[str, dict[str, Any]]] = [
    ("configurationKey", {"key": "AuthorizationKey", "readonly": False, "value": WORD}),
    ("getVariableResult", PASSWORD | {"attributeStatus": "Accepted", "attributeValue": WORD}),
    ("reportData", PASSWORD | {"variableAttribute": [{"type": "Actual", "value": WORD}]}),
    ("eventData", PASSWORD | {"eventId": 1, "actualValue": WORD}),
]


@pytest.mark.parametrize(("name", "line"), LINES)
def test_the_value_of_a_secret_is_gone_and_its_name_stays(name: str, line: dict[str, Any]) -> None:
    clean = redacted({name: [line], "other": 1})
    assert WORD not in str(clean)
    assert clean["other"] == 1
    assert ("AuthorizationKey" in str(clean)) or ("BasicAuthPassword" in str(clean))


def test_what_is_no_secret_stays_as_it_is() -> None:
    said = {"configurationKey": [{"key": "K", "value": WORD}], "unknownKey": ["AuthorizationKey"], "odd": [1, None]}
    assert redacted(said) == said


@pytest.mark.parametrize(
    "text",
    [
        '[3,"1",{"configurationKey":[{"key":"AUTHORIZATIONKEY","value" : "sesame"}]}]',
        '{"BasicAuthPassword" broken "value":"sesame',
        r'{"key":"AuthorizationKey","value":"se\"sesame"}',
    ],
)
def test_a_raw_text_that_names_a_secret_is_kept_without_values(text: str) -> None:
    assert WORD not in scrubbed(text)


def test_any_other_raw_text_is_kept_word_for_word() -> None:
    text = '[2,"1","DataTransfer",{"value":"sesame"}]'
    assert scrubbed(text) == text
