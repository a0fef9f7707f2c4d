/**
 * Every word the widget says to a visitor. Plain and short: first what happened, then what to do.
 *
 * English is part of the bundle; other languages are files with the same names (`locales/`), fetched when they are needed.
 * Names are a contract: pages override words by them. In braces stands what is put in when the word is said.
 */
const English = {
  openChat: 'Open chat',
  minimise: 'Minimise chat',
  defaultTitle: 'Assistant',
  defaultGreeting: 'Hello. How can we help?',
  aiAssistant: 'AI assistant',
  busy: 'Answering',
  reconnecting: 'Reconnecting',
  conversation: 'Conversation',
  you: 'You',
  ai: 'AI',
  answerContinues: 'The answer continues in the conversation.',
  newAnswer: 'New answer',
  today: 'Today',
  yesterday: 'Yesterday',
  yourMessage: 'Your message',
  askQuestion: 'Ask a question',
  askFollowUp: 'Ask a follow-up',
  keepAsking: 'Or keep asking {title}',
  send: 'Send message',
  stop: 'Stop answering',
  finePrint: 'Answers come from AI and can be wrong.',
  tooLong: 'Too long to send',
  unavailable: 'Chat is unavailable',
  stopped: 'You stopped this answer',
  lengthLimit: 'This answer reached its length limit',
  notSent: 'Not sent.',
  notSentYet: 'Not sent yet',
  willSend: 'Will send when you are back online',
  tryAgain: 'Try again',
  failedTitle: 'That answer did not arrive',
  failedText: 'Something went wrong on our side. Your question is saved, nothing was lost.',
  brokeOff: 'The connection dropped before the end.',
  limitedTitle: 'One moment, please',
  limitedBefore: 'You have sent a lot of messages in a short time. You can send again in ',
  limitedAfter: '. Your text is kept.',
  sendAgain: 'You can send again',
  offline: 'You are offline. Reconnecting…',
  online: 'Back online',
  tryNow: 'Try now',
  refusedTitle: 'Chat is not set up for this site',
  refusedBefore: 'If this is your site, add ',
  refusedAfter: ' to the allowed sites in Frontdesk.',
  newConversation: 'New conversation',
  startNewTitle: 'Start a new conversation?',
  startNewText: 'This one ends here. You can save the transcript first.',
  keepThis: 'Keep this one',
  startNew: 'Start new',
  copy: 'Copy',
  copyAnswer: 'Copy answer',
  copied: 'Copied',
  code: 'Code',
  table: 'Table',
  seen: 'Seen',
  loading: 'Loading your conversation',
  suggestions: 'Suggested questions',
  privacyPolicy: 'Privacy policy',
  sources: 'Sources',
  moreOptions: 'More options',
  talkToPerson: 'Talk to a person',
  away: 'The team is away',
  awayUntil: 'The team is away until {time}',
  leaveEmail: 'Leave your email and we will write back.',
  email: 'Email',
  sendEmail: 'Send',
  emailKept: 'Thanks. We will write to {email}.',
  saveTranscript: 'Save transcript',
  sound: 'Sound',
  on: 'On',
  off: 'Off',
  deleteThis: 'Delete this conversation',
  deleteTitle: 'Delete this conversation?',
  deleteText: 'It is removed for you and for us. This cannot be undone.',
  keepIt: 'Keep it',
  delete: 'Delete',
  deleted: 'Conversation deleted',
  notDone: 'That did not work',
  notDoneText: 'Nothing was changed. Please try again in a moment.',
  goodAnswer: 'Good answer',
  badAnswer: 'Bad answer',
  thanks: 'Thanks for telling us',
  noted: 'Thanks, noted',
  ratingRemoved: 'Rating removed',
  whatWentWrong: 'What went wrong?',
  incorrect: 'Not correct',
  outdated: 'Out of date',
  unanswered: 'Did not answer',
  unclear: 'Hard to follow',
  tellMore: 'Tell us more (optional)',
  sendFeedback: 'Send feedback',
  close: 'Close',
  dismiss: 'Dismiss preview',
  hereNow: 'Here now',
  toPerson: 'You are talking to a person.',
  asked: 'You asked for a person. We told the team.',
  closed: 'This conversation is closed.',
  startNewOne: 'Start a new one',
  introduction: '{title} is an AI assistant and answers day or night.',
  answering: '{title} is answering',
  tooLongBy: '{count} over',
  sendAgainIn: 'You can send again in {time}',
  unreadMessages: { one: 'Open chat, {count} unread message', other: 'Open chat, {count} unread messages' },
  newMessages: { one: '{count} new message', other: '{count} new messages' },
  sourceNumber: 'Source {number}: {title}',
  joined: '{name} joined. You are talking to a person now.',
  left: '{name} left. {title} is answering again.',
  typing: '{name} is typing',
  replyTo: 'Reply to {name}',
};

/** A word that depends on a number has a form for each of the language's plural categories, at least `other`. */
type Plural = Partial<Record<Intl.LDMLPluralRule, string>> & { other: string };
type WordList = typeof English;
/** The words without numbers in them. */
type Plain = Omit<WordList, 'unreadMessages' | 'newMessages'>;

/** A language and its words. */
export interface Voice {
  language: string;
  words: WordList;
}

/** The words of the chat that is speaking: several chats of one page may speak several languages. */
export let Words = English;
/** Its language, as a BCP 47 tag. */
export let language = 'en';

/** What a word is called here. The build puts short names in the place of long ones, and here the rule for it (`words.mjs`). */
export const nameHere = (name: string) => name as keyof Plain;

/** Puts a chat's own words in the place of English ones; what it has no words for stays English. */
export function voiceOf(language: string, ...lists: object[]): Voice {
  const words: Record<string, unknown> = { ...English };
  for (const list of lists) for (const [name, word] of Object.entries(list)) words[nameHere(name)] = word;
  return { language, words: words as WordList };
}

/** To be called by a chat before it says anything. */
export function speak(voice: Voice): void {
  ({ language, words: Words } = voice);
}

/** A word with what belongs into its braces; a `count` also chooses the plural form. */
export function fill(word: string | Plural, values: Record<string, string | number>): string {
  const form =
    typeof word === 'string'
      ? word
      : (word[new Intl.PluralRules(language).select(values.count as number)] ?? word.other);
  return form.replace(/{(\w+)}/g, (braces, name) => `${values[name] ?? braces}`);
}

export const answering = (title: string) => fill(Words.answering, { title });
export const sendAgainIn = (time: string) => fill(Words.sendAgainIn, { time });
export const typing = (name: string) => fill(Words.typing, { name });
