import { describe, expect, test } from 'vitest';
import type { StoredMessage } from '../src/api';
import { avatar, eventText, goesOn } from '../src/people';
import { personOf, turnsOf } from '../src/turn';

let place = 0;
const message = (role: StoredMessage['role'], content: string, more: Partial<StoredMessage> = {}): StoredMessage => ({
  id: `m${++place}`,
  place,
  role,
  content,
  status: 'complete',
  createdAt: place * 1000,
  ...more,
});
const maya = { name: 'Maya Olsen' };

describe('a conversation with a person', () => {
  const turns = turnsOf([
    message('user', 'Hello?'),
    message('assistant', 'Hello.'),
    message('user', 'A person, please'),
    message('event', 'asked'),
    message('event', 'joined', maya),
    message('operator', 'I am Maya.', maya),
    message('user', 'Thank you', { seen: true }),
  ]);

  test('keeps everything in its order', () => {
    expect(
      turns.map(
        ({ question, replyText: answer, happened: event, person }) => question + answer || `${person ?? ''} ${event}`,
      ),
    ).toEqual(['Hello?Hello.', 'A person, please', ' asked', 'Maya Olsen joined', 'I am Maya.', 'Thank you']);
  });

  test('has no question that failed for want of an answer', () => {
    expect(new Set(turns.map(({ stage: state }) => state))).toEqual(new Set(['complete']));
  });

  test('knows who is answering, until they have left', () => {
    expect(personOf(turns)).toBe('Maya Olsen');
    expect(personOf(turns.slice(0, 3))).toBeUndefined();
    for (const event of ['left', 'closed', 'reopened'])
      expect(personOf([...turns, ...turnsOf([message('event', event, maya)])])).toBeUndefined();
  });
});

test('a question that nobody took has failed', () => {
  expect(turnsOf([message('user', 'Hello?')])[0]?.stage).toBe('failed');
});

describe('messages of one person', () => {
  const [one, two, late, event] = turnsOf([
    message('operator', 'One', { ...maya, createdAt: 0 }),
    message('operator', 'Two', { ...maya, createdAt: 119_999 }),
    message('operator', 'Late', { ...maya, createdAt: 240_000 }),
    message('event', 'joined', { ...maya, createdAt: 240_000 }),
  ]) as [never, never, never, never];

  test('go together for two minutes', () => {
    expect([goesOn(two, one), goesOn(late, two), goesOn(one, undefined)]).toEqual([true, false, false]);
  });

  test('do not go together with what is no message', () => {
    expect(goesOn(late, event)).toBe(false);
  });
});

test('an event that we do not know is not shown', () => {
  const [turn] = turnsOf([message('event', 'toString', maya)]) as [never];
  expect(eventText(turn, 'Wren')).toBe('');
});

test.each([
  ['Maya Olsen', 'MO'],
  ['Maya', 'M'],
  ['Maya van der Olsen', 'Mv'],
  ['🦊 Fox', '🦊F'],
])('the sign of %s is %s', (name, initials) => {
  expect(avatar(name).inner).toEqual([initials]);
});
