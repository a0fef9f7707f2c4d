/**
 * Every word the widget says to a visitor. Plain and short: first what happened, then what to do.
 *
 * A constant enum, because the build puts its values where they are used, which a constant would not be.
 */
export enum Words {
  openChat = 'Open chat',
  minimise = 'Minimise chat',
  defaultTitle = 'Assistant',
  defaultGreeting = 'Hello. How can we help?',
  aiAssistant = 'AI assistant',
  reconnecting = 'Reconnecting',
  conversation = 'Conversation',
  you = 'You',
  ai = 'AI',
  answerContinues = 'The answer continues in the conversation.',
  newAnswer = 'New answer',
  today = 'Today',
  yesterday = 'Yesterday',
  yourMessage = 'Your message',
  askQuestion = 'Ask a question',
  askFollowUp = 'Ask a follow-up',
  send = 'Send message',
  stop = 'Stop answering',
  finePrint = 'Answers come from AI and can be wrong.',
  tooLong = 'Too long to send',
  unavailable = 'Chat is unavailable',
  stopped = 'You stopped this answer',
  lengthLimit = 'This answer reached its length limit',
  notSent = 'Not sent.',
  notSentYet = 'Not sent yet',
  willSend = 'Will send when you are back online',
  tryAgain = 'Try again',
  failedTitle = 'That answer did not arrive',
  failedText = 'Something went wrong on our side. Your question is saved, nothing was lost.',
  brokeOff = 'The connection dropped before the end.',
  limitedTitle = 'One moment, please',
  limitedBefore = 'You have sent a lot of messages in a short time. You can send again in ',
  limitedAfter = '. Your text is kept.',
  sendAgain = 'You can send again',
  offline = 'You are offline. Reconnecting…',
  online = 'Back online',
  tryNow = 'Try now',
  refusedTitle = 'Chat is not set up for this site',
  refusedBefore = 'If this is your site, add ',
  refusedAfter = ' to the allowed sites in Frontdesk.',
  newConversation = 'New conversation',
  startNewTitle = 'Start a new conversation?',
  startNewText = 'This one ends here.',
  keepThis = 'Keep this one',
  startNew = 'Start new',
  copy = 'Copy',
  copyAnswer = 'Copy answer',
  copied = 'Copied',
  code = 'Code',
  table = 'Table',
}

export const introduction = (title: string) => `${title} is an AI assistant and answers day or night.`;
export const answering = (title: string) => `${title} is answering`;
export const tooLongBy = (count: string) => `${count} over`;
export const sendAgainIn = (time: string) => `You can send again in ${time}`;
