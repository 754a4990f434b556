"""Who may not pass gets the exception that an application already catches."""

import pytest
from google import genai
from google.genai import errors, types

MODEL = "openai/gpt-4o-mini"


def of(base_url: str, key: str, attempts: int = 1) -> genai.Client:
    options = types.HttpOptions(
        base_url=base_url.removesuffix("/v1"),
        timeout=20_000,
        retry_options=types.HttpRetryOptions(attempts=attempts, initial_delay=1.0),
    )
    return genai.Client(api_key=key, http_options=options)


@pytest.mark.parametrize("key", ["tw-unknown", "tw-old"])
def test_a_bad_key_is_unauthenticated(base_url, key):
    # Held: a client that nobody holds is closed.
    client = of(base_url, key)
    with pytest.raises(errors.ClientError) as caught:
        client.models.generate_content(model=MODEL, contents="hello")
    assert (caught.value.code, caught.value.status) == (401, "UNAUTHENTICATED")


def test_what_a_key_may_not_ask_is_denied(base_url):
    client = of(base_url, "tw-narrow")
    assert client.models.generate_content(model=MODEL, contents="hello").text
    with pytest.raises(errors.ClientError) as caught:
        client.models.generate_content(model="gemini/gemini-2.5-flash", contents="hello")
    assert (caught.value.code, caught.value.status) == (403, "PERMISSION_DENIED")
    with pytest.raises(errors.ClientError):
        client.models.embed_content(model="gemini/gemini-embedding-001", contents="hello")


def test_a_limit_is_exhaustion_and_the_sdk_comes_back(base_url):
    client = of(base_url, "tw-slow")
    with pytest.raises(errors.ClientError) as caught:
        for _ in range(3):
            client.models.generate_content(model=MODEL, contents="hello")
    assert (caught.value.code, caught.value.status) == (429, "RESOURCE_EXHAUSTED")
    patient = of(base_url, "tw-slow", attempts=6)
    assert all(patient.models.generate_content(model=MODEL, contents="hello").text for _ in range(2))
