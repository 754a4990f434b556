"""Generated content from every format: whole, streamed, with instructions, turns and media."""

import base64

import pytest
import upstreams
from google.genai import errors, types

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
PDF = base64.b64decode("JVBERi0xLjQKJSVFT0YK")


@pytest.mark.parametrize("model", upstreams.FORMATS)
def test_answers(client, model):
    answer = client.models.generate_content(model=model, contents="Why is the sky blue?")
    assert answer.text == "Why is the sky blue?"
    [candidate] = answer.candidates
    assert candidate.finish_reason == types.FinishReason.STOP and candidate.content.role == "model"
    assert answer.response_id and answer.model_version
    usage = answer.usage_metadata
    assert usage.prompt_token_count == 5 and usage.candidates_token_count == 5
    thoughts = usage.thoughts_token_count or 0
    assert usage.total_token_count == 10 + thoughts


@pytest.mark.parametrize("model", upstreams.FORMATS)
def test_streams(client, model):
    chunks = list(client.models.generate_content_stream(model=model, contents="one two [sim:split_unicode]"))
    assert "".join(chunk.text or "" for chunk in chunks) == "one two naïve 日本語 🚀🇨🇭 né"
    finishes = [chunk.candidates[0].finish_reason for chunk in chunks if chunk.candidates[0].finish_reason]
    assert finishes == [types.FinishReason.STOP]
    assert chunks[-1].usage_metadata.candidates_token_count > 0


@pytest.mark.parametrize("model", upstreams.FORMATS)
async def test_streams_async(client, model):
    stream = await client.aio.models.generate_content_stream(model=model, contents="hello there")
    assert "".join([chunk.text or "" async for chunk in stream]) == "hello there"


@pytest.mark.parametrize("model", upstreams.FORMATS)
def test_chats(client, model):
    """The SDK's own chat keeps the turns."""
    config = types.GenerateContentConfig(system_instruction="Be brief.")
    chat = client.chats.create(model=model, config=config)
    assert chat.send_message("Hello").text == "Hello"
    told = chat.send_message("and now? [sim:system,turns]").text
    assert told == "system: Be brief.\nturns: user: Hello | assistant: Hello | user: and now?"


@pytest.mark.parametrize("model", upstreams.FORMATS)
def test_media(client, model):
    contents = [
        "see",
        types.Part.from_bytes(data=PNG, mime_type="image/png"),
        types.Part.from_bytes(data=PDF, mime_type="application/pdf"),
    ]
    answer = client.models.generate_content(model=model, contents=contents)
    assert answer.text == "see [image/png, 70 bytes] [application/pdf, 15 bytes]"


@pytest.mark.parametrize("model", [model for model in upstreams.FORMATS if not model.startswith("gemini/")])
def test_max_tokens(client, model):
    config = types.GenerateContentConfig(max_output_tokens=20)
    answer = client.models.generate_content(model=model, contents="go on [sim:tokens=90]", config=config)
    assert answer.candidates[0].finish_reason == types.FinishReason.MAX_TOKENS
    assert answer.usage_metadata.candidates_token_count == 20


@pytest.mark.parametrize("model", [model for model in upstreams.FORMATS if not model.startswith("responses/")])
def test_stop_sequences(client, model):
    config = types.GenerateContentConfig(stop_sequences=["END"])
    answer = client.models.generate_content(model=model, contents="one two END three", config=config)
    assert answer.text.strip() == "one two"
    assert answer.candidates[0].finish_reason == types.FinishReason.STOP


def test_a_format_without_stop_sequences_says_so(client):
    config = types.GenerateContentConfig(stop_sequences=["END"])
    with pytest.raises(errors.ClientError, match="stopSequences") as caught:
        client.models.generate_content(model="responses/gpt-4.1", contents="hello", config=config)
    assert caught.value.code == 400


@pytest.mark.parametrize("model", upstreams.FORMATS)
def test_safety_stops(client, model):
    answer = client.models.generate_content(model=model, contents="one two three four [sim:filter]")
    assert answer.candidates[0].finish_reason in (types.FinishReason.SAFETY, types.FinishReason.PROHIBITED_CONTENT)


@pytest.mark.parametrize("model", upstreams.COUNTING)
def test_counts_tokens(client, model):
    assert client.models.count_tokens(model=model, contents="one two three").total_tokens == 3


def test_a_format_that_does_not_count_is_estimated(client):
    few = client.models.count_tokens(model="chat/gpt-4.1", contents="one two three").total_tokens
    many = client.models.count_tokens(model="chat/gpt-4.1", contents="one two three " * 100).total_tokens
    assert 3 <= few < 20 and 250 < many < 450


@pytest.mark.parametrize("model", upstreams.FORMATS)
def test_cached_tokens(client, model):
    answer = client.models.generate_content(model=model, contents="one two three four five [sim:cached=4]")
    assert answer.usage_metadata.cached_content_token_count == 4
    # Unlike at Anthropic, what is cached is part of the prompt here.
    assert answer.usage_metadata.prompt_token_count >= 5 + 2


@pytest.mark.parametrize("model", upstreams.EMBEDDING)
def test_embeds(client, model):
    answer = client.models.embed_content(model=model, contents=["hello", "there"])
    assert [len(one.values) > 3 for one in answer.embeddings] == [True, True]
    assert answer.embeddings[0].values != answer.embeddings[1].values


def test_embeds_in_fewer_dimensions(client):
    config = types.EmbedContentConfig(output_dimensionality=4)
    for model in ["openai/text-embedding-3-small", "gemini/gemini-embedding-001"]:
        [one] = client.models.embed_content(model=model, contents="hello", config=config).embeddings
        assert len(one.values) == 4


def test_lists_models(client):
    models = {model.name: model for model in client.models.list()}
    assert "models/gemini-2.5-flash" in models
    assert client.models.get(model="gemini-2.5-flash").name == "models/gemini-2.5-flash"
