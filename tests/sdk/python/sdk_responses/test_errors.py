"""Failures arrive as the exception that an application already catches; hang-ups reach the provider."""

import asyncio

import openai
import pytest
import simulator
import upstreams

STATUSES = [
    (400, openai.BadRequestError),
    (401, openai.AuthenticationError),
    (403, openai.PermissionDeniedError),
    (404, openai.NotFoundError),
    (429, openai.RateLimitError),
    (500, openai.InternalServerError),
    (529, openai.InternalServerError),
]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("status", "expected"), STATUSES)
@pytest.mark.parametrize("model", upstreams.FORMATS)
def test_statuses(client, model, status, expected, stream):
    with pytest.raises(expected) as caught:
        client.responses.create(model=model, input=f"hello [sim:status={status}]", stream=stream)
    error = caught.value
    assert error.status_code in ((503, 529) if status == 529 else (status,))
    assert error.type and error.body["message"] and error.request_id
    if status == 429:
        assert float(error.response.headers["retry-after"]) > 0


@pytest.mark.parametrize("failure", ["cut", "mid_reset", "error_event"])
@pytest.mark.parametrize("model", upstreams.FORMATS)
def test_a_failure_in_mid_stream_never_looks_complete(client, model, failure):
    received = []
    question = f"hello [sim:tokens=50] [sim:{failure}]"
    with pytest.raises(openai.APIError):
        for event in client.responses.create(model=model, input=question, stream=True):
            received.append(event.type)
            if event.type in ("error", "response.failed"):
                raise openai.APIError(event.type, request=None, body=None)
    assert "response.output_text.delta" in received
    assert not {"response.completed", "response.incomplete", "response.output_item.done"} & set(received)


@pytest.mark.parametrize("model", upstreams.FORMATS)
async def test_closed_stream(async_client, model):
    before = await simulator.idle()
    question = "go on [sim:tokens=900,gap_ms=20]"
    stream = await async_client.responses.create(model=model, input=question, stream=True)
    seen = 0
    async for _ in stream:
        seen += 1
        if seen == 8:
            break
    await stream.close()
    assert await simulator.hang_ups(before) == 1


@pytest.mark.parametrize("model", upstreams.FORMATS)
async def test_cancelled_task(async_client, model):
    before = await simulator.idle()
    question = "take your time [sim:latency_ms=10000]"
    task = asyncio.create_task(async_client.responses.create(model=model, input=question))
    await simulator.at_work(before)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await simulator.hang_ups(before) == 1
