"""Who may not pass gets the exception that an application already catches."""

import anthropic
import pytest

MODEL = "openai/gpt-4o-mini"
HELLO = [{"role": "user", "content": "hello"}]


def of(root_url: str, retries: int = 0, **how) -> anthropic.Anthropic:
    return anthropic.Anthropic(base_url=root_url, timeout=20, max_retries=retries, **how)


def ask(client: anthropic.Anthropic, model: str = MODEL):
    return client.messages.create(model=model, max_tokens=20, messages=HELLO)


@pytest.mark.parametrize("how", [{"api_key": "tw-unknown"}, {"auth_token": "tw-unknown", "api_key": None}, {"api_key": "tw-old"}])
def test_a_bad_key_is_an_authentication_error(root_url, monkeypatch, how):
    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)
    with pytest.raises(anthropic.AuthenticationError) as caught:
        ask(of(root_url, **how))
    assert caught.value.body["error"]["type"] == "authentication_error"
    assert caught.value.request_id


def test_what_a_key_may_not_ask_is_a_permission_error(root_url):
    client = of(root_url, api_key="tw-narrow")
    assert ask(client).content
    with pytest.raises(anthropic.PermissionDeniedError) as caught:
        ask(client, "anthropic/claude-sonnet-4-5")
    assert caught.value.body["error"]["type"] == "permission_error"
    with pytest.raises(anthropic.PermissionDeniedError):
        client.messages.count_tokens(model="gemini/gemini-2.5-flash", messages=HELLO)


def test_a_limit_says_when_to_come_back_and_the_sdk_does(root_url):
    client = of(root_url, api_key="tw-slow")
    with pytest.raises(anthropic.RateLimitError) as caught:
        for _ in range(3):
            ask(client)
    headers = caught.value.response.headers
    assert 0 < float(headers["retry-after"]) <= 3
    assert headers["anthropic-ratelimit-requests-limit"] == "1"
    assert caught.value.body["error"]["type"] == "rate_limit_error"
    patient = of(root_url, api_key="tw-slow", retries=5)
    assert all(ask(patient).content for _ in range(2))
