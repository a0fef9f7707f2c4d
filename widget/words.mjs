// Gives the words of the chat short names in the bundle. Their own are a contract with pages and with the files of languages, which
// give words by them, so a short name follows from the long one, wherever that comes from.
import { parse } from 'acorn';

/**
 * The rule, of which the bundle has a copy: three letters and digits. No two words have the same short name, and a test sees to that. A
 * bundle of today may be given words that come later, so the rule stays as it is, and a new word gets a name that it leaves alone.
 */
export const shortNameOf = (name) => (12960 + (Number.parseInt(name, 36) % 21060)).toString(36);

/** Shortens `Words.name`, the words of `English`, and what finds the name of a word that a page or a file gives. */
export function shortenWords(code) {
  const places = [];
  visit(parse(code, { ecmaVersion: 2022, sourceType: 'module' }));
  places.sort((one, other) => other.start - one.start);
  return places.reduce((text, { start, end, put }) => text.slice(0, start) + put + text.slice(end), code);

  function visit(node) {
    const { type, id, init, object, property, computed } = node;
    const replace = ({ start, end }, put) => places.push({ start, end, put });
    if (type === 'VariableDeclarator' && id.name === 'nameHere') replace(init, `${shortNameOf}`);
    if (type === 'VariableDeclarator' && id.name === 'English')
      for (const { key } of init.properties) replace(key, shortNameOf(key.name));
    if (type === 'MemberExpression' && /^Words\d*$/.test(object.name) && !computed)
      replace(property, shortNameOf(property.name));
    for (const child of Object.values(node).flat()) if (typeof child?.type === 'string') visit(child);
  }
}
