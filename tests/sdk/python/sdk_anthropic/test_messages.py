"""Messages to every format: whole, streamed, with instructions, turns and media."""

import anthropic
import pytest
import upstreams

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
PDF = "JVBERi0xLjQKJSVFT0YK"


def user(content) -> list:
    return [{"role": "user", "content": content}]


@pytest.mark.parametrize("model", upstreams.FORMATS)
def test_answers(client, model):
    answer = client.messages.create(model=model, max_tokens=100, messages=user("Why is the sky blue?"))
    assert answer.type == "message" and answer.role == "assistant" and answer.id.startswith("msg_")
    assert [block.text for block in answer.content if block.type == "text"] == ["Why is the sky blue?"]
    assert answer.stop_reason == "end_turn" and answer.stop_sequence is None
    assert answer.usage.input_tokens == 5 and answer.usage.output_tokens >= 5
    assert answer._request_id, "support is asked by the request's id"


@pytest.mark.parametrize("model", upstreams.FORMATS)
def test_streams(client, model):
    with client.messages.stream(model=model, max_tokens=100, messages=user("one two [sim:split_unicode]")) as stream:
        text = "".join(stream.text_stream)
        final = stream.get_final_message()
    assert text == "one two naïve 日本語 🚀🇨🇭 né"
    assert "".join(block.text for block in final.content if block.type == "text") == text
    assert final.stop_reason == "end_turn" and final.usage.output_tokens > 0


@pytest.mark.parametrize("model", upstreams.FORMATS)
def test_streams_raw_events(client, model):
    events = list(client.messages.create(model=model, max_tokens=100, messages=user("hello"), stream=True))
    kinds = [event.type for event in events if event.type != "ping"]
    assert kinds[0] == "message_start" and kinds[-2:] == ["message_delta", "message_stop"]
    starts = [event.index for event in events if event.type == "content_block_start"]
    stops = [event.index for event in events if event.type == "content_block_stop"]
    assert starts == stops == list(range(len(starts))) and starts


@pytest.mark.parametrize("model", upstreams.FORMATS)
async def test_streams_async(async_client, model):
    async with async_client.messages.stream(model=model, max_tokens=100, messages=user("hello there")) as stream:
        assert "".join([text async for text in stream.text_stream]) == "hello there"


@pytest.mark.parametrize("model", upstreams.FORMATS)
def test_system_and_turns(client, model):
    messages = [
        {"role": "user", "content": "Hello"},
        {"role": "assistant", "content": [{"type": "text", "text": "Hi."}]},
        {"role": "user", "content": [{"type": "text", "text": "and now? [sim:system,turns]"}]},
    ]
    answer = client.messages.create(model=model, max_tokens=100, system="Be brief.", messages=messages)
    expected = "system: Be brief.\nturns: user: Hello | assistant: Hi. | user: and now?"
    assert "".join(block.text for block in answer.content if block.type == "text") == expected


@pytest.mark.parametrize("model", upstreams.FORMATS)
def test_media(client, model):
    content = [
        {"type": "text", "text": "see"},
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}},
        {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": PDF}},
    ]
    answer = client.messages.create(model=model, max_tokens=100, messages=user(content))
    said = "".join(block.text for block in answer.content if block.type == "text")
    assert said == "see [image/png, 70 bytes] [application/pdf, 15 bytes]"


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("model", upstreams.FORMATS)
def test_max_tokens(client, model, stream):
    arguments = {"model": model, "max_tokens": 20, "messages": user("go on [sim:tokens=90]")}
    if stream:
        with client.messages.stream(**arguments) as stream:
            answer = stream.get_final_message()
    else:
        answer = client.messages.create(**arguments)
    assert answer.stop_reason == "max_tokens" and answer.usage.output_tokens == 20


@pytest.mark.parametrize("model", [model for model in upstreams.FORMATS if not model.startswith("responses/")])
def test_stop_sequences(client, model):
    answer = client.messages.create(
        model=model, max_tokens=100, messages=user("one two END three"), stop_sequences=["END"]
    )
    assert answer.content[-1].text.strip() == "one two"
    # Only Anthropic's own models tell that a stop sequence was met.
    expected = ("stop_sequence", "END") if model.startswith("anthropic/") else ("end_turn", None)
    assert (answer.stop_reason, answer.stop_sequence) == expected


def test_a_format_without_stop_sequences_says_so(client):
    with pytest.raises(anthropic.BadRequestError, match="stop_sequences"):
        client.messages.create(
            model="responses/gpt-4.1", max_tokens=100, messages=user("hello"), stop_sequences=["END"]
        )


@pytest.mark.parametrize("model", upstreams.FORMATS)
def test_cached_tokens(client, model):
    question = user("one two three four five six [sim:cached=4]")
    usage = client.messages.create(model=model, max_tokens=100, messages=question).usage
    assert usage.cache_read_input_tokens == 4
    # Unlike elsewhere, what is cached stands apart here.
    assert usage.input_tokens + 4 == 6 + len("[sim:cached=4]") // 8 + 1


@pytest.mark.parametrize("model", upstreams.COUNTING)
def test_counts_tokens(client, model):
    assert client.messages.count_tokens(model=model, messages=user("one two three")).input_tokens == 3


def test_a_format_that_does_not_count_is_estimated(client):
    answer = client.messages.with_raw_response.count_tokens(model="chat/gpt-4.1", messages=user("one two three"))
    assert answer.headers["x-tollway-estimated"] == "tokens"
    assert 3 <= answer.parse().input_tokens < 20
    with pytest.raises(anthropic.BadRequestError, match="messages"):
        client.messages.count_tokens(model="chat/gpt-4.1", messages="no list")


@pytest.mark.parametrize("model", upstreams.FORMATS)
def test_refusals(client, model):
    answer = client.messages.create(model=model, max_tokens=100, messages=user("how? [sim:refuse]"))
    assert answer.stop_reason == "refusal"


def test_lists_models(client):
    models = {model.id: model for model in client.models.list()}
    assert "claude-sonnet-4-5" in models
    for model in models.values():
        assert model.type == "model" and model.display_name and model.created_at
    assert client.models.retrieve("claude-sonnet-4-5").id == "claude-sonnet-4-5"
