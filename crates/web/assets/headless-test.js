// The headless test page: a plain client of the chat API, in both of its modes.
"use strict";

const form = document.getElementById("form");
const talk = document.getElementById("talk");
const state = document.getElementById("state");
const field = (name) => form.elements.namedItem(name).value.trim();

function say(text, mine) {
  const paragraph = document.createElement("p");
  paragraph.className = mine ? "mine" : "";
  paragraph.textContent = text;
  talk.append(paragraph);
  paragraph.scrollIntoView({ block: "nearest" });
  return paragraph;
}

/** Reads an NDJSON stream line by line. */
async function* events(response) {
  const decoder = new TextDecoder();
  let rest = "";
  for (const reader = response.body.getReader(); ; ) {
    const { done, value } = await reader.read();
    const lines = (rest + (done ? decoder.decode() : decoder.decode(value, { stream: true }))).split("\n");
    rest = done ? "" : lines.pop();
    for (const line of lines) if (line.trim()) yield JSON.parse(line);
    if (done) return;
  }
}

async function answer(response, bubble) {
  if (!response.ok) {
    const problem = await response.json();
    throw new Error(`${response.status} ${problem.code}: ${problem.error}`);
  }
  if (field("mode") === "json") {
    const reply = await response.json();
    bubble.textContent = reply.message;
    return reply.conversationId;
  }
  let conversation = "";
  for await (const event of events(response)) {
    if (event.type === "start") {
      conversation = event.conversationId;
      bubble.textContent = "";
    }
    if (event.type === "token") bubble.textContent += event.token;
    if (event.type === "done") bubble.textContent = event.message;
    if (event.type === "error") throw new Error(`${event.code}: ${event.error}`);
  }
  return conversation;
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const message = field("message");
  if (!message) return;
  const path = field("mode") === "json" ? "/v1/chat" : "/v1/chat/stream";
  say(message, true);
  const bubble = say("…", false);
  form.elements.namedItem("send").disabled = true;
  state.textContent = "Waiting for the answer";
  try {
    const response = await fetch(field("apiUrl").replace(/\/$/, "") + path, {
      method: "POST",
      headers: { "Content-Type": "application/json", "x-api-key": field("apiKey") },
      body: JSON.stringify({ sessionId: field("sessionId"), message }),
    });
    state.textContent = `Conversation ${await answer(response, bubble)}`;
  } catch (error) {
    state.textContent = `Failed: ${error.message}`;
    if (bubble.textContent === "…") bubble.remove();
  } finally {
    form.elements.namedItem("send").disabled = false;
  }
});

document.getElementById("clear").addEventListener("click", () => {
  talk.replaceChildren();
  state.textContent = "";
});
