import { describe, expect, test, vi } from 'vitest';
import { createLink } from '../src/link';
import type { Turn } from '../src/turn';
import { json, openDesk, says, settle, stream, unreachable } from './desk';
import { assistant, caughtUp, history, inOneBrowser, look, message, openTab, said, seconds, user } from './tabs';

inOneBrowser();

describe('an open chat', () => {
  test('goes on after the history with the feed, and shows what is said elsewhere as it is said', async () => {
    const { conversation, session } = openTab();
    const { id, secret } = session.ensure();
    const feed = stream();
    const desk = openDesk(history('c.2.0', user(1, 'One?', 'k1'), assistant(2, 'One.')), feed.reply);
    conversation.restore();
    conversation.attendTo(true);
    await settle();
    expect(desk.asked[1]).toMatchObject({
      method: 'GET',
      url: `https://desk.example/v1/sessions/${id}/events?after=c.2.0`,
      headers: { 'x-session-secret': secret },
    });
    feed.say(message(user(3, 'Two?', 'k2')));
    feed.say(message(assistant(4, '', { status: 'streaming', seq: 0 })));
    feed.say({ type: 'state', answering: { role: 'assistant', messageId: 'a4' }, cursor: 'c.4.0' });
    feed.say({ type: 'token', messageId: 'a4', token: 'Tw', seq: 2, cursor: 'c.4.2' });
    await settle();
    expect(said(conversation).at(-1)).toEqual(['Two?', 'Tw', 'streaming']);
    expect(conversation.isBusy()).toBe(true);
    feed.say(message(assistant(4, 'Two.')));
    feed.say(caughtUp);
    await settle();
    expect(said(conversation)).toEqual([
      ['One?', 'One.', 'complete'],
      ['Two?', 'Two.', 'complete'],
    ]);
    expect(conversation.isBusy()).toBe(false);
  });

  test('comes back with the last cursor after a drop, and nothing is shown twice', async () => {
    const { conversation, session } = openTab();
    session.ensure();
    const feed = stream();
    const desk = openDesk(
      history('c.0.0'),
      feed.reply,
      unreachable,
      says(
        { type: 'token', messageId: 'a2', token: 'One', seq: 3, cursor: 'c.2.3' },
        { type: 'token', messageId: 'a2', token: '.', seq: 4, cursor: 'c.2.4' },
      ),
      stream().reply,
    );
    conversation.restore();
    conversation.attendTo(true);
    await settle();
    feed.say(message(user(1, 'One?', 'k1')));
    feed.say(message(assistant(2, '', { status: 'streaming', seq: 0 })));
    feed.say({ type: 'token', messageId: 'a2', token: 'One', seq: 3, cursor: 'c.2.3' });
    await settle();
    feed.cut();
    await seconds(4);
    expect(desk.asked.slice(1, 4).map(({ url }) => url.split('?')[1])).toEqual([
      'after=c.0.0',
      'after=c.2.3',
      'after=c.2.3',
    ]);
    expect(said(conversation)).toEqual([['One?', 'One.', 'streaming']]);
  });

  test('does without where the server has no feed', async () => {
    const { conversation, session } = openTab();
    session.ensure();
    const desk = openDesk(history('c.0.0', user(1, 'One?'), assistant(2, 'One.')), json(404));
    conversation.restore();
    conversation.attendTo(true);
    await seconds(60);
    look(false);
    await seconds(60);
    expect(desk.asked).toHaveLength(2);
    expect(said(conversation)).toEqual([['One?', 'One.', 'complete']]);
  });

  test('begins anew where the server does not know the cursor any more', async () => {
    const { conversation, session } = openTab();
    session.ensure();
    const desk = openDesk(history('old', user(1, 'Old?')), json(400, { code: 'invalid_cursor' }), stream().reply);
    conversation.restore();
    conversation.attendTo(true);
    await seconds(2);
    expect(desk.asked[2]?.url).toMatch(/\/events$/);
    expect(conversation.turns).toEqual([]);
  });

  test('forgets what the server tells it to forget, but nothing that has yet to be sent', async () => {
    const { conversation, session } = openTab();
    session.ensure();
    const feed = stream();
    openDesk(
      history('c.2.0', user(1, 'One?'), assistant(2, 'One.')),
      stream().reply,
      json(429, { retryAfter: 60 }),
      feed.reply,
    );
    conversation.restore();
    conversation.attendTo(true);
    await settle();
    conversation.submit('Mine?');
    await settle();
    feed.say({ type: 'reset' });
    await settle();
    expect(said(conversation).at(-1)).toEqual(['Mine?', '', 'limited']);
  });

  test('leaves the feed while its own answer is on its way, and goes on after it where it was', async () => {
    const { conversation, session } = openTab();
    session.ensure();
    const feed = stream();
    const next = stream();
    const answer = says(
      { type: 'start', messageId: 'a2', seq: 0 },
      { type: 'done', message: 'One.', status: 'complete', seq: 4 },
    );
    const desk = openDesk(history('c.0.0'), feed.reply, answer, next.reply);
    conversation.restore();
    conversation.attendTo(true);
    await settle();
    conversation.submit('One?');
    await settle();
    expect(feed.aborted).toBe(true);
    expect(desk.asked[3]?.url).toMatch(/events\?after=c\.0\.0$/);
    const { key } = conversation.turns[0] as Turn;
    next.say(message(user(1, 'One?', key)));
    next.say(message(assistant(2, 'One.')));
    await settle();
    expect(said(conversation)).toEqual([['One?', 'One.', 'complete']]);
  });

  test('hangs up without taking the connection for lost', async () => {
    const { conversation, session, life } = openTab();
    session.ensure();
    const link = createLink(() => {}, new AbortController().signal);
    const feed = stream();
    openDesk(history('c.0.0'), feed.reply);
    conversation.restore();
    conversation.attendTo(true);
    await settle();
    life.abort();
    await seconds(60);
    expect([feed.aborted, link.down]).toEqual([true, false]);
  });
});

describe('nobody follows', () => {
  test('before the first message of a visitor', async () => {
    const desk = openDesk();
    openTab().conversation.attendTo(true);
    await seconds(10);
    expect(desk.asked).toEqual([]);
  });

  test('while the chat is closed or the tab is hidden, and then it goes on exactly there', async () => {
    const { conversation, session } = openTab();
    session.ensure();
    const feeds = [stream(), stream(), stream()];
    const desk = openDesk(history('c.2.0', user(1, 'One?'), assistant(2, 'One.')), ...feeds.map(({ reply }) => reply));
    conversation.restore();
    conversation.attendTo(true);
    await settle();
    feeds[0]?.say(caughtUp);
    await settle();
    conversation.attendTo(false);
    await settle();
    expect(feeds[0]?.aborted).toBe(true);
    conversation.attendTo(true);
    await settle();
    look(true);
    await seconds(100);
    expect(feeds[1]?.aborted).toBe(true);
    look(false);
    await settle();
    expect(desk.asked).toHaveLength(4);
    expect(desk.asked[3]?.url).toMatch(/after=c\.9\.0$/);
  });

  test('but somebody whose words are awaited: of the hidden tabs one at a time', async () => {
    const request = vi.fn(async (_name: string, _options: object, follow: () => Promise<void>) => follow());
    vi.stubGlobal('navigator', { onLine: true, locks: { request } });
    const { conversation, session } = openTab();
    session.ensure();
    const feed = stream();
    openDesk(history('c.2.0', user(1, 'One?'), assistant(2, 'One.')), feed.reply, stream().reply);
    conversation.restore();
    conversation.attendTo(true);
    await settle();
    feed.say({ type: 'state', answering: { role: 'operator' }, cursor: 'c.3.0' });
    await settle();
    expect(request).not.toHaveBeenCalled();
    look(true);
    await settle();
    expect(request).toHaveBeenCalledOnce();
    expect(request.mock.calls[0]?.[0]).toBe(session.name);
  });
});

describe('the tabs of a visitor', () => {
  test('show what one of them was told, without asking the server', async () => {
    const one = openTab();
    const other = openTab();
    one.session.ensure();
    const feed = stream();
    const idle = stream();
    const desk = openDesk(history('c.0.0'), feed.reply, history('c.0.0'), idle.reply);
    for (const { conversation } of [one, other]) {
      conversation.restore();
      conversation.attendTo(true);
      await settle();
    }
    feed.say(message(user(1, 'One?', 'k1')));
    feed.say(message(assistant(2, 'One.')));
    await settle();
    expect(desk.asked).toHaveLength(4);
    expect(said(other.conversation)).toEqual([['One?', 'One.', 'complete']]);
  });

  test('begin a new conversation together, and keep the new one', async () => {
    const one = openTab();
    const other = openTab();
    const before = one.session.ensure();
    openDesk(
      history('c.0.0', user(1, 'One?')),
      stream().reply,
      history('c.0.0', user(1, 'One?')),
      stream().reply,
      stream().reply,
    );
    for (const { conversation } of [one, other]) {
      conversation.restore();
      conversation.attendTo(true);
      await settle();
    }
    one.conversation.startOver();
    expect(other.conversation.turns).toEqual([]);
    const after = one.session.ensure();
    expect(after).not.toEqual(before);
    expect(other.session.ensure()).toEqual(after);
  });

  test('hear that the visitor has read what there is', async () => {
    const one = openTab();
    const other = openTab();
    one.session.ensure();
    openDesk();
    for (const { conversation } of [one, other]) conversation.attendTo(false);
    one.conversation.tellRead();
    expect(other.read).toHaveBeenCalledOnce();
    expect(one.read).not.toHaveBeenCalled();
  });

  test('of another visitor hear nothing', async () => {
    const one = openTab();
    const other = openTab();
    one.session.ensure();
    vi.spyOn(other.session, 'current').mockReturnValue({ id: 'somebody else', secret: '' });
    for (const { conversation } of [one, other]) conversation.attendTo(false);
    one.conversation.tellRead();
    expect(other.read).not.toHaveBeenCalled();
  });

  test('are each alone where there is no BroadcastChannel, and chat all the same', async () => {
    vi.stubGlobal('BroadcastChannel', undefined);
    const { conversation, session } = openTab();
    session.ensure();
    const feed = stream();
    openDesk(history('c.0.0'), feed.reply);
    conversation.restore();
    conversation.attendTo(true);
    await settle();
    feed.say(message(user(1, 'One?', 'k1')));
    await settle();
    expect(conversation.turns).toHaveLength(1);
  });
});
