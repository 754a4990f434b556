// Reads a stream of chunks as a strict client would, and says what the whole answer was.
import assert from 'node:assert/strict';

export async function read(stream) {
  const answer = { text: '', reasoning: '', finish: null, calls: [], usage: null, chunks: 0 };
  let identity = null;
  const roles = new Set();
  for await (const chunk of stream) {
    answer.chunks += 1;
    assert.equal(chunk.object, 'chat.completion.chunk');
    identity ??= [chunk.id, chunk.created, chunk.model];
    assert.deepEqual([chunk.id, chunk.created, chunk.model], identity, 'one answer has one identity');
    assert.equal(answer.usage, null, 'the usage comes last');
    answer.usage = chunk.usage ?? null;
    for (const { index, delta, finish_reason } of chunk.choices) {
      assert.equal(index, 0);
      assert.equal(answer.finish, null, 'nothing comes after the finish reason');
      if (delta.role) roles.add(delta.role);
      answer.text += delta.content ?? '';
      answer.reasoning += delta.reasoning_content ?? delta.reasoning ?? '';
      for (const piece of delta.tool_calls ?? []) readCall(piece, answer.calls);
      answer.finish = finish_reason ?? null;
    }
  }
  assert.deepEqual([...roles], ['assistant']);
  return answer;
}

function readCall(piece, calls) {
  if (piece.index === calls.length) {
    assert.ok(piece.id && piece.function.name, 'a call begins with its id and name');
    assert.equal(piece.type, 'function');
    calls.push({ id: piece.id, name: piece.function.name, arguments: '' });
  }
  assert.equal(piece.index, calls.length - 1, 'calls come one after another');
  calls[piece.index].arguments += piece.function.arguments ?? '';
}
