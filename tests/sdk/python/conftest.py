"""What every suite needs: clients of the gateway, as an application would make them."""

import os

import openai
import pytest

KEY = "sk-any"
# Nothing here takes long; a hang must fail a test, not the run. Retries would hide a failure.
OPTIONS = {"api_key": KEY, "timeout": 20, "max_retries": 0}


@pytest.fixture(scope="session")
def base_url() -> str:
    return os.environ["TOLLWAY_BASE_URL"]


@pytest.fixture(scope="session")
def client(base_url):
    with openai.OpenAI(base_url=base_url, **OPTIONS) as client:
        yield client


@pytest.fixture
async def async_client(base_url):
    async with openai.AsyncOpenAI(base_url=base_url, **OPTIONS) as client:
        yield client
