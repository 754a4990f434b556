"""The list of models, and each by its name, slashes and all."""

import openai
import pytest
import upstreams


def bare(name):
    """The name the list has; `provider/model` is understood beside it."""
    return name.split("/", 1)[1]


def test_lists(client):
    models = {model.id: model for model in client.models.list()}
    missing = [name for name in upstreams.CHAT + upstreams.EMBEDDING if bare(name) not in models]
    assert not missing
    for model in models.values():
        assert model.object == "model" and model.created >= 0 and model.owned_by


@pytest.mark.parametrize("name", upstreams.CHAT)
def test_retrieves(client, name):
    model = client.models.retrieve(name)
    assert model.id == name and model.object == "model" and model.owned_by


async def test_lists_async(async_client):
    assert bare(upstreams.CHAT[0]) in [model.id async for model in async_client.models.list()]


def test_unknown(client):
    with pytest.raises(openai.NotFoundError) as caught:
        client.models.retrieve("no-such-model")
    assert caught.value.code == "model_not_found"
