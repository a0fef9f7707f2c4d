// Reading pages, and making this one like another.

const PATIENCE = 15_000;

/** A page as a document, with the address it was found at; of a form that is sent, if there is one. A request of this kind
 * parses markup without handing it to a script. */
export function readPage(address, form) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open(form ? "POST" : "GET", address);
    request.responseType = "document";
    request.timeout = PATIENCE;
    request.addEventListener("load", () => {
      if (!request.response || request.status >= 500) reject(new Error(`the server answered ${request.status}`));
      else resolve({ page: request.response, address: request.responseURL, isDone: request.status < 400 });
    });
    for (const end of ["error", "timeout", "abort"]) {
      request.addEventListener(end, () => reject(new Error("the server did not answer")));
    }
    request.send(form);
  });
}

/** The first among an element and those after it that is the same as another. */
function findSame(element, other) {
  let found = element;
  while (found && !found.isEqualNode(other)) found = found.nextElementSibling;
  return found;
}

/** Makes the children of one element those of another, and leaves alone those that are the same, wherever they have moved to. */
export function adoptChildren(element, other) {
  let rest = element.firstElementChild;
  const goOnAt = (child) => {
    while (rest !== child) {
      const gone = rest;
      rest = gone.nextElementSibling;
      gone.remove();
    }
  };
  for (const child of [...other.children]) {
    const same = findSame(rest, child);
    if (same) {
      goOnAt(same);
      rest = same.nextElementSibling;
    } else element.insertBefore(child, rest);
  }
  goOnAt(null);
}

/** Makes an element like another of its kind; itself it stays, with the focus on it. */
export function adopt(element, other) {
  if (!element || !other || element.isEqualNode(other)) return;
  for (const { name } of [...element.attributes]) if (!other.hasAttribute(name)) element.removeAttribute(name);
  for (const { name, value } of [...other.attributes]) {
    if (element.getAttribute(name) !== value) element.setAttribute(name, value);
  }
  adoptChildren(element, other);
}

/** What an element is found by on another page: a row by its conversation, since its address says what is looked for. */
function selectorOf(element) {
  const row = element?.closest?.("li[data-id]");
  if (row && element.matches(".cv")) return `[data-id="${CSS.escape(row.dataset.id)}"] .cv`;
  const name = ["id", "href", "name"].find((attribute) => element?.getAttribute?.(attribute));
  return name && `#main [${name}="${CSS.escape(element.getAttribute(name))}"]`;
}

/** Runs a change of the page, and keeps the focus on the element of the same name. */
export function keepingFocus(change) {
  const focused = document.activeElement;
  const selector = selectorOf(focused);
  change();
  if (!selector || document.activeElement === focused) return;
  document.querySelector(selector)?.focus({ preventScroll: true });
}
