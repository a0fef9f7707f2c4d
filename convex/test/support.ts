import { convexTest, type TestConvex } from 'convex-test';
import { internal } from '../functions/_generated/api';
import schema from '../functions/schema';

export const modules = import.meta.glob(['../functions/**/*.{ts,js}', '!../functions/**/*.d.ts']);

export type Deployment = TestConvex<typeof schema>;

/** An empty deployment that refuses what goes over Convex's limits for a transaction. */
export const deployment = (): Deployment => convexTest({ schema, modules, transactionLimits: true });

export const SITE = '00000000-0000-7000-8000-000000000001';

/** An id that sorts by its number. */
export const id = (n: number) => `00000000-0000-7000-8000-${n.toString(16).padStart(12, '0')}`;

export const NODE = '00000000-0000-7000-8000-000000000002';

let minted = 1000;
export const mint = () => id(minted++);

/** A visitor's message, not sent yet. */
export const turn = (session: string, text: string, more: Record<string, unknown> = {}) => ({
  site: SITE,
  session,
  secret: '',
  text,
  conversation: mint(),
  visitorMessage: mint(),
  answer: mint(),
  node: NODE,
  now: 1000,
  historyLimit: 30,
  historySince: -Number.MAX_SAFE_INTEGER,
  ...more,
});

/** The end of an answer, not stored yet. */
export const ending = (answer: string, text: string, more: Record<string, unknown> = {}) => ({
  site: SITE,
  answer,
  text,
  status: 'complete' as const,
  now: 2000,
  ...more,
});

export async function open(t: Deployment, args: ReturnType<typeof turn>) {
  const opening = await t.mutation(internal.turns.open, args);
  if (opening.kind !== 'opened') throw new Error(`not opened: ${opening.kind}`);
  return opening;
}

/** A whole turn: a message and its answer. */
export async function say(
  t: Deployment,
  session: string,
  text: string,
  answer: string,
  more: Partial<ReturnType<typeof turn>> = {},
) {
  const opened = await open(t, turn(session, text, more));
  const { site = SITE, now = 2000 } = more;
  await t.mutation(internal.turns.close, ending(opened.answer, answer, { site, now }));
  return opened;
}

export const thread = (t: Deployment, session: string, limit = 100) =>
  t.query(internal.conversations.sessionThread, { site: SITE, session, secret: '', limit });

/** Everything that is stored, to see whether a call has changed something. */
export const everything = (t: Deployment) =>
  t.run(async (ctx) => {
    const tables = Object.keys(schema.tables) as (keyof typeof schema.tables)[];
    return Promise.all(tables.map((table) => ctx.db.query(table).collect()));
  });
