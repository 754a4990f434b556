"""Embeddings: the same numbers in both encodings, one vector an input, in order."""

import math

import pytest
import upstreams


@pytest.mark.parametrize("model", upstreams.EMBEDDING)
def test_embeds(client, model):
    # The SDK asks for base64 by itself and decodes it.
    default = client.embeddings.create(model=model, input="a quick brown fox")
    plain = client.embeddings.create(model=model, input="a quick brown fox", encoding_format="float")
    assert default.object == "list" and default.data[0].object == "embedding"
    assert len(plain.data[0].embedding) >= 256
    assert default.data[0].embedding == pytest.approx(plain.data[0].embedding, abs=1e-6)
    # Gemini's batchEmbedContents counts nothing.
    assert plain.usage.prompt_tokens > 0 or model.startswith("gemini/")
    assert plain.usage.total_tokens == plain.usage.prompt_tokens


@pytest.mark.parametrize("model", upstreams.EMBEDDING)
async def test_embeds_a_batch_in_order(async_client, model):
    texts = ["one", "two", "three", "one"]
    batch = await async_client.embeddings.create(model=model, input=texts)
    assert [item.index for item in batch.data] == [0, 1, 2, 3]
    first, second, third, again = [item.embedding for item in batch.data]
    assert first == again and first != second and second != third

    alone = await async_client.embeddings.create(model=model, input="two")
    assert alone.data[0].embedding == pytest.approx(second, abs=1e-6)


@pytest.mark.parametrize("model", ["openai/text-embedding-3-small", "gemini/gemini-embedding-001"])
def test_shortens(client, model):
    answer = client.embeddings.create(model=model, input="a quick brown fox", dimensions=256)
    vector = answer.data[0].embedding
    assert len(vector) == 256
    assert any(vector) and all(math.isfinite(number) for number in vector)
