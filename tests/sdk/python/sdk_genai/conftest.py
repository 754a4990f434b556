"""Google's client, pointed at the gateway as an application would point it."""

import pytest
from google import genai
from google.genai import types


@pytest.fixture(scope="session")
def client(base_url):
    """Its `.aio` is the async client."""
    options = types.HttpOptions(
        base_url=base_url.removesuffix("/v1"),
        # Nothing here takes long; retries would hide a failure.
        timeout=20_000,
        retry_options=types.HttpRetryOptions(attempts=1),
    )
    return genai.Client(api_key="any", http_options=options)
