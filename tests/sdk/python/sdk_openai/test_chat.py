"""Plain and streamed chat: text in, text and usage out, the same from every provider."""

import json

import pytest
import upstreams
from reading import gather, read

QUESTION = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Say marco polo 42."}]


def check_usage(usage):
    assert usage.prompt_tokens > 0 and usage.completion_tokens > 0
    assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens


@pytest.mark.parametrize("model", upstreams.CHAT)
def test_answers(client, model):
    answer = client.chat.completions.create(model=model, messages=QUESTION)
    assert answer.object == "chat.completion" and answer.id and answer.created > 0 and answer.model
    [choice] = answer.choices
    assert choice.finish_reason == "stop"
    assert choice.message.role == "assistant"
    assert "marco polo 42" in choice.message.content
    assert choice.message.tool_calls is None
    check_usage(answer.usage)
    assert answer._request_id


@pytest.mark.parametrize("model", upstreams.CHAT)
async def test_answers_async(async_client, model):
    answer = await async_client.chat.completions.create(model=model, messages=QUESTION)
    assert "marco polo 42" in answer.choices[0].message.content


@pytest.mark.parametrize("model", upstreams.CHAT)
def test_streams_the_same_text(client, model):
    whole = client.chat.completions.create(model=model, messages=QUESTION)
    answer = read(client.chat.completions.create(model=model, messages=QUESTION, stream=True))
    assert answer.text == whole.choices[0].message.content
    assert answer.finish_reason == "stop"
    assert answer.chunks > 2, "it was streamed, not collected"
    assert answer.usage is None, "usage only for those who ask"


@pytest.mark.parametrize("model", upstreams.CHAT)
async def test_streams_async(async_client, model):
    stream = await async_client.chat.completions.create(model=model, messages=QUESTION, stream=True)
    assert "marco polo 42" in read(await gather(stream)).text


@pytest.mark.parametrize("model", upstreams.CHAT)
def test_streams_usage_when_asked(client, model):
    whole = client.chat.completions.create(model=model, messages=QUESTION)
    chunks = list(
        client.chat.completions.create(
            model=model, messages=QUESTION, stream=True, stream_options={"include_usage": True}
        )
    )
    answer = read(chunks)
    check_usage(answer.usage)
    assert answer.usage.prompt_tokens == whole.usage.prompt_tokens
    assert answer.usage.completion_tokens == whole.usage.completion_tokens


@pytest.mark.parametrize("model", upstreams.CHAT)
def test_no_chunk_without_choices_for_those_who_did_not_ask(client, model):
    for chunk in client.chat.completions.create(model=model, messages=QUESTION, stream=True):
        assert chunk.choices, "the usage chunk that the gateway asked for is not the client's"


@pytest.mark.parametrize("model", upstreams.CHAT)
def test_stream_helper_sees_the_whole_answer(client, model):
    with client.chat.completions.stream(model=model, messages=QUESTION) as stream:
        kinds = {event.type for event in stream}
        final = stream.get_final_completion()
    assert {"chunk", "content.delta", "content.done"} <= kinds
    assert "marco polo 42" in final.choices[0].message.content
    assert final.choices[0].finish_reason == "stop"


@pytest.mark.parametrize("model", upstreams.CHAT)
def test_stops_at_the_token_limit(client, model):
    question = [{"role": "user", "content": "Tell me a long story. [sim:tokens=200]"}]
    answer = client.chat.completions.create(model=model, messages=question, max_tokens=5)
    assert answer.choices[0].finish_reason == "length"
    assert answer.usage.completion_tokens == 5


@pytest.mark.parametrize("model", upstreams.CHAT)
def test_carries_a_conversation_and_sampling(client, model):
    answer = client.chat.completions.create(
        model=model,
        messages=[
            {"role": "developer", "content": "You are a parrot."},
            {"role": "user", "content": "first"},
            {"role": "assistant", "content": "first"},
            {"role": "user", "content": [{"type": "text", "text": "second"}, {"type": "text", "text": "third"}]},
        ],
        temperature=0.5,
        top_p=0.9,
        stop=["END"],
        max_completion_tokens=300,
    )
    assert "third" in answer.choices[0].message.content


@pytest.mark.parametrize("model", upstreams.CHAT)
def test_carries_any_text(client, model):
    text = 'quotes " and \\ and \n newline, tab \t, ünïcödé, 日本語, 🦀, \u2028, {"json": [1]}, <b>&amp;</b>, data: [DONE]'
    question = [{"role": "user", "content": text}]
    answer = client.chat.completions.create(model=model, messages=question)
    assert text in answer.choices[0].message.content
    streamed = read(client.chat.completions.create(model=model, messages=question, stream=True))
    assert streamed.text == answer.choices[0].message.content


@pytest.mark.parametrize("model", ["openai/gpt-4o-mini", "gemini/gemini-2.5-flash"])
def test_several_choices_where_the_format_has_them(client, model):
    answer = client.chat.completions.create(model=model, messages=QUESTION, n=2)
    assert [choice.index for choice in answer.choices] == [0, 1]
    assert all(choice.message.content for choice in answer.choices)


@pytest.mark.parametrize("model", upstreams.REASONING)
def test_reasons(client, model):
    answer = client.chat.completions.create(model=model, messages=QUESTION, reasoning_effort="low")
    assert answer.choices[0].message.content
    assert answer.choices[0].message.model_extra["reasoning_content"]
    assert answer.choices[0].message.model_extra["reasoning_content"] not in answer.choices[0].message.content


@pytest.mark.parametrize("model", upstreams.REASONING)
def test_streams_reasoning_before_text(client, model):
    chunks = list(
        client.chat.completions.create(model=model, messages=QUESTION, reasoning_effort="low", stream=True)
    )
    answer = read(chunks)
    assert answer.reasoning and answer.text
    kinds = [
        "reasoning" if (choice.delta.model_extra or {}).get("reasoning_content") else "text"
        for chunk in chunks
        for choice in chunk.choices
        if choice.delta.content or (choice.delta.model_extra or {}).get("reasoning_content")
    ]
    assert kinds == sorted(kinds), "reasoning comes before the answer"


@pytest.mark.parametrize("model", ["openai/gpt-5-mini", "groq/openai/gpt-oss-20b"])
def test_asks_for_reasoning_in_openais_own_dialect(client, model):
    answer = client.chat.completions.create(model=model, messages=QUESTION, reasoning_effort="low")
    assert answer.choices[0].message.content
    assert answer.usage.completion_tokens_details.reasoning_tokens > 0


def test_legacy_completion(client):
    answer = client.completions.create(model="openai/gpt-3.5-turbo-instruct", prompt="Say marco polo 42.")
    assert answer.object == "text_completion"
    assert "marco polo 42" in answer.choices[0].text
    assert answer.choices[0].finish_reason == "stop"
    check_usage(answer.usage)


def test_legacy_completion_streams(client):
    arguments = {"model": "openai/gpt-3.5-turbo-instruct", "prompt": "Say marco polo 42."}
    whole = client.completions.create(**arguments).choices[0].text
    text = "".join(chunk.choices[0].text for chunk in client.completions.create(**arguments, stream=True))
    assert text == whole


def test_request_ids(client):
    plain = client.chat.completions.with_raw_response.create(model=upstreams.CHAT[0], messages=QUESTION)
    assert plain.headers["x-request-id"]
    own = client.chat.completions.with_raw_response.create(
        model=upstreams.CHAT[0], messages=QUESTION, extra_headers={"x-request-id": "own-id-1"}
    )
    assert own.headers["x-request-id"] == "own-id-1"


def test_answers_are_json_of_openais_shape(client):
    """Fields that the SDK's types require but do not check are there in every format."""
    for model in upstreams.CHAT:
        raw = client.chat.completions.with_raw_response.create(model=model, messages=QUESTION)
        assert raw.headers["content-type"].startswith("application/json")
        body = json.loads(raw.text if isinstance(raw.text, str) else raw.text())
        assert {"id", "object", "created", "model", "choices", "usage"} <= body.keys()
        assert {"index", "message", "finish_reason"} <= body["choices"][0].keys()
        assert {"role", "content"} <= body["choices"][0]["message"].keys()
