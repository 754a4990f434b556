"""Tool calls: offered, called, streamed, in parallel, and answered."""

import json

import openai
import pytest
import upstreams
from pydantic import BaseModel
from reading import gather, read

WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather in a city.",
        "parameters": {
            "type": "object",
            "properties": {
                "city": {"type": "string", "description": "Its name"},
                "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]},
                "days": {"type": "integer", "minimum": 1},
            },
            "required": ["city", "unit"],
            "additionalProperties": False,
        },
    },
}
TIME = {
    "type": "function",
    "function": {
        "name": "get_time",
        "parameters": {"type": "object", "properties": {"zone": {"type": "string"}}, "required": ["zone"]},
    },
}
QUESTION = {"role": "user", "content": "What is the weather in Paris?"}
BOTH = {"role": "user", "content": "The weather and the time in Paris? [parallel]"}


def check_weather(name, arguments):
    assert name == "get_weather"
    arguments = json.loads(arguments)
    assert isinstance(arguments["city"], str)
    assert arguments["unit"] in ("celsius", "fahrenheit")


@pytest.mark.parametrize("model", upstreams.CHAT)
def test_calls_a_tool(client, model):
    answer = client.chat.completions.create(model=model, messages=[QUESTION], tools=[WEATHER])
    [choice] = answer.choices
    assert choice.finish_reason == "tool_calls"
    [call] = choice.message.tool_calls
    assert call.id and call.type == "function"
    check_weather(call.function.name, call.function.arguments)


@pytest.mark.parametrize("model", upstreams.CHAT)
def test_streams_a_call(client, model):
    whole = client.chat.completions.create(model=model, messages=[QUESTION], tools=[WEATHER])
    answer = read(
        client.chat.completions.create(model=model, messages=[QUESTION], tools=[WEATHER], stream=True)
    )
    assert answer.finish_reason == "tool_calls"
    [call] = answer.calls
    check_weather(call.name, call.arguments)
    assert json.loads(call.arguments) == json.loads(whole.choices[0].message.tool_calls[0].function.arguments)


@pytest.mark.parametrize("model", upstreams.CHAT)
async def test_streams_a_call_async(async_client, model):
    stream = await async_client.chat.completions.create(
        model=model, messages=[QUESTION], tools=[WEATHER], stream=True
    )
    [call] = read(await gather(stream)).calls
    check_weather(call.name, call.arguments)


@pytest.mark.parametrize("model", upstreams.CHAT)
def test_calls_in_parallel(client, model):
    arguments = {"model": model, "messages": [BOTH], "tools": [WEATHER, TIME]}
    message = client.chat.completions.create(**arguments).choices[0].message
    assert len(message.tool_calls) == 2
    assert len({call.id for call in message.tool_calls}) == 2, "each call has an id of its own"

    streamed = read(client.chat.completions.create(**arguments, stream=True))
    assert streamed.finish_reason == "tool_calls"
    assert len({call.id for call in streamed.calls}) == 2
    assert [call.name for call in streamed.calls] == [call.function.name for call in message.tool_calls]
    assert [json.loads(call.arguments) for call in streamed.calls] == [
        json.loads(call.function.arguments) for call in message.tool_calls
    ]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("question", [QUESTION, BOTH], ids=["one", "parallel"])
@pytest.mark.parametrize("model", upstreams.CHAT)
def test_answers_with_the_results(client, model, question, stream):
    """The full loop, the assistant's message sent back as the SDK gave it."""
    tools = [WEATHER, TIME]
    messages = [{"role": "system", "content": "Use tools."}, question]
    message = client.chat.completions.create(model=model, messages=messages, tools=tools).choices[0].message
    messages.append(message)
    for number, call in enumerate(message.tool_calls):
        messages.append({"role": "tool", "tool_call_id": call.id, "content": f"result-{number}: 21 degrees"})

    answer = client.chat.completions.create(model=model, messages=messages, tools=tools, stream=stream)
    if stream:
        answer = read(answer)
        text, finish_reason, calls = answer.text, answer.finish_reason, answer.calls
    else:
        [choice] = answer.choices
        text, finish_reason, calls = choice.message.content, choice.finish_reason, choice.message.tool_calls
    assert finish_reason == "stop" and not calls
    for number in range(len(message.tool_calls)):
        assert f"result-{number}" in text, "every result reached the provider"


@pytest.mark.parametrize("model", upstreams.CHAT)
def test_tool_choice(client, model):
    arguments = {"model": model, "messages": [QUESTION], "tools": [WEATHER, TIME]}

    none = client.chat.completions.create(**arguments, tool_choice="none").choices[0]
    assert none.finish_reason == "stop" and not none.message.tool_calls and none.message.content

    named = {"type": "function", "function": {"name": "get_time"}}
    [call] = client.chat.completions.create(**arguments, tool_choice=named).choices[0].message.tool_calls
    assert call.function.name == "get_time"

    required = client.chat.completions.create(**arguments, tool_choice="required").choices[0].message
    assert required.tool_calls


@pytest.mark.parametrize("model", ["openai/gpt-4o-mini", "anthropic/claude-sonnet-4-5"])
def test_one_call_at_a_time(client, model):
    answer = client.chat.completions.create(
        model=model, messages=[BOTH], tools=[WEATHER, TIME], parallel_tool_calls=False
    )
    assert len(answer.choices[0].message.tool_calls) == 1


class GetWeather(BaseModel):
    """The weather in a city."""

    city: str
    days: int


@pytest.mark.parametrize("model", upstreams.CHAT)
def test_pydantic_tool(client, model):
    message = client.chat.completions.parse(
        model=model, messages=[QUESTION], tools=[openai.pydantic_function_tool(GetWeather)]
    ).choices[0].message
    assert isinstance(message.tool_calls[0].function.parsed_arguments, GetWeather)


@pytest.mark.parametrize("second", upstreams.THINKING)
@pytest.mark.parametrize("first", upstreams.THINKING)
def test_a_thinking_conversation_goes_on_with_another_model(client, first, second):
    """The calls of one model, its thinking included, are answered to another, and then to the first again."""

    def ask(model, messages, **options):
        effort = upstreams.THINKING[model]
        return client.chat.completions.create(
            model=model, messages=messages, tools=[WEATHER, TIME], reasoning_effort=effort, **options
        ).choices[0].message

    called = ask(first, [BOTH])
    results = [
        {"role": "tool", "tool_call_id": call.id, "content": f"result-{number}"}
        for number, call in enumerate(called.tool_calls)
    ]
    messages = [BOTH, called, *results]
    told = ask(second, messages)
    assert "result-0" in told.content and "result-1" in told.content
    thanked = ask(first, [*messages, told, {"role": "user", "content": "Thank you."}], tool_choice="none")
    assert "Thank you." in thanked.content


def test_a_model_that_cannot_stop_thinking_thinks_little(client):
    answer = client.chat.completions.create(
        model="gemini/gemini-2.5-pro", messages=[QUESTION], reasoning_effort="none"
    )
    assert answer.choices[0].message.content
