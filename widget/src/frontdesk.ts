/** What a page can do with its chats: the types of the JS API, and the name `Frontdesk` that holds it. */

/** What a chat can be given. Attributes of the script tag and of `<frontdesk-chat>` have the same names, as `data-…`. */
export interface FrontdeskOptions {
  /** Where messages are sent; may be relative to the page. */
  apiUrl: string;
  /** The site's public key. */
  apiKey: string;
  title?: string;
  welcomeMessage?: string;
  inputPlaceholder?: string;
  /** The corner: `left`, or else right. */
  position?: string;
  /** `#rgb` or `#rrggbb`. */
  accentColor?: string;
  /** `light` or `dark`, or else what the visitor's system says. */
  theme?: string;
  /** `local` or `session`, or else the memory of the page. */
  storage?: string;
  /** `required`: nothing is stored on the device before `consent(true)`. */
  consent?: string;
  /** `none`: messages do not say which page they were sent from. */
  page?: string;
  /** A language tag; without it the page's language. */
  locale?: string;
  /** Words in the place of the chat's own, by name; as an object or as JSON. */
  words?: string | object;
  /** Questions to begin with; as an array or as JSON. */
  suggestions?: string | string[];
  /** Hosts whose images may be shown in answers; as an array or as JSON. */
  imageHosts?: string | string[];
  /** An element, or a selector for one, that the chat fills, in place of a corner of the page. */
  target?: string | Element;
}

/** What happens in a chat, and what listeners are given. */
export interface FrontdeskEvents {
  /** The chat is on the page. */
  ready: undefined;
  open: undefined;
  close: undefined;
  /** The visitor sends a message. */
  message: { text: string };
  /** An answer has come to its end. */
  answer: { id: string; text: string };
  /** Something did not work: `unsent`, `limited`, `failed`, `interrupted` or `refused`; `code` is the server's, if it said. */
  error: { reason: string; code?: string };
  /** How many answers the visitor has not seen. */
  unread: { count: number };
}

/** One chat of a page. */
export interface FrontdeskChat {
  open(): void;
  close(): void;
  toggle(): void;
  /** Opens the chat and sends a message for the visitor. */
  send(text: string): void;
  /** Says who the visitor is, by a token that the site's server signed; without a token, that they have signed out. */
  identify(visitor?: { token?: string }): void;
  /** Ends the conversation; the next message begins another one. */
  reset(): void;
  /** Whether the chat may keep anything on the visitor's device. */
  consent(given: boolean): void;
  /** Takes the chat off the page and lets go of everything. */
  destroy(): void;
  /** Calls the listener whenever it happens, until the function that is returned is called. */
  on<Name extends keyof FrontdeskEvents>(event: Name, listener: (detail: FrontdeskEvents[Name]) => void): () => void;
}

type Call = [name: string, ...values: never[]];

/** The page's name for its chats. What is called on it goes to the first chat, and waits if there is none yet. */
export interface Frontdesk extends FrontdeskChat {
  /** Another chat. Without what it needs the console says what is missing, and there is none. */
  create(options: FrontdeskOptions): FrontdeskChat | undefined;
  /** Makes calls like `['open']`, so that a page can make them before this script is here, on a plain array. */
  push(...calls: Call[]): void;
}

const METHODS = ['open', 'close', 'toggle', 'send', 'identify', 'reset', 'consent', 'destroy'];

/** Makes the API over all chats that `mount` puts on the page. */
export function createFrontdesk(
  mount: (options: FrontdeskOptions, gone: () => void) => FrontdeskChat | undefined,
): Frontdesk {
  let first: FrontdeskChat | undefined;
  const waiting: Call[] = [];

  function call([name, ...values]: Call): unknown {
    if (name === 'create') return frontdesk.create(...(values as unknown as [FrontdeskOptions]));
    if (first) return (first as never as Record<string, (...values: never[]) => unknown>)[name]?.(...values);
    waiting.push([name, ...values]);
    return undefined;
  }

  const frontdesk = {
    create(options: FrontdeskOptions) {
      const chat = mount(options, () => {
        if (first === chat) first = undefined;
      });
      first ??= chat;
      if (chat === first) for (const early of waiting.splice(0)) call(early);
      return chat;
    },
    push: (...calls: Call[]) => calls.forEach(call),
    on(event: string, listener: (detail: unknown) => void) {
      let wanted = true;
      call(['on', event, (detail: unknown) => wanted && listener(detail)] as unknown as Call);
      return () => {
        wanted = false;
      };
    },
  } as Frontdesk;
  for (const name of METHODS) frontdesk[name as 'open'] = (...values) => call([name, ...values]) as undefined;
  return Object.freeze(frontdesk);
}
