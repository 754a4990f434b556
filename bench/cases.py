"""What is measured: requests as an application would send them."""

import dataclasses
import json

# About 1 KB of request, of text that needs no escape.
WORDS = "the quick brown fox jumps over the lazy dog while seven wizards mix potions "
# Makes the simulator's answer about 1.3 KB.
PLAIN_TOKENS = 190
STREAM_TOKENS = 100
# The key of a gateway that asks for one: it looks as those look that are made.
TOKEN = "tw-" + "bench" * 8 + "abc"


@dataclasses.dataclass(frozen=True)
class Case:
    """One kind of request; `like` names the case a pass-through runs for comparison, or this one."""

    name: str
    model: str
    path: str = "/v1/chat/completions"
    stream: bool = False
    gap_ms: int = 0
    text_bytes: int = 900
    connections: int = 64
    http2_streams: int = 0
    like: str = ""
    # Asked of a gateway that asks for a key and keeps ten limits: in its own memory (`guarded`), and three
    # budgets and records besides (`paid`), or by Redis with leases (`leased`) or without (`asking`).
    guard: str = ""

    def body(self) -> bytes:
        tokens = STREAM_TOKENS if self.stream else PLAIN_TOKENS
        marks = f" [sim:tokens={tokens}]" + (f" [sim:gap_ms={self.gap_ms}]" if self.stream else "")
        text = (WORDS * (self.text_bytes // len(WORDS) + 1))[: self.text_bytes] + marks
        return json.dumps({"model": self.model, **FIELDS[self.path](text, self.stream)}).encode()

    @property
    def headers(self) -> dict:
        if self.guard:
            # As OpenAI's SDKs send it.
            return {"content-type": "application/json", "authorization": f"Bearer {TOKEN}"}
        # Every dialect's way to show a key, as the simulator asks for its provider's.
        return {
            "content-type": "application/json",
            "authorization": "Bearer sk-bench",
            "x-api-key": "sk-bench",
            "anthropic-version": "2023-06-01",
        }

    @property
    def last(self) -> bytes:
        """What only a whole stream ends with."""
        return LAST[self.path]


SYSTEM = "You are a helpful assistant."


def chat(text: str, stream: bool) -> dict:
    messages = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": text}]
    return {"messages": messages, "max_tokens": 1000, "temperature": 0.7, "stream": stream}


def messages(text: str, stream: bool) -> dict:
    messages = [{"role": "user", "content": text}]
    return {"system": SYSTEM, "messages": messages, "max_tokens": 1000, "temperature": 0.7, "stream": stream}


def responses(text: str, stream: bool) -> dict:
    messages = [{"role": "user", "content": text}]
    return {"instructions": SYSTEM, "input": messages, "max_output_tokens": 1000, "temperature": 0.7, "stream": stream}


def embeddings(text: str, stream: bool) -> dict:
    return {"input": text, "dimensions": 64, "encoding_format": "float"}


CHAT, MESSAGES, RESPONSES, EMBEDDINGS = "/v1/chat/completions", "/v1/messages", "/v1/responses", "/v1/embeddings"
FIELDS = {CHAT: chat, MESSAGES: messages, RESPONSES: responses, EMBEDDINGS: embeddings}
LAST = {CHAT: b"[DONE]", MESSAGES: b"message_stop", RESPONSES: b"response.completed", EMBEDDINGS: b""}


OPENAI, ANTHROPIC, GEMINI = "openai/gpt-4o-mini", "anthropic/claude-sonnet-4-5", "gemini/gemini-2.5-flash"

CASES = [
    Case("chat", OPENAI),
    Case("chat, a key and ten limits", OPENAI, like="chat", guard="guarded"),
    Case("chat, a key, ten limits, budgets and records", OPENAI, like="chat", guard="paid"),
    Case("chat, a key and ten limits leased from Redis", OPENAI, like="chat", guard="leased"),
    Case("chat, a key and ten limits asked of Redis", OPENAI, like="chat", guard="asking"),
    Case("chat → Anthropic", ANTHROPIC, like="chat"),
    Case("chat → Gemini", GEMINI, like="chat"),
    Case("messages", ANTHROPIC, path=MESSAGES),
    Case("messages → OpenAI", OPENAI, path=MESSAGES, like="chat"),
    Case("responses", OPENAI, path=RESPONSES),
    Case("responses → Gemini", GEMINI, path=RESPONSES, like="chat"),
    Case("embeddings", "openai/text-embedding-3-small", path="/v1/embeddings"),
    Case("chat, one HTTP/2 connection", OPENAI, connections=1, http2_streams=64),
    Case("chat, one connection", OPENAI, connections=1),
    Case("chat, one connection, ten limits", OPENAI, connections=1, like="chat, one connection", guard="guarded"),
    Case("chat, one connection, ten limits asked of Redis", OPENAI, connections=1, like="chat, one connection", guard="asking"),
    Case("stream", OPENAI, stream=True),
    Case("stream, a key, ten limits, budgets and records", OPENAI, stream=True, like="stream", guard="paid"),
    Case("stream → Anthropic", ANTHROPIC, stream=True, like="stream"),
    Case("stream → Gemini", GEMINI, stream=True, like="stream"),
    Case("stream, messages", ANTHROPIC, path=MESSAGES, stream=True),
    Case("stream, messages → OpenAI", OPENAI, path=MESSAGES, stream=True, like="stream"),
    Case("stream, responses", OPENAI, path=RESPONSES, stream=True),
    Case("stream, responses → Gemini", GEMINI, path=RESPONSES, stream=True, like="stream"),
    Case("stream, a chunk each 5 ms", OPENAI, stream=True, gap_ms=5),
    Case("stream, a chunk each 5 ms → Anthropic", ANTHROPIC, stream=True, gap_ms=5, like="stream, a chunk each 5 ms"),
    Case("stream, one connection", OPENAI, stream=True, connections=1),
]

# Requests of growing length, of which the cost should grow in step: `--sizes`.
SIZES = []
for size, name in [(10_000, "10 KB"), (100_000, "100 KB"), (1_000_000, "1 MB"), (10_000_000, "10 MB")]:
    connections = 64 if size < 1_000_000 else 4
    sized = dict(text_bytes=size, connections=connections)
    SIZES += [
        Case(f"chat, {name}", OPENAI, **sized),
        Case(f"chat → Anthropic, {name}", ANTHROPIC, **sized, like=f"chat, {name}"),
        Case(f"messages → OpenAI, {name}", OPENAI, path=MESSAGES, **sized, like=f"chat, {name}"),
        Case(f"responses → Gemini, {name}", GEMINI, path=RESPONSES, **sized, like=f"chat, {name}"),
    ]


def named(known: list[Case], part: str) -> list[Case]:
    """The case of this name, or else those whose names hold it."""
    return [case for case in known if case.name == part] or [case for case in known if part in case.name]
