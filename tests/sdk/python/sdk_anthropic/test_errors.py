"""Failures arrive as the exception that an application already catches; hang-ups reach the provider."""

import asyncio

import anthropic
import pytest
import simulator
import upstreams

STATUSES = [
    (400, anthropic.BadRequestError, "invalid_request_error"),
    (401, anthropic.AuthenticationError, "authentication_error"),
    (403, anthropic.PermissionDeniedError, "permission_error"),
    (404, anthropic.NotFoundError, "not_found_error"),
    (429, anthropic.RateLimitError, "rate_limit_error"),
    (500, anthropic.InternalServerError, "api_error"),
    (529, anthropic.OverloadedError, "overloaded_error"),
]


def ask(text: str) -> dict:
    return {"max_tokens": 1000, "messages": [{"role": "user", "content": text}]}


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("status", "expected", "kind"), STATUSES)
@pytest.mark.parametrize("model", upstreams.FORMATS)
def test_statuses(client, model, status, expected, kind, stream):
    with pytest.raises(expected) as caught:
        client.messages.create(model=model, stream=stream, **ask(f"hello [sim:status={status}]"))
    error = caught.value
    assert error.status_code == status
    assert error.body["type"] == "error" and error.body["error"]["type"] == kind
    assert error.body["error"]["message"] and error.request_id
    if status == 429:
        assert float(error.response.headers["retry-after"]) > 0


def test_unknown_model(client):
    with pytest.raises(anthropic.NotFoundError) as caught:
        client.messages.create(model="no-such-model", **ask("hello"))
    assert caught.value.body["error"]["type"] == "not_found_error"
    assert "no-such-model" in caught.value.message


@pytest.mark.parametrize("model", upstreams.FORMATS)
def test_the_field_at_fault_is_named(client, model):
    with pytest.raises(anthropic.BadRequestError, match=r"messages\W+0"):
        client.messages.create(model=model, max_tokens=10, messages=[{"role": "nobody", "content": "hello"}])
    with pytest.raises(anthropic.BadRequestError, match="max_tokens"):
        client.post("/v1/messages", body={"model": model, "messages": ask("hello")["messages"]}, cast_to=object)


@pytest.mark.parametrize("failure", ["cut", "mid_reset", "error_event"])
@pytest.mark.parametrize("model", upstreams.FORMATS)
def test_a_failure_in_mid_stream_never_looks_complete(client, model, failure):
    received = []
    with pytest.raises(anthropic.APIError):
        question = ask(f"hello [sim:tokens=50] [sim:{failure}]")
        for event in client.messages.create(model=model, stream=True, **question):
            received.append(event.type)
    assert "content_block_delta" in received, "it broke before it began"
    assert "message_delta" not in received and "message_stop" not in received


@pytest.mark.parametrize("model", upstreams.FORMATS)
async def test_a_failure_in_mid_stream_async(async_client, model):
    with pytest.raises(anthropic.APIError):
        async with async_client.messages.stream(model=model, **ask("hello [sim:tokens=50,cut]")) as stream:
            await stream.get_final_message()


@pytest.mark.parametrize("model", upstreams.FORMATS)
async def test_closed_stream(async_client, model):
    before = await simulator.idle()
    async with async_client.messages.stream(model=model, **ask("go on [sim:tokens=900,gap_ms=20]")) as stream:
        seen = 0
        async for _ in stream.text_stream:
            seen += 1
            if seen == 5:
                break
    assert await simulator.hang_ups(before) == 1


@pytest.mark.parametrize("model", upstreams.FORMATS)
async def test_cancelled_task(async_client, model):
    before = await simulator.idle()
    question = ask("take your time [sim:latency_ms=10000]")
    task = asyncio.create_task(async_client.messages.create(model=model, **question))
    await simulator.at_work(before)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await simulator.hang_ups(before) == 1
