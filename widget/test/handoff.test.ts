import { describe, expect, test, vi } from 'vitest';
import type { StoredMessage } from '../src/api';
import { personOf } from '../src/turn';
import { json, openDesk, says, settle, stream } from './desk';
import { caughtUp, history, inOneBrowser, message, openTab, said, seconds, user } from './tabs';

inOneBrowser();

const maya = { name: 'Maya Olsen' };
const other = (place: number, role: StoredMessage['role'], content: string, more: object = {}): StoredMessage => ({
  id: `m${place}`,
  place,
  role,
  content,
  status: 'complete',
  createdAt: place,
  ...more,
});
const DELIVERED = [
  { type: 'start', conversationId: 'c1' },
  { type: 'done', message: '', status: 'delivered', answeredBy: { role: 'operator', name: 'Maya Olsen' } },
];

/** An open chat in which Maya has the conversation. */
async function withMaya(...replies: Parameters<typeof openDesk>) {
  const tab = openTab();
  tab.session.ensure();
  const feed = stream();
  const desk = openDesk(
    history('c.2.0', user(1, 'A person?'), other(2, 'event', 'joined', maya)),
    feed.reply,
    ...replies,
  );
  tab.conversation.restore();
  tab.conversation.attendTo(true);
  await settle();
  feed.say({ ...caughtUp, answering: { role: 'operator', ...maya } });
  await settle();
  return { ...tab, desk, feed };
}

describe('a message while a person has the conversation', () => {
  test('is delivered, without an answer that is empty or that failed', async () => {
    const feed = stream();
    const { conversation, desk } = await withMaya(says(...DELIVERED), feed.reply);
    conversation.submit('Are you there?');
    await settle();
    expect(said(conversation).at(-1)).toEqual(['Are you there?', '', 'complete']);
    expect(conversation.isBusy()).toBe(false);
    // What the person says comes with the feed.
    expect(desk.asked.at(-1)?.url).toMatch(/events\?after=/);
    const { key } = conversation.turns.at(-1) as { key: string };
    feed.say(message(user(3, 'Are you there?', key)));
    feed.say(message(other(4, 'operator', 'I am.', maya)));
    await settle();
    expect(said(conversation).slice(-2)).toEqual([
      ['Are you there?', '', 'complete'],
      ['', 'I am.', 'complete'],
    ]);
  });

  test('is sent again if that was not heard, because there is no answer to follow', async () => {
    const { conversation, desk } = await withMaya(says(DELIVERED[0] as object), says(...DELIVERED), stream().reply);
    conversation.submit('Are you there?');
    await seconds(5);
    expect(said(conversation).at(-1)).toEqual(['Are you there?', '', 'complete']);
    const [first, second] = desk.asked.filter(({ url }) => url.endsWith('/chat'));
    expect(second?.headers['Idempotency-Key']).toBe(first?.headers['Idempotency-Key']);
  });
});

describe('a visitor who writes to a person', () => {
  const typing = (desk: Awaited<ReturnType<typeof withMaya>>['desk']) =>
    desk.asked.filter(({ url }) => url.endsWith('/typing')).map(({ body }) => (body as { typing?: boolean }).typing);

  test('is seen to be writing, every three seconds at most, and to have stopped', async () => {
    const { conversation, desk } = await withMaya(json(204), json(204), json(204));
    for (let second = 0; second < 5; second++) {
      conversation.typed(true);
      await seconds(1);
    }
    expect(typing(desk)).toEqual([true, true]);
    conversation.typed(false);
    conversation.typed(false);
    await settle();
    expect(typing(desk)).toEqual([true, true, false]);
  });

  test('is not seen by the assistant, nor by a server that does not know of it', async () => {
    const { conversation, desk, feed } = await withMaya(json(404));
    conversation.typed(true);
    await settle();
    feed.say(message(other(3, 'event', 'left', maya)));
    await settle();
    expect(personOf(conversation.turns)).toBeUndefined();
    await seconds(10);
    conversation.typed(true);
    await settle();
    expect(typing(desk)).toEqual([true]);
  });
});

test('a person who gives no sign of writing any more has stopped after eight seconds', async () => {
  const { conversation, feed } = await withMaya();
  feed.say({ type: 'typing', name: 'Maya Olsen' });
  await seconds(7);
  feed.say({ type: 'typing', name: 'Maya Olsen' });
  await seconds(7);
  expect(conversation.writer).toBe('Maya Olsen');
  await seconds(2);
  expect(conversation.writer).toBeUndefined();
});

describe('a visitor who asks for a person', () => {
  test('may do so before anything else, and hears what becomes of it', async () => {
    const { conversation, session } = openTab();
    const feed = stream();
    const desk = openDesk(json(200, { status: 'asked', until: null }), feed.reply);
    conversation.attendTo(true);
    await conversation.handOff();
    expect(desk.asked[0]).toMatchObject({
      method: 'POST',
      url: `https://desk.example/v1/sessions/${session.current()?.id}/handoff`,
      body: { page: location.href.split('#')[0] },
    });
    expect(conversation.absence).toBeUndefined();
    await settle();
    feed.say(message(other(1, 'event', 'asked')));
    await settle();
    expect(conversation.turns.at(-1)?.happened).toBe('asked');
    // Somebody may come at any time, also while the chat is closed.
    feed.say(caughtUp);
    await settle();
    conversation.attendTo(false);
    await settle();
    expect(feed.aborted).toBe(false);
  });

  test('can leave an address when nobody is there, and it is forgotten with the conversation', async () => {
    const { conversation } = openTab();
    const until = '2026-11-26T09:00:00Z';
    const away = json(200, { status: 'away', until });
    const desk = openDesk(away, stream().reply, away, stream().reply);
    conversation.attendTo(true);
    await conversation.handOff();
    expect(conversation.absence).toEqual({ until });
    await conversation.handOff('you@example.com');
    expect(desk.asked.find(({ body }) => (body as { email?: string } | undefined)?.email)).toBeTruthy();
    expect(conversation.absence).toEqual({ until, email: 'you@example.com' });
    conversation.startOver();
    expect(conversation.absence).toBeUndefined();
  });

  test('is asked for an address again after a reload, as long as none was left', async () => {
    const until = '2026-11-26T09:00:00Z';
    const afterReload = async () => {
      const { conversation } = openTab();
      openDesk(history('c.1.0', other(1, 'event', 'away')), json(200, { status: 'away', until }));
      conversation.restore();
      await settle();
      return conversation;
    };
    const { conversation } = openTab();
    openDesk(json(200, { status: 'away', until }));
    await conversation.handOff();
    const again = await afterReload();
    expect(again.absence).toEqual({ until });
    await again.handOff('you@example.com');
    expect((await afterReload()).absence).toBeUndefined();
  });
});

test('a page can keep to itself what it is', async () => {
  const { conversation } = openTab(undefined, { page: 'none' });
  vi.spyOn(document, 'referrer', 'get').mockReturnValue('https://shop.example/');
  const desk = openDesk(says(...DELIVERED));
  conversation.submit('Hello');
  await settle();
  expect(desk.asked[0]?.body).toEqual({ sessionId: expect.any(String), message: 'Hello' });
});
