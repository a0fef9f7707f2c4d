import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { mergeMessage } from '../src/feed';
import { newTurn, type Turn } from '../src/turn';
import { json, openDesk, says, stream } from './desk';
import { assistant, inOneBrowser, openTab, said, seconds, user } from './tabs';

inOneBrowser();

describe('a message from the feed', () => {
  test('finds its place, in whatever order and however often it comes', () => {
    const stored = [
      user(1, 'One?', 'k1'),
      assistant(2, 'One.'),
      user(3, 'Two?'),
      assistant(4, 'Two.'),
      user(5, 'Three?', 'k3'),
      assistant(6, 'Thr', { status: 'interrupted' }),
    ];
    fc.assert(
      fc.property(fc.array(fc.constantFrom(0, 1, 2)), (pairs) => {
        const turns: Turn[] = [];
        // A question and its answer come together; pairs in any order, and the whole at the end.
        for (const pair of [...pairs, 0, 1, 2])
          for (const each of stored.slice(pair * 2, pair * 2 + 2)) mergeMessage(turns, each);
        expect(turns.map(({ question, replyText: answer, stage: state }) => [question, answer, state])).toEqual([
          ['One?', 'One.', 'complete'],
          ['Two?', 'Two.', 'complete'],
          ['Three?', 'Thr', 'interrupted'],
        ]);
      }),
    );
  });

  test('stands before what has yet to be sent', () => {
    const waiting = newTurn('mine', 'Mine?', 1);
    const turns = [waiting];
    mergeMessage(turns, user(1, 'Theirs?', 'theirs'));
    mergeMessage(turns, assistant(2, 'Yes.'));
    expect(turns.map(({ question }) => question)).toEqual(['Theirs?', 'Mine?']);
  });

  test('confirms the message of ours that it is, and the answer takes the place of the one that failed', () => {
    const turns = [newTurn('mine', 'Mine?', 1)];
    mergeMessage(turns, user(1, 'Mine?', 'mine'));
    mergeMessage(turns, assistant(2, '', { id: 'failed', status: 'failed' }));
    mergeMessage(turns, assistant(2, 'Yes.', { id: 'anew' }));
    expect(turns).toHaveLength(1);
    expect(turns[0]).toMatchObject({ accepted: true, replyText: 'Yes.', answerId: 'anew', stage: 'complete' });
  });

  test('leaves the answer alone that is coming another way', () => {
    const mine = { ...newTurn('mine', 'Mine?', 1), stage: 'streaming' as const, replyText: 'Ye', answerId: 'a2' };
    const turns: Turn[] = [mine];
    mergeMessage(turns, user(1, 'Mine?', 'mine'), mine);
    mergeMessage(turns, assistant(2, 'Y', { status: 'streaming', seq: 1 }), mine);
    expect(turns).toEqual([mine]);
    expect(mine).toMatchObject({ replyText: 'Ye', questionPlace: 1 });
  });
});

describe('over connections that break anywhere', () => {
  /** A conversation as the server has it, change by change, and its feed: states since a cursor, then what comes. */
  function pretendServer(answers: string[]) {
    const changes: { place: number; length: number; over: boolean }[] = [];
    answers.forEach((text, index) => {
      changes.push({ place: index * 2 + 1, length: 0, over: true });
      for (let length = 0; length <= text.length; length++) changes.push({ place: index * 2 + 2, length, over: false });
      changes.push({ place: index * 2 + 2, length: text.length, over: true });
    });
    const stored = (change: (typeof changes)[number]) => {
      const { place, length, over } = change;
      const text = (answers[(place - 2) / 2] ?? '').slice(0, length);
      if (place % 2) return user(place, `Question ${place}?`, `k${place}`);
      return assistant(place, text, { status: over ? 'complete' : 'streaming', seq: length });
    };
    /** What a reader with this cursor is sent, when the server is at `now`. */
    function* since(cursor: number, now: number) {
      const latest = new Map(changes.slice(cursor, now).map((change) => [change.place, change]));
      const known = changes[cursor - 1];
      let at = cursor;
      for (const change of latest.values()) {
        at = changes.indexOf(change) + 1;
        // A reader who has the beginning of an answer gets the rest of it as words.
        if (!change.over && known?.place === change.place && !known.over) yield token(change, known.length, at);
        else yield { type: 'message', message: stored(change), cursor: `${at}` };
      }
      yield { type: 'state', answering: null, cursor: `${at}` };
      for (let next = now; next < changes.length; next++) {
        const change = changes[next] as (typeof changes)[number];
        const before = changes[next - 1];
        if (!change.over && change.length > 0) yield token(change, before?.length ?? 0, next + 1);
        else yield { type: 'message', message: stored(change), cursor: `${next + 1}` };
      }
    }
    const token = ({ place, length }: { place: number; length: number }, from: number, at: number) => ({
      type: 'token',
      messageId: `a${place}`,
      token: (answers[(place - 2) / 2] ?? '').slice(from, length),
      seq: length,
      cursor: `${at}`,
    });
    return { since, length: changes.length };
  }

  test('a tab holds what is stored, every word once', async () => {
    const words = fc.array(fc.string({ unit: fc.constantFrom('a', 'b', ' '), maxLength: 6 }), {
      minLength: 1,
      maxLength: 4,
    });
    const cuts = fc.array(fc.record({ progress: fc.nat(6), read: fc.nat(8) }), { maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(words, cuts, async (answers, plan) => {
        localStorage.clear();
        sessionStorage.clear();
        const shown: string[] = [];
        const { conversation, session, life } = openTab(() =>
          shown.push(
            ...conversation.turns.map(({ questionPlace: place = 0, replyText: answer }) => `${place} ${answer}`),
          ),
        );
        session.ensure();
        const server = pretendServer(answers);
        let now = 0;
        const replies = plan.map(({ progress, read }) => async (signal: AbortSignal | null | undefined) => {
          now = Math.min(now + progress, server.length);
          const from = Number(/after=(\d+)/.exec(desk.asked.at(-1)?.url ?? '')?.[1] ?? 0);
          now = Math.max(now, from);
          return says(...[...server.since(from, now)].slice(0, read))(signal);
        });
        const rest = async (signal: AbortSignal | null | undefined) => {
          const from = Number(/after=(\d+)/.exec(desk.asked.at(-1)?.url ?? '')?.[1] ?? 0);
          return says(...server.since(from, Math.max(now, from)))(signal);
        };
        const desk = openDesk(
          json(200, { messages: [], nextCursor: null, eventsCursor: null }),
          ...replies,
          rest,
          stream().reply,
        );
        conversation.restore();
        conversation.attendTo(true);
        await seconds(200);
        expect(said(conversation)).toEqual(
          answers.map((text, index) => [`Question ${index * 2 + 1}?`, text, 'complete']),
        );
        // At no time was there a word too many.
        const whole = answers.map((text, index) => `${index * 2 + 1} ${text}`);
        expect(shown.filter((each) => !whole.some((text) => text.startsWith(each)))).toEqual([]);
        life.abort();
      }),
      { numRuns: 60 },
    );
  });
});
