/**
 * Who the visitor is to the server, and what the browser keeps of the chat.
 *
 * Nothing is written before the visitor opens the chat, and nothing that outlives the tab before they send a message; where
 * the page asks for consent, nothing before that. Storage may be blocked or full: then everything lives in memory for as long
 * as the page does.
 */

import type { Config } from './config';

/** Whoever holds both can read the conversation, so the secret never appears in an address. */
export interface Identity {
  id: string;
  secret: string;
}

/** What this tab must remember across a reload. */
export interface TabState {
  open?: boolean;
  draft?: string;
  /** No sounds. */
  quiet?: boolean;
  /** The team is away, and does not know yet where to write to. */
  away?: { until?: string | null };
  /** Messages the server has not confirmed yet. */
  unsent?: { key: string; question: string; askedAt: number }[];
}

export interface Session {
  /** Names the visitor's tabs on this site. */
  name: string;
  /** The site's signed word for who the visitor is. Kept in memory alone. */
  token: string;
  /** The identity, if the visitor has one already. */
  current(): Identity | undefined;
  /** The identity, made and stored now if there is none. */
  ensure(): Identity;
  /** Ends the session: the next message begins another one. `elsewhere` if another tab has done so. */
  forget(elsewhere?: boolean): void;
  /** Whether anything may be stored. What there is moves to where it may be. */
  consent(given: boolean): void;
  tabState(): TabState;
  updateTab(change: TabState): void;
}

export function openSession({ base, apiKey, storage, consent }: Config): Session {
  const name = `frontdesk ${base} ${apiKey}`;
  let allowed = consent !== 'required';
  const identity = keep<Identity>(name, storage);
  const tab = keep<TabState>(`${name} tab`, storage === 'local' ? 'session' : storage);

  /** One value under one name, kept in the chosen storage and, where that fails or may not be, in memory. */
  function keep<Value>(name: string, kind: string) {
    let memory: Value | undefined;
    // There is no storage named memory, so nothing is ever kept there.
    const storage = () => window[`${allowed ? kind : 'no'}Storage` as 'localStorage'];
    return {
      read(): Value | undefined {
        try {
          return JSON.parse(storage().getItem(name) as string) ?? memory;
        } catch {
          return memory;
        }
      },
      write<Written extends Value | undefined>(value?: Written, quietly?: boolean): Written {
        memory = value;
        try {
          if (value) storage().setItem(name, JSON.stringify(value));
          else if (!quietly) storage().removeItem(name);
        } catch {
          // Blocked or full: the copy in memory is all there is.
        }
        return value as Written;
      },
    };
  }

  return {
    name,
    token: '',
    current: identity.read,
    ensure: () => identity.read() ?? identity.write({ id: randomId(16), secret: randomId(32) }),
    forget: (elsewhere) => identity.write(undefined, elsewhere),
    consent(given) {
      const [who, what] = [identity.read(), tab.read()];
      identity.write();
      tab.write();
      allowed = given;
      // A visitor who was here before, and had agreed, is the same visitor.
      identity.write(who ?? identity.read());
      tab.write(what ?? tab.read());
    },
    tabState: () => tab.read() ?? {},
    updateTab(change) {
      const state = { ...tab.read(), ...change };
      tab.write(Object.values(state).flat().some(Boolean) ? state : undefined);
    },
  };
}

/** Random bytes as base64url text. `crypto.randomUUID` is missing on pages without https, so it is not used. */
export function randomId(bytes: number): string {
  const random = String.fromCharCode(...crypto.getRandomValues(new Uint8Array(bytes)));
  return btoa(random).replace(/[+/=]/g, (sign) => '-_'['+/'.indexOf(sign)] ?? '');
}
