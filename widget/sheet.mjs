// A style sheet as its rules, whose selectors can be written in any order, and whose declarations in any in which none undoes another.

/** Selectors and declarations of its rules, and between them whatever is neither. */
export function readSheet(css) {
  return css.split(/(\{[^{}]*\})/).flatMap((text) => {
    if (/^\{.*\}$/.test(text)) return { declarations: text.slice(1, -1).split(';') };
    const [, other, selectors] = /^(.*[{}])?(.*)$/s.exec(text);
    // Commas in brackets belong to a selector.
    return [other ?? '', { selectors: selectors.split(/,(?![^()]*\))/) }];
  });
}

const propertyOf = (declaration) => declaration.slice(0, declaration.indexOf(':'));

/** Every property that the sheet sets. */
export const propertiesOf = (sheet) => [
  ...new Set(sheet.flatMap(({ declarations = [] }) => declarations.map(propertyOf))),
];

/** Every selector that stands beside another one. */
export const selectorsOf = (sheet) => [
  ...new Set(sheet.flatMap(({ selectors = [] }) => (selectors.length > 1 ? selectors : []))),
];

/** Whether one property also sets the other one, and so has to come first. */
const includes = (one, other) =>
  one === 'all' ||
  other.startsWith(`${one}-`) ||
  (one === 'font' && other === 'line-height') ||
  (one === 'inset' && /^(top|bottom|left|right)$/.test(other)) ||
  (one === 'border-radius' && /^border-.+-radius$/.test(other));

/** Whether the sheet means the same in this order. */
export const isSafe = (order) =>
  order.every((one, index) => !order.slice(0, index).some((other) => includes(one, other)));

/** The sheet with its properties and selectors in the order of these; those that are in neither come last. */
export function writeSheet(sheet, properties, selectors = []) {
  const byProperty = sorter(properties, propertyOf);
  const bySelector = sorter(selectors, (selector) => selector);
  return sheet
    .map((part) => {
      if (part.declarations) return `{${[...part.declarations].sort(byProperty).join(';')}}`;
      return part.selectors ? [...part.selectors].sort(bySelector).join() : part;
    })
    .join('');
}

function sorter(order, nameOf) {
  const place = new Map(order.map((name, index) => [name, index]));
  const rank = (part) => place.get(nameOf(part)) ?? order.length;
  return (one, other) => rank(one) - rank(other);
}
