"""Models by what they can do: one of every upstream format and of every provider with rules of its own."""

CHAT = [
    "openai/gpt-4o-mini",
    "anthropic/claude-sonnet-4-5",
    "gemini/gemini-2.5-flash",
    "mistral/mistral-small-2603",
    "groq/openai/gpt-oss-20b",
]

VISION = [
    "openai/gpt-4o-mini",
    "anthropic/claude-sonnet-4-5",
    "gemini/gemini-2.5-flash",
    "mistral/mistral-small-2603",
    "groq/qwen/qwen3.8-27b",
]

FILES = ["openai/gpt-4o-mini", "anthropic/claude-sonnet-4-5", "gemini/gemini-2.5-flash"]

REASONING = ["anthropic/claude-sonnet-4-5", "gemini/gemini-2.5-flash"]

EMBEDDING = ["openai/text-embedding-3-small", "gemini/gemini-embedding-001", "mistral/mistral-embed"]

# What each is asked to show its thinking with, where it has any.
THINKING = {
    "openai/gpt-5-mini": "low",
    "anthropic/claude-sonnet-4-5": "low",
    "anthropic/claude-opus-5-5": "low",
    "gemini/gemini-2.5-flash": "low",
    "gemini/gemini-3-flash-preview": "low",
    "mistral/mistral-small-2603": "high",
    "groq/openai/gpt-oss-20b": "low",
}

# Every format a provider can speak, whatever its clients do.
FORMATS = ["chat/gpt-4.1", "responses/gpt-4.1", "anthropic/claude-sonnet-4-5", "gemini/gemini-2.5-flash"]

# Chat Completions has no endpoint that counts tokens; the others do.
COUNTING = [model for model in FORMATS if not model.startswith("chat/")]

# The same, by models that show their thinking and take it back. OpenAI's own chat shows none.
THINKERS = [
    "compatible/deepseek-reasoner",
    "responses/gpt-5-mini",
    "anthropic/claude-sonnet-4-5",
    "gemini/gemini-3-flash-preview",
]
