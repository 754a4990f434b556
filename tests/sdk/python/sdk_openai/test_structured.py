"""Structured output: what comes back is what the Pydantic model says."""

import enum
import json

import pytest
import upstreams
from pydantic import BaseModel, Field


class Kind(enum.Enum):
    TALK = "talk"
    WALK = "walk"


class Person(BaseModel):
    name: str
    age: int | None


class Event(BaseModel):
    title: str = Field(description="In a few words")
    kind: Kind
    price: float
    public: bool
    people: list[Person]
    venue: Person | None


QUESTION = [{"role": "user", "content": "Alice and Bob walk on Friday."}]


@pytest.mark.parametrize("model", upstreams.CHAT)
def test_parses_into_a_pydantic_model(client, model):
    [choice] = client.chat.completions.parse(model=model, messages=QUESTION, response_format=Event).choices
    assert choice.finish_reason == "stop"
    assert choice.message.refusal is None
    assert isinstance(choice.message.parsed, Event)
    assert not choice.message.tool_calls, "a tool that stands in for the schema is not the client's"


@pytest.mark.parametrize("model", upstreams.CHAT)
async def test_parses_async(async_client, model):
    answer = await async_client.chat.completions.parse(model=model, messages=QUESTION, response_format=Event)
    assert isinstance(answer.choices[0].message.parsed, Event)


# Groq refuses structured output in a stream on some models.
@pytest.mark.parametrize("model", [model for model in upstreams.CHAT if not model.startswith("groq/")])
def test_parses_a_stream(client, model):
    with client.chat.completions.stream(model=model, messages=QUESTION, response_format=Event) as stream:
        deltas = "".join(event.delta for event in stream if event.type == "content.delta")
        final = stream.get_final_completion().choices[0]
    assert isinstance(final.message.parsed, Event)
    assert Event.model_validate_json(deltas) == final.message.parsed


@pytest.mark.parametrize("model", upstreams.CHAT)
def test_json_object(client, model):
    question = [{"role": "user", "content": "Answer in JSON: what is the weather?"}]
    answer = client.chat.completions.create(
        model=model, messages=question, response_format={"type": "json_object"}
    )
    assert isinstance(json.loads(answer.choices[0].message.content), dict)
