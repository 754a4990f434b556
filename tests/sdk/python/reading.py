"""Reads a stream of chunks as a strict client would, and says what the whole answer was."""

from dataclasses import dataclass, field


@dataclass
class Call:
    id: str
    name: str
    arguments: str = ""


@dataclass
class Answer:
    text: str = ""
    reasoning: str = ""
    finish_reason: str | None = None
    calls: list[Call] = field(default_factory=list)
    usage: object | None = None
    chunks: int = 0


def read(chunks) -> Answer:
    """Folds chunks into an answer; each assertion is a promise of OpenAI's stream format."""
    answer = Answer()
    identity = None
    roles = []
    for chunk in chunks:
        answer.chunks += 1
        assert chunk.object == "chat.completion.chunk"
        identity = identity or (chunk.id, chunk.created, chunk.model)
        assert identity == (chunk.id, chunk.created, chunk.model), "one answer has one identity"
        assert chunk.id and chunk.created > 0 and chunk.model
        assert answer.usage is None, "the usage comes last"
        if chunk.usage is not None:
            answer.usage = chunk.usage
        for choice in chunk.choices:
            assert choice.index == 0
            assert answer.finish_reason is None, "nothing comes after the finish reason"
            if choice.delta.role:
                roles.append(choice.delta.role)
            read_delta(choice.delta, answer)
            answer.finish_reason = choice.finish_reason
    assert set(roles) == {"assistant"}, roles
    return answer


def read_delta(delta, answer: Answer) -> None:
    answer.text += delta.content or ""
    extra = delta.model_extra or {}
    answer.reasoning += extra.get("reasoning_content") or extra.get("reasoning") or ""
    for piece in delta.tool_calls or []:
        if piece.index == len(answer.calls):
            assert piece.id and piece.function.name, "a call begins with its id and name"
            assert piece.type == "function"
            answer.calls.append(Call(piece.id, piece.function.name))
        else:
            assert piece.index == len(answer.calls) - 1, "calls come one after another"
        answer.calls[piece.index].arguments += piece.function.arguments or ""


async def gather(stream) -> list:
    return [chunk async for chunk in stream]
