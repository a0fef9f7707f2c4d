import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type ChatEvent, readEvents } from '../src/ndjson';

const EVENTS = [
  { type: 'start', messageId: 'm1', seq: 0 },
  { type: 'token', token: 'Grüße, 你好 🦉\n', seq: 1 },
  { type: 'token', token: '"quoted" \u2028 ', seq: 2 },
  { type: 'done', message: 'Grüße', seq: 3 },
] as ChatEvent[];

const bytesOf = (text: string) => new TextEncoder().encode(text);
const linesOf = (events: object[]) => events.map((event) => `${JSON.stringify(event)}\n`).join('');

function bodyOf(...pieces: Uint8Array[]): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      for (const piece of pieces) controller.enqueue(piece);
      controller.close();
    },
  });
}

/** Reads to the end and returns all events. */
async function read(...pieces: Uint8Array[]): Promise<ChatEvent[]> {
  const events: ChatEvent[] = [];
  await readEvents(
    bodyOf(...pieces),
    () => {},
    (event) => {
      events.push(event);
      return false;
    },
  );
  return events;
}

test('any split of the bytes, also inside a character, gives the same events', async () => {
  const bytes = bytesOf(linesOf(EVENTS));
  const cuts = fc.array(fc.nat(bytes.length), { maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(cuts, async (places) => {
      const ends = [...places.sort((a, b) => a - b), bytes.length];
      const pieces = ends.map((end, index) => bytes.slice(ends[index - 1] ?? 0, end));
      expect(await read(...pieces)).toEqual(EVENTS);
    }),
  );
});

test('one byte at a time gives the same events', async () => {
  expect(await read(...[...bytesOf(linesOf(EVENTS))].map((byte) => Uint8Array.of(byte)))).toEqual(EVENTS);
});

test('Windows line ends and blank lines say nothing', async () => {
  expect(await read(bytesOf(`\r\n\n${linesOf(EVENTS).replaceAll('\n', '\r\n')}\n`))).toEqual(EVENTS);
});

test('a line that is no JSON is passed over, and the next one counts', async () => {
  const [first, second] = EVENTS.map((event) => JSON.stringify(event));
  expect(await read(bytesOf(`${first}\n<html>502</html>\n{"type":\n${second}\n`))).toEqual(EVENTS.slice(0, 2));
});

test('a last line without its newline counts if it is whole', async () => {
  expect(await read(bytesOf(linesOf(EVENTS).trimEnd()))).toEqual(EVENTS);
  expect(await read(bytesOf(linesOf(EVENTS).slice(0, -3)))).toEqual(EVENTS.slice(0, -1));
});

test('a line of a megabyte that comes in small pieces is read whole', async () => {
  const long = { type: 'done', message: 'é'.repeat(500_000) } as ChatEvent;
  const bytes = bytesOf(linesOf([long]));
  const pieces = Array.from({ length: 100 }, (_, index) => bytes.slice(index * 10_101, (index + 1) * 10_101));
  expect(await read(...pieces)).toEqual([long]);
});

test('reading ends, and the connection with it, where the listener has seen enough', async () => {
  let cancelled = false;
  const body = new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(bytesOf(linesOf(EVENTS))),
    cancel() {
      cancelled = true;
    },
  });
  const seen: ChatEvent[] = [];
  const enough = await readEvents(
    body,
    () => {},
    (event) => seen.push(event) === 2,
  );
  expect([enough, seen, cancelled]).toEqual([true, EVENTS.slice(0, 2), true]);
});

test('a body that ends before the listener has seen enough says so', async () => {
  expect(
    await readEvents(
      bodyOf(bytesOf(linesOf(EVENTS))),
      () => {},
      () => false,
    ),
  ).toBe(false);
});

test('every piece is a sign of life, also one without an event', async () => {
  let signs = 0;
  const alive = () => signs++;
  await readEvents(bodyOf(bytesOf('\n'), bytesOf('\n')), alive, () => false);
  expect(signs).toBeGreaterThanOrEqual(2);
});
