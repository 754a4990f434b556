"""Failures arrive as the exception that an application already catches; hang-ups reach the provider."""

import asyncio

import pytest
import simulator
import upstreams
from google.genai import errors

STATUSES = [
    (400, errors.ClientError, "INVALID_ARGUMENT"),
    (401, errors.ClientError, "UNAUTHENTICATED"),
    (403, errors.ClientError, "PERMISSION_DENIED"),
    (404, errors.ClientError, "NOT_FOUND"),
    (429, errors.ClientError, "RESOURCE_EXHAUSTED"),
    (500, errors.ServerError, "INTERNAL"),
    (529, errors.ServerError, "UNAVAILABLE"),
]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("status", "expected", "name"), STATUSES)
@pytest.mark.parametrize("model", upstreams.FORMATS)
def test_statuses(client, model, status, expected, name, stream):
    ask = client.models.generate_content_stream if stream else client.models.generate_content
    with pytest.raises(expected) as caught:
        list(ask(model=model, contents=f"hello [sim:status={status}]"))
    # An overload is a 503 here; 529 is Anthropic's.
    assert caught.value.code in ((503, 529) if status == 529 else (status,))
    assert caught.value.status == name and caught.value.message


def test_unknown_model(client):
    with pytest.raises(errors.ClientError) as caught:
        client.models.generate_content(model="no-such-model", contents="hello")
    assert caught.value.code == 404 and caught.value.status == "NOT_FOUND"
    assert "no-such-model" in caught.value.message


@pytest.mark.parametrize("failure", ["cut", "mid_reset", "error_event"])
@pytest.mark.parametrize("model", upstreams.FORMATS)
def test_a_failure_in_mid_stream_never_looks_complete(client, model, failure):
    received = []
    with pytest.raises(errors.APIError):
        contents = f"hello [sim:tokens=50] [sim:{failure}]"
        for chunk in client.models.generate_content_stream(model=model, contents=contents):
            received.append(chunk.candidates[0].finish_reason)
    assert received and not any(received)


@pytest.mark.parametrize("model", upstreams.FORMATS)
async def test_cancelled_task(client, model):
    before = await simulator.idle()
    question = "take your time [sim:latency_ms=10000]"
    task = asyncio.create_task(client.aio.models.generate_content(model=model, contents=question))
    await simulator.at_work(before)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await simulator.hang_ups(before) == 1
