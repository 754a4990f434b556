"""Anthropic's client, pointed at the gateway as an application would point it."""

import anthropic
import pytest

OPTIONS = {"api_key": "sk-ant-any", "timeout": 20, "max_retries": 0}


@pytest.fixture(scope="session")
def root_url(base_url) -> str:
    return base_url.removesuffix("/v1")


@pytest.fixture(scope="session")
def client(root_url):
    with anthropic.Anthropic(base_url=root_url, **OPTIONS) as client:
        yield client


@pytest.fixture
async def async_client(root_url):
    async with anthropic.AsyncAnthropic(base_url=root_url, **OPTIONS) as client:
        yield client
