"""Who may not pass gets the exception that an application already catches."""

import openai
import pytest

MODEL = "openai/gpt-4o-mini"
HELLO = [{"role": "user", "content": "hello"}]


def of(base_url: str, key: str, retries: int = 0) -> openai.OpenAI:
    return openai.OpenAI(base_url=base_url, api_key=key, timeout=20, max_retries=retries)


@pytest.mark.parametrize(("key", "code"), [("tw-unknown", "invalid_api_key"), ("tw-old", "api_key_expired")])
@pytest.mark.parametrize("stream", [False, True])
def test_a_bad_key_is_an_authentication_error(base_url, key, code, stream):
    with pytest.raises(openai.AuthenticationError) as caught:
        of(base_url, key).chat.completions.create(model=MODEL, messages=HELLO, stream=stream)
    assert (caught.value.code, caught.value.type) == (code, "authentication_error")
    assert caught.value.request_id


def test_what_a_key_may_not_ask_is_a_permission_error(base_url):
    client = of(base_url, "tw-narrow")
    assert client.chat.completions.create(model=MODEL, messages=HELLO).choices
    for call in (
        lambda: client.chat.completions.create(model="anthropic/claude-sonnet-4-5", messages=HELLO),
        lambda: client.responses.create(model="anthropic/claude-sonnet-4-5", input="hello"),
        lambda: client.embeddings.create(model="gemini/gemini-embedding-001", input="hello"),
        lambda: client.models.retrieve("anthropic/claude-sonnet-4-5"),
        lambda: client.audio.transcriptions.create(model="groq/whisper-large-v3", file=("a.wav", b"RIFF")),
    ):
        with pytest.raises(openai.PermissionDeniedError) as caught:
            call()
        assert (caught.value.code, caught.value.param) == ("model_not_allowed", "model")
    with pytest.raises(openai.PermissionDeniedError) as caught:
        client.files.list()
    assert caught.value.code == "path_not_allowed"
    assert {model.owned_by for model in client.models.list()} == {"openai"}


def test_a_limit_says_when_to_come_back_and_the_sdk_does(base_url):
    client = of(base_url, "tw-slow")
    with pytest.raises(openai.RateLimitError) as caught:
        for _ in range(3):
            client.chat.completions.create(model=MODEL, messages=HELLO)
    headers = caught.value.response.headers
    assert 0 < float(headers["retry-after"]) <= 3
    assert (headers["x-ratelimit-limit-requests"], headers["x-ratelimit-remaining-requests"]) == ("1", "0")
    assert caught.value.code == "rate_limit_exceeded" and "slow" in caught.value.body["message"]
    # Of its own accord it waits as long as it was told.
    patient = of(base_url, "tw-slow", retries=5)
    answers = [patient.chat.completions.with_raw_response.create(model=MODEL, messages=HELLO) for _ in range(2)]
    assert sum(answer.retries_taken for answer in answers) >= 1
    assert answers[-1].headers["x-ratelimit-limit-requests"] == "1"
