"""Tools: offered, called, streamed, answered, failed; and the SDK's own loop."""

import pytest
import upstreams
from anthropic import beta_tool
from pydantic import BaseModel

WEATHER = {
    "name": "get_weather",
    "description": "The weather in a city.",
    "input_schema": {
        "type": "object",
        "properties": {"city": {"type": "string"}, "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]}},
        "required": ["city", "unit"],
    },
}
TIME = {
    "name": "get_time",
    "input_schema": {"type": "object", "properties": {"zone": {"type": "string"}}, "required": ["zone"]},
}
QUESTION = {"role": "user", "content": "What is the weather in Paris?"}
BOTH = {"role": "user", "content": "The weather and the time in Paris? [parallel]"}


def ask(client, stream, **arguments):
    arguments.setdefault("max_tokens", 4096)
    if not stream:
        return client.messages.create(**arguments)
    with client.messages.stream(**arguments) as stream:
        return stream.get_final_message()


def text_of(answer) -> str:
    """What is said. Blocks without words may follow it, such as another provider's seal on the text."""
    return "".join(block.text for block in answer.content if block.type == "text")


def calls_of(answer) -> list:
    return [block for block in answer.content if block.type == "tool_use"]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("model", upstreams.FORMATS)
def test_calls_a_tool(client, model, stream):
    answer = ask(client, stream, model=model, messages=[QUESTION], tools=[WEATHER, TIME])
    assert answer.stop_reason == "tool_use"
    [call] = calls_of(answer)
    assert call.id and call.name == "get_weather"
    assert isinstance(call.input["city"], str) and call.input["unit"] in ("celsius", "fahrenheit")


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("model", upstreams.FORMATS)
def test_the_whole_loop(client, model, stream):
    tools = [WEATHER, TIME]
    called = ask(client, stream, model=model, messages=[BOTH], tools=tools)
    calls = calls_of(called)
    assert [call.name for call in calls] == ["get_weather", "get_time"]
    assert len({call.id for call in calls}) == 2
    results = [
        {"type": "tool_result", "tool_use_id": call.id, "content": f"result-{number}"}
        for number, call in enumerate(calls)
    ]
    messages = [BOTH, {"role": "assistant", "content": called.content}, {"role": "user", "content": results}]
    answer = ask(client, stream, model=model, messages=messages, tools=tools)
    assert answer.stop_reason == "end_turn"
    assert text_of(answer) == "The tool says: result-0; result-1"


@pytest.mark.parametrize("model", upstreams.FORMATS)
def test_a_failed_tool(client, model):
    [call] = calls_of(called := ask(client, False, model=model, messages=[QUESTION], tools=[WEATHER]))
    result = {"type": "tool_result", "tool_use_id": call.id, "is_error": True, "content": "no such city"}
    messages = [QUESTION, {"role": "assistant", "content": called.content}, {"role": "user", "content": [result]}]
    raw = client.messages.with_raw_response.create(
        model=model, max_tokens=4096, messages=messages, tools=[WEATHER]
    )
    text = text_of(raw.parse())
    assert "no such city" in text
    # What has no mark for it in the provider's format is told, in words or as a loss.
    assert "failed" in text or "is_error" in raw.headers.get("x-tollway-dropped", "")


@pytest.mark.parametrize("model", upstreams.FORMATS)
def test_tool_choice(client, model):
    arguments = {"model": model, "messages": [BOTH], "tools": [WEATHER, TIME]}
    none = ask(client, False, **arguments, tool_choice={"type": "none"})
    assert not calls_of(none) and none.stop_reason == "end_turn"
    [named, *_] = calls_of(ask(client, False, **arguments, tool_choice={"type": "tool", "name": "get_time"}))
    assert named.name == "get_time"
    assert calls_of(ask(client, False, **arguments, tool_choice={"type": "any"}))


@pytest.mark.parametrize("model", [model for model in upstreams.FORMATS if not model.startswith("gemini/")])
def test_one_call_at_a_time(client, model):
    choice = {"type": "auto", "disable_parallel_tool_use": True}
    answer = ask(client, False, model=model, messages=[BOTH], tools=[WEATHER, TIME], tool_choice=choice)
    assert len(calls_of(answer)) == 1


@pytest.mark.parametrize("model", upstreams.FORMATS)
def test_the_sdks_tool_runner(client, model):
    asked = []

    @beta_tool
    def get_weather(city: str) -> str:
        """The weather in a city.

        Args:
            city: Its name.
        """
        asked.append(city)
        return "sunny"

    runner = client.beta.messages.tool_runner(
        model=model, max_tokens=1000, messages=[QUESTION], tools=[get_weather], thread=False
    )
    assert text_of(runner.until_done()) == "The tool says: sunny"
    assert len(asked) == 1


class Person(BaseModel):
    name: str
    age: int | None


class Event(BaseModel):
    title: str
    public: bool
    people: list[Person]


@pytest.mark.parametrize("model", upstreams.FORMATS)
def test_structured_output(client, model):
    question = [{"role": "user", "content": "Alice walks on Friday."}]
    answer = client.messages.parse(model=model, max_tokens=1000, messages=question, output_format=Event)
    assert isinstance(answer.parsed_output, Event)
    with client.messages.stream(
        model=model, max_tokens=1000, messages=question, output_format=Event
    ) as stream:
        assert isinstance(stream.get_final_message().parsed_output, Event)
