"""What is measured: requests as an application would send them."""

import dataclasses
import json

# About 1 KB of request, of text that needs no escape.
WORDS = "the quick brown fox jumps over the lazy dog while seven wizards mix potions "
TEXT = (WORDS * 12)[:900]
# Makes the simulator's answer about 1.3 KB.
PLAIN_TOKENS = 190
STREAM_TOKENS = 100


@dataclasses.dataclass(frozen=True)
class Case:
    """One kind of request; `like` names the case a pass-through runs for comparison, or this one."""

    name: str
    model: str
    path: str = "/v1/chat/completions"
    stream: bool = False
    gap_ms: int = 0
    connections: int = 64
    http2_streams: int = 0
    like: str = ""

    def body(self) -> bytes:
        if self.path.endswith("/embeddings"):
            fields = {"input": TEXT, "dimensions": 64, "encoding_format": "float"}
        else:
            tokens = STREAM_TOKENS if self.stream else PLAIN_TOKENS
            marks = f" [sim:tokens={tokens}]" + (f" [sim:gap_ms={self.gap_ms}]" if self.stream else "")
            fields = {
                "messages": [
                    {"role": "system", "content": "You are a helpful assistant."},
                    {"role": "user", "content": TEXT + marks},
                ],
                "max_tokens": 1000,
                "temperature": 0.7,
                "stream": self.stream,
            }
        return json.dumps({"model": self.model, **fields}).encode()

    @property
    def headers(self) -> dict:
        return {"content-type": "application/json", "authorization": "Bearer sk-bench"}


OPENAI, ANTHROPIC, GEMINI = "openai/gpt-4o-mini", "anthropic/claude-sonnet-4-5", "gemini/gemini-2.5-flash"

CASES = [
    Case("chat", OPENAI),
    Case("chat → Anthropic", ANTHROPIC, like="chat"),
    Case("chat → Gemini", GEMINI, like="chat"),
    Case("embeddings", "openai/text-embedding-3-small", path="/v1/embeddings"),
    Case("chat, one HTTP/2 connection", OPENAI, connections=1, http2_streams=64),
    Case("chat, one connection", OPENAI, connections=1),
    Case("stream", OPENAI, stream=True),
    Case("stream → Anthropic", ANTHROPIC, stream=True, like="stream"),
    Case("stream → Gemini", GEMINI, stream=True, like="stream"),
    Case("stream, a chunk each 5 ms", OPENAI, stream=True, gap_ms=5),
    Case("stream, a chunk each 5 ms → Anthropic", ANTHROPIC, stream=True, gap_ms=5, like="stream, a chunk each 5 ms"),
    Case("stream, one connection", OPENAI, stream=True, connections=1),
]
