"""What Claude Code sends: betas, marks of the prompt cache, an account in the metadata, tools with much to say."""

import pytest
import upstreams
from test_tools import text_of

SYSTEM = [
    {"type": "text", "text": "You are Claude Code, Anthropic's official CLI for Claude."},
    {"type": "text", "text": "Be concise.", "cache_control": {"type": "ephemeral"}},
]
TOOLS = [
    {
        "name": "Bash",
        "description": "Executes a given bash command in a persistent shell session.",
        "input_schema": {
            "$schema": "http://json-schema.org/draft-07/schema#",
            "type": "object",
            "properties": {
                "command": {"type": "string", "description": "The command to execute"},
                "timeout": {"type": "number", "description": "Optional timeout in milliseconds (max 600000)"},
                "run_in_background": {"type": "boolean"},
            },
            "required": ["command"],
            "additionalProperties": False,
        },
    },
    {
        "name": "TodoWrite",
        "description": "Keeps a list of what is to do.",
        "input_schema": {
            "$schema": "http://json-schema.org/draft-07/schema#",
            "type": "object",
            "properties": {
                "todos": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "properties": {
                            "content": {"type": "string", "minLength": 1},
                            "status": {"type": "string", "enum": ["pending", "in_progress", "completed"]},
                        },
                        "required": ["content", "status"],
                        "additionalProperties": False,
                    },
                }
            },
            "required": ["todos"],
            "additionalProperties": False,
        },
        "cache_control": {"type": "ephemeral"},
    },
]
BETAS = ["claude-code-20250219", "interleaved-thinking-2025-05-14", "fine-grained-tool-streaming-2025-05-14"]


def turn(text: str, **more) -> dict:
    return {"role": "user", "content": [{"type": "text", "text": text, **more}]}


def ask(client, model, messages, **more):
    """`client.beta` asks with `?beta=true` and the betas in their header, as Claude Code does."""
    with client.beta.messages.stream(
        model=model,
        max_tokens=32000,
        system=SYSTEM,
        tools=TOOLS,
        messages=messages,
        betas=BETAS,
        metadata={"user_id": "user_0f3c9e_account__session_6a4b2d1e-0000-4000-8000-000000000000"},
        extra_headers={"x-app": "cli", "anthropic-dangerous-direct-browser-access": "true"},
        **more,
    ) as stream:
        return stream.get_final_message()


@pytest.mark.parametrize("model", upstreams.FORMATS)
def test_a_session(client, model):
    messages = [turn("List the files.")]
    first = ask(client, model, messages)
    assert first.stop_reason == "tool_use"
    [call] = [block for block in first.content if block.type == "tool_use"]
    assert call.name == "Bash" and isinstance(call.input["command"], str)
    result = {
        "type": "tool_result",
        "tool_use_id": call.id,
        "content": [{"type": "text", "text": "Cargo.toml\nsrc"}],
        "cache_control": {"type": "ephemeral"},
    }
    messages += [{"role": "assistant", "content": first.content}, {"role": "user", "content": [result]}]
    second = ask(client, model, messages)
    assert text_of(second) == "The tool says: Cargo.toml\nsrc"
    messages += [
        {"role": "assistant", "content": second.content},
        turn("Thanks. [sim:text,system]", cache_control={"type": "ephemeral"}),
    ]
    third = ask(client, model, messages)
    assert "You are Claude Code" in text_of(third) and "Be concise." in text_of(third)


@pytest.mark.parametrize("model", upstreams.THINKERS)
def test_a_session_that_thinks(client, model):
    thinking = {"type": "enabled", "budget_tokens": 31999}
    messages = [turn("List the files. [sim:thoughts]")]
    first = ask(client, model, messages, thinking=thinking)
    [call] = [block for block in first.content if block.type == "tool_use"]
    result = {"type": "tool_result", "tool_use_id": call.id, "content": "src"}
    messages += [{"role": "assistant", "content": first.content}, {"role": "user", "content": [result]}]
    assert text_of(ask(client, model, messages, thinking=thinking)) == "The tool says: src\nthoughts: 1"


@pytest.mark.parametrize("model", upstreams.COUNTING)
def test_counts_before_it_sends(client, model):
    counted = client.beta.messages.count_tokens(
        model=model, system=SYSTEM, tools=TOOLS, messages=[turn("one two three")], betas=BETAS
    )
    assert counted.input_tokens > 10
