"""Time-outs and hang-ups: the client stops waiting, and the provider stops working."""

import asyncio

import openai
import pytest
import simulator
import upstreams


def long_answer(model: str) -> dict:
    question = [{"role": "user", "content": "go on [sim:tokens=2000] [sim:gap_ms=20]"}]
    return {"model": model, "messages": question, "stream": True}


def slow_answer(model: str) -> dict:
    return {"model": model, "messages": [{"role": "user", "content": "take your time [sim:latency_ms=10000]"}]}


@pytest.mark.parametrize("model", upstreams.CHAT)
async def test_time_out_before_the_answer(async_client, model):
    before = await simulator.idle()
    with pytest.raises(openai.APITimeoutError):
        await async_client.with_options(timeout=0.5).chat.completions.create(**slow_answer(model))
    assert await simulator.hang_ups(before) == 1


async def test_time_out_sync(client):
    before = await simulator.idle()

    def give_up():
        with pytest.raises(openai.APITimeoutError):
            client.with_options(timeout=0.5).chat.completions.create(**slow_answer(upstreams.CHAT[0]))

    await asyncio.to_thread(give_up)
    assert await simulator.hang_ups(before) == 1


@pytest.mark.parametrize("model", upstreams.CHAT)
async def test_cancelled_task(async_client, model):
    before = await simulator.idle()
    task = asyncio.create_task(async_client.chat.completions.create(**slow_answer(model)))
    await simulator.at_work(before)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await simulator.hang_ups(before) == 1


@pytest.mark.parametrize("model", upstreams.CHAT)
async def test_closed_stream(async_client, model):
    before = await simulator.idle()
    stream = await async_client.chat.completions.create(**long_answer(model))
    seen = 0
    async for _ in stream:
        seen += 1
        if seen == 5:
            break
    await stream.close()
    assert await simulator.hang_ups(before) == 1


@pytest.mark.parametrize("model", upstreams.CHAT)
async def test_left_stream(base_url, model):
    """A sync client that leaves its `with` in the middle of a stream."""
    before = await simulator.idle()

    def leave_early():
        with openai.OpenAI(base_url=base_url, api_key="sk-any", max_retries=0, timeout=20) as client:
            with client.chat.completions.create(**long_answer(model)) as stream:
                next(iter(stream))

    await asyncio.to_thread(leave_early)
    assert await simulator.hang_ups(before) == 1


async def test_many_at_once(async_client):
    """Finished, cancelled and failing requests side by side on one client do not touch one another."""

    async def one(number: int) -> str:
        model = upstreams.CHAT[number % len(upstreams.CHAT)]
        question = [{"role": "user", "content": f"number {number} [sim:gap_ms=1]"}]
        stream = await async_client.chat.completions.create(model=model, messages=question, stream=True)
        if number % 7 == 3:
            await stream.close()
            return ""
        return "".join([chunk.choices[0].delta.content or "" async for chunk in stream if chunk.choices])

    texts = await asyncio.gather(*[one(number) for number in range(100)])
    for number, text in enumerate(texts):
        assert not text or f"number {number}" in text
    assert sum(1 for text in texts if text) == 100 - len(range(3, 100, 7))
