"""What is relayed without being understood: the official client finds OpenAI behind the gateway."""

import base64
import io
import json

import openai
import pytest

PNG = b"\x89PNG\r\n\x1a\n"


def test_images(client):
    made = client.images.generate(model="openai/gpt-image-1", prompt="a dot")
    assert base64.b64decode(made.data[0].b64_json).startswith(PNG)
    assert (made.usage.input_tokens, made.usage.output_tokens) == (14, 1056)

    picture = ("dot.png", PNG + b"\0" * 200_000, "image/png")
    changed = client.images.edit(model="openai/gpt-image-1", image=picture, prompt="another")
    assert changed.data[0].b64_json == made.data[0].b64_json
    assert client.images.create_variation(image=picture).data


def test_images_stream(client):
    events = list(client.images.generate(model="gpt-image-1", prompt="a dot", stream=True))
    assert [event.type for event in events] == ["image_generation.completed"]
    assert events[0].usage.total_tokens == 1070


def test_audio(client):
    spoken = client.audio.speech.create(model="gpt-4o-mini-tts", voice="alloy", input="héllo")
    assert spoken.read() == "ID3héllo".encode()
    sound = ("a.wav", io.BytesIO(b"RIFF" + b"\0" * 300_000), "audio/wav")
    heard = client.audio.transcriptions.create(model="openai/gpt-4o-transcribe", file=sound)
    assert heard.text == "transcriptions of 300004 bytes"
    assert heard.usage.input_tokens == 14
    sound = ("a.wav", io.BytesIO(b"RIFF"), "audio/wav")
    plain = client.audio.translations.create(model="whisper-1", file=sound, response_format="text")
    assert plain == "translations of 4 bytes\n"


def test_moderations(client):
    judged = client.moderations.create(model="omni-moderation-latest", input=["peace", "violence"])
    assert [result.flagged for result in judged.results] == [False, True]


def test_files(client):
    content = bytes(range(256)) * 4000
    file = client.files.create(file=("a.jsonl", content), purpose="batch")
    assert (file.bytes, file.filename, file.purpose) == (len(content), "a.jsonl", "batch")
    assert client.files.retrieve(file.id).id == file.id
    assert file.id in [known.id for known in client.files.list()]
    assert client.files.content(file.id).read() == content
    assert client.files.delete(file.id).deleted
    with pytest.raises(openai.NotFoundError) as refused:
        client.files.retrieve(file.id)
    assert file.id in refused.value.message


def test_batches(client):
    batch = client.batches.create(
        input_file_id="file-1", endpoint="/v1/chat/completions", completion_window="24h"
    )
    assert (batch.status, batch.input_file_id) == ("validating", "file-1")
    assert client.batches.retrieve(batch.id).status == "in_progress"
    assert client.batches.cancel(batch.id).status == "cancelling"
    assert [known.id for known in client.batches.list()] == [batch.id]


def test_stored_responses(client):
    made = client.responses.create(model="openai/gpt-4o-mini", input="Keep this.", background=True)
    stored = client.responses.retrieve(made.id)
    assert (stored.id, stored.output_text) == (made.id, "Keep this.")
    [item] = client.responses.input_items.list(made.id)
    assert item.content[0].text == "Keep this."
    assert client.responses.cancel(made.id).status == "completed", "it was whole before"
    assert client.responses.delete(made.id) is None
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(made.id)


def test_passthrough(base_url):
    root = base_url.removesuffix("/v1")
    with openai.OpenAI(base_url=f"{root}/passthrough/groq", api_key="sk-any", max_retries=0) as groq:
        said = groq.chat.completions.create(
            model="openai/gpt-oss-20b", messages=[{"role": "user", "content": "Hello"}]
        )
    assert said.choices[0].message.content == "Hello"
    assert said.usage.prompt_tokens > 0


async def test_realtime(async_client):
    async with async_client.realtime.connect(model="openai/gpt-realtime") as session:
        created = await session.recv()
        assert (created.type, created.session.model) == ("session.created", "gpt-realtime")
        text = "one two three " * 5000
        await session.conversation.item.create(
            item={"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}
        )
        await session.response.create()
        said, done = "", None
        while done is None:
            event = json.loads(await session.recv_bytes())
            if event["type"] == "response.output_text.delta":
                said += event["delta"]
            elif event["type"] == "response.done":
                done = event["response"]
        assert said == text
        assert done["usage"]["input_tokens"] == 9
