"""LangChain's `langchain-openai`: the calls that applications make of it."""

import pytest
import upstreams
from langchain_core.messages import HumanMessage, SystemMessage, ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI, OpenAIEmbeddings
from pydantic import BaseModel, Field, SecretStr


@pytest.fixture(params=upstreams.CHAT)
def chat(request, base_url):
    return ChatOpenAI(
        model=request.param,
        base_url=base_url,
        api_key=SecretStr("sk-any"),
        max_retries=0,
        timeout=20,
        stream_usage=True,
        use_responses_api=False,
    )


QUESTION = [SystemMessage("Be brief."), HumanMessage("Say marco polo 42.")]


@tool
def get_weather(city: str, days: int) -> str:
    """The weather in a city for some days."""
    return f"21 degrees in {city} for {days} days"


class Person(BaseModel):
    """Somebody."""

    name: str = Field(description="First name")
    age: int
    likes: list[str]


def check(message):
    assert "marco polo 42" in message.content
    assert message.response_metadata["finish_reason"] == "stop"
    usage = message.usage_metadata
    assert usage["input_tokens"] > 0 and usage["output_tokens"] > 0
    assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"]


def test_invoke(chat):
    check(chat.invoke(QUESTION))


async def test_ainvoke_and_abatch(chat):
    check(await chat.ainvoke(QUESTION))
    for message in await chat.abatch([QUESTION, QUESTION]):
        check(message)


def fold(chunks):
    assert len(chunks) > 2
    whole = chunks[0]
    for chunk in chunks[1:]:
        whole += chunk
    return whole


def test_stream(chat):
    check(fold(list(chat.stream(QUESTION))))


async def test_astream(chat):
    check(fold([chunk async for chunk in chat.astream(QUESTION)]))


def test_tool_loop(chat):
    bound = chat.bind_tools([get_weather])
    messages = [*QUESTION, HumanMessage("What is the weather in Paris?")]
    answer = bound.invoke(messages)
    [call] = answer.tool_calls
    assert call["name"] == "get_weather" and call["id"]
    result = get_weather.invoke(call)
    assert isinstance(result, ToolMessage)
    final = bound.invoke([*messages, answer, result])
    assert not final.tool_calls
    assert "21 degrees" in final.content


def test_streamed_tool_call(chat):
    whole = fold(list(chat.bind_tools([get_weather]).stream("What is the weather in Paris?")))
    [call] = whole.tool_calls
    assert call["name"] == "get_weather"
    assert get_weather.invoke(call["args"]).startswith("21 degrees")


def test_forced_tool(chat):
    [call] = chat.bind_tools([get_weather], tool_choice="get_weather").invoke("Hello.").tool_calls
    assert call["name"] == "get_weather"


@pytest.mark.parametrize("method", ["json_schema", "function_calling"])
def test_structured_output(chat, method):
    person = chat.with_structured_output(Person, method=method).invoke("Alice is 30.")
    assert isinstance(person, Person)


async def test_structured_output_async(chat):
    assert isinstance(await chat.with_structured_output(Person).ainvoke("Alice is 30."), Person)


@pytest.mark.parametrize("model", upstreams.EMBEDDING)
async def test_embeddings(base_url, model):
    embeddings = OpenAIEmbeddings(
        model=model,
        base_url=base_url,
        api_key=SecretStr("sk-any"),
        max_retries=0,
        # Splitting by token would fetch OpenAI's vocabulary and send token numbers.
        check_embedding_ctx_length=False,
    )
    one, two = embeddings.embed_documents(["one", "two"])
    assert len(one) == len(two) >= 256 and one != two
    assert embeddings.embed_query("one") == pytest.approx(one, abs=1e-6)
    assert await embeddings.aembed_query("two") == pytest.approx(two, abs=1e-6)
