"""Failures arrive as the exception that an application already catches."""

import json

import openai
import pytest
import upstreams
from reading import gather

STATUSES = [
    (400, openai.BadRequestError),
    (401, openai.AuthenticationError),
    (403, openai.PermissionDeniedError),
    (404, openai.NotFoundError),
    (429, openai.RateLimitError),
    (500, openai.InternalServerError),
    (503, openai.InternalServerError),
]


def ask(text: str) -> list:
    return [{"role": "user", "content": text}]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("status", "expected"), STATUSES)
@pytest.mark.parametrize("model", upstreams.CHAT)
def test_statuses(client, model, status, expected, stream):
    with pytest.raises(expected) as caught:
        client.chat.completions.create(model=model, messages=ask(f"hello [sim:status={status}]"), stream=stream)
    error = caught.value
    assert error.status_code == status
    assert error.type and error.body["message"], "the error has OpenAI's shape"
    assert error.request_id


def test_overload_is_retryable(client):
    with pytest.raises(openai.InternalServerError) as caught:
        client.chat.completions.create(model="anthropic/claude-sonnet-4-5", messages=ask("hello [sim:status=529]"))
    assert caught.value.status_code in (503, 529)


@pytest.mark.parametrize("model", upstreams.CHAT)
def test_retry_after(client, model):
    with pytest.raises(openai.RateLimitError) as caught:
        client.chat.completions.create(model=model, messages=ask("hello [sim:status=429]"))
    assert float(caught.value.response.headers["retry-after"]) > 0


@pytest.mark.parametrize("model", upstreams.CHAT)
def test_refuses_what_no_provider_takes(client, model):
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(model=model, messages=[])
    assert caught.value.type == "invalid_request_error"
    with pytest.raises(openai.BadRequestError):
        client.chat.completions.create(model=model, messages=[{"role": "nobody", "content": "hello"}])


def test_names_the_field_that_cannot_be_carried(client):
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(model="anthropic/claude-sonnet-4-5", messages=ask("hello"), n=2)
    assert caught.value.param == "n"


@pytest.mark.parametrize("model", ["no-such-model", "nobody/gpt-4o-mini"])
def test_unknown_model(client, model):
    with pytest.raises(openai.NotFoundError) as caught:
        client.chat.completions.create(model=model, messages=ask("hello"))
    assert caught.value.code == "model_not_found"
    assert model in caught.value.message


def test_unknown_path(client):
    with pytest.raises(openai.NotFoundError) as caught:
        client.post("/no/such/path", body={}, cast_to=object)
    assert caught.value.type == "invalid_request_error"


@pytest.mark.parametrize("model", upstreams.CHAT)
def test_a_reset_before_the_answer(client, model):
    with pytest.raises(openai.InternalServerError) as caught:
        client.chat.completions.create(model=model, messages=ask("hello [sim:reset]"))
    assert caught.value.status_code in (502, 503)


@pytest.mark.parametrize("failure", ["cut", "mid_reset", "error_event", "malformed"])
@pytest.mark.parametrize("model", upstreams.CHAT)
def test_a_failure_in_mid_stream_never_looks_complete(client, model, failure):
    received = []
    stream = client.chat.completions.create(
        model=model, messages=ask(f"hello [sim:tokens=50] [sim:{failure}]"), stream=True
    )
    # A relayed event goes through as it came, so that the SDK itself finds the broken JSON.
    expected = (openai.APIError, json.JSONDecodeError) if failure == "malformed" else openai.APIError
    with pytest.raises(expected):
        for chunk in stream:
            received.append(chunk)
    assert received, "it broke before it began"
    finishes = [choice.finish_reason for chunk in received for choice in chunk.choices if choice.finish_reason]
    assert not finishes


@pytest.mark.parametrize("model", upstreams.CHAT)
async def test_a_failure_in_mid_stream_async(async_client, model):
    stream = await async_client.chat.completions.create(
        model=model, messages=ask("hello [sim:tokens=50] [sim:cut]"), stream=True
    )
    with pytest.raises(openai.APIError):
        await gather(stream)


def test_the_sdk_retries(base_url):
    """With its default retries the SDK gives the last error, having waited as it was told."""
    with openai.OpenAI(base_url=base_url, api_key="sk-any", timeout=20, max_retries=1) as client:
        with pytest.raises(openai.InternalServerError):
            client.chat.completions.create(model=upstreams.CHAT[0], messages=ask("hello [sim:status=500]"))
